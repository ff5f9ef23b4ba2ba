//! Runs of models once more, against their record.

use treeyard::app::project::Project;
use treeyard::app::replay::{Record, replay_record};
use treeyard::model::chat::Block;
use treeyard::model::thread::{Said, Spoken, Thread};
use treeyard::model::tool::Payload;

use crate::yard::{Yard, eventually, text};

const SCRIPT: &str = r#"
[[step]]
say = [{ call = "file.write", arguments = { path = "src/a.txt", content = "one\n" } }, { call = "todo.write", arguments = { items = [{ text = "count", state = "pending" }] } }]
[[step]]
say = [{ call = "shell.exec", arguments = { command = "date +%s%N > src/now.txt; cat src/now.txt" } }]
[[step]]
say = [{ call = "file.read", arguments = { path = "src/now.txt" } }, { call = "file.edit", arguments = { path = "src/a.txt", old = "nowhere", new = "x" } }]
[[step]]
say = [{ call = "file.edit", arguments = { path = "src/a.txt", old = "one", new = "two" } }]
[[step]]
text = "Done."
[[step]]
say = [{ call = "file.edit", arguments = { path = "src/a.txt", old = "by hand", new = "again" } }]
[[step]]
text = "Edited."
"#;

fn yard() -> Yard {
    let yard = Yard::new();
    yard.plays(SCRIPT, "profile = \"full\"\n");
    yard
}

fn replayed(yard: &Yard, name: &str) -> (Option<i32>, serde_json::Value) {
    let done = yard.treeyard(&["--json", "replay", name]);
    let body = serde_json::from_slice(&done.stdout)
        .unwrap_or_else(|_| panic!("{}{}", text(&done.stdout), text(&done.stderr)));
    (done.status.code(), body)
}

#[test]
fn a_run_is_reproduced_without_its_model_and_its_programs() {
    let yard = yard();
    yard.exits(
        0,
        &[
            "run", "--name", "task", "--scope", "src/**", "--prompt", "Do it",
        ],
    );
    let before = yard.git(&["for-each-ref"]);
    let (code, body) = replayed(&yard, "task");
    assert_eq!(code, Some(0), "{body}");
    let report = &body["report"];
    assert_eq!(report["answers"], 5);
    assert_eq!(
        (&report["ran"], &report["served"]),
        (&5.into(), &1.into()),
        "{body}"
    );
    assert_eq!(report["requests"], 5, "{body}");
    assert!(report["compared"].as_u64().unwrap() >= 2, "{body}");
    assert_eq!(report["by_hand"], serde_json::json!([]));
    assert_eq!(report["told_otherwise"], serde_json::json!([]));
    // It leaves nothing, and needs no worktree of the session's.
    assert_eq!(yard.git(&["for-each-ref"]), before);
    yard.exits(0, &["land", "task"]);
    let told = yard.exits(0, &["replay", "task"]);
    assert!(told.contains("task: reproduced"), "{told}");
    yard.sound();
}

#[test]
fn what_a_person_changed_by_hand_is_taken_over() {
    let yard = yard();
    crate::talk::with_input(
        &yard,
        &["chat", "--name", "task", "--scope", "src/**", "Do it"],
        "/quit\n",
    );
    eventually("it waits", || yard.state_of("task") == "PAUSED");
    assert_eq!(replayed(&yard, "task").0, Some(0));
    let rows = yard.json(&["ls"]);
    let place = rows["sessions"][0]["worktree"].as_str().unwrap().to_owned();
    std::fs::write(format!("{place}/src/a.txt"), "by hand\n").unwrap();
    yard.exits(0, &["send", "task", "Edit it", "--wait"]);
    let (code, body) = replayed(&yard, "task");
    assert_eq!(code, Some(0), "{body}");
    assert_eq!(body["report"]["ran"], 6, "{body}");
    assert_eq!(body["report"]["requests"], 7, "{body}");
    assert_eq!(body["report"]["by_hand"].as_array().unwrap().len(), 1);
}

#[test]
fn a_run_goes_on_with_its_model_from_the_middle() {
    let yard = yard();
    yard.exits(
        0,
        &[
            "run", "--name", "task", "--scope", "src/**", "--prompt", "Do it",
        ],
    );
    let wrong = yard.treeyard(&["replay", "task", "--live", "--from", "7"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        text(&wrong.stderr).contains("task made 6 calls of tools"),
        "{}",
        text(&wrong.stderr)
    );
    let wrong = yard.treeyard(&["replay", "task", "--live"]);
    assert!(
        text(&wrong.stderr).contains("nothing to do after step 6"),
        "{}",
        text(&wrong.stderr)
    );
    yard.exits(0, &["land", "task"]);
    let before = yard.git(&["for-each-ref", "refs/treeyard"]).lines().count();
    // A script goes on after as many answers as the conversation has: three of them read the file that is there.
    let told = yard.exits(
        0,
        &[
            "replay",
            "task",
            "--live",
            "--from",
            "3",
            "--prompt",
            "Count again",
        ],
    );
    assert!(told.contains("task-fork  goes on from there"), "{told}");
    let after = yard.git(&["for-each-ref", "refs/treeyard"]).lines().count();
    assert_eq!(after, before + 1, "only the new session's own is left");
    yard.exits(0, &["up"]);
    eventually("it is done", || yard.state_of("task-fork") == "COMPLETED");
    let thread = yard.exits(0, &["thread", "task-fork"]);
    assert!(thread.contains("Count again"), "{thread}");
    let (code, body) = replayed(&yard, "task-fork");
    assert_eq!(code, Some(0), "{body}");
    // Its first two answers were given to the other session.
    assert_eq!(body["report"]["answers"], 3, "{body}");
    yard.exits(0, &["down"]);
    yard.sound();
}

#[test]
fn a_damaged_record_is_not_replayed() {
    let yard = yard();
    yard.exits(
        0,
        &[
            "run", "--name", "task", "--scope", "src/**", "--prompt", "Do it",
        ],
    );
    let said = yard.events("FR-EVT-SESS-004");
    let answer = said
        .iter()
        .find(|event| event["data"]["message"]["role"] == "ASSISTANT")
        .unwrap();
    let hash = answer["data"]["message"]["content_hash"].as_str().unwrap();
    let found = yard
        .command("find")
        .args([
            ".git/treeyard/cas",
            "-name",
            &format!("*{}*", &hash[hash.len() - 20..]),
        ])
        .output()
        .unwrap();
    let file = yard.repo().join(text(&found.stdout).trim());
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[5] ^= 1;
    let mut rights = std::fs::metadata(&file).unwrap().permissions();
    #[expect(
        clippy::permissions_set_readonly_false,
        reason = "a file of a temporary folder"
    )]
    rights.set_readonly(false);
    std::fs::set_permissions(&file, rights).unwrap();
    std::fs::write(&file, bytes).unwrap();
    let refused = yard.treeyard(&["replay", "task"]);
    assert_ne!(refused.status.code(), Some(0));
    assert!(
        text(&refused.stderr).contains("TY-ARTIFACT-DAMAGED"),
        "{}",
        text(&refused.stderr)
    );
}

/// What somebody may do to a record who can make all its hashes fit again but those of what was sent.
fn tampered(record: &Record) -> Vec<(String, Record)> {
    let messages = record.thread.messages();
    let with = |change: &dyn Fn(&mut Vec<Spoken>)| {
        let mut changed = messages.to_vec();
        change(&mut changed);
        let mut thread = Thread::default();
        changed.into_iter().for_each(|one| thread.push(one));
        let mut tampered = record.clone();
        tampered.thread = thread;
        tampered
    };
    let is_step = |one: &Spoken| !matches!(one.said, Said::System(_) | Said::User(_));
    let last = messages.len() - 1;
    let mut all = Vec::new();
    for (at, one) in messages.iter().enumerate() {
        let role = one.record.role;
        // After the last words nothing was sent any more: what they say is told by their own hash alone.
        if at < last {
            all.push((
                format!("{at} {role:?} is missing"),
                with(&|all| drop(all.remove(at))),
            ));
            all.push((
                format!("{at} {role:?} is changed"),
                with(&|all| change(&mut all[at])),
            ));
        }
        // That a tool is about to run stands there twice after a crash.
        if !matches!(one.said, Said::ToolCall(_)) {
            let again = |all: &mut Vec<Spoken>| all.insert(at + 1, one.clone());
            all.push((format!("{at} {role:?} comes twice"), with(&again)));
        }
        if at < last && is_step(one) && is_step(&messages[at + 1]) {
            all.push((
                format!("{at} {role:?} comes later"),
                with(&|all| all.swap(at, at + 1)),
            ));
        }
    }
    // An answer goes back to what it answers, wherever it stands.
    all.retain(|(_, tampered)| tampered.thread != record.thread);
    for seq in record.model_calls.keys() {
        let mut changed = record.clone();
        changed.model_calls.remove(seq);
        all.push((format!("the call at {seq} is missing"), changed));
    }
    all
}

fn change(spoken: &mut Spoken) {
    match &mut spoken.said {
        Said::System(text) | Said::User(text) => text.push('!'),
        Said::Assistant(blocks) => match &mut blocks[0] {
            Block::ToolCall(call) => call.arguments["path"] = "src/other.txt".into(),
            _ => blocks.push(Block::text("more")),
        },
        Said::ToolCall(request) => {
            let args = serde_json::json!({ "path": "src/other.txt", "content": "x" });
            request.args = Payload::Inline(args);
        }
        Said::ToolResult(response) => {
            response.outcome = Ok(Payload::Inline(serde_json::json!({ "other": true })));
        }
    }
}

#[test]
fn nothing_is_left_out_added_or_changed_unnoticed() {
    let yard = yard();
    yard.exits(
        0,
        &[
            "run", "--name", "task", "--scope", "src/**", "--prompt", "Do it",
        ],
    );
    let root = format!(
        "worktrees.root={}",
        yard.folder.path().join("trees").display()
    );
    let flag = root.split_once('=').unwrap();
    let flags = [(flag.0.to_owned(), flag.1.to_owned())];
    let project = Project::open(&yard.repo(), &flags).unwrap();
    let session = project.session("task").unwrap();
    let record = Record::read(&project, &session).unwrap();
    let report = replay_record(&project, &session, &record).unwrap();
    assert_eq!((report.divergence, report.requests), (None, 5));
    let all = tampered(&record);
    assert!(all.len() > 50, "{}", all.len());
    for (how, record) in all {
        let report = replay_record(&project, &session, &record).unwrap();
        let Some(found) = report.divergence else {
            panic!("{how}: nobody noticed");
        };
        assert_ne!(found.expected, found.found, "{how}");
    }
    yard.sound();
}
