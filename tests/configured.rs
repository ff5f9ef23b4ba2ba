//! What a person, a repository or the environment configures for git, and what becomes of it.

use std::fs;

use crate::odd::{clean, goes_round, landed, program, tree};
use crate::yard::{Yard, text};

#[test]
fn what_the_person_ignores_everywhere_is_no_work() {
    for configured in [false, true] {
        let yard = Yard::new();
        let home = yard.folder.path().join("home");
        let file = if configured {
            yard.git(&["config", "--global", "core.excludesFile", "~/ignored"]);
            home.join("ignored")
        } else {
            home.join("config/git/ignore")
        };
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "*.log\n!kept.log\n").unwrap();
        fs::write(yard.repo().join(".git/info/exclude"), "*.tmp\n").unwrap();
        goes_round(&yard, "main", "echo x | tee a.log b.tmp > kept.log");
        assert_eq!(landed(&yard, "main"), "kept.log\nnew.txt\nsrc/lib.txt\n");
        assert!(!tree(&yard, "back").contains("a.log"), "{configured}");
    }
}

/// Signing, hooks and a file monitor: none of them is asked, none of them can stop a landing.
#[test]
fn nothing_that_is_configured_runs() {
    let yard = Yard::new();
    let ran = "echo \"$0\" >> \"$(dirname \"$0\")/../ran\"; exit 1";
    for hook in [
        "pre-commit",
        "commit-msg",
        "pre-merge-commit",
        "post-checkout",
        "post-merge",
        "reference-transaction",
        "post-index-change",
    ] {
        program(&yard, &format!("hooks/{hook}"), ran);
        program(&yard, &format!("repo/.git/hooks/{hook}"), ran);
    }
    let hooks = yard.folder.path().join("hooks").display().to_string();
    let monitor = program(&yard, "tools/monitor", ran);
    let sign = program(&yard, "tools/sign", ran);
    for (key, value) in [
        ("core.hooksPath", hooks.as_str()),
        ("core.fsmonitor", &monitor),
        ("commit.gpgsign", "true"),
        ("gpg.program", &sign),
        ("diff.external", &sign),
    ] {
        yard.git(&["config", key, value]);
    }
    goes_round(&yard, "main", "git add -A && git commit -qm inside");
    clean(&yard);
    for place in ["ran", "repo/.git/ran"] {
        let ran = fs::read_to_string(yard.folder.path().join(place)).unwrap_or_default();
        assert_eq!(ran, "", "{place}");
    }
}

#[test]
fn no_identity_is_no_obstacle() {
    let yard = Yard::new();
    let treeyard = |code, args: &[&str]| {
        let mut command = yard.command(env!("CARGO_BIN_EXE_treeyard"));
        for who in ["AUTHOR", "COMMITTER"] {
            command.env_remove(format!("GIT_{who}_NAME"));
            command.env_remove(format!("GIT_{who}_EMAIL"));
        }
        let output = command.args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
    };
    let line = "echo 1 > one && git add -A && git commit -qm inside && echo 2 > two";
    treeyard(0, &["run", "--name", "anon", "--", "sh", "-c", line]);
    treeyard(0, &["land", "anon"]);
    treeyard(
        1,
        &[
            "run",
            "--name",
            "bad",
            "--",
            "sh",
            "-c",
            "echo 3 > three; exit 1",
        ],
    );
    treeyard(0, &["gc", "--set", "retention.sessions_days=0"]);
    treeyard(0, &["salvage", "restore", "bad", "--branch", "back"]);
    assert_eq!(yard.git(&["show", "main:two"]), "2\n");
    assert_eq!(yard.git(&["show", "back:three"]), "3\n");
    clean(&yard);
}

/// What stands in for a commit is the person's view of history. Nothing of it lands.
#[test]
fn replaced_and_grafted_commits_are_what_they_were() {
    for graft in [false, true] {
        let yard = Yard::new();
        yard.write("README.md", "# Yard, again\n");
        yard.git(&["commit", "-qam", "Second"]);
        if graft {
            let head = yard.git(&["rev-parse", "HEAD"]);
            fs::write(yard.repo().join(".git/info/grafts"), head).unwrap();
        } else {
            yard.git(&["replace", "HEAD~1", "HEAD"]);
        }
        goes_round(&yard, "main", "");
        clean(&yard);
    }
    let yard = Yard::new();
    yard.git(&["checkout", "-q", "-b", "other"]);
    yard.write("README.md", "# Not the yard\n");
    yard.git(&["commit", "-qam", "Other"]);
    yard.git(&["checkout", "-q", "main"]);
    yard.git(&["replace", "main", "other"]);
    yard.git(&["reset", "-q", "--hard"]);
    yard.exits(0, &["run", "--name", "w", "--", "sh", "-c", "echo n > n"]);
    yard.exits(5, &["land", "w"]);
    yard.git(&["replace", "-d", "main"]);
    yard.git(&["reset", "-q", "--hard"]);
    yard.exits(0, &["land", "w"]);
    assert_eq!(landed(&yard, "main"), "n\n");
}

/// As in a hook, or under `git rebase --exec`: the path says which repository is meant.
#[test]
fn gits_variables_of_another_repository_mislead_nobody() {
    let yard = Yard::new();
    let other = Yard::new();
    let before = other.git(&["for-each-ref"]);
    let treeyard = |args: &[&str]| {
        let output = yard
            .command(env!("CARGO_BIN_EXE_treeyard"))
            .env("GIT_DIR", other.repo().join(".git"))
            .env("GIT_WORK_TREE", other.repo())
            .env("GIT_INDEX_FILE", other.repo().join(".git/index"))
            .env("GIT_OBJECT_DIRECTORY", other.repo().join(".git/objects"))
            .args(args)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{args:?}: {}",
            text(&output.stderr)
        );
    };
    let line = "echo 1 > one && git add -A && git commit -qm inside && echo 2 > two";
    treeyard(&["run", "--name", "w", "--", "sh", "-c", line]);
    treeyard(&["land", "w"]);
    assert_eq!(yard.git(&["show", "main:two"]), "2\n");
    assert_eq!(fs::read_to_string(yard.repo().join("one")).unwrap(), "1\n");
    clean(&yard);
    clean(&other);
    assert_eq!(other.git(&["for-each-ref"]), before);
}
