//! What a person is shown is what there is, and their answer is for what they were shown.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::talk::{refused, session, with_input, yard, yard_with};
use crate::yard::{Yard, eventually, text};

/// Writes a file, and then another one.
const TWO: &str = r#"
format = 1
[[step]]
unordered = true
expect = { user = "notes" }
say = [{ call = "file.write", arguments = { path = "A.md", content = "one\n" } }]
[[step]]
unordered = true
expect.results = [{ tool = "file.write", failed = false }]
say = [{ call = "file.write", arguments = { path = "B.md", content = "two\n" } }]
"#;

fn in_columns(yard: &Yard, args: &[&str]) -> String {
    let mut command: Command = yard.command(env!("CARGO_BIN_EXE_treeyard"));
    let output = command.args(args).env("COLUMNS", "80").output().unwrap();
    text(&output.stdout)
}

/// The session `notes` asks for its second file, after somebody allowed the first.
fn allow_the_first(yard: &Yard) {
    yard.exits(0, &["approvals", "allow", "notes"]);
    yard.exits(5, &["send", "notes", "go on", "--wait"]);
    let shown = yard.exits(0, &["approvals", "show", "notes"]);
    assert!(shown.contains("file.write B.md"), "{shown}");
}

/// What `show` prints behind a flag.
fn id_behind(shown: &str, flag: &str) -> String {
    let mut words = shown.split_whitespace().skip_while(|word| *word != flag);
    words.nth(1).unwrap().to_owned()
}

#[test]
fn nothing_in_a_file_hides_what_stands_behind_it() {
    let yard = Yard::new();
    let line = r"printf 'a\033]0;\nhidden\r\n\302\235back\342\200\256\n' > f";
    yard.exits(0, &["run", "--name", "sly", "--", "sh", "-c", line]);
    let diff = yard.exits(0, &["diff", "sly"]);
    let end = "\n+a␛]0;\n+hidden␍\n+<U+009D>back<U+202E>\n";
    assert!(diff.ends_with(end), "{diff:?}");
}

#[test]
fn a_call_is_shown_whole() {
    let long = "x".repeat(500);
    let script = format!(
        r#"
format = 1
[[step]]
say = [{{ call = "file.write", arguments = {{ path = "A.md", content = "\u001b]0;\n{long}END\nrest\n" }} }}]
"#
    );
    let yard = yard_with("LOW", &script);
    yard.exits(5, &["run", "--name", "notes", "--prompt", "notes"]);
    let told = yard.exits(0, &["approvals", "show", "notes"]);
    for part in [
        "      | ␛]0;\n",
        "xEND\n      | rest\n",
        "|  +rest",
        "    path: A.md\n",
    ] {
        let part = part.replace("|  ", "| ");
        assert!(told.contains(&part), "{part}\n{told}");
    }
    let narrow = in_columns(&yard, &["approvals", "show", "notes"]);
    let is_narrow = |line: &str| line.chars().count() <= 80;
    assert!(narrow.lines().all(is_narrow), "{narrow}");
    assert!(
        narrow.contains("\n      ↪ x") && narrow.contains("END\n"),
        "{narrow}"
    );
    // Without an id it is printed with the answer.
    let allowed = yard.exits(0, &["approvals", "allow", "notes"]);
    assert!(allowed.contains("xEND\n      | rest\n"), "{allowed}");
    assert!(
        allowed.contains("the call that waited may run"),
        "{allowed}"
    );
}

#[test]
fn an_old_prompt_answers_for_no_other_call() {
    let yard = yard_with("LOW", TWO);
    yard.exits(5, &["run", "--name", "notes", "--prompt", "notes"]);
    let mut command: Command = yard.command(env!("CARGO_BIN_EXE_treeyard"));
    let mut chat = command
        .args(["chat", "notes"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut shown = BufReader::new(chat.stdout.take().unwrap()).lines();
    shown
        .by_ref()
        .map(Result::unwrap)
        .find(|line| line.contains("file.write A.md"))
        .unwrap();
    allow_the_first(&yard);
    chat.stdin.take().unwrap().write_all(b"y\n/quit\n").unwrap();
    let rest: Vec<String> = shown.map(Result::unwrap).collect();
    assert!(
        rest.iter().any(|line| line.contains("file.write B.md")),
        "{rest:?}"
    );
    let told = text(&chat.wait_with_output().unwrap().stderr);
    assert!(
        told.contains(" of notes waits no more; now it asks for "),
        "{told}"
    );
    assert_eq!(yard.events("FR-EVT-GUARD-009").len(), 1);
    assert_eq!(session(&yard, "notes")["state"], "BLOCKED");
}

#[test]
fn a_program_that_talks_is_shown_what_it_answers() {
    let yard = yard_with("LOW", TWO);
    let said = with_input(
        &yard,
        &["chat", "--json", "--name", "notes", "the notes"],
        "/quit\n",
    );
    let documents = text(&said.stdout);
    let asked = documents.lines().last().unwrap();
    let asked: serde_json::Value = serde_json::from_str(asked).unwrap();
    assert_eq!(asked["kind"], "approval");
    assert_eq!(asked["preview"]["args"]["path"], "A.md");
}

#[test]
fn an_id_answers_for_the_call_that_was_shown() {
    let yard = yard_with("LOW", TWO);
    yard.exits(5, &["run", "--name", "notes", "--prompt", "notes"]);
    let first = id_behind(&yard.exits(0, &["approvals", "show", "notes"]), "--call");
    allow_the_first(&yard);
    let second = id_behind(&yard.exits(0, &["approvals", "show", "notes"]), "--call");
    for verb in ["allow", "deny"] {
        let told = refused(&yard, &["approvals", verb, "notes", "--call", &first], 2);
        assert!(told.contains("waits no more"), "{told}");
        assert!(told.contains("file.write B.md"), "{told}");
        refused(
            &yard,
            &["approvals", verb, "notes", "--call", &second[..5]],
            2,
        );
    }
    assert_eq!(yard.events("FR-EVT-GUARD-009").len(), 1);
    // Several at once, and one answer.
    let answers: Vec<_> = (0..4)
        .map(|_| {
            let mut command: Command = yard.command(env!("CARGO_BIN_EXE_treeyard"));
            command.args(["approvals", "allow", "notes", "--call", &second[..6]]);
            command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    let done = answers
        .into_iter()
        .map(|mut one| one.wait().unwrap().success());
    assert_eq!(done.filter(|done| *done).count(), 1);
    assert_eq!(yard.events("FR-EVT-GUARD-009").len(), 2);
    yard.sound();
}

#[test]
fn an_agreement_is_to_what_was_shown() {
    let yard = yard("HIGH");
    let chat = [
        "chat",
        "--model",
        "far",
        "--read-only",
        "--name",
        "far",
        "hello there",
    ];
    with_input(&yard, &chat, "");
    let first = id_behind(&yard.exits(0, &["consent", "show", "far"]), "--plan");
    let agreed = yard.exits(0, &["consent", "allow", "far", "--plan", &first]);
    assert!(agreed.starts_with("far asks to send to away"), "{agreed}");
    yard.exits(5, &["send", "far", "more", "--wait"]);
    let second = id_behind(&yard.exits(0, &["consent", "show", "far"]), "--plan");
    for verb in ["allow", "deny"] {
        let told = refused(&yard, &["consent", verb, "far", "--plan", &first], 2);
        assert!(
            told.contains("what was shown of far waits no more"),
            "{told}"
        );
    }
    assert_eq!(yard.events("FR-EVT-CLOUD-002").len(), 1);
    yard.exits(0, &["consent", "allow", "far", "--plan", &second]);
    yard.sound();
}

#[test]
fn words_of_a_model_are_no_calls() {
    let script = r#"
format = 1
[[step]]
times = 9
unordered = true
text = "> shell.exec {}: ok\n< ok\n[it answered]\n- `> a.b`\n```\n<img src=x> [a](http://x)"
"#;
    let yard = yard_with("HIGH", script);
    let chat = with_input(
        &yard,
        &["chat", "--name", "sly", "--read-only", "hello there"],
        "/quit\n",
    );
    let said = text(&chat.stdout);
    assert_eq!(said.lines().count(), 6, "{said}");
    assert!(said.lines().all(|line| line.starts_with("  ")), "{said}");
    let thread = yard.exits(0, &["thread", "sly"]);
    assert!(
        thread.contains("\n    > shell.exec {}: ok\n    < ok\n"),
        "{thread}"
    );
    let markdown = yard.exits(0, &["thread", "sly", "--export", "markdown"]);
    let block = "\n````text\n> shell.exec {}: ok\n< ok\n[it answered]\n- `> a.b`\n```\n<img src=x> [a](http://x)\n````\n";
    assert!(markdown.contains(block), "{markdown}");
}

#[test]
fn who_waits_for_an_answer_is_told_why_there_is_none() {
    let script = r#"
format = 1
[[step]]
unordered = true
expect = { user = "hello" }
text = "Hello."
[[step]]
unordered = true
expect = { user = "more" }
error = { kind = "auth", message = "no such key" }
"#;
    let yard = yard_with("HIGH", script);
    with_input(
        &yard,
        &["chat", "--name", "talk", "--read-only", "hello there"],
        "/quit\n",
    );
    let told = refused(&yard, &["send", "talk", "more", "--wait"], 1);
    assert!(
        told.contains("talk is FAILED: its model got no answer (auth)"),
        "{told}"
    );
    assert!(told.contains("\n  treeyard retry "), "{told}");
}

#[test]
fn lists_keep_to_the_width_and_to_one_empty_line() {
    let script = format!(
        "format = 1\n[[step]]\nerror = {{ kind = \"invalid_request\", message = \"{}\" }}\n",
        "many words ".repeat(20)
    );
    let yard = yard_with("HIGH", &script);
    yard.exits(
        1,
        &["run", "--name", "long", "--read-only", "--prompt", "hello"],
    );
    let lists = [
        &["show", "long"][..],
        &["prices", "ls"],
        &["models", "ls"],
        &["models", "probe"],
    ];
    for args in lists {
        let told = in_columns(&yard, args);
        assert!(told.lines().count() > 2, "{args:?}");
        assert!(!told.contains("\n\n\n"), "{told}");
        let long = told.lines().find(|line| line.chars().count() > 80);
        assert_eq!(long, None, "{args:?}");
    }
    eventually("it failed", || yard.state_of("long") == "FAILED");
}
