//! Files held by people, and by worktrees that treeyard did not make.

use std::path::PathBuf;

use super::{finished, locks, said};
use crate::yard::{UNCONFINED, Yard, eventually, text};

/// A linked worktree of the yard, on a branch of its own.
fn worktree(yard: &Yard, name: &str) -> PathBuf {
    let path = yard.folder.path().join(name);
    let text = path.display().to_string();
    yard.git(&["worktree", "add", "-q", "-b", name, &text]);
    path
}

/// Writes a file and tries to commit it there.
fn commit(yard: &Yard, place: &PathBuf, path: &str) -> (bool, String) {
    let full = place.join(path);
    std::fs::create_dir_all(full.parent().unwrap()).unwrap();
    std::fs::write(full, "new\n").unwrap();
    let git = |args: &[&str]| {
        let output = yard.command("git").current_dir(place).args(args).output();
        let output = output.unwrap();
        (output.status.success(), text(&output.stderr))
    };
    git(&["add", "-A"]);
    let done = git(&["commit", "-qm", "Change"]);
    if !done.0 {
        git(&["reset", "-q", "--hard"]);
    }
    done
}

#[test]
fn a_claim_holds_for_its_checkout_and_refuses_everywhere_else() {
    let yard = Yard::new();
    let other = worktree(&yard, "other");
    let (code, told) = said(&yard, &["claim", "src/**", "--for", "2h"]);
    assert_eq!(code, 0, "{told}");
    assert!(
        told.contains("for 2h") && told.contains("hooks install"),
        "{told}"
    );
    yard.exits(0, &["hooks", "install"]);
    assert!(commit(&yard, &yard.repo(), "src/lib.txt").0);
    let (went, told) = commit(&yard, &other, "src/other.txt");
    assert!(!went, "{told}");
    assert!(
        told.contains("CX-MM-002") && told.contains("Test (claim "),
        "{told}"
    );
    assert!(commit(&yard, &other, "docs/free.txt").0);
    let listed = yard.exits(0, &["locks", "ls"]);
    assert!(
        listed.contains("CLAIM, ") && listed.contains("left"),
        "{listed}"
    );
    // A second claim of the same checkout may overlap; one of another may not.
    yard.exits(0, &["claim", "src/lib.txt"]);
    let place = other.display().to_string();
    let (code, told) = said(&yard, &["-C", &place, "claim", "src/x"]);
    assert_eq!(code, 5, "{told}");
    let failed = yard.json(&["-C", &place, "claim", "src/x"]);
    let details = &failed["error"]["details"];
    assert_eq!(details["code"], "CX-MM-002");
    assert_eq!(details["witness"], "src/x");
    assert_eq!(details["holder"]["party"]["kind"], "place");

    yard.exits(0, &["up"]);
    yard.exits(
        0,
        &["submit", "--name", "job", "--scope", "src/**", "--", "true"],
    );
    eventually("it waits", || !yard.events("FR-EVT-LOCK-003").is_empty());
    assert_eq!(yard.state_of("job"), "CREATED");
    yard.exits(0, &["release"]);
    eventually("it starts", || yard.state_of("job") == "COMPLETED");
    assert!(commit(&yard, &other, "src/other.txt").0);
    yard.exits(3, &["release"]);
    yard.sound();
}

#[test]
fn a_claim_ends_with_its_time_and_with_its_process() {
    let yard = Yard::new();
    yard.exits(0, &["up"]);
    let mut child = std::process::Command::new("sleep")
        .arg("100")
        .spawn()
        .unwrap();
    let pid = child.id().to_string();
    yard.exits(0, &["claim", "a/**", "--pid", &pid]);
    yard.exits(0, &["claim", "b/**", "--for", "300ms"]);
    for name in ["a", "b"] {
        let files = format!("{name}/**");
        yard.exits(
            0,
            &["submit", "--name", name, "--scope", &files, "--", "true"],
        );
    }
    eventually("its time is over", || yard.state_of("b") == "COMPLETED");
    assert_eq!(yard.state_of("a"), "CREATED");
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("its process is gone", || yard.state_of("a") == "COMPLETED");
    for wrong in [
        &["claim", "x", "--for", "soon"][..],
        &["claim", "x", "--pid", "4194305"],
        &["claim", "a[b"],
    ] {
        assert_eq!(yard.treeyard(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn an_adopted_worktree_has_a_session_a_lock_and_hooks() {
    let yard = Yard::new();
    let place = worktree(&yard, "feature");
    let path = place.display().to_string();
    let (code, told) = said(&yard, &["adopt", &path, "--scope", "docs/**"]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("hooks were installed"), "{told}");
    assert_eq!(yard.state_of("feature"), "ACTIVE");
    let (went, told) = commit(&yard, &place, "src/lib.txt");
    assert!(!went && told.contains("TY-OUT-OF-SCOPE"), "{told}");
    let (went, told) = commit(&yard, &place, "docs/a.md");
    assert!(went, "{told}");
    let message = yard.git(&["log", "-1", "--format=%B", "feature"]);
    assert!(message.contains("Treeyard-Task: feature") && message.contains("Treeyard-Lock: "));
    let (went, told) = commit(&yard, &yard.repo(), "docs/mine.md");
    assert!(!went && told.contains("session feature"), "{told}");
    let (code, _) = said(
        &yard,
        &["run", "--name", "job", "--scope", "docs/x", "--", "true"],
    );
    assert_eq!(code, 5);
    yard.exits(2, &["adopt", &path]);
    let (code, told) = said(&yard, &["-C", &path, "scope", "request", "notes.md"]);
    assert_eq!(code, 0, "{told}");
    assert!(commit(&yard, &place, "notes.md").0);
    let (code, told) = said(&yard, &["land", "feature"]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(yard.git(&["show", "main:notes.md"]), "new\n");
    assert!(place.join("docs/a.md").exists(), "its files stay");
    assert!(locks(&yard).is_empty());
    assert!(commit(&yard, &place, "src/lib.txt").0, "it is nobody's now");
    yard.exits(0, &["doctor"]);

    // Forgotten without landing; and again under another name.
    yard.exits(0, &["adopt", &path, "--name", "again", "--scope", "src/**"]);
    yard.exits(0, &["cancel", "again"]);
    assert!(commit(&yard, &place, "notes/b.md").0, "it is nobody's now");
    yard.exits(2, &["retry", "again"]);
    yard.exits(0, &["adopt", &path, "--name", "third", "--scope", "src/**"]);
    yard.exits(0, &["pause", "third", "--set", "locks.paused=1ms"]);
    let (code, _) = said(&yard, &["claim", "src/x"]);
    assert_eq!(code, 0, "its time is over");
    yard.exits(5, &["resume", "third"]);
    assert_eq!(yard.state_of("third"), "PAUSED");
    yard.exits(0, &["release"]);
    yard.exits(0, &["resume", "third"]);
    assert_eq!(locks(&yard).len(), 1);
    yard.exits(0, &["cancel", "third"]);
    assert!(locks(&yard).is_empty() && place.exists());
    yard.exits(0, &["gc", "--set", "retention.sessions_days=0"]);
    assert!(place.join("src/lib.txt").exists());
    yard.sound();
}

/// All slots are taken by one that waits: nothing else would make the runner look.
#[test]
fn a_running_session_gets_more_when_a_claim_ends_by_itself() {
    let yard = Yard::new();
    let program = env!("CARGO_BIN_EXE_treeyard");
    let wait_for = |name: &str| format!("until [ -e ../../{name} ]; do sleep 0.02; done");
    let line = format!(
        "touch ../../started; {}; {program} scope request --queue ./b; {}; echo 1 > b",
        wait_for("claimed"),
        wait_for("granted"),
    );
    yard.exits(0, &["up", "--set", "limits.max_concurrent_sessions=1"]);
    let job = ["submit", "--name", "job", "--scope", "./a", "--"];
    yard.exits(0, &[&job[..], &["sh", "-c", &line]].concat());
    let beside = yard.folder.path().to_owned();
    eventually("it began", || beside.join("started").exists());
    yard.exits(0, &["claim", "./b", "--for", "1s"]);
    std::fs::write(beside.join("claimed"), "").unwrap();
    eventually("it asks", || !yard.events("FR-EVT-LOCK-003").is_empty());
    let both = serde_json::json!(["./a", "./b"]);
    eventually("it has both", || locks(&yard)[0]["scope"] == both);
    std::fs::write(beside.join("granted"), "").unwrap();
    eventually("it ends", || yard.state_of("job") == "COMPLETED");
    yard.exits(0, &["land", "job"]);
    assert_eq!(yard.git(&["show", "main:b"]), "1\n");
    yard.sound();
}

#[test]
fn an_adopted_worktree_keeps_its_files_when_there_is_nothing_to_land_yet() {
    let yard = Yard::new();
    let place = worktree(&yard, "feature");
    let path = place.display().to_string();
    yard.exits(0, &["adopt", &path, "--scope", "docs/**"]);
    let told = yard.treeyard(&["land", "feature"]);
    assert!(text(&told.stderr).contains("TY-NOTHING-TO-LAND"));
    assert_eq!(locks(&yard).len(), 1);
    // Without a runner, what ends by itself is seen by whoever asks.
    yard.exits(0, &["claim", "src/**", "--for", "400ms"]);
    let request = ["-C", &path, "scope", "request", "--wait", "src/new.txt"];
    let (code, told) = said(&yard, &request);
    assert_eq!(code, 0, "{told}");
    assert!(commit(&yard, &place, "src/new.txt").0);
    // Another request does not answer the one that waits.
    yard.exits(0, &["claim", "lib/**"]);
    yard.exits(0, &["claim", "etc/**"]);
    // Nor does a second one take the place of the first.
    for more in ["lib/new.txt", "etc/new.txt", "etc/new.txt"] {
        yard.exits(0, &["-C", &path, "scope", "request", "--queue", more]);
    }
    yard.exits(0, &["-C", &path, "scope", "request", "./other.txt"]);
    yard.exits(0, &["release"]);
    yard.exits(0, &["up"]);
    let scope = || locks(&yard)[0]["scope"].to_string();
    eventually("it has them", || scope().contains("lib/new.txt"));
    assert!(scope().contains("etc/new.txt"), "{}", scope());
    yard.exits(0, &["land", "feature"]);
    assert!(locks(&yard).is_empty());
    yard.sound();
}

#[test]
fn what_cannot_be_adopted_is_refused_with_a_reason() {
    let yard = Yard::new();
    let detached = yard.folder.path().join("detached").display().to_string();
    yard.git(&["worktree", "add", "-q", "--detach", &detached]);
    let clone = yard.folder.path().join("clone").display().to_string();
    yard.git(&["clone", "-q", ".", &clone]);
    finished(&yard, "docs", "docs/**", "docs/a.md");
    let own = yard.exits(0, &["open", "docs"]);
    for (path, part) in [
        (detached.as_str(), "detached"),
        (clone.as_str(), "a repository of its own"),
        (".", "treeyard claim"),
        (own.trim(), "session docs"),
    ] {
        let (code, told) = said(&yard, &["adopt", path, "--name", "x"]);
        assert!(code == 2 && told.contains(part), "{path}: {code} {told}");
    }
    let place = worktree(&yard, "feature").display().to_string();
    let (code, told) = said(&yard, &["adopt", &place]);
    assert!(code == 5 && told.contains("CX-MM-002"), "{told}");
    assert_eq!(yard.state_of("feature"), "", "all or nothing");
}

/// It has no hooks of its own; those of the checkouts hold it to its scope.
#[test]
fn a_linked_session_is_held_by_the_hooks_of_the_checkouts() {
    let yard = Yard::new();
    yard.exits(0, &["hooks", "install"]);
    let linked = [
        "--set",
        "worktrees.isolation=\"linked\"",
        "run",
        "--name",
        "docs",
    ];
    let line = "mkdir docs && echo 1 > docs/a.md";
    let run = ["--scope", "docs/**", "--", "sh", "-c", line];
    yard.exits(0, &[&linked[..], &UNCONFINED, &run].concat());
    let place = PathBuf::from(yard.exits(0, &["open", "docs"]).trim());
    let (went, told) = commit(&yard, &place, "src/lib.txt");
    assert!(!went && told.contains("TY-OUT-OF-SCOPE"), "{told}");
    let (went, told) = commit(&yard, &place, "docs/b.md");
    assert!(went, "{told}");
    yard.exits(0, &["land", "docs"]);
    yard.sound();
}

#[test]
fn doctor_names_a_claim_whose_checkout_is_gone() {
    let yard = Yard::new();
    let other = worktree(&yard, "other");
    let place = other.display().to_string();
    yard.exits(0, &["-C", &place, "claim", "src/**"]);
    let fine = yard.exits(0, &["doctor"]);
    assert!(fine.contains("1, none is forgotten"), "{fine}");
    std::fs::remove_dir_all(&other).unwrap();
    let told = yard.exits(0, &["doctor"]);
    let token = locks(&yard)[0]["token"].to_string();
    assert!(
        told.contains("Test holds src/**") && told.contains("not there any more"),
        "{told}"
    );
    assert!(
        told.contains(&format!("treeyard release {token}")),
        "{told}"
    );
    yard.exits(0, &["release", &token]);
    assert!(!yard.exits(0, &["doctor"]).contains("claims"));
}
