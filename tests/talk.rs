//! Sessions with models, as a person meets them: the real program, with scripts in the place of models.

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::yard::{Yard, eventually, text};

/// Writes a file when notes are wanted, and says something short to everything else.
const SCRIPT: &str = r#"
format = 1
[[step]]
unordered = true
times = 20
expect = { user = "notes" }
say = [
    { text = "I will write it." },
    { call = "file.write", arguments = { path = "NOTES.md", content = "one\ntwo\n" } },
]
usage = { input = 100, output = 20 }
[[step]]
unordered = true
times = 20
expect.results = [{ tool = "file.write", failed = false }]
text = "It is written."
[[step]]
unordered = true
times = 20
expect.results = [{ tool = "file.write", failed = true, content = "denied by a person" }]
text = "Then I leave it."
[[step]]
unordered = true
times = 20
expect = { user = { matches = "hello|more|what" } }
text = "Hello to you."
usage = { input = 50, output = 5 }
[[step]]
unordered = true
expect = { user = "slowly" }
text = "One word comes after the other, and that takes its time."
pace = { every_ms = 50, chars = 1 }
[[step]]
unordered = true
times = 20
expect = { user = "colours" }
text = "\u001b[31mred\u001b[0m \u202eback\u202c \u061cmark"
"#;

/// What is shown of that.
const COLOURS: &str = "␛[31mred␛[0m <U+202E>back<U+202C> <U+061C>mark";

/// A yard with a model here (`toy`) and one elsewhere (`far`), both scripted. A person is asked from this risk on.
pub fn yard(ask_from: &str) -> Yard {
    yard_with(ask_from, SCRIPT)
}

/// The same with another script.
pub fn yard_with(ask_from: &str, said: &str) -> Yard {
    let yard = Yard::new();
    let script = yard.folder.path().join("script.toml");
    fs::write(&script, said).unwrap();
    let file = yard.folder.path().join("home/config/treeyard/config.toml");
    let before = fs::read_to_string(&file).unwrap();
    let script = script.display();
    let settings = format!(
        "{before}
[providers.play]
wire = \"scripted\"
script = \"{script}\"
[providers.away]
wire = \"scripted\"
script = \"{script}\"
local = false
[models.toy]
provider = \"play\"
[models.far]
provider = \"away\"
[agent]
model = \"toy\"
profile = \"edit\"
ask_from = \"{ask_from}\"
"
    );
    fs::write(&file, settings).unwrap();
    yard
}

pub fn with_input(yard: &Yard, args: &[&str], input: &str) -> Output {
    let mut command: Command = yard.command(env!("CARGO_BIN_EXE_treeyard"));
    let mut child = command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

/// The session of this name.
pub fn session(yard: &Yard, name: &str) -> Value {
    let sessions = yard.json(&["ls", "--all"]);
    let found = sessions["sessions"].as_array().unwrap().iter();
    let mut found = found.filter(|row| row["name"] == name);
    found.next().unwrap().clone()
}

pub fn refused(yard: &Yard, args: &[&str], exit: i32) -> String {
    let output = yard.treeyard(args);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "{args:?}: {told}");
    told
}

#[test]
fn a_thread_is_read_searched_and_exported() {
    let yard = yard("HIGH");
    yard.exits(
        0,
        &["run", "--name", "notes", "--prompt", "Write the notes"],
    );
    let thread = yard.exits(0, &["thread", "notes"]);
    for part in [
        "person  ",
        "    Write the notes",
        "> file.write {\"content\":\"one\\ntwo\\n\",\"path\":\"NOTES.md\"}: ok",
        "data from file.write NOTES.md",
        "    It is written.",
        "more lines: treeyard artifacts cat ",
    ] {
        assert!(thread.contains(part), "{part}\n{thread}");
    }
    let found = yard.exits(0, &["thread", "notes", "--search", "IS WRITTEN"]);
    assert!(found.contains("It »is written«."), "{found}");
    assert!(!found.contains("I will write"), "{found}");
    let none = yard.exits(0, &["thread", "notes", "--search", "elsewhere!"]);
    assert_eq!(none, "no message holds that\n");
    let last = yard.exits(0, &["thread", "notes", "--last", "1"]);
    assert!(last.starts_with("model") && last.ends_with("It is written.\n"));

    let lines = yard.exits(0, &["thread", "notes", "--export", "jsonl"]);
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let roles: Vec<_> = lines
        .iter()
        .map(|one| one["role"].as_str().unwrap())
        .collect();
    let all = [
        "USER",
        "SYSTEM",
        "ASSISTANT",
        "TOOL_CALL",
        "TOOL_RESULT",
        "ASSISTANT",
    ];
    assert_eq!(roles, all);
    assert_eq!(lines[0]["content"], "Write the notes");
    assert!(
        lines
            .iter()
            .all(|one| one["at_ms"].is_i64() && one["message_id"].is_string())
    );
    let document = yard.json(&["thread", "notes"]);
    assert_eq!(document["messages"], Value::Array(lines));
    let markdown = yard.exits(0, &["thread", "notes", "--export", "markdown"]);
    assert!(markdown.starts_with("# Thread of notes ("), "{markdown}");
    assert!(markdown.contains("<summary>data from file.write NOTES.md</summary>"));
}

#[test]
fn what_is_damaged_is_said_and_keeps_nothing_else_back() {
    let yard = yard("HIGH");
    yard.exits(
        0,
        &["run", "--name", "hi", "--read-only", "--prompt", "hello"],
    );
    let document = yard.json(&["thread", "hi"]);
    let hash = document["messages"][0]["content_hash"].as_str().unwrap();
    let hex = hash.trim_start_matches("blake3:");
    let state = [".git/treeyard", "../repo.treeyard"].map(|place| yard.repo().join(place));
    let object = state
        .iter()
        .map(|state| state.join("cas/objects").join(&hex[..2]).join(&hex[2..]))
        .find(|path| path.exists())
        .unwrap();
    fs::remove_file(&object).unwrap();
    let thread = yard.exits(0, &["thread", "hi"]);
    assert!(
        thread.contains("(this message cannot be read: "),
        "{thread}"
    );
    assert!(thread.contains("Hello to you."), "{thread}");
    let document = yard.json(&["thread", "hi"]);
    assert!(document["messages"][0]["error"].is_string());
}

#[test]
fn nothing_but_text_is_shown_of_what_a_model_says() {
    let yard = yard("HIGH");
    yard.exits(
        0,
        &["run", "--name", "sly", "--read-only", "--prompt", "colours"],
    );
    for args in [
        &["thread", "sly"][..],
        &["thread", "sly", "--export", "markdown"],
    ] {
        let thread = yard.exits(0, args);
        assert!(thread.contains(COLOURS), "{thread:?}");
    }
    let answered = with_input(&yard, &["chat", "colours please"], "/done\n");
    assert_eq!(text(&answered.stdout), format!("  {COLOURS}\n"));
}

#[test]
fn a_message_is_answered_and_one_too_late_says_what_to_do() {
    let yard = yard("HIGH");
    let quit = with_input(&yard, &["chat", "--name", "talk", "hello there"], "/quit\n");
    assert_eq!(quit.status.code(), Some(0), "{}", text(&quit.stderr));
    assert_eq!(yard.state_of("talk"), "PAUSED");
    assert_eq!(
        yard.exits(0, &["send", "talk", "more", "--wait"]),
        "Hello to you.\n"
    );
    let sent = with_input(&yard, &["send", "talk", "-", "--wait"], "what else?\n");
    assert_eq!(text(&sent.stdout), "Hello to you.\n");
    assert_eq!(
        refused(&yard, &["send", "talk", "  "], 2).lines().count(),
        3
    );
    let done = with_input(&yard, &["chat", "talk"], "");
    assert!(text(&done.stderr).contains("talk is COMPLETED"));
    let late = refused(&yard, &["send", "talk", "and now?"], 2);
    assert!(late.contains("treeyard run --prompt TEXT"), "{late}");
    yard.exits(0, &["run", "--name", "plain", "--", "true"]);
    let none = refused(&yard, &["send", "plain", "hello"], 2);
    assert!(none.contains("only a session with a model"), "{none}");
    yard.sound();
}

#[test]
fn a_picture_goes_along_and_nothing_else_does() {
    let yard = yard("HIGH");
    with_input(&yard, &["chat", "--name", "look", "hello there"], "/quit\n");
    fs::write(yard.repo().join("shot.png"), b"\x89PNG\r\n\x1a\nrest").unwrap();
    yard.exits(
        0,
        &[
            "send",
            "look",
            "what is it?",
            "--image",
            "shot.png",
            "--wait",
        ],
    );
    let thread = yard.json(&["thread", "look"]);
    let messages = thread["messages"].as_array().unwrap();
    let shown = messages
        .iter()
        .find(|one| one["content"] == "what is it?")
        .unwrap();
    let hash = shown["attachments"][0].as_str().unwrap();
    let image: Value = serde_json::from_str(&yard.exits(0, &["artifacts", "cat", hash])).unwrap();
    assert_eq!(image["media_type"], "image/png");
    assert_eq!(image["data"], "iVBORw0KGgpyZXN0");
    let no_picture = refused(&yard, &["send", "look", "what?", "--image", "README.md"], 2);
    assert!(
        no_picture.contains("README.md: it is not a picture"),
        "{no_picture}"
    );
    fs::write(yard.repo().join("large.png"), vec![0x89; (5 << 20) + 1]).unwrap();
    let large = refused(&yard, &["send", "look", "what?", "--image", "large.png"], 2);
    assert!(large.contains("at most 3.75 MiB"), "{large}");
    yard.sound();
}

#[test]
fn a_call_waits_for_a_person_and_runs_when_allowed() {
    let yard = yard("LOW");
    let told = yard.exits(
        5,
        &["run", "--name", "notes", "--prompt", "Write the notes"],
    );
    assert!(told.contains("treeyard approvals show "), "{told}");
    let asked = yard.json(&["approvals", "ls"]);
    assert_eq!(
        asked["requests"][0]["call"]["summary"],
        "file.write NOTES.md"
    );
    let shown = yard.exits(0, &["approvals", "show", "notes"]);
    assert!(
        shown.contains("+one") && shown.contains("treeyard approvals allow "),
        "{shown}"
    );
    let listed = yard.exits(0, &["ls"]);
    assert!(listed.contains("treeyard approvals show "), "{listed}");
    assert!(
        yard.exits(0, &["show", "notes"])
            .contains("treeyard approvals show ")
    );
    yard.exits(0, &["approvals", "allow", "notes"]);
    assert_eq!(
        yard.json(&["approvals", "ls"])["requests"],
        Value::Array(vec![])
    );
    yard.exits(0, &["up"]);
    eventually("it completes", || yard.state_of("notes") == "COMPLETED");
    assert_eq!(yard.events("FR-EVT-GUARD-010").len(), 1);
    let again = refused(&yard, &["approvals", "allow", "notes"], 2);
    assert!(again.contains("is over"), "{again}");
    yard.exits(0, &["land", "notes"]);
    assert_eq!(
        fs::read_to_string(yard.repo().join("NOTES.md")).unwrap(),
        "one\ntwo\n"
    );
    yard.sound();
}

#[test]
fn a_denial_reaches_the_model_with_its_reason() {
    let yard = yard("LOW");
    yard.exits(
        5,
        &["run", "--name", "notes", "--prompt", "Write the notes"],
    );
    yard.exits(
        0,
        &["approvals", "deny", "notes", "--reason", "what a file"],
    );
    yard.exits(0, &["send", "notes", "hello", "--wait"]);
    let thread = yard.exits(0, &["thread", "notes"]);
    assert!(
        thread.contains("TY-TOOL-DENIED: file.write was denied by a person"),
        "{thread}"
    );
    assert!(thread.contains("    what a file"), "{thread}");
    // It was for that one call.
    assert_eq!(yard.events("FR-EVT-GUARD-010").len(), 1);
    assert!(!yard.repo().join("NOTES.md").exists());
}

#[test]
fn rules_hold_for_patterns_until_they_are_taken_back() {
    let yard = yard("LOW");
    let quit = with_input(&yard, &["chat", "--name", "w", "hello there"], "/quit\n");
    assert_eq!(quit.status.code(), Some(0));
    yard.exits(
        0,
        &["approvals", "allow", "w", "--pattern", "file.write(*.md)"],
    );
    assert_eq!(
        yard.exits(0, &["send", "w", "the notes", "--wait"]),
        "I will write it.\nIt is written.\n"
    );
    yard.exits(0, &["approvals", "revoke", "w"]);
    yard.exits(5, &["send", "w", "the notes once again", "--wait"]);
    assert!(
        yard.exits(0, &["approvals", "ls", "w"])
            .contains("file.write NOTES.md")
    );
    let bad = refused(
        &yard,
        &["approvals", "allow", "w", "--pattern", "file.write([)"],
        2,
    );
    assert!(bad.contains("cannot be read"), "{bad}");
    yard.exits(2, &["approvals", "revoke", "w"]);
}

#[test]
fn nothing_leaves_without_consent() {
    let yard = yard("HIGH");
    let run = [
        "run",
        "--model",
        "far",
        "--read-only",
        "--name",
        "far",
        "--prompt",
        "hello",
    ];
    let told = yard.exits(5, &run);
    assert!(told.contains("treeyard consent show "), "{told}");
    assert!(yard.events("FR-EVT-MODEL-001").is_empty());
    let shown = yard.exits(0, &["consent", "show", "far"]);
    for part in [
        "asks to send to away",
        "model     far",
        "about ",
        "single (1 session)",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    yard.exits(0, &["consent", "deny", "far", "--reason", "not today"]);
    assert_eq!(yard.state_of("far"), "PAUSED");
    assert_eq!(
        session(&yard, "far")["reason"],
        "nothing is sent: not today"
    );
    yard.exits(2, &["consent", "allow", "far", "--for", "soon"]);
    let agreed = yard.json(&[
        "consent", "allow", "far", "--scope", "session", "--for", "2h",
    ]);
    let receipt = &agreed["receipt"];
    let valid = receipt["until_ms"].as_i64().unwrap() - receipt["from_ms"].as_i64().unwrap();
    assert_eq!(valid, 7_200_000);
    assert_eq!(receipt["plan"]["scope"], "SESSION_SCOPED");
    yard.exits(0, &["up"]);
    eventually("it completes", || yard.state_of("far") == "COMPLETED");
    assert_eq!(yard.events("FR-EVT-CLOUD-004").len(), 1);
    yard.exits(2, &["consent", "allow", "far"]);
    yard.sound();
}

#[test]
fn agreeing_beforehand_covers_just_that() {
    let yard = yard("HIGH");
    let run = [
        "run",
        "--model",
        "far",
        "--read-only",
        "--prompt",
        "hello",
        "--name",
    ];
    let output = yard.treeyard(&[&run[..], &["far", "--consent", "session"]].concat());
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(
        told.contains("agreed: far sends to far of away, script /"),
        "{told}"
    );
    assert!(told.contains(" (session)"), "{told}");
    assert_eq!(yard.events("FR-EVT-CLOUD-004").len(), 1);
    // Another session is another one.
    yard.exits(5, &[&run[..], &["other"]].concat());
    let plan = yard.plan(
        "[[task]]\nname = \"a\"\nprompt = \"hello\"\nmodel = \"far\"\nscope = []\n\
         [[task]]\nname = \"b\"\nprompt = \"hello\"\nmodel = \"far\"\nscope = []\n\
         [[task]]\nname = \"c\"\nprompt = \"hello\"\nscope = []\n",
    );
    yard.exits(0, &["run", &plan, "--consent", "plan"]);
    let consents = yard.json(&["consent", "ls"]);
    let wide = consents["consents"].as_array().unwrap();
    let wide: Vec<_> = wide.iter().map(|one| &one["receipt"]["plan"]).collect();
    let wide = wide
        .iter()
        .find(|plan| plan["scope"] == "WP_SCOPED")
        .unwrap();
    assert_eq!(wide["sessions"].as_array().unwrap().len(), 2);
    yard.sound();
}

#[test]
fn a_consent_taken_back_takes_queued_calls_back() {
    let yard = yard("HIGH");
    let first = [
        "submit",
        "--model",
        "far",
        "--read-only",
        "--prompt",
        "hello",
        "--name",
    ];
    for name in ["one", "two"] {
        yard.exits(0, &[&first[..], &[name]].concat());
    }
    yard.exits(0, &["up"]);
    eventually("both wait", || {
        yard.state_of("one") == "BLOCKED" && yard.state_of("two") == "BLOCKED"
    });
    yard.exits(0, &["down"]);
    let agreed = yard.json(&["consent", "allow", "one", "--scope", "broadcast"]);
    assert_eq!(
        agreed["receipt"]["plan"]["sessions"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(agreed["resumed"].as_array().unwrap().len(), 2);
    let held = yard.json(&["consent", "revoke", "two", "--reason", "changed"]);
    assert_eq!(held["sessions"].as_array().unwrap().len(), 2);
    assert_eq!(yard.events("FR-EVT-CLOUD-005").len(), 1);
    assert!(!yard.events("FR-EVT-SESS-SCHED-004").is_empty());
    for name in ["one", "two"] {
        assert_eq!(yard.state_of(name), "BLOCKED");
        let reason = &session(&yard, name)["reason"];
        assert_eq!(reason, "the agreement to send was taken back: changed");
    }
    // It asks anew.
    yard.exits(0, &["resume", "one"]);
    yard.exits(0, &["up"]);
    eventually("it asks again", || {
        let waiting = yard.json(&["consent", "ls"]);
        waiting["waiting"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["name"] == "one")
    });
    assert!(yard.events("FR-EVT-MODEL-001").is_empty());
    yard.sound();
}

#[test]
fn a_conversation_asks_right_there_and_lands() {
    let yard = yard("LOW");
    let input = "Write the notes\ny\nhello \\\nand more\n";
    let ended = with_input(&yard, &["chat", "--auto-land"], input);
    let said = text(&ended.stdout);
    assert_eq!(
        ended.status.code(),
        Some(0),
        "{said}{}",
        text(&ended.stderr)
    );
    assert!(said.starts_with("  I will write it.\n"), "{said}");
    assert!(
        said.contains("chat asks to call file.write") && said.contains("+one"),
        "{said}"
    );
    assert!(
        said.ends_with("< ok\n  It is written.\n  Hello to you.\n"),
        "{said}"
    );
    assert!(
        !said.contains("you: ") && !said.contains("y: this once"),
        "{said}"
    );
    assert_eq!(
        fs::read_to_string(yard.repo().join("NOTES.md")).unwrap(),
        "one\ntwo\n"
    );
    let thread = yard.exits(0, &["thread", "chat"]);
    assert!(thread.contains("    hello\n    and more\n"), "{thread}");
    yard.sound();
}

#[test]
fn an_interrupt_pauses_the_model_and_not_the_session() {
    let yard = yard("HIGH");
    let mut command = yard.command(env!("CARGO_BIN_EXE_treeyard"));
    let mut child = command
        .args(["chat", "--name", "slow", "slowly please"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    eventually("the model is asked", || {
        !yard.events("FR-EVT-MODEL-001").is_empty()
    });
    let pid = child.id().to_string();
    assert!(
        yard.command("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"hello\n/quit\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("[it stops after what it is doing]"), "{told}");
    assert!(told.contains("[paused by the operator]"), "{told}");
    let said = text(&output.stdout);
    assert!(said.ends_with("Hello to you.\n"), "{said}");
    assert_eq!(yard.state_of("slow"), "PAUSED");
    yard.sound();
}

#[test]
fn a_conversation_goes_on_by_the_runner_that_is_there() {
    let yard = yard("HIGH");
    yard.exits(0, &["up"]);
    let quit = with_input(
        &yard,
        &["chat", "--name", "t", "--model", "far", "hello"],
        "a\n/quit\n",
    );
    assert!(
        text(&quit.stdout).ends_with("Hello to you.\n"),
        "{}",
        text(&quit.stdout)
    );
    let more = with_input(&yard, &["chat", "t", "--json"], "what more\n/done\n");
    let lines = text(&more.stdout);
    let answer: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(answer["answer"], "Hello to you.");
    assert_eq!(yard.state_of("t"), "COMPLETED");
    assert_eq!(with_input(&yard, &["chat"], "").status.code(), Some(0));
    assert!(refused(&yard, &["chat", "nobody"], 3).contains("no session matches"));
}

#[test]
fn what_was_used_is_told_by_whom() {
    let yard = yard("HIGH");
    yard.exits(
        0,
        &["run", "--name", "hi", "--read-only", "--prompt", "hello"],
    );
    let used = yard.json(&["usage", "hi"]);
    assert_eq!(used["usage"][0]["tokens"], 55);
    assert_eq!(used["usage"][0]["calls"], 1);
    for by in ["session", "plan", "model", "provider", "day"] {
        let used = yard.json(&["usage", "--by", by]);
        assert_eq!(used["usage"].as_array().unwrap().len(), 1, "{by}");
    }
    assert_eq!(
        yard.json(&["usage", "--by", "model"])["usage"][0]["key"],
        "toy"
    );
    yard.write(
        "treeyard.toml",
        "[budget]\nsession = { tokens = 1000, steps = 3 }\n",
    );
    let shown = yard.exits(0, &["show", "hi"]);
    assert!(
        shown.contains("used      1 call, 55 tokens, $0.00"),
        "{shown}"
    );
    assert!(
        shown.contains("945 of 1000 tokens, 2 of 3 calls"),
        "{shown}"
    );
    assert!(shown.contains("model     toy, profile edit"), "{shown}");
}

#[test]
fn a_session_neither_reads_nor_answers_for_a_person() {
    let yard = yard("LOW");
    yard.exits(
        5,
        &[
            "run",
            "--name",
            "notes",
            "--scope",
            "./NOTES.md",
            "--prompt",
            "notes",
        ],
    );
    let program = env!("CARGO_BIN_EXE_treeyard");
    let repo = yard.repo().display().to_string();
    let mut tries = String::new();
    for args in [
        "thread notes",
        "send notes hello",
        "chat notes hello",
        "approvals allow notes",
        "approvals deny notes",
        "approvals revoke notes",
        "consent allow notes",
        "consent revoke notes",
        "swap notes --model toy",
    ] {
        tries.push_str(&format!(
            "{program} -C {repo} {args} </dev/null; echo exit $?\n"
        ));
    }
    let unconfined = ["--no-sandbox", "to reach the records"];
    let scope = ["--read-only"];
    let args = [
        &["run", "--name", "inside"][..],
        &scope,
        &unconfined,
        &["--", "sh", "-c", &tries],
    ];
    yard.exits(0, &args.concat());
    let logs = yard.exits(0, &["logs", "inside"]);
    let exits: Vec<_> = logs
        .lines()
        .filter(|line| line.starts_with("exit "))
        .collect();
    assert_eq!(exits, ["exit 7"; 9], "{logs}");
    assert_eq!(yard.state_of("notes"), "BLOCKED");
}
