use std::borrow::Cow;

use proptest::prelude::*;

use super::*;
use crate::model::secret::{SecretName, SecretValue};

fn redactor(values: &[(&str, &[u8])]) -> Redactor {
    let named = |(name, value): &(&str, &[u8])| -> (SecretName, SecretValue) {
        (name.parse().unwrap(), SecretValue::new(value.to_vec()))
    };
    Redactor::new(&values.iter().map(named).collect::<Vec<_>>()).unwrap()
}

fn patterns(text: &str) -> String {
    Redactor::patterns().redact_text(text).into_owned()
}

/// Cut where the places say.
fn in_pieces(redactor: &Redactor, bytes: &[u8], places: &[usize]) -> Vec<u8> {
    let mut places: Vec<usize> = places.iter().map(|at| at % (bytes.len() + 1)).collect();
    places.sort_unstable();
    let (mut stream, mut out, mut from) = (redactor.stream(), Vec::new(), 0);
    for to in places {
        stream.push(&bytes[from..to], &mut out);
        from = to;
    }
    stream.push(&bytes[from..], &mut out);
    stream.finish(&mut out);
    out
}

const RANDOM: &str = "x7Qm2Rk9Zt4Lw8Vb1Nc6Hd3Gf5Js0PaYuE7tWq2x";

/// Built at run time: a scanner of sources would take them for real ones.
fn planted() -> Vec<(&'static str, String)> {
    let r = RANDOM;
    let upper = r[..16].to_uppercase();
    vec![
        ("github-token", format!("ghp_{}", &r[..36])),
        ("github-token", format!("github_pat_{r}_{r}")),
        ("gitlab-token", format!("glpat-{}", &r[..20])),
        ("slack-token", format!("xoxb-2048-{r}")),
        (
            "slack-webhook",
            format!("hooks.slack.com/services/T1/B2/{r}"),
        ),
        ("stripe-key", format!("sk_live_{}", &r[..24])),
        ("npm-token", format!("npm_{}", &r[..36])),
        ("pypi-token", format!("pypi-AgE{r}{r}")),
        ("google-key", format!("AIza{}", &r[..35])),
        ("api-key", format!("sk-ant-api03-{r}")),
        ("api-key", format!("sk-proj-{r}")),
        ("aws-key-id", format!("AKIA{upper}")),
        ("jwt", format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{r}")),
    ]
}

/// What stands around a secret stays.
fn assigned() -> Vec<(String, String)> {
    let r = RANDOM;
    let stays = |before: &str, name: &str, after: &str| {
        (
            format!("{before}{r}{after}"),
            format!("{before}[redacted:{name}]{after}"),
        )
    };
    vec![
        stays("Authorization: Bearer ", "authorization", "\r\n"),
        stays("curl -H 'authorization: basic ", "authorization", "=' x"),
        stays("{\"Authorization\": \"Bearer ", "authorization", "\"}"),
        stays("sent Bearer ", "authorization", ", got 401"),
        stays("postgres://me:", "url-password", "@db:5432/x"),
        stays("https://", "url-password", "@example.org/x.git"),
        stays("password=", "assignment", "\n"),
        stays("aws_secret_access_key = ", "assignment", ""),
        stays("{\\\"SecretAccessKey\\\": \\\"", "assignment", "\\\"}"),
        stays("export API_KEY='", "assignment", "'; run"),
        stays("--token=", "assignment", " --x"),
    ]
}

#[test]
fn each_kind_is_replaced_by_its_name() {
    for (name, secret) in planted() {
        let text = format!("before {secret} after\n");
        assert_eq!(patterns(&text), format!("before [redacted:{name}] after\n"));
    }
    for (text, expected) in assigned() {
        let expected = expected.replace("]=' x", "]' x");
        assert_eq!(patterns(&text), expected);
    }
    assert_eq!(
        patterns("https://u:p@h/ https://u:$PW@h/ https://u:{pw}@h/"),
        "https://u:[redacted:url-password]@h/ https://u:$PW@h/ https://u:{pw}@h/"
    );
}

#[test]
fn a_private_key_goes_in_lines_and_in_one() {
    let line = RANDOM.repeat(2)[..64].to_owned();
    let gone = "[redacted:private-key]";
    let (begin, end) = (
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----END RSA PRIVATE KEY-----",
    );
    for prefix in ["", "  ", "12:30:01 | "] {
        let text = format!(
            "a\n{prefix}{begin}\n{prefix}Proc-Type: 4,ENC\n\n{prefix}{line}\n{prefix}{line}\n{prefix}{end}\nend\n"
        );
        assert_eq!(patterns(&text), text.replace(&line, gone));
    }
    let text = format!("{begin}\r\n{line}\r\nQUJD\r\n{end}\r\nQUJD\r\n");
    let expected = format!("{begin}\r\n{gone}\r\n{gone}\r\n{end}\r\nQUJD\r\n");
    assert_eq!(patterns(&text), expected);
    // A line that was redacted for another reason ends a key, as it did before.
    let token = &planted()[0].1;
    let text = format!("{begin}\n{token}\nQUJD\n");
    let expected = format!("{begin}\n[redacted:github-token]\nQUJD\n");
    assert_eq!(patterns(&text), expected);
    assert_eq!(patterns(&expected), expected);
    for newline in ["\\n", "\\r\\n", "\\\\n", " "] {
        let text = format!("{{\"k\": \"{begin}{newline}{line}{newline}{line}{newline}{end}\"}}");
        let rest = patterns(&text);
        assert!(
            !rest.contains(&RANDOM[..16]) && rest.contains(gone),
            "{rest}"
        );
    }
}

#[test]
fn what_stands_before_a_secret_may_hold_another() {
    let token = &planted()[0].1;
    let line = RANDOM.repeat(2)[..64].to_owned();
    let begin = "-----BEGIN RSA PRIVATE KEY-----";
    for (text, expected) in [
        (
            format!("https://{token}:x-oauth-basic@h/"),
            "https://[redacted:github-token]:[redacted:url-password]@h/".to_owned(),
        ),
        (
            format!("{begin}\n{token}: https://u:pw@h {line}\n"),
            format!(
                "{begin}\n[redacted:github-token]: https://u:[redacted:url-password]@h [redacted:private-key]\n"
            ),
        ),
        (
            format!("{begin}\n{token}Authorization: Bearer {line}\n"),
            format!("{begin}\n[redacted:github-token]: Bearer [redacted:private-key]\n"),
        ),
        (
            format!("https://hooks.slack.com/services/T1/B2/{RANDOM}:pw@"),
            "https://[redacted:slack-webhook]:pw@".to_owned(),
        ),
    ] {
        assert_eq!(patterns(&text), expected);
        assert_eq!(patterns(&expected), expected);
    }
}

#[test]
fn ordinary_text_stays() {
    let text = r#"
commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904
session 0192f0c1-2b3c-7d4e-8f90-a1b2c3d4e5f6 (token 17)
error[E0425]: cannot find value `token` in this scope
  --> src/parser/token.rs:12:34
let token = parser.next_token(); let password: String = read_line()?;
fn secret(name: &str) -> Option<Secret> { secret::values::get2(name) }
if auth.token == SessionToken2024 { password = config.password_v2; }
   Compiling regex-automata v0.4.18
sha256-RBVtZ8V6hW5C8bVSPPDPcnWVOPzHfDoxhYO7MLZBMxY=
secret: /run/secrets/db1_pass
Basic authentication-schemes and Bearer tokens are described-elsewhere.
git clone git@github.com:owner/repository.git https://example.org:8443/a@b
http://[::1]:8080/x postgres://$USER:$PASSWORD@localhost
task-list-with-sk-elements risk-assessment-2024 <div class="sk-circle sk-circle12">
-----BEGIN CERTIFICATE-----
MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ
-----END CERTIFICATE-----
text.starts_with("-----BEGIN PRIVATE KEY-----") and
-----BEGIN PRIVATE KEY-----
...
ordinary words
ghp_short AKIA123 eyJ.eyJ npm_install AIzaShort
password = "correct-horse-battery" token=$TOKEN api_key=${API_KEY}
[redacted:NPM_TOKEN] and [redacted:jwt] token=[redacted:assignment]
PWD=/home/me/tour.treeyard/guide-37353527 OLDPWD=/home/me/tour.treeyard/.homes/words-827ed4f1/home
"#;
    assert!(
        matches!(Redactor::patterns().redact_text(text), Cow::Borrowed(_)),
        "{}",
        patterns(text)
    );
    let not_a_folder = "DB_PWD=/home/me/tour.treeyard/guide-37353527";
    assert_eq!(patterns(not_a_folder), "DB_PWD=[redacted:assignment]");
    for file in [
        include_str!("lines.rs"),
        include_str!("values.rs"),
        include_str!("../event.rs"),
        include_str!("../code.rs"),
        include_str!("../../../Cargo.lock"),
        include_str!("../../../README.md"),
        include_str!("../../../ARCHITECTURE.md"),
    ] {
        let rest = patterns(file);
        for (before, after) in file.lines().zip(rest.lines()) {
            assert_eq!(before, after);
        }
    }
}

#[test]
fn values_go_in_every_form_and_overlap() {
    let redactor = redactor(&[
        ("A", b"abcdef123\n"),
        ("B", b"def123456"),
        ("C", b"12\n34\n56"),
    ]);
    let text = |text: &str| redactor.redact_text(text).into_owned();
    assert_eq!(text("<abcdef123456>"), "<[redacted:A]>");
    assert_eq!(text("<abcdef123def123456>"), "<[redacted:A][redacted:B]>");
    assert_eq!(
        text("YWJjZGVmMTIz / eGFiY2RlZjEyMw=="),
        "[redacted:A] / eG[redacted:A]w=="
    );
    assert_eq!(
        text("12\n34\n56 12\r\n34\r\n56 12\\n34\\n56"),
        "[redacted:C] [redacted:C] [redacted:C]"
    );
    assert_eq!(
        text("[redacted:A] [redacted:jwt]"),
        "[redacted:A] [redacted:jwt]"
    );
}

#[test]
fn a_line_without_an_end_is_not_kept() {
    let redactor = redactor(&[("A", b"abcdef123")]);
    let (mut stream, mut out) = (redactor.stream(), Vec::new());
    let token = format!(" eyJhbGciOiJIUzI1NiJ9.eyJ{}.", RANDOM);
    stream.push(token.as_bytes(), &mut out);
    for _ in 0..100 {
        stream.push(&[b'x'; 5000], &mut out);
    }
    stream.push(b" abcdef123 ", &mut out);
    stream.push(&[b'-'; 100_000], &mut out);
    assert!(out.len() > 80_000);
    stream.finish(&mut out);
    let start = String::from_utf8_lossy(&out[..40]).into_owned();
    assert!(
        start.starts_with(" [redacted:jwt] [redacted:A] ---"),
        "{start}"
    );
    assert_eq!(out.len(), " [redacted:jwt] [redacted:A] ".len() + 100_000);
    assert_eq!(stream.findings().count, 2);
}

/// Words that rules begin with, secrets, and what is between.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let secrets: Vec<String> = planted().into_iter().map(|(_, secret)| secret).collect();
    let lines: Vec<String> = assigned().into_iter().map(|(text, _)| text).collect();
    let words = [
        "password",
        "=",
        ": ",
        "\"",
        "\\",
        "\n",
        "\r\n",
        " ",
        "token",
        "://",
        "u:",
        ":pw@",
        "@",
        "Bearer ",
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----END",
        "\\n",
        "[redacted:jwt]",
        "[redacted:",
        "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0",
        "hunter22",
        "hun",
        "ter22",
        "]",
        "eyJ",
        ".",
        "ab",
    ];
    let word = prop_oneof![
        proptest::sample::select(secrets).prop_map(String::into_bytes),
        proptest::sample::select(lines).prop_map(String::into_bytes),
        proptest::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..8),
    ];
    proptest::collection::vec(word, 0..24).prop_map(|words| words.concat())
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let printable = proptest::collection::vec(0x20_u8..0x7f, 6..80);
    let lines = "[a-zA-Z0-9/+\"&ü%]{8,90}(\n[a-zA-Z0-9/+\"&ü%]{8,90}){0,3}";
    prop_oneof![printable, lines.prop_map(String::into_bytes)]
}

proptest! {
    #[test]
    fn where_it_is_cut_does_not_matter(
        text in text(),
        places in proptest::collection::vec(any::<usize>(), 0..20),
    ) {
        let redactor = redactor(&[("A", b"hunter22"), ("B", b"ter22\npassword")]);
        let whole = redactor.redact(&text).into_owned();
        prop_assert_eq!(in_pieces(&redactor, &text, &places), whole.clone());
        let bytes: Vec<usize> = (0..text.len()).collect();
        prop_assert_eq!(in_pieces(&redactor, &text, &bytes), whole);
    }

    /// Where a line is so long that it is not seen as a whole.
    #[test]
    fn long_lines_are_cut_anywhere_too(
        (before, between, after) in (text(), text(), text()),
        fill in proptest::sample::select(vec![b'x', b'-', b' ', b'=', b'\\']),
        lengths in (16_300_usize..16_500, 16_300_usize..33_000),
        places in proptest::collection::vec(any::<usize>(), 0..12),
    ) {
        let redactor = redactor(&[("A", b"hunter22"), ("B", b"ter22\npassword")]);
        let (one, two) = (vec![fill; lengths.0], vec![fill; lengths.1]);
        let text = [before, one, between, two, after].concat();
        let whole = redactor.redact(&text).into_owned();
        prop_assert!(in_pieces(&redactor, &text, &places) == whole);
        let every: Vec<usize> = (0..text.len()).step_by(997).collect();
        prop_assert!(in_pieces(&redactor, &text, &every) == whole);
    }

    #[test]
    fn twice_is_once(text in text()) {
        let redactor = redactor(&[("A", b"hunter22"), ("B", b"ter22\npassword")]);
        let once = redactor.redact(&text).into_owned();
        let twice = redactor.redact(&once).into_owned();
        prop_assert_eq!(
            String::from_utf8_lossy(&twice).into_owned(),
            String::from_utf8_lossy(&once).into_owned()
        );
    }

    #[test]
    fn no_value_survives(
        before in text(),
        value in value(),
        after in text(),
        places in proptest::collection::vec(any::<usize>(), 0..8),
    ) {
        let name: SecretName = "PLANTED".parse().unwrap();
        let Ok(redactor) = Redactor::new(&[(name, SecretValue::new(value.clone()))]) else {
            return Ok(());
        };
        let forms = super::encodings::forms(&value, &[]).unwrap();
        for form in &forms {
            let bytes = [&before[..], form, &after].concat();
            let out = in_pieces(&redactor, &bytes, &places);
            for form in &forms {
                let found = out.windows(form.len()).any(|part| part == form);
                prop_assert!(!found, "{:?}", String::from_utf8_lossy(&out));
            }
        }
    }
}
