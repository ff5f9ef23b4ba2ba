use std::future::pending;
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::model::chat::*;
use crate::model::redact::Redactor;
use crate::model::secret::SecretValue;
use crate::provider::{ErrorKind, ProviderError, Recorder, Scripted};

type Answer = Result<ChatResponse, ProviderError>;

fn request(messages: Vec<Message>) -> ChatRequest {
    let tool = |name: &str| ToolSpec {
        name: name.to_owned(),
        description: String::new(),
        schema: json!({ "type": "object" }),
    };
    ChatRequest {
        model: "m".to_owned(),
        system: vec!["Be brief.".to_owned()],
        messages,
        tools: vec![tool("file.read"), tool("file.write")],
        tool_choice: ToolChoice::Auto,
        max_output_tokens: 100,
        temperature: None,
        thinking: None,
        output_schema: None,
        cache: false,
    }
}

fn asked(text: &str) -> ChatRequest {
    request(vec![Message::user(text)])
}

fn result(content: &str) -> ChatRequest {
    let result = ToolResult {
        call_id: "c".to_owned(),
        name: "file.read".to_owned(),
        content: content.to_owned(),
        is_error: false,
    };
    let user = Message {
        role: Role::User,
        content: vec![Block::ToolResult(result)],
    };
    let call = ToolCall {
        id: "c".to_owned(),
        name: "file.read".to_owned(),
        arguments: json!({}),
    };
    request(vec![
        Message::user("read it"),
        Message::assistant(vec![Block::ToolCall(call)]),
        user,
    ])
}

fn scripted(steps: &str) -> Scripted {
    Scripted::parse(&format!("format = 1\n{steps}"), Path::new("demo.toml")).unwrap()
}

fn refused(text: &str) -> String {
    Scripted::parse(text, Path::new("demo.toml"))
        .unwrap_err()
        .to_string()
}

fn run<F: Future>(future: F) -> F::Output {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().build().unwrap().block_on(future)
}

fn ask(scripted: &Scripted, request: &ChatRequest) -> Answer {
    run(scripted.chat(request, &mut |_| {}, pending()))
}

#[test]
fn steps_answer_in_order() {
    let scripted = scripted(
        r#"
        [[step]]
        expect = { model = "m", system = "brief", user = "readme", tools = ["file.read"], messages = 1 }
        say = [
            { thinking = "hm", signature = "s" },
            { text = "Let me look." },
            { call = "file.read", arguments = { path = "README.md", lines = [1, 2.5], at = 2026-01-31 } },
            { call = "file.read", json = '{"path":null}', id = "own" },
        ]
        usage = { input = 5, output = 7 }
        model = "m-1"
        id = "r"

        [[step]]
        name = "the end"
        expect.results = [{ tool = "file.read", failed = false, content = { matches = "tree(yard)+$" } }]
        text = "It is about treeyard."
        finish = "LENGTH"
        "#,
    );
    let first = ask(&scripted, &asked("What is in the readme?")).unwrap();
    let calls: Vec<_> = first.message().tool_calls().cloned().collect();
    assert_eq!(first.message().text(), "Let me look.");
    assert_eq!(
        (calls[0].id.as_str(), calls[1].id.as_str()),
        ("call_0", "own")
    );
    let path = json!({ "path": "README.md", "lines": [1, 2.5], "at": "2026-01-31" });
    assert_eq!(
        (&calls[0].arguments, &calls[1].arguments),
        (&path, &json!({ "path": null }))
    );
    assert_eq!(first.finish_reason, FinishReason::ToolUse);
    assert_eq!((first.usage.input, first.usage.output), (5, 7));
    assert_eq!(
        (first.model.as_deref(), first.id.as_deref()),
        (Some("m-1"), Some("r"))
    );
    assert_eq!(scripted.unused(), ["demo.toml:15: step 2 (the end)"]);
    let last = ask(&scripted, &result("a treeyard")).unwrap();
    assert_eq!(last.finish_reason, FinishReason::Length);
    assert!(scripted.unused().is_empty());
    let error = ask(&scripted, &asked("more")).unwrap_err();
    assert!(error.message.contains("no step left"), "{error}");
}

#[test]
fn what_was_not_expected_is_told_with_its_place() {
    let scripted = scripted(
        r#"
[[step]]
name = "first"
expect = { model = "n", messages = 2, user = { equals = "hello" }, tools = ["git.log"] }
text = "hi"

[[step]]
unordered = true
expect.results = [{ content = "x" }]
text = "x"
"#,
    );
    let error = ask(&scripted, &asked("bye")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidRequest);
    assert!(!error.is_retryable());
    assert_eq!(
        error.message,
        "demo.toml:3: step 1 (first)
  model: expected \"n\"
  model: found \"m\"
  messages: expected 2
  messages: found 1
  tools: expected git.log among them
  tools: found \"file.read, file.write\"
  user: expected equals \"hello\"
  user: found \"bye\"
demo.toml:8: step 2
  results: expected one of any tool and contains \"x\"
  results: found none"
    );
    assert_eq!(scripted.unused().len(), 2);
}

#[test]
fn steps_repeat_and_come_at_any_time() {
    let scripted = scripted(
        r#"
        [[step]]
        times = 2
        text = "in order"
        [[step]]
        unordered = true
        expect.results = []
        expect.user = "now"
        text = "at once"
        [[step]]
        expect.user = "last"
        text = "end"
        "#,
    );
    let said = |text: &str| ask(&scripted, &asked(text)).map(|answer| answer.message().text());
    assert_eq!(said("a").unwrap(), "in order");
    assert_eq!(said("b").unwrap(), "in order");
    assert_eq!(said("now").unwrap(), "at once");
    assert!(said("now").is_err());
    assert_eq!(said("last").unwrap(), "end");
}

#[test]
fn errors_are_answered_too() {
    let scripted = scripted(
        r#"
        [[step]]
        error = { kind = "rate", message = "slowly", status = 429, retry_after_ms = 1500 }
        [[step]]
        text = "cut o"
        error = { kind = "network" }
        "#,
    );
    let error = ask(&scripted, &asked("a")).unwrap_err();
    let after = Some(Duration::from_millis(1500));
    assert_eq!(
        (error.kind, error.retry_after, error.status),
        (ErrorKind::Rate, after, Some(429))
    );
    let mut pieces = Vec::new();
    let answer = run(scripted.chat(&asked("b"), &mut |piece| pieces.push(piece), pending()));
    assert_eq!(answer.unwrap_err().kind, ErrorKind::Network);
    assert_eq!(pieces, [Piece::Text("cut o".to_owned())]);
}

#[test]
fn what_a_script_cannot_do_is_refused() {
    let mut blind = scripted("[[step]]\ntext = \"a\"");
    blind.capabilities.supports_tool_calling = false;
    let error = ask(&blind, &asked("a")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotSupported);
}

#[test]
fn pieces_come_as_slowly_as_they_should_and_can_be_cancelled() {
    let steps = "[[step]]\ntext = \"äbcde\"\npace = { first_ms = 20, every_ms = 20, chars = 2 }\n";
    let slow = scripted(steps);
    let begun = Instant::now();
    let mut pieces = Vec::new();
    run(slow.chat(&asked("a"), &mut |piece| pieces.push(piece), pending())).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(60));
    let text = |text: &str| Piece::Text(text.to_owned());
    assert_eq!(pieces, [text("äb"), text("cd"), text("e")]);
    let slower = scripted(&steps.replace("20", "60000"));
    let begun = Instant::now();
    let answer = run(async {
        let soon = tokio::time::sleep(Duration::from_millis(10));
        slower.chat(&asked("a"), &mut |_| {}, soon).await
    });
    assert_eq!(answer.unwrap_err().kind, ErrorKind::Cancelled);
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn what_is_no_script_is_told_with_its_line() {
    for (text, expected) in [
        ("", "demo.toml:1: missing field `format`"),
        (
            "format = 2",
            "demo.toml:1: this version of treeyard reads `format = 1`",
        ),
        (
            "format = 1\n[[step]]\nsay = []",
            "demo.toml:2: a step needs an answer",
        ),
        (
            "format = 1\n[[step]]\ntext = \"a\"\n[[step]]\ntext = \"a\"\nsay = [{ text = \"b\" }]",
            "demo.toml:4: a step has `text` or `say`",
        ),
        (
            "format = 1\n[[step]]\nanswer = 1",
            "demo.toml:3: unknown field `answer`",
        ),
        (
            "format = 1\n[[step]]\nsay = [{ text = \"a\", call = \"b\" }]",
            "demo.toml:2: a part is",
        ),
        (
            "format = 1\n[[step]]\nsay = [{ call = \"b\", json = \"{\" }]",
            "demo.toml:2: `json` is no JSON",
        ),
        (
            "format = 1\n[[step]]\nsay = [{ call = \"b\", arguments = { a = nan } }]",
            "demo.toml:2: JSON has no NaN",
        ),
        (
            "format = 1\n[[step]]\nerror.kind = \"sad\"",
            "demo.toml:2: \"sad\" is no kind of error",
        ),
        (
            "format = 1\n[[step]]\ntext = \"a\"\nexpect.user = { matches = \"(\" }",
            "demo.toml:2: \"(\" is no regular expression",
        ),
        (
            "format = 1\n[[step]]\ntext = \"a\"\ntimes = 0",
            "demo.toml:2: `chars` and `times`",
        ),
        ("format = 1\n[[step]\n", "demo.toml:2: "),
    ] {
        let told = refused(text);
        assert!(told.starts_with(expected), "{told}\n{expected}");
    }
    assert!(Scripted::open(Path::new("/nonexistent/x.toml")).is_err());
}

fn recorded(redactor: Redactor, exchanges: &[(ChatRequest, Answer)]) -> (String, Scripted) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("recording.toml");
    for (request, answer) in exchanges {
        // Each time anew: a recording goes on.
        let mut recorder = Recorder::open(&path, redactor.clone()).unwrap();
        recorder.record(request, answer.as_ref()).unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let scripted = Scripted::open(&path).unwrap_or_else(|error| panic!("{error}\n{text}"));
    (text, scripted)
}

fn response(content: Vec<Block>) -> ChatResponse {
    ChatResponse {
        id: Some("r\"1".to_owned()),
        model: None,
        content,
        finish_reason: FinishReason::Stop,
        usage: Usage {
            input: 1,
            output: 2,
            cache_read: 3,
            cache_write: 4,
        },
    }
}

fn call(arguments: Value) -> Block {
    Block::ToolCall(ToolCall {
        id: "c-1".to_owned(),
        name: "file.read".to_owned(),
        arguments,
    })
}

#[test]
fn a_recording_answers_the_same() {
    let thinking = Block::Thinking {
        text: "hm\n\"'''\\".to_owned(),
        signature: Some("anthropic:abc==".to_owned()),
        redacted: false,
    };
    let withheld = Block::Thinking {
        text: String::new(),
        signature: Some("x".to_owned()),
        redacted: true,
    };
    let limited = ProviderError {
        status: Some(429),
        retry_after: Some(Duration::from_millis(1200)),
        ..ProviderError::new(ErrorKind::Rate, "slowly")
    };
    let exchanges = [
        (asked("same"), Err(limited)),
        (
            asked("same"),
            Ok(response(vec![
                thinking,
                withheld,
                Block::text(" a\r\n\t\u{1}ü"),
            ])),
        ),
        (
            asked("same"),
            Ok(response(vec![call(
                json!({ "a": [1, 2.0, null, u64::MAX], "b": {} }),
            )])),
        ),
        (
            asked(""),
            Ok(response(vec![
                call(json!("{\"a\":")),
                call(json!({ "x": [{ "y": -1 }, 1.5e300] })),
            ])),
        ),
        (result("one\r\ntwo"), Ok(response(vec![]))),
    ];
    let (text, scripted) = recorded(Redactor::patterns(), &exchanges);
    for (request, answer) in &exchanges {
        assert_eq!(&ask(&scripted, request), answer, "{text}");
    }
    assert!(scripted.unused().is_empty());
    assert!(ask(&scripted, &result("one\ntwo")).is_err());
}

#[test]
fn what_was_cancelled_is_not_recorded() {
    let cancelled = Err(ProviderError::new(ErrorKind::Cancelled, "no"));
    let (text, _) = recorded(Redactor::patterns(), &[(asked("a"), cancelled)]);
    assert_eq!(text, "format = 1\n");
}

#[test]
fn only_the_owner_reads_a_recording_and_nothing_else_is_written_over() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.toml");
    Recorder::open(&path, Redactor::patterns()).unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::write(&path, "something else").unwrap();
    assert!(Recorder::open(&path, Redactor::patterns()).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "something else");
}

#[test]
fn secrets_are_not_in_a_recording_and_it_still_answers() {
    let secret = "hunter2-\"very\"-long-value";
    let value = SecretValue::new(secret.as_bytes().to_vec());
    let redactor = Redactor::new(&[("NPM_TOKEN".parse().unwrap(), value)]).unwrap();
    let token = format!("ghp_{}", "a1B2".repeat(9));
    let said = format!("use {secret} or {token}");
    let arguments = json!({ "header": said, "password": "Zk9x7Qp2Lm4Vt8", secret: [secret] });
    let mut read = result(&format!("key: {secret}\nrest"));
    read.tools[0].description = secret.to_owned();
    read.system.push(secret.to_owned());
    let failed = ProviderError::new(ErrorKind::Auth, format!("wrong key {token}"));
    let exchanges = [
        (
            asked(&said),
            Ok(response(vec![Block::text(&said), call(arguments)])),
        ),
        (read, Err(failed)),
    ];
    let (text, scripted) = recorded(redactor, &exchanges);
    for part in ["hunter2", "very", "long-value", "ghp_", "a1B2", "Zk9x7Q"] {
        assert!(!text.contains(part), "{part}\n{text}");
    }
    let answer = ask(&scripted, &exchanges[0].0).unwrap();
    assert_eq!(
        answer.message().text(),
        "use [redacted:NPM_TOKEN] or [redacted:github-token]"
    );
    assert_eq!(
        ask(&scripted, &exchanges[1].0).unwrap_err().kind,
        ErrorKind::Auth
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e300..1e300).prop_map(|number: f64| Value::from(number)),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(".{0,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn anything_that_is_said_is_recorded(
        text in "\\PC{0,40}|[\r\n\t\"'\\\\\u{0}-\u{1f}]{0,20}",
        user in "\\PC{0,40}|[\r\n\t\"'\\\\]{0,20}",
        arguments in any_json(),
    ) {
        let answer = response(vec![Block::text(&text), call(arguments), Block::text("")]);
        // What looks like a secret is taken out, and is tested above.
        let looks = |text: &str| Redactor::patterns().redact_text(text) != text;
        prop_assume!(!looks(&text) && !looks(&user));
        let (file, scripted) = recorded(Redactor::patterns(), &[(asked(&user), Ok(answer.clone()))]);
        prop_assert_eq!(ask(&scripted, &asked(&user)), Ok(answer), "{}", file);
    }
}

#[test]
fn the_documentation_has_a_script_and_all_kinds_of_errors() {
    let page = include_str!("../../../docs/scripts.md");
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let (script, _) = rest.split_once("```").unwrap();
    let scripted = Scripted::parse(script, Path::new("scripts.md")).unwrap();
    assert_eq!(scripted.unused().len(), 3);
    let first = ask(&scripted, &asked("What is in the readme?")).unwrap();
    assert_eq!(first.finish_reason, FinishReason::ToolUse);
    ask(&scripted, &result("treeyard")).unwrap();
    assert_eq!(
        ask(&scripted, &asked("more")).unwrap_err().kind,
        ErrorKind::Rate
    );
    for kind in super::text::KINDS {
        let name = super::kind_name(kind);
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}
