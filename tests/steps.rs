//! A session's steps as they are told: what each was, what it saw, and from where a replay goes on.

use serde_json::Value;

use crate::checkpoints::in_columns;
use crate::talk::{refused, with_input, yard_with};
use crate::yard::{Yard, eventually};

/// Writes two files one after the other, one of them in vain, and says so.
const SCRIPT: &str = r#"
format = 1
[[step]]
expect = { user = "first" }
say = [
    { call = "file.write", arguments = { path = "a.txt", content = "one\n" } },
    { call = "file.edit", arguments = { path = "a.txt", old = "two", new = "three" } },
]
[[step]]
say = [{ call = "file.write", arguments = { path = "b.txt", content = "two\n" } }]
[[step]]
text = "It is written."
"#;

fn steps(yard: &Yard, name: &str) -> Vec<Value> {
    let all = yard.json(&["steps", name]);
    all["steps"].as_array().unwrap().clone()
}

fn of<'a>(all: &'a [Value], key: &str) -> Vec<&'a Value> {
    all.iter().map(|one| &one[key]).collect()
}

#[test]
fn each_step_of_a_model_is_told_with_what_it_saw() {
    let yard = yard_with("HIGH", SCRIPT);
    yard.exits(0, &["run", "--name", "work", "--prompt", "first"]);
    let all = steps(&yard, "work");
    assert_eq!(of(&all, "index"), [1, 2, 3, 4, 5, 6]);
    let call = "model_call";
    let kinds = [call, "tool_call", "tool_call", call, "tool_call", call];
    assert_eq!(of(&all, "kind"), kinds);
    let froms = of(&all, "replay_from");
    let number = Value::from;
    assert_eq!(
        froms,
        [
            &Value::Null,
            &number(1),
            &number(2),
            &Value::Null,
            &number(3),
            &Value::Null
        ]
    );
    let ends = of(&all, "status");
    assert_eq!(ends[2], "failed", "{all:?}");
    assert!(ends.iter().filter(|end| **end == "completed").count() == 5);
    // A step sees what those before it made: the first tool changes the tree, the one in vain does not.
    let trees = of(&all, "tree");
    assert_eq!(trees[0], trees[1], "a call of a model changes nothing");
    assert_ne!(trees[1], trees[2]);
    assert_eq!(trees[2], trees[3]);
    assert_ne!(trees[4], trees[5]);
    for step in &all {
        assert_eq!(step["recoverable"], false, "they are over");
        let output = step["output_artifact_ref"].as_str().unwrap();
        yard.exits(
            0,
            &["artifacts", "cat", output.strip_prefix("blake3:").unwrap()],
        );
    }
    let mut keys = of(&all, "idempotency_key");
    keys.sort_by_key(|key| key.to_string());
    keys.dedup();
    assert_eq!(keys.len(), 6);

    let told = in_columns(&yard, &["steps", "work"]);
    insta::assert_snapshot!("steps", without_hashes(&told, &all));
    yard.sound();
}

/// Trees follow from the files, and stay; keys follow from the session's id.
fn without_hashes(told: &str, all: &[Value]) -> String {
    let mut told = told.to_owned();
    for step in all {
        let key = &step["idempotency_key"].as_str().unwrap()["blake3:".len()..][..10];
        told = told.replace(key, "<key>     ");
    }
    told
}

#[test]
fn a_replay_goes_on_after_the_step_that_is_named() {
    let yard = yard_with("HIGH", SCRIPT);
    yard.exits(0, &["run", "--name", "work", "--prompt", "first"]);
    let all = steps(&yard, "work");
    let last = all[4]["replay_from"].to_string();
    let live = [
        "replay", "work", "--live", "--from", &last, "--prompt", "and now",
    ];
    yard.exits(0, &live);
    // What it has from there was done by another session.
    let fork = steps(&yard, "work-fork");
    assert!(fork.is_empty(), "{fork:?}");
    assert!(
        yard.exits(0, &["steps", "work-fork"])
            .contains("has no step yet")
    );
}

#[test]
fn steps_that_were_taken_back_are_told_as_such() {
    let yard = yard_with("HIGH", SCRIPT);
    with_input(&yard, &["chat", "--name", "work", "first"], "/quit\n");
    eventually("it waits", || yard.state_of("work") == "PAUSED");
    yard.exits(0, &["restore", "work", "--at", "2"]);
    let all = steps(&yard, "work");
    let (no, yes) = (&Value::Bool(false), &Value::Bool(true));
    assert_eq!(of(&all, "taken_back"), [no, no, yes, yes, yes, yes]);
    assert_eq!(all[1]["replay_from"], 1);
    assert_eq!(all[4]["replay_from"], Value::Null);
    assert!(yard.exits(0, &["steps", "work"]).contains("taken back"));
}

#[test]
fn commands_are_steps_too() {
    let yard = Yard::new();
    let line = "echo > a.txt; exit 3";
    yard.exits(1, &["run", "--name", "work", "--", "sh", "-c", line]);
    let all = steps(&yard, "work");
    assert_eq!(all.len(), 1);
    let base = yard.git(&["rev-parse", "main^{tree}"]);
    let step = &all[0];
    assert_eq!(step["kind"], "command");
    assert_eq!(step["tree"], base.trim());
    assert_eq!(step["status"], "failed");
    assert_eq!(step["error"], "exited with 3");
    refused(&yard, &["steps", "nobody"], 3);
}

#[test]
fn a_step_that_waits_has_no_key_yet() {
    let yard = yard_with("LOW", SCRIPT);
    yard.exits(5, &["run", "--name", "work", "--prompt", "first"]);
    let all = steps(&yard, "work");
    assert_eq!(of(&all, "status"), ["completed", "pending", "pending"]);
    assert_eq!(of(&all, "index"), [1, 2, 3]);
    for step in &all[1..] {
        assert!(step["idempotency_key"].is_null() && step["tree"].is_null());
        assert!(step["replay_from"].is_null());
        assert_eq!(step["recoverable"], true);
    }
}

#[test]
fn a_fork_in_the_middle_of_an_answer_has_the_rest_of_its_calls() {
    let yard = yard_with("HIGH", SCRIPT);
    yard.exits(0, &["run", "--name", "work", "--prompt", "first"]);
    yard.exits(0, &["release", "work"]);
    // After the first of the two calls of the first answer.
    yard.exits(0, &["fork", "work", "--at", "2"]);
    yard.exits(0, &["up"]);
    eventually("it is done", || yard.state_of("work-fork") == "COMPLETED");
    let all = steps(&yard, "work-fork");
    let whats = of(&all, "what");
    assert_eq!(whats, ["file.edit", "play/toy", "file.write", "play/toy"]);
    assert_eq!(of(&all, "index"), [1, 2, 3, 4]);
    assert_eq!(all[0]["replay_from"], 1);
    assert_eq!(all[2]["replay_from"], 2);

    let file = yard
        .folder
        .path()
        .join("fork.treeyard")
        .display()
        .to_string();
    yard.exits(0, &["export", "work-fork", "--output", &file]);
    let other = Yard::new();
    other.exits(0, &["import", &file]);
    assert_eq!(steps(&other, "work-fork"), all);
}

#[test]
fn a_call_that_is_made_again_after_going_back_is_another_step() {
    let yard = yard_with("HIGH", SCRIPT);
    with_input(&yard, &["chat", "--name", "work", "first"], "/quit\n");
    eventually("it waits", || yard.state_of("work") == "PAUSED");
    yard.exits(0, &["restore", "work", "--at", "2"]);
    yard.exits(0, &["up"]);
    yard.exits(0, &["resume", "work"]);
    eventually("it edits again", || steps(&yard, "work").len() > 7);
    let all = steps(&yard, "work");
    let edits: Vec<_> = all
        .iter()
        .filter(|one| one["what"] == "file.edit")
        .collect();
    assert_eq!(edits.len(), 2);
    assert_eq!(edits[0]["taken_back"], true);
    assert_eq!(edits[1]["taken_back"], false);
    assert_ne!(edits[0]["idempotency_key"], edits[1]["idempotency_key"]);
    assert_eq!(edits[1]["replay_from"], 2);
}

/// A tool that answers otherwise each time it runs.
const CHANGING: &str = r#"
format = 1
[[step]]
expect = { user = "first" }
say = [
    { call = "file.write", arguments = { path = "a.txt", content = "one\n" } },
    { call = "shell.exec", arguments = { command = "date +%s%N | tee now.txt" } },
]
[[step]]
text = "It is written."
"#;

/// A call that was made, taken back and made once more is replayed as it went in the thread that counts.
#[test]
fn a_run_that_went_back_into_the_middle_of_an_answer_is_replayed() {
    let yard = yard_with("HIGH", CHANGING);
    let config = yard.folder.path().join("home/config/treeyard/config.toml");
    let settings = std::fs::read_to_string(&config)
        .unwrap()
        .replace("\"edit\"", "\"full\"");
    std::fs::write(&config, settings).unwrap();
    with_input(&yard, &["chat", "--name", "work", "first"], "/quit\n");
    eventually("it waits", || yard.state_of("work") == "PAUSED");
    yard.exits(0, &["restore", "work", "--at", "2"]);
    yard.exits(0, &["up"]);
    yard.exits(0, &["resume", "work"]);
    eventually("it says it again", || steps(&yard, "work").len() >= 6);
    yard.exits(0, &["down"]);
    let same = "2 answers and 1 result from the record, 1 tool run";
    assert!(yard.exits(0, &["replay", "work"]).contains(same));
    yard.exits(0, &["restore", "work", "--at", "3"]);
    assert_eq!(of(&steps(&yard, "work"), "taken_back")[2], false);
    let told = yard.exits(0, &["replay", "work"]);
    assert!(
        told.contains("1 answer and 1 result from the record"),
        "{told}"
    );
}
