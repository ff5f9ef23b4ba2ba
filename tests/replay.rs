//! Runs of models once more, against their record.

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
    assert!(report["compared"].as_u64().unwrap() >= 2, "{body}");
    // It leaves nothing, and needs no worktree of the session's.
    assert_eq!(yard.git(&["for-each-ref"]), before);
    yard.exits(0, &["land", "task"]);
    let told = yard.exits(0, &["replay", "task"]);
    assert!(told.contains("task: reproduced"), "{told}");
    yard.sound();
}

#[test]
fn what_is_not_on_record_shows_as_a_difference() {
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
    assert_eq!(code, Some(1), "{body}");
    let found = &body["report"]["divergence"];
    assert_eq!(found["step"], 7, "{body}");
    assert_eq!(found["what"], "what file.edit answers");
    assert!(found["found"].as_str().unwrap().contains("TY-"), "{body}");
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
