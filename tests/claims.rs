//! What a session changes without having claimed it does not land.

use std::fs;

use crate::yard::{Yard, text};

/// Runs a task with the scope `docs/**`, whose command is `run`.
fn docs(yard: &Yard, run: &str, more: &[&str]) -> i32 {
    let scoped = ["run", "--name", "docs", "--scope", "docs/**"];
    let args: Vec<&str> = scoped.iter().chain(more).copied().collect();
    let args: Vec<&str> = args.into_iter().chain(["--", "sh", "-c", run]).collect();
    yard.treeyard(&args).status.code().unwrap()
}

fn reason(yard: &Yard) -> String {
    let shown = yard.json(&["show", "docs"]);
    shown["session"]["reason"].as_str().unwrap().to_owned()
}

const BOTH: &str = "mkdir docs && echo in > docs/a.md && echo out > src/evil.txt";

#[test]
fn work_beyond_the_scope_is_blocked_with_its_commit_and_path() {
    for auto in [&[][..], &["--auto-land"]] {
        let yard = Yard::new();
        let tip = yard.git(&["rev-parse", "main"]);
        assert_ne!(docs(&yard, BOTH, auto), 0);
        assert_eq!(yard.state_of("docs"), "BLOCKED");
        let commit = yard.json(&["show", "docs"])["session"]["tip"].clone();
        let commit = commit.as_str().unwrap()[..10].to_owned();
        let reason = reason(&yard);
        assert!(
            reason.contains("TY-OUT-OF-SCOPE") && reason.contains("src/evil.txt"),
            "{reason}"
        );
        assert!(reason.contains(&commit), "{reason}");
        let refused = yard.treeyard(&["land", "docs"]);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(5), "{said}");
        assert!(said.contains("--only-in-scope"), "{said}");
        assert_eq!(yard.git(&["rev-parse", "main"]), tip);
        yard.sound();
    }
}

#[test]
fn the_rest_lands_when_it_is_asked_for_and_what_is_left_out_is_kept() {
    let yard = Yard::new();
    docs(&yard, BOTH, &[]);
    yard.exits(0, &["land", "docs", "--only-in-scope"]);
    let files = yard.git(&["ls-tree", "-r", "--name-only", "main"]);
    assert!(
        files.contains("docs/a.md") && !files.contains("evil"),
        "{files}"
    );
    assert_eq!(yard.git(&["status", "--porcelain"]), "");
    let saved = yard.exits(0, &["salvage", "ls"]);
    assert!(saved.contains("docs"), "{saved}");
    yard.exits(0, &["salvage", "restore", "docs", "--branch", "rest"]);
    assert_eq!(yard.git(&["show", "rest:src/evil.txt"]), "out\n");
    yard.sound();
}

/// Whatever a session does to the commits on its branch, what lands is looked at.
#[test]
fn it_lands_when_the_commits_are_as_claimed() {
    let yard = Yard::new();
    docs(&yard, BOTH, &[]);
    let place = yard.exits(0, &["open", "docs"]);
    let place = std::path::Path::new(place.trim());
    let inside = |args: &[&str]| {
        let done = yard.command("git").current_dir(place).args(args).output();
        assert!(done.unwrap().status.success(), "{args:?}");
    };
    // To undo it in a commit of its own, past the hooks, leaves it in the history.
    inside(&["rm", "-q", "src/evil.txt"]);
    inside(&["-c", "core.hooksPath=/dev/null", "commit", "-qm", "undo"]);
    assert_eq!(yard.treeyard(&["land", "docs"]).status.code(), Some(5));
    inside(&["reset", "-q", "--soft", "HEAD~2"]);
    inside(&["commit", "-qm", "only docs"]);
    yard.exits(0, &["land", "docs"]);
    assert!(yard.repo().join("docs/a.md").exists());
    assert!(!yard.git(&["log", "--name-only", "main"]).contains("evil"));
    yard.sound();
}

/// A task that follows one whose work has not landed begins with that work, which is not its own.
#[test]
fn the_work_of_the_task_before_is_not_held_against_the_next_one() {
    let yard = Yard::new();
    let plan = yard.plan(
        "[[task]]\nname = \"one\"\nscope = [\"a/**\"]\nrun = \"mkdir a && echo 1 > a/f\"\n\
         [[task]]\nname = \"two\"\nscope = [\"b/**\"]\nafter = [\"one\"]\nrun = \"mkdir b && cp a/f b/f\"\n",
    );
    yard.exits(0, &["run", &plan]);
    assert_eq!(yard.state_of("two"), "COMPLETED");
    let early = yard.treeyard(&["land", "two"]);
    assert_eq!(early.status.code(), Some(5), "{}", text(&early.stderr));
    yard.exits(0, &["land", "one", "--method", "squash"]);
    yard.exits(0, &["land", "two"]);
    let log = yard.git(&["ls-tree", "-r", "--name-only", "main"]);
    assert!(log.contains("a/f") && log.contains("b/f"), "{log}");
    yard.sound();
}

/// A session that passes the shim by, turns its hooks off, and plants grafts and replacements in its own directory,
/// convinces nobody.
#[test]
fn replaced_objects_and_grafts_of_a_session_are_not_believed() {
    let yard = Yard::new();
    let run = "PATH=${PATH#*:} && git config core.hooksPath /dev/null && mkdir docs && echo in > docs/a.md && echo out > src/evil.txt \
               && git add -A && git commit -qm both && evil=$(git rev-parse HEAD) \
               && git rm -q src/evil.txt && git commit -q --amend -m docs && good=$(git rev-parse HEAD) \
               && git reset -q --hard $evil && git replace $evil $good \
               && echo $evil > \"$(git rev-parse --git-dir)/info/grafts\"";
    assert_ne!(docs(&yard, run, &["--auto-land"]), 0);
    assert_eq!(yard.state_of("docs"), "BLOCKED");
    assert!(reason(&yard).contains("src/evil.txt"), "{}", reason(&yard));
    assert!(!fs::exists(yard.repo().join("src/evil.txt")).unwrap());
}

/// What looks only is in nobody's way, and is held to it.
#[test]
fn a_task_that_may_change_nothing_changes_nothing() {
    let yard = Yard::new();
    let tip = yard.git(&["rev-parse", "main"]);
    let looks = "test -z \"$TREEYARD_SCOPE\" && cat README.md";
    let single = ["run", "--read-only", "--auto-land", "--name"];
    let run = |name, run| yard.treeyard(&[&single[..], &[name, "--", "sh", "-c", run]].concat());
    assert!(run("looks", looks).status.success());
    assert_eq!(yard.state_of("looks"), "COMPLETED");

    let plan = yard.plan(
        "auto_land = true\n[[task]]\nname = \"docs\"\nscope = []\nrun = \"echo x > new.md\"\n",
    );
    assert!(!yard.treeyard(&["run", &plan]).status.success());
    assert_ne!(run("edits", "echo x >> README.md").status.code(), Some(0));
    for name in ["docs", "edits"] {
        assert_eq!(yard.state_of(name), "BLOCKED");
        let shown = yard.json(&["show", name]);
        let reason = shown["session"]["reason"].as_str().unwrap();
        assert!(reason.contains("TY-OUT-OF-SCOPE"), "{reason}");
        assert_eq!(yard.treeyard(&["land", name]).status.code(), Some(5));
    }
    let hook = run("commits", "echo x >> README.md; git commit -qam x");
    let logs = yard.treeyard(&["logs", "commits"]);
    let said = text(&logs.stdout) + &text(&logs.stderr);
    assert_ne!(hook.status.code(), Some(0));
    assert!(
        said.contains("scope  nothing, of session commits"),
        "{said}"
    );
    let both = ["run", "--read-only", "--scope", "a", "--", "true"];
    assert_eq!(yard.treeyard(&both).status.code(), Some(2));
    assert_eq!(yard.git(&["rev-parse", "main"]), tip);
    yard.sound();
}
