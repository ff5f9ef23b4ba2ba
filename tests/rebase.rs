//! Going on with an earlier run on top of what its target is now.

use std::fs;

use crate::talk::{refused, session};
use crate::yard::{Yard, eventually, text};

const SCRIPT: &str = r#"
[[step]]
say = [{ call = "file.write", arguments = { path = "src/a.txt", content = "one\n" } }]
[[step]]
say = [{ call = "shell.exec", arguments = { command = "sh check.sh" } }]
[[step]]
text = "That is how it is."
"#;

fn commit(yard: &Yard, path: &str, text: &str) -> String {
    yard.write(path, text);
    yard.git(&["add", "-A"]);
    yard.git(&["commit", "-qm", "By hand"]);
    yard.git(&["rev-parse", "HEAD"]).trim().to_owned()
}

/// A run that came upon something broken which is not its own to mend.
fn stopped_by_something_broken() -> Yard {
    let yard = Yard::new();
    commit(&yard, "check.sh", "echo it is broken; exit 1\n");
    yard.plays(SCRIPT, "profile = \"full\"\n");
    let run = ["run", "--name", "task", "--scope", "src/**", "--prompt"];
    yard.exits(0, &[&run[..], &["Do it"]].concat());
    assert!(yard.exits(0, &["thread", "task"]).contains("it is broken"));
    yard
}

fn done(yard: &Yard, name: &str) {
    yard.exits(0, &["up"]);
    eventually("it is done", || yard.state_of(name) == "COMPLETED");
    yard.exits(0, &["down"]);
}

/// What stands in files of its worktree.
fn reads(yard: &Yard, name: &str, files: &[(&str, &str)]) {
    let session = session(yard, name);
    let place = session["worktree"].as_str().unwrap();
    for (path, text) in files {
        let found = fs::read_to_string(format!("{place}/{path}")).unwrap();
        assert_eq!(found, *text, "{path}");
    }
}

/// It changes this file alone when it lands.
fn lands(yard: &Yard, name: &str, path: &str) {
    yard.exits(0, &["land", name]);
    let shown = ["show", "--format=", "--name-only", "-m", "--first-parent"];
    let changed = yard.git(&[&shown[..], &["main"]].concat());
    assert_eq!(changed.trim(), path);
}

#[test]
fn what_was_mended_on_the_target_is_there_when_a_run_goes_on() {
    let yard = stopped_by_something_broken();
    let mended = commit(&yard, "check.sh", "cat src/a.txt; echo it is mended\n");
    let live = ["replay", "task", "--live", "--from", "1", "--rebase"];
    let told = yard.exits(0, &live);
    let on_top = format!("on top of main at {}: 1 file changed there", &mended[..10]);
    assert!(told.contains(&on_top), "{told}");
    yard.exits(0, &["locks", "release", "task"]);
    done(&yard, "task-fork");
    assert_eq!(session(&yard, "task-fork")["base"], mended);
    let thread = yard.exits(0, &["thread", "task-fork"]);
    assert!(thread.contains("it is mended"), "{thread}");
    assert!(!thread.contains("it is broken"), "{thread}");
    let told = yard.json(&["thread", "task-fork"]);
    let told = told["messages"].as_array().unwrap();
    let told = told.iter().find(|one| one["source"] == "the branch main");
    let told = told.unwrap()["content"].as_str().unwrap();
    assert!(told.contains(&mended[..10]) && told.ends_with("\n  check.sh"));
    // What the target has is no change of its own.
    let changed = yard.exits(0, &["diff", "task-fork"]);
    assert!(changed.contains("src/a.txt"), "{changed}");
    assert!(!changed.contains("check.sh"), "{changed}");
    let replayed = yard.exits(0, &["replay", "task-fork"]);
    assert!(replayed.contains("task-fork: reproduced"), "{replayed}");
    yard.exits(0, &["land", "task-fork"]);
    assert_eq!(yard.git(&["show", "main:src/a.txt"]), "one\n");
    assert!(yard.git(&["show", "main:check.sh"]).contains("mended"));
    yard.sound();
}

#[test]
fn where_nothing_is_new_nothing_is_told() {
    let yard = stopped_by_something_broken();
    let told = yard.exits(
        0,
        &["fork", "task", "--at", "2", "--rebase", "--prompt", "x"],
    );
    assert!(
        told.contains("from checkpoint 2") && !told.contains("on top of"),
        "{told}"
    );
    let body = ["--json", "fork", "task", "--rebase", "--prompt", "x"];
    let body = yard.treeyard(&body);
    assert!(
        text(&body.stdout).contains("\"onto\":null"),
        "{}",
        text(&body.stdout)
    );
}

#[test]
fn a_conflict_is_named_and_leaves_nothing() {
    let yard = stopped_by_something_broken();
    commit(&yard, "src/a.txt", "another one\n");
    let before = yard.git(&["for-each-ref"]);
    let live = ["replay", "task", "--live", "--from", "1", "--rebase"];
    let told = refused(&yard, &live, 4);
    assert!(told.contains("TY-MERGE-CONFLICT"), "{told}");
    assert!(
        told.contains("what task changed conflicts with main in src/a.txt"),
        "{told}"
    );
    assert!(told.contains("without --rebase"), "{told}");
    assert_eq!(yard.git(&["for-each-ref"]), before);
    assert_eq!(yard.state_of("task-fork"), "");
}

#[test]
fn work_that_it_came_after_lands_first() {
    let yard = Yard::new();
    let write = |to: &str| format!("echo {to} > src/{to}.txt");
    let one = ["run", "--name", "one", "--scope", "src/one.txt", "--"];
    yard.exits(0, &[&one[..], &["sh", "-c", &write("one")]].concat());
    let two = [
        "run",
        "--name",
        "two",
        "--after",
        "one",
        "--scope",
        "src/two.txt",
    ];
    yard.exits(0, &[&two[..], &["--", "sh", "-c", &write("two")]].concat());
    yard.exits(0, &["checkpoints", "two", "--take"]);
    commit(&yard, "more.txt", "more\n");
    let fork = [
        "fork",
        "two",
        "--rebase",
        "--",
        "sh",
        "-c",
        "cat more.txt src/one.txt >> src/two.txt",
    ];
    let told = refused(&yard, &fork, 4);
    assert!(
        told.contains("two began with work that is not on main"),
        "{told}"
    );
    assert!(told.contains("land that first"), "{told}");
    yard.exits(0, &["land", "one", "--method", "squash"]);
    yard.exits(0, &fork);
    yard.exits(0, &["locks", "release", "two"]);
    done(&yard, "two-fork");
    lands(&yard, "two-fork", "src/two.txt");
    assert_eq!(yard.git(&["show", "main:src/two.txt"]), "two\nmore\none\n");
    yard.sound();
}

/// Files whose bytes no conversion would bring back stay as they were.
#[test]
fn bytes_are_kept_as_they_were() {
    let yard = Yard::new();
    commit(&yard, ".gitattributes", "*.dos text eol=crlf\n");
    let line = "printf 'a\\r\\nb\\n' > src/mixed.dos; printf 'c\\r\\n' > src/pure.dos; exit 3";
    yard.treeyard(&["run", "--name", "task", "--", "sh", "-c", line]);
    commit(&yard, "more.txt", "more\n");
    yard.exits(
        0,
        &["fork", "task", "--rebase", "--", "sh", "-c", "cat more.txt"],
    );
    done(&yard, "task-fork");
    let files = [
        ("src/mixed.dos", "a\r\nb\n"),
        ("src/pure.dos", "c\r\n"),
        ("more.txt", "more\n"),
    ];
    reads(&yard, "task-fork", &files);
}

/// What the target says of conversions since holds for its own files, and a session's are as they were.
#[test]
fn the_targets_files_are_as_in_any_checkout() {
    let yard = Yard::new();
    commit(&yard, "old.dos", "old\n");
    let line = "printf 'c\n' > src/own.dos; exit 3";
    yard.treeyard(&["run", "--name", "task", "--", "sh", "-c", line]);
    commit(&yard, ".gitattributes", "*.dos text eol=crlf\n");
    commit(&yard, "new.dos", "new\n");
    yard.exits(
        0,
        &["fork", "task", "--rebase", "--", "git", "status", "--short"],
    );
    done(&yard, "task-fork");
    let files = [
        ("old.dos", "old\r\n"),
        ("new.dos", "new\r\n"),
        ("src/own.dos", "c\n"),
    ];
    reads(&yard, "task-fork", &files);
    lands(&yard, "task-fork", "src/own.dos");
}

/// A fork of work that has not landed, itself still waiting, and the work of the two before it.
#[test]
fn a_fork_that_waits_is_put_on_top_of_the_target_only_when_that_has_all_before_it() {
    let yard = Yard::new();
    let one = [
        "run", "--name", "one", "--scope", "src/**", "--", "sh", "-c",
    ];
    yard.exits(0, &[&one[..], &["echo one > src/one.txt"]].concat());
    let two = [
        "run", "--name", "two", "--after", "one", "--scope", "src/**", "--",
    ];
    yard.exits(
        0,
        &[&two[..], &["sh", "-c", "echo two > src/two.txt"]].concat(),
    );
    yard.exits(0, &["checkpoints", "two", "--take"]);
    commit(&yard, "more.txt", "more\n");
    yard.exits(0, &["fork", "two"]);
    let told = refused(&yard, &["fork", "two-fork", "--rebase"], 4);
    assert!(
        told.contains("two-fork began with work that is not on main"),
        "{told}"
    );
    yard.exits(0, &["land", "one"]);
    yard.exits(0, &["fork", "two-fork", "--name", "three", "--rebase"]);
    for name in ["two", "two-fork"] {
        yard.treeyard(&["locks", "release", name]);
        yard.treeyard(&["cancel", name]);
    }
    done(&yard, "three");
    lands(&yard, "three", "src/two.txt");
    yard.sound();
}
