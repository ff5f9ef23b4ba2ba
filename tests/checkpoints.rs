//! Checkpoints, as a person goes back to them: the real program, real worktrees, scripts in the place of models.

use std::fs;
use std::path::PathBuf;

use treeyard::app::project::Project;
use treeyard::model::checkpoint::Cause;
use treeyard::model::scope::Scope;
use treeyard::workspace::{Point, checkpoint, located, snapshot};

use crate::talk::{refused, session, yard_with};
use crate::yard::{Yard, eventually, text};

/// A failed session that changed a file, made one and removed one.
fn failed() -> (Yard, PathBuf) {
    let yard = Yard::new();
    let line = "echo changed >> src/lib.txt; echo new > new.txt; rm README.md; exit 3";
    fails(&yard, &["--", "sh", "-c", line]);
    let place = worktree(&yard, "work");
    (yard, place)
}

/// Runs `work` to its end, by a runner that stays until that is recorded.
pub fn fails(yard: &Yard, args: &[&str]) {
    yard.exits(0, &["up"]);
    yard.exits(0, &[&["submit", "--name", "work"], args].concat());
    eventually("it failed", || yard.state_of("work") == "FAILED");
    eventually("it is kept", || count(yard, "work") == 1);
    yard.exits(0, &["down"]);
}

pub fn worktree(yard: &Yard, name: &str) -> PathBuf {
    PathBuf::from(session(yard, name)["worktree"].as_str().unwrap())
}

pub fn checkpoints(yard: &Yard, name: &str) -> Vec<serde_json::Value> {
    let all = yard.json(&["checkpoints", name]);
    all["checkpoints"].as_array().unwrap().clone()
}

pub fn count(yard: &Yard, name: &str) -> usize {
    checkpoints(yard, name).len()
}

/// What stands in a file, or nothing where there is none.
pub fn read(place: &std::path::Path, path: &str) -> String {
    fs::read_to_string(place.join(path)).unwrap_or_default()
}

fn go_on_by_hand(place: &std::path::Path) {
    fs::write(place.join("src/lib.txt"), "mine\n").unwrap();
    fs::write(place.join("more.txt"), "more\n").unwrap();
    fs::remove_file(place.join("new.txt")).unwrap();
}

fn is_as_it_failed(place: &std::path::Path) {
    assert_eq!(read(place, "src/lib.txt"), "one\ntwo\nthree\nchanged\n");
    assert_eq!(read(place, "new.txt"), "new\n");
    assert!(!place.join("README.md").exists());
    assert!(!place.join("more.txt").exists());
}

fn is_by_hand(place: &std::path::Path) {
    assert_eq!(read(place, "src/lib.txt"), "mine\n");
    assert_eq!(read(place, "more.txt"), "more\n");
    assert!(!place.join("new.txt").exists() && !place.join("README.md").exists());
}

/// Printed in 80 columns, without what differs from run to run: ages, and the width of their column.
pub fn in_columns(yard: &Yard, args: &[&str]) -> String {
    let mut command = yard.command(env!("CARGO_BIN_EXE_treeyard"));
    let output = command.args(args).env("COLUMNS", "80").output().unwrap();
    let told = text(&output.stdout);
    assert!(
        told.lines().all(|line| line.chars().count() <= 80),
        "{told}"
    );
    told
}

#[test]
fn files_are_put_back_and_that_is_undone() {
    let (yard, place) = failed();
    go_on_by_hand(&place);
    let told = yard.exits(0, &["restore", "work", "--dry-run"]);
    for line in [
        "  write     new.txt\n",
        "  write     src/lib.txt\n",
        "  remove    more.txt\n",
    ] {
        assert!(told.contains(line), "{told}");
    }
    is_by_hand(&place);
    assert_eq!(count(&yard, "work"), 1);

    let told = in_columns(&yard, &["restore", "work"]);
    let id = session(&yard, "work")["session_id"].as_str().unwrap()[28..].to_owned();
    insta::assert_snapshot!("restored", told.replace(&id, "ID"));
    is_as_it_failed(&place);
    insta::assert_snapshot!("checkpoints", in_columns(&yard, &["checkpoints", "work"]));

    yard.exits(0, &["restore", "work", "--at", "2"]);
    is_by_hand(&place);
    // What is so already needs no more.
    let again = yard.exits(0, &["restore", "work", "--at", "2"]);
    assert!(again.contains("already"), "{again}");
    let rows = checkpoints(&yard, "work");
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[2]["cause"], "restoring");
    assert_eq!(
        (rows[1]["is_now"].clone(), rows[2]["is_now"].clone()),
        (true.into(), false.into())
    );
    let restored = yard.events("FR-EVT-CKPT-002");
    assert_eq!(restored.len(), 2);
    assert_eq!(restored[1]["data"]["saved"], 3);
    assert!(
        yard.exits(0, &["show", "work"])
            .contains("checkpoint 3 (before restore")
    );
    yard.sound();
}

#[test]
fn what_was_taken_by_hand_is_compared() {
    let (yard, place) = failed();
    go_on_by_hand(&place);
    let told = yard.exits(0, &["checkpoints", "work", "--take"]);
    assert!(told.starts_with("checkpoint 2 of work"), "{told}");
    fs::write(place.join("more.txt"), "and more\n").unwrap();
    let diff = yard.exits(0, &["diff", "work", "--at", "2"]);
    assert!(diff.contains("-more\n+and more\n"), "{diff}");
    assert!(!diff.contains("lib.txt"), "{diff}");
    let names = yard.exits(
        0,
        &["diff", "work", "--at", "1", "--to", "2", "--name-only"],
    );
    assert_eq!(names, "more.txt\nnew.txt\nsrc/lib.txt\n");
    let stat = yard.exits(0, &["diff", "work", "--at", "1", "--stat"]);
    assert!(stat.contains("3 files changed"), "{stat}");
    refused(&yard, &["diff", "work", "--to", "2"], 2);
    let unknown = refused(&yard, &["diff", "work", "--at", "9"], 3);
    assert!(unknown.contains("TY-CHECKPOINT-UNKNOWN"), "{unknown}");
    assert!(unknown.contains("numbered 1 to 2"), "{unknown}");
}

#[test]
fn whoever_was_cut_short_says_it_again() {
    for step in 0..3 {
        let (yard, place) = failed();
        go_on_by_hand(&place);
        // The steps of a restoration, up to where it died.
        let mut project = Project::open(&yard.repo(), &[]).unwrap();
        let row = project.session("work").unwrap();
        let point = Point::new(Cause::Restoring, &Scope::nothing());
        checkpoint(&project.repo, &mut project.store, &row, point)
            .unwrap()
            .unwrap();
        if step == 1 {
            fs::write(place.join("new.txt"), "new\n").unwrap();
        }
        if step == 2 {
            let first = project.store.checkpoints(row.id).unwrap().remove(0);
            let located = located(&row).unwrap();
            snapshot::restore(&project.repo, &located, &first.checkpoint.commit).unwrap();
        }
        drop(project);
        let told = yard.exits(0, &["restore", "work"]);
        is_as_it_failed(&place);
        let restored = yard.events("FR-EVT-CKPT-002");
        assert_eq!(restored.len(), 1, "step {step}");
        let saved = match step {
            1 => 3,
            _ => 2,
        };
        assert_eq!(restored[0]["data"]["saved"], saved, "step {step}");
        assert_eq!(told.contains("checkpoint 2 has what"), step == 1, "{told}");
        assert_eq!(count(&yard, "work") as u64, saved);
        yard.exits(0, &["restore", "work", "--at", "2"]);
        is_by_hand(&place);
        yard.sound();
    }
}

#[test]
fn a_killed_restoration_loses_nothing() {
    let yard = Yard::new();
    let line = "for i in $(seq 300); do echo $i > f$i; done; exit 3";
    fails(&yard, &["--", "sh", "-c", line]);
    let place = worktree(&yard, "work");
    for at in 1..=300 {
        fs::write(place.join(format!("f{at}")), "mine\n").unwrap();
    }
    for _ in 0..6 {
        let mut command = yard.command(env!("CARGO_BIN_EXE_treeyard"));
        let mut child = command.args(["restore", "work"]).spawn().unwrap();
        // Wherever it is when the first files are there, or before it is over.
        eventually("it began", || {
            read(&place, "f1") == "1\n" || child.try_wait().unwrap().is_some()
        });
        child.kill().unwrap();
        child.wait().unwrap();
        if !yard.events("FR-EVT-CKPT-002").is_empty() {
            break;
        }
        fs::write(place.join("f1"), "mine\n").unwrap();
    }
    yard.exits(0, &["restore", "work"]);
    assert!((1..=300).all(|at| read(&place, &format!("f{at}")) == format!("{at}\n")));
    assert!(!yard.events("FR-EVT-CKPT-002").is_empty());
    let first = checkpoints(&yard, "work");
    let first = first
        .iter()
        .find(|row| row["cause"] == "restoring")
        .unwrap();
    yard.exits(
        0,
        &["restore", "work", "--at", &first["number"].to_string()],
    );
    assert!((1..=300).all(|at| read(&place, &format!("f{at}")) == "mine\n"));
    yard.sound();
}

#[test]
fn commits_stay_and_finished_work_lands_as_it_was_put_back() {
    let yard = Yard::new();
    let line = "echo 1 > a.txt; git add -A; git commit -qm one";
    yard.exits(0, &["run", "--name", "work", "--", "sh", "-c", line]);
    yard.exits(0, &["checkpoints", "work", "--take"]);
    let place = worktree(&yard, "work");
    fs::write(place.join("a.txt"), "2\n").unwrap();
    let place = place.display().to_string();
    yard.git(&["-C", &place, "commit", "-qam", "two"]);
    let told = yard.exits(0, &["restore", "work", "--at", "1"]);
    assert!(told.contains("commits stay as they are"), "{told}");
    assert!(
        yard.git(&["-C", &place, "log", "-1", "--format=%s"])
            .starts_with("two")
    );
    yard.exits(0, &["land", "work"]);
    assert_eq!(yard.git(&["show", "main:a.txt"]), "1\n");
    let landed = refused(&yard, &["restore", "work", "--at", "1"], 5);
    assert!(landed.contains("its work has landed"), "{landed}");
    assert!(landed.contains("treeyard fork "), "{landed}");
    yard.sound();
}

#[test]
fn what_is_at_work_or_not_ours_is_not_put_back() {
    let yard = Yard::new();
    yard.exits(0, &["up"]);
    let go = yard.folder.path().join("go");
    let line = format!("echo a > a.txt; until [ -e {} ]; do :; done", go.display());
    yard.exits(
        0,
        &[
            "submit", "--name", "long", "--scope", "./a.txt", "--", "sh", "-c", &line,
        ],
    );
    eventually("it writes", || {
        yard.state_of("long") == "ACTIVE" && {
            let row = session(&yard, "long");
            let place = row["worktree"].as_str().map(PathBuf::from);
            place.is_some_and(|place| !read(&place, "a.txt").is_empty())
        }
    });
    yard.exits(0, &["checkpoints", "long", "--take"]);
    let told = refused(&yard, &["restore", "long"], 5);
    assert!(
        told.contains("TY-RESTORE-REFUSED") && told.contains("it is at work"),
        "{told}"
    );
    assert!(told.contains("treeyard pause "), "{told}");
    yard.exits(0, &["pause", "long"]);
    let told = refused(&yard, &["restore", "long"], 5);
    assert!(told.contains("its command still runs"), "{told}");
    fs::write(&go, "").unwrap();
    eventually("it ended", || {
        yard.json(&["show", "long"])["jobs"][0]["state"] == "completed"
    });
    fs::write(worktree(&yard, "long").join("b.txt"), "b\n").unwrap();
    yard.exits(0, &["restore", "long", "--at", "1"]);
    assert!(!worktree(&yard, "long").join("b.txt").exists());

    let other = yard.folder.path().join("other").display().to_string();
    yard.git(&["worktree", "add", "-q", &other, "-b", "other"]);
    yard.exits(0, &["adopt", &other, "--scope", "other/**"]);
    let told = refused(&yard, &["restore", "other"], 5);
    assert!(told.contains("not treeyard's own"), "{told}");
    refused(&yard, &["checkpoints", "other", "--take"], 5);
}

/// Writes two files and asks in between what it is told.
const SCRIPT: &str = r#"
format = 1
[[step]]
unordered = true
times = 20
expect = { user = "first" }
say = [{ call = "file.write", arguments = { path = "a.txt", content = "one\n" } }]
[[step]]
unordered = true
times = 20
expect = { user = "second" }
say = [{ call = "file.write", arguments = { path = "b.txt", content = "two\n" } }]
[[step]]
unordered = true
times = 20
expect = { user = "other" }
say = [{ call = "file.write", arguments = { path = "c.txt", content = "three\n" } }]
[[step]]
unordered = true
times = 40
expect.results = [{ tool = "file.write", failed = false }]
text = "It is written."
[[step]]
unordered = true
times = 40
expect.results = [{ tool = "file.write", failed = true }]
text = "Then not."
"#;

/// A session that waits for words, after two rounds.
fn talked() -> Yard {
    let yard = yard_with("HIGH", SCRIPT);
    let chat = ["chat", "--name", "talk", "first"];
    crate::talk::with_input(&yard, &chat, "second\n/quit\n");
    eventually("it waits", || yard.state_of("talk") == "PAUSED");
    yard
}

fn said(yard: &Yard, args: &[&str]) -> Vec<String> {
    let thread = yard.json(args);
    let all = thread["messages"].as_array().unwrap().iter();
    let words = all.filter(|one| one["role"] == "USER" && one["source"].is_null());
    words
        .map(|one| one["content"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_thread_goes_back_with_its_files_and_on_from_there() {
    let yard = talked();
    let place = worktree(&yard, "talk");
    let rows = checkpoints(&yard, "talk");
    assert_eq!(rows[0]["cause"], "began", "{rows:?}");
    assert_eq!(rows[1]["cause"], "tool_call", "{rows:?}");
    let told = yard.exits(0, &["restore", "talk", "--at", "2"]);
    assert!(
        told.contains("taken back") && told.contains("or treeyard send "),
        "{told}"
    );
    assert!(place.join("a.txt").exists() && !place.join("b.txt").exists());
    assert_eq!(said(&yard, &["thread", "talk"]), ["first"]);
    assert_eq!(
        said(&yard, &["thread", "talk", "--all"]),
        ["first", "second"]
    );
    assert!(
        yard.exits(0, &["thread", "talk", "--all"])
            .contains("taken back")
    );
    assert!(!yard.exits(0, &["thread", "talk"]).contains("taken back"));

    yard.exits(0, &["send", "talk", "other", "--wait"]);
    assert_eq!(read(&place, "c.txt"), "three\n");
    assert_eq!(said(&yard, &["thread", "talk"]), ["first", "other"]);
    assert!(!place.join("b.txt").exists());

    // And back to the branch that was left, with all that was said in it.
    let saved = checkpoints(&yard, "talk");
    let saved = saved
        .iter()
        .find(|row| row["cause"] == "restoring")
        .unwrap();
    yard.exits(
        0,
        &["restore", "talk", "--at", &saved["number"].to_string()],
    );
    assert_eq!(said(&yard, &["thread", "talk"]), ["first", "second"]);
    assert!(place.join("b.txt").exists() && !place.join("c.txt").exists());
    // The files alone.
    yard.exits(0, &["restore", "talk", "--at", "2", "--files"]);
    assert_eq!(said(&yard, &["thread", "talk"]), ["first", "second"]);
    assert!(!place.join("b.txt").exists());
    yard.sound();
}

#[test]
fn nobody_answers_what_was_taken_back() {
    let yard = yard_with("LOW", SCRIPT);
    yard.exits(5, &["run", "--name", "asks", "--prompt", "first"]);
    assert_eq!(yard.state_of("asks"), "BLOCKED");
    let shown = yard.exits(0, &["approvals", "ls"]);
    assert!(shown.contains("file.write"), "{shown}");
    yard.exits(0, &["checkpoints", "asks", "--take"]);
    yard.exits(0, &["approvals", "allow", "asks"]);
    yard.exits(0, &["send", "asks", "second"]);
    crate::talk::with_input(&yard, &["send", "asks", "second", "--wait"], "");
    eventually("it asks again", || yard.state_of("asks") == "BLOCKED");
    yard.exits(0, &["restore", "asks", "--at", "2"]);
    assert_eq!(yard.state_of("asks"), "PAUSED");
    let shown = yard.exits(0, &["approvals", "ls"]);
    assert!(!shown.contains("file.write"), "{shown}");
    refused(&yard, &["approvals", "allow", "asks"], 2);
    // What it was about to do there is asked for anew.
    yard.exits(0, &["resume", "asks"]);
    yard.exits(0, &["up"]);
    eventually("it asks for the first", || {
        yard.exits(0, &["approvals", "ls"]).contains("a.txt")
    });
    yard.sound();
}

#[test]
fn a_fork_goes_on_with_other_words_and_lands() {
    let yard = talked();
    // Where its model has answered it waits for words, and so would the fork.
    yard.exits(0, &["checkpoints", "talk", "--take"]);
    let told = refused(&yard, &["fork", "talk"], 2);
    assert!(told.contains("has nothing to do at checkpoint"), "{told}");
    assert!(told.contains("--prompt TEXT"), "{told}");
    assert_eq!(yard.state_of("talk-fork"), "");
    let told = yard.exits(0, &["fork", "talk", "--at", "2", "--prompt", "other"]);
    assert!(
        told.contains("talk-fork  from checkpoint 2 of talk, with "),
        "{told}"
    );
    // The other one holds the whole repository.
    yard.exits(0, &["up"]);
    eventually("it waits", || {
        yard.exits(0, &["show", "talk-fork"]).contains("CX-MM-002")
    });
    yard.exits(0, &["cancel", "talk"]);
    eventually("it waits for words", || {
        yard.state_of("talk-fork") == "PAUSED"
    });
    let place = worktree(&yard, "talk-fork");
    assert_eq!(read(&place, "a.txt"), "one\n");
    assert_eq!(read(&place, "c.txt"), "three\n");
    assert!(!place.join("b.txt").exists());
    assert_eq!(said(&yard, &["thread", "talk-fork"]), ["first", "other"]);
    let ids = |name: &str| -> Vec<String> {
        let thread = yard.json(&["thread", name, "--all"]);
        let all = thread["messages"].as_array().unwrap().iter();
        all.map(|one| one["message_id"].to_string()).collect()
    };
    let (old, new) = (ids("talk"), ids("talk-fork"));
    let same = old
        .iter()
        .zip(&new)
        .take_while(|(one, other)| one == other)
        .count();
    assert!(same >= 4, "{old:?} {new:?}");
    let shown = yard.exits(0, &["show", "talk-fork"]);
    assert!(shown.contains("talk, checkpoint 2"), "{shown}");
    assert_eq!(session(&yard, "talk-fork")["forked_from"]["name"], "talk");
    insta::assert_snapshot!(
        "fork_checkpoints",
        in_columns(&yard, &["checkpoints", "talk-fork"])
    );
    crate::talk::with_input(&yard, &["chat", "talk-fork"], "/done\n");
    eventually("it is complete", || {
        yard.state_of("talk-fork") == "COMPLETED"
    });
    yard.exits(0, &["land", "talk-fork"]);
    assert_eq!(yard.git(&["show", "main:a.txt"]), "one\n");
    assert_eq!(yard.git(&["show", "main:c.txt"]), "three\n");
    // No commit of a checkpoint is in the history of the target.
    let log = yard.git(&["log", "--format=%s%n%b", "main"]);
    assert!(!log.contains("checkpoint"), "{log}");
    assert!(
        log.contains("Treeyard-Session") || log.contains("talk-fork"),
        "{log}"
    );
    yard.sound();
}

#[test]
fn a_fork_lands_nothing_outside_of_its_scope() {
    let yard = Yard::new();
    let line = "echo in >> src/lib.txt; echo out > out.txt; exit 3";
    fails(&yard, &["--scope", "src/**", "--", "sh", "-c", line]);
    let fork = [
        "fork",
        "work",
        "--name",
        "again",
        "--",
        "sh",
        "-c",
        "echo more >> src/lib.txt",
    ];
    yard.exits(0, &fork);
    yard.exits(0, &["up"]);
    eventually("its proof fails", || yard.state_of("again") == "BLOCKED");
    let told = refused(&yard, &["land", "again"], 5);
    assert!(
        told.contains("TY-OUT-OF-SCOPE") && told.contains("out.txt"),
        "{told}"
    );
    yard.exits(0, &["land", "again", "--only-in-scope"]);
    assert!(
        yard.git(&["show", "main:src/lib.txt"])
            .ends_with("in\nmore\n")
    );
    let files = yard.git(&["ls-tree", "-r", "--name-only", "main"]);
    assert!(!files.contains("out.txt"), "{files}");
    // From a session that is gone, the files are still there.
    let told = refused(&yard, &["fork", "work", "--prompt", "x"], 2);
    assert!(told.contains("has no model"), "{told}");
}

#[test]
fn gc_drops_what_nobody_can_use() {
    let (yard, _) = failed();
    yard.exits(0, &["checkpoints", "work", "--take"]);
    let refs = || {
        yard.git(&[
            "for-each-ref",
            "--format=%(refname)",
            "refs/treeyard/checkpoints/",
        ])
    };
    assert_eq!(refs().lines().count(), 2);
    // One that nobody recorded goes when it is old.
    let id = session(&yard, "work")["session_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let old = yard.git(&["log", "-1", "--format=%H", "main"]);
    let tree = yard.git(&["rev-parse", "main^{tree}"]);
    let mut make = yard.command("git");
    make.args(["commit-tree", tree.trim(), "-m", "x"]);
    let made = make
        .env("GIT_COMMITTER_DATE", "2001-01-01T00:00:00Z")
        .output()
        .unwrap();
    let stray = format!("refs/treeyard/checkpoints/{id}/7");
    yard.git(&["update-ref", &stray, text(&made.stdout).trim()]);
    // One that was kept this moment may still be recorded.
    let fresh = yard.git(&["commit-tree", tree.trim(), "-p", old.trim(), "-m", "y"]);
    let young = format!("refs/treeyard/checkpoints/{id}/8");
    yard.git(&["update-ref", &young, fresh.trim()]);
    let told = yard.exits(0, &["gc", "--dry-run"]);
    assert!(told.contains("1 checkpoint,"), "{told}");
    let told = yard.exits(0, &["gc"]);
    assert!(told.contains("1 checkpoint,"), "{told}");
    assert!(!refs().contains(&stray) && refs().contains(&young));
    assert_eq!(count(&yard, "work"), 2);

    // What landed, and was kept long enough.
    yard.exits(
        0,
        &["run", "--name", "done", "--", "sh", "-c", "echo x > x.txt"],
    );
    yard.exits(0, &["checkpoints", "done", "--take"]);
    yard.exits(0, &["land", "done"]);
    let none = ["--set", "retention.sessions_days=0"];
    yard.exits(0, &[&["gc"][..], &none].concat());
    assert_eq!(count(&yard, "done"), 0);
    assert_eq!(yard.events("FR-EVT-CKPT-003").len(), 1);
    // A session that is forgotten takes its own along.
    let all = [&["gc"][..], &none, &["--set", "retention.events_days=0"]].concat();
    yard.exits(0, &all);
    yard.exits(0, &all);
    assert_eq!(refs(), "");
    yard.sound();
}

/// Looks at files, and changes none.
const READER: &str = r#"
format = 1
[[step]]
unordered = true
times = 6
say = [{ call = "file.read", arguments = { path = "README.md" } }]
[[step]]
text = "I have seen enough."
"#;

#[test]
fn a_conversation_that_changes_nothing_has_points_too() {
    let yard = yard_with("HIGH", READER);
    yard.exits(0, &["run", "--name", "looks", "--prompt", "look"]);
    let all = checkpoints(&yard, "looks");
    let causes: Vec<_> = all
        .iter()
        .map(|one| one["cause"].as_str().unwrap())
        .collect();
    assert_eq!(causes[0], "began");
    assert!(
        causes[1..].iter().all(|cause| *cause == "said"),
        "{causes:?}"
    );
    let thread = yard.json(&["thread", "looks"]);
    let messages = thread["messages"].as_array().unwrap();
    let places: Vec<_> = all
        .iter()
        .map(|one| {
            let id = &one["message_thread_tail_id"];
            messages
                .iter()
                .position(|message| message["message_id"] == *id)
        })
        .map(Option::unwrap)
        .collect();
    // A step of the loop has three messages: the answer, the call and what came of it.
    let ends = places.iter().copied().chain([messages.len() - 1]);
    let far = places
        .iter()
        .zip(ends.skip(1))
        .map(|(one, next)| next - one);
    assert!(far.max() < Some(5 + 3), "{places:?} of {}", messages.len());
    let told = yard.exits(0, &["replay", "looks"]);
    assert!(told.starts_with("looks: reproduced"), "{told}");

    yard.exits(
        0,
        &[
            "--set",
            "checkpoints.messages=0",
            "run",
            "--name",
            "quiet",
            "--prompt",
            "look",
        ],
    );
    assert_eq!(count(&yard, "quiet"), 1);
    yard.sound();
}
