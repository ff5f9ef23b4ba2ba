//! Odd input and odd surroundings: nothing is done by halves, and everything is said in plain words.

use super::yard::{Yard, isolated, text};

#[test]
fn nothing_needs_a_configured_identity_or_a_home() {
    let yard = Yard::new();
    let author = || yard.git(&["log", "-1", "--format=%an <%ae>"]);
    let run = |name: &str, isolation: &str| {
        let line = format!("echo {name} > {name}");
        let mut command = yard.command(env!("CARGO_BIN_EXE_treeyard"));
        for key in ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME"] {
            command.env_remove(key);
        }
        command
            .env_remove("GIT_COMMITTER_EMAIL")
            .env("HOME", "/nonexistent");
        command.args(["run", "--auto-land", "--name", name, "--set"]);
        command.arg(format!("worktrees.isolation={isolation}"));
        command.args(isolated(isolation));
        let output = command.args(["--", "sh", "-c", &line]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    };
    run("one", "private");
    assert!(
        author().starts_with("treeyard <treeyard@localhost>"),
        "{}",
        author()
    );
    run("two", "linked");
    yard.git(&["config", "user.name", "Ada"]);
    yard.git(&["config", "user.email", "ada@localhost"]);
    run("three", "private");
    assert!(author().starts_with("Ada <ada@localhost>"), "{}", author());
}

#[test]
fn nonsense_is_refused_in_plain_words() {
    let yard = Yard::new();
    for (code, args, said) in [
        (
            2,
            &["run", "--jobs", "0", "--", "true"][..],
            "0 is not in 1..",
        ),
        (
            2,
            &["run", "--repeat", "0", "--", "true"],
            "0 is not in 1..=10000",
        ),
        (
            2,
            &["run", "--target", "a\x1b[31m", "--", "true"],
            "there is no branch",
        ),
        (
            2,
            &["run", "--name", "a\nb", "--", "true"],
            "--name: `a\\nb`",
        ),
        (2, &["run", "/dev/zero"], "larger than 16 MiB"),
        (3, &["run", "none.toml"], "error: none.toml: "),
        (3, &["show", "\x1b[31mred"], "no session matches"),
        (3, &["show", ""], "no session matches"),
    ] {
        let output = yard.treeyard(args);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {told}");
        assert!(told.contains(said), "{args:?}: {told}");
        assert!(!told.contains('\x1b') && !told.contains("/./"), "{told:?}");
    }
    assert_eq!(yard.exits(0, &["cancel", "--all"]), "no session is open\n");
}

#[test]
fn names_that_two_sessions_share_and_starts_of_ids() {
    let yard = Yard::new();
    yard.exits(0, &["submit", "--name", "same", "--", "true"]);
    yard.exits(0, &["submit", "--name", "same", "--", "true"]);
    let listed = yard.json(&["ls"])["sessions"].clone();
    let newest = listed[0]["session_id"].as_str().unwrap();
    assert_eq!(
        yard.json(&["show", "same"])["session"]["session_id"],
        newest
    );
    let ambiguous = yard.treeyard(&["show", "0"]);
    let told = text(&ambiguous.stderr);
    assert_eq!(ambiguous.status.code(), Some(2));
    assert!(
        told.contains("2 sessions match") && told.contains("same"),
        "{told}"
    );
}

#[test]
fn a_reader_that_goes_away_and_one_that_is_full() {
    let yard = Yard::new();
    let line = "seq 200000";
    yard.exits(0, &["run", "-q", "--name", "long", "--", "sh", "-c", line]);
    let sh = |line: &str| {
        let mut command = yard.command("sh");
        let line = line.replace("TY", env!("CARGO_BIN_EXE_treeyard"));
        let output = command.args(["-c", &line]).output().unwrap();
        (text(&output.stdout), text(&output.stderr))
    };
    for command in [
        "ls",
        "logs long",
        "logs --json long",
        "events",
        "--help",
        "artifacts ls",
    ] {
        let (out, err) = sh(&format!("(TY {command}; echo exit $? >&2) | head -c 1"));
        assert_eq!((out.len(), err.as_str()), (1, "exit 0\n"), "{command}");
    }
    for command in ["ls", "ls --json", "logs long"] {
        let (_, err) = sh(&format!("TY {command} > /dev/full; echo exit $? >&2"));
        assert!(
            err.contains("standard output: ") && err.ends_with("exit 7\n"),
            "{err}"
        );
    }
}
