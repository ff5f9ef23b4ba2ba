//! The main job with the real program, real git and real processes.

use std::path::Path;
use std::process::Command;

use super::yard::{Yard, eventually, text};

#[test]
fn a_plan_runs_in_parallel_worktrees_and_lands() {
    let yard = Yard::new();
    let plan = yard.plan(
        r#"
        auto_land = true
        [[task]]
        name = "api"
        scope = ["api/**"]
        run = "mkdir api && echo api > api/a.txt && git add -A && git commit -qm 'Add the api'"
        [[task]]
        name = "docs"
        scope = ["docs/**"]
        run = ["sh", "-c", "mkdir docs && echo docs > docs/d.txt; echo said; echo warned >&2"]
        gate = ["test -s docs/d.txt"]
        [[task]]
        name = "both"
        after = ["api", "docs"]
        run = "cat api/a.txt docs/d.txt > both.txt"
        "#,
    );
    yard.exits(0, &["run", &plan]);
    assert_eq!(
        std::fs::read_to_string(yard.repo().join("both.txt")).unwrap(),
        "api\ndocs\n"
    );
    assert_eq!(yard.git(&["status", "--porcelain"]), "");
    assert!(yard.git(&["log", "main"]).contains("Treeyard-Session: "));
    assert_eq!(yard.exits(0, &["logs", "docs"]).matches("said").count(), 1);
    assert_eq!(
        yard.git(&["worktree", "list"]).lines().count(),
        1,
        "worktrees were given back"
    );
    yard.sound();
}

#[test]
fn a_conflict_blocks_the_session_with_a_report_and_moves_nothing() {
    let yard = Yard::new();
    yard.exits(
        0,
        &[
            "run",
            "--name",
            "edit",
            "--",
            "sh",
            "-c",
            "echo theirs > src/lib.txt",
        ],
    );
    yard.write("src/lib.txt", "ours\n");
    yard.git(&["commit", "-qam", "Change it here"]);
    let before = yard.git(&["rev-parse", "main"]);
    yard.exits(4, &["land", "edit"]);
    assert_eq!(yard.state_of("edit"), "BLOCKED");
    assert_eq!(yard.git(&["rev-parse", "main"]), before);
    let artifacts = yard.json(&["artifacts", "ls"]);
    let report = artifacts["artifacts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["kind"] == "conflict_report")
        .unwrap();
    let report = yard.exits(0, &["artifacts", "cat", report["hash"].as_str().unwrap()]);
    assert!(report.contains("src/lib.txt"), "{report}");
    let shown = yard.exits(0, &["show", "edit"]);
    assert!(
        shown.contains("treeyard artifacts cat") && shown.contains("settle it"),
        "{shown}"
    );
    yard.sound();
}

/// Its model has nothing to settle.
#[test]
fn a_conflict_of_a_models_work_is_told_as_that_of_a_command() {
    let yard = Yard::new();
    let script = r#"
[[step]]
say = [{ call = "file.edit", arguments = { path = "src/lib.txt", old = "one", new = "theirs" } }]
[[step]]
text = "Done."
"#;
    yard.write("src/lib.txt", "one\n");
    yard.git(&["commit", "-qam", "One"]);
    yard.plays(script, "");
    yard.exits(0, &["run", "--name", "edit", "--prompt", "Edit it"]);
    yard.write("src/lib.txt", "ours\n");
    yard.git(&["commit", "-qam", "Change it here"]);
    yard.exits(4, &["land", "edit"]);
    let shown = yard.exits(0, &["show", "edit"]);
    assert!(shown.contains("next      settle it"), "{shown}");
    let sent = yard.treeyard(&["send", "edit", "Look at it"]);
    let told = String::from_utf8_lossy(&sent.stderr).into_owned();
    assert!(told.contains("treeyard resume"), "{told}");
}

#[test]
fn each_of_two_of_a_name_is_told_with_what_lands_it() {
    let yard = Yard::new();
    for file in ["a", "b"] {
        let line = format!("echo > src/{file}");
        let scope = format!("src/{file}");
        let run = [
            "run", "--name", "same", "--scope", &scope, "--", "sh", "-c", &line,
        ];
        yard.exits(0, &run);
    }
    let rows = yard.json(&["ls"])["sessions"].clone();
    let older = rows[1]["session_id"].as_str().unwrap();
    let listed = yard.exits(0, &["ls"]);
    let short = &older[older.len() - 8..];
    assert!(
        listed.contains("ready: treeyard land same")
            && listed.contains(&format!("ready: treeyard land {short}")),
        "{listed}"
    );
}

#[test]
fn a_failing_gate_and_a_dirty_target_land_nothing() {
    let yard = Yard::new();
    yard.exits(
        0,
        &[
            "run",
            "--name",
            "gated",
            "--scope",
            "./x",
            "--gate",
            "exit 3",
            "--",
            "sh",
            "-c",
            "echo x > x",
        ],
    );
    let before = yard.git(&["rev-parse", "main"]);
    yard.exits(1, &["land", "gated"]);
    yard.exits(
        0,
        &[
            "run",
            "--name",
            "plain",
            "--scope",
            "./README.md",
            "--",
            "sh",
            "-c",
            "echo y >> README.md",
        ],
    );
    yard.write("README.md", "mine\n");
    yard.exits(5, &["land", "plain"]);
    assert_eq!(yard.git(&["rev-parse", "main"]), before);
    assert_eq!(
        std::fs::read_to_string(yard.repo().join("README.md")).unwrap(),
        "mine\n"
    );
    yard.git(&["checkout", "-q", "README.md"]);
    yard.exits(0, &["land", "plain"]);
    yard.sound();
}

#[test]
fn failures_retry_and_what_comes_after_is_cancelled() {
    let yard = Yard::new();
    let plan = yard.plan(
        r#"
        [[task]]
        name = "flaky"
        scope = ["./.tried"]
        retries = { max = 2, backoff = "fixed", delay = "10ms" }
        run = "test -e .tried || { touch .tried; exit 1; }"
        [[task]]
        name = "broken"
        scope = []
        run = "exit 7"
        [[task]]
        name = "late"
        after = ["broken"]
        run = "true"
        [[task]]
        name = "slow"
        scope = []
        timeout = "300ms"
        run = "setsid sleep 100 & sleep 100"
        [[task]]
        name = "missing"
        scope = []
        run = ["no-such-program-anywhere"]
        "#,
    );
    yard.exits(1, &["run", &plan]);
    let states: Vec<String> = ["flaky", "broken", "late", "slow", "missing"]
        .iter()
        .map(|name| yard.state_of(name))
        .collect();
    assert_eq!(
        states,
        ["COMPLETED", "FAILED", "CANCELLED", "FAILED", "FAILED"]
    );
    yard.sound();
}

#[test]
fn jobs_outlive_a_killed_runner_and_are_taken_over() {
    let yard = Yard::new();
    yard.exits(0, &["up"]);
    let (go, began) = (
        yard.folder.path().join("go"),
        yard.folder.path().join("began"),
    );
    let wait = format!(
        "touch {}; while ! test -e {}; do sleep 0.05; done; echo done > done.txt",
        began.display(),
        go.display()
    );
    yard.exits(0, &["submit", "--name", "long", "--", "sh", "-c", &wait]);
    eventually("the job runs", || began.exists());
    let lock = std::fs::read_to_string(yard.repo().join(".git/treeyard/runner.lock")).unwrap();
    let owner: serde_json::Value = serde_json::from_str(&lock).unwrap();
    let pid = owner["pid"].to_string();
    assert!(
        Command::new("kill")
            .args(["-9", &pid])
            .status()
            .unwrap()
            .success()
    );
    eventually("the lock is free", || {
        yard.treeyard(&["up"]).status.success()
    });
    eventually("the job is found again", || {
        yard.exits(0, &["events", "--json"]).contains("reattached")
    });
    std::fs::write(&go, "").unwrap();
    eventually("the job's end is seen", || {
        yard.state_of("long") == "COMPLETED"
    });
    let events = yard.exits(0, &["events", "--json"]);
    assert_eq!(
        events.matches("FR-EVT-SESS-SCHED-002").count(),
        1,
        "it ran once"
    );
    yard.exits(0, &["land", "long"]);
    assert!(yard.repo().join("done.txt").exists());
    yard.exits(5, &["up"]);
    yard.exits(0, &["down"]);
    yard.sound();
}

#[test]
fn pause_cancel_and_retry_do_what_they_say() {
    let yard = Yard::new();
    yard.exits(
        0,
        &[
            "submit",
            "--name",
            "held",
            "--scope",
            "./ran.txt",
            "--",
            "sh",
            "-c",
            "echo ran > ran.txt",
        ],
    );
    yard.exits(0, &["pause", "held"]);
    yard.exits(0, &["up"]);
    yard.exits(0, &["submit", "--name", "other", "--", "true"]);
    eventually("the other one ends", || {
        yard.state_of("other") == "COMPLETED"
    });
    assert_eq!(yard.state_of("held"), "PAUSED");
    yard.exits(0, &["resume", "held"]);
    eventually("it goes on", || yard.state_of("held") == "COMPLETED");

    let marker = yard.folder.path().join("started");
    let forever = format!("touch {}; setsid sleep 1000 & sleep 1000", marker.display());
    yard.exits(
        0,
        &[
            "submit", "--name", "endless", "--scope", "./e", "--", "sh", "-c", &forever,
        ],
    );
    eventually("it started", || marker.exists());
    yard.exits(0, &["cancel", "endless"]);
    eventually("its process tree is gone", || {
        yard.json(&["show", "endless"])["jobs"][0]["state"] == "cancelled"
    });
    assert_eq!(yard.state_of("endless"), "CANCELLED");
    yard.exits(2, &["cancel", "endless"]);
    yard.sound();
}

#[test]
fn sessions_cannot_reach_each_others_refs_stash_or_configuration() {
    let yard = Yard::new();
    let inside = "git config user.nickname x; git tag inside; git branch mine; \
                  echo more >> README.md; git stash -q; echo kept > kept.txt";
    yard.exits(0, &["run", "--name", "inner", "--", "sh", "-c", inside]);
    assert_eq!(yard.git(&["tag"]), "");
    assert_eq!(yard.git(&["stash", "list"]), "");
    assert!(!yard.git(&["branch", "--list"]).contains("mine"));
    assert!(!yard.git(&["config", "--list"]).contains("nickname"));
    assert_eq!(yard.git(&["status", "--porcelain"]), "");
}

#[test]
fn bad_input_is_told_and_changes_nothing() {
    let yard = Yard::new();
    let plan = yard.plan("[[task]]\nname = \"a\"\nafter = [\"b\"]\nrun = \"x\"\n\n[[task]]\nname = \"b\"\nafter = [\"a\"]\nscope = [\"/etc\"]\nrun = \"\"\ncolour = 1\n");
    let output = yard.treeyard(&["run", &plan]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    for part in ["a -> b -> a", "absolute", "colour"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    yard.exits(3, &["show", "nobody"]);
    yard.exits(2, &["run", "--target", "nowhere", "--", "true"]);
    assert_eq!(
        yard.json(&["ls", "--all"])["sessions"]
            .as_array()
            .unwrap()
            .len(),
        0
    );

    let outside = tempfile::tempdir().unwrap();
    yard.exits(3, &["-C", &outside.path().display().to_string(), "ls"]);
}

#[test]
fn a_hundred_jobs_in_one_session_run_in_order_and_once() {
    let yard = Yard::new();
    let log = yard.folder.path().join("log");
    let line = format!("echo x >> {}", log.display());
    yard.exits(
        0,
        &[
            "run", "--name", "many", "--repeat", "100", "--", "sh", "-c", &line,
        ],
    );
    assert_eq!(std::fs::read_to_string(&log).unwrap().lines().count(), 100);
}

/// A folder that a test leaves must not be inside this repository.
#[test]
fn worktrees_stand_beside_the_repository() {
    let yard = Yard::new();
    let out = yard.folder.path().join("where");
    let line = format!("pwd > {}", out.display());
    yard.exits(0, &["run", "--name", "where", "--", "sh", "-c", &line]);
    let place = std::fs::read_to_string(&out).unwrap();
    assert!(!Path::new(place.trim()).starts_with(yard.repo()));
    assert!(place.contains("repo.treeyard"), "{place}");
}

#[test]
fn a_pause_during_the_last_command_loses_nothing() {
    let yard = Yard::new();
    let (begun, go) = (
        yard.folder.path().join("begun"),
        yard.folder.path().join("go"),
    );
    let line = format!(
        "touch {}; while ! test -e {}; do sleep 0.02; done; echo w > w.txt",
        begun.display(),
        go.display()
    );
    yard.exits(0, &["up"]);
    yard.exits(0, &["submit", "--name", "q", "--", "sh", "-c", &line]);
    eventually("it began", || begun.exists());
    yard.exits(0, &["pause", "q"]);
    std::fs::write(&go, "").unwrap();
    eventually("its command ended", || {
        yard.json(&["show", "q"])["jobs"][0]["state"] == "completed"
    });
    assert_eq!(yard.state_of("q"), "PAUSED");
    yard.exits(0, &["resume", "q"]);
    eventually("its work is taken in", || yard.state_of("q") == "COMPLETED");
    yard.exits(0, &["land", "q"]);
    assert!(yard.repo().join("w.txt").exists());
}

#[test]
fn after_on_the_command_line_waits_for_an_earlier_session() {
    let yard = Yard::new();
    yard.exits(
        0,
        &[
            "submit",
            "--name",
            "first",
            "--",
            "sh",
            "-c",
            "echo 1 > one.txt",
        ],
    );
    yard.exits(
        0,
        &[
            "submit", "--name", "second", "--after", "first", "--", "test", "-s", "one.txt",
        ],
    );
    yard.exits(0, &["up"]);
    eventually("both end", || yard.state_of("second") == "COMPLETED");
}

#[test]
fn exit_codes_tell_timeouts_missing_programs_and_missing_files_apart() {
    let yard = Yard::new();
    yard.exits(124, &["run", "--timeout", "200ms", "--", "sleep", "77"]);
    yard.exits(7, &["run", "--", "no-such-program-anywhere"]);
    yard.exits(3, &["run", "no-such-plan.toml"]);
}
