//! What a person meets at the command line: where commands may be typed, and what they say.

use std::path::PathBuf;

use serde_json::Value;

use crate::e2e::{Yard, text};

/// A session that changed one file, and its worktree.
fn with_session(yard: &Yard) -> PathBuf {
    let line = "echo said; echo one > one.txt";
    yard.exits(0, &["run", "-q", "--name", "docs", "--", "sh", "-c", line]);
    PathBuf::from(yard.exits(0, &["open", "docs"]).trim_end())
}

fn lines(text: &str) -> Vec<Value> {
    let parsed = text.lines().map(serde_json::from_str);
    parsed.collect::<Result<_, _>>().unwrap()
}

#[test]
fn commands_work_inside_a_sessions_worktree() {
    for isolation in ["private", "linked"] {
        let yard = Yard::new();
        yard.write(
            "treeyard.toml",
            &format!("[worktrees]\nisolation = \"{isolation}\"\n"),
        );
        let worktree = with_session(&yard);
        let deeper = worktree.join("src");
        let inside = |args: &[&str]| {
            let mut command = yard.command(env!("CARGO_BIN_EXE_treeyard"));
            let output = command.args(args).current_dir(&deeper).output().unwrap();
            assert!(output.status.success(), "{}", text(&output.stderr));
            text(&output.stdout)
        };
        assert!(inside(&["ls"]).contains("docs"));
        assert!(inside(&["show"]).starts_with("docs  COMPLETED"));
        assert!(inside(&["show", "docs"]).starts_with("docs  COMPLETED"));
        assert_eq!(inside(&["diff", "--name-only"]), "one.txt\n");
        assert_eq!(inside(&["logs"]), "said\n");
        assert_eq!(inside(&["open"]).trim_end(), worktree.to_str().unwrap());
        inside(&["land", "docs"]);
        assert!(yard.repo().join("one.txt").exists());
        yard.exits(2, &["show"]);
    }
}

#[test]
fn a_worktree_that_the_repository_did_not_register_is_a_repository_of_its_own() {
    let yard = Yard::new();
    let worktree = with_session(&yard);
    let linked = yard.repo().join(".git/treeyard/workspaces");
    std::fs::remove_dir_all(linked).unwrap();
    let output = yard
        .command(env!("CARGO_BIN_EXE_treeyard"))
        .args(["show", "docs"])
        .current_dir(worktree)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_wrong_command_line_is_a_json_error_too() {
    let yard = Yard::new();
    for (args, said) in [
        (&["--json", "ls", "--nonsense"][..], "--nonsense"),
        (&["shw", "--json"][..], "shw"),
        (&["--json"][..], "subcommand"),
        (&["--json", "run"][..], "required"),
        (&["--json", "--set", "x", "ls"][..], "KEY=VALUE"),
    ] {
        let documents = lines(&yard.exits(2, args));
        assert_eq!(documents.len(), 1);
        assert_eq!(documents[0]["kind"], "error");
        let error = &documents[0]["error"];
        assert_eq!(error["code"], "TY-USAGE");
        assert_eq!(error["exit"], 2);
        assert!(error["message"].as_str().unwrap().contains(said), "{error}");
        assert!(!error["hints"].as_array().unwrap().is_empty());
    }
    // After `--` it is a command's own.
    let output = yard.treeyard(&["run", "--nonsense", "--", "--json"]);
    assert_eq!(text(&output.stdout), "");
    yard.exits(0, &["--json", "--help"]);
}

#[test]
fn a_damaged_output_is_told_and_the_others_are_printed() {
    let yard = Yard::new();
    let setup = "setup = [\"echo first\"]\n";
    yard.write("treeyard.toml", setup);
    with_session(&yard);
    let objects = yard.repo().join(".git/treeyard/cas/objects");
    let shown = yard.json(&["show", "docs"]);
    let hash = shown["jobs"][0]["output"].as_str().unwrap();
    let hex = hash.trim_start_matches("blake3:");
    let object = objects.join(&hex[..2]).join(&hex[2..]);
    std::fs::remove_file(&object).unwrap();
    std::fs::write(&object, "fi??t\n").unwrap();
    let found = yard.exits(6, &["artifacts", "verify"]);
    assert!(found.contains("cas/quarantine"), "{found}");

    let logs = yard.treeyard(&["logs", "docs"]);
    assert_eq!(logs.status.code(), Some(6));
    assert_eq!(text(&logs.stdout), "said\n");
    let told = text(&logs.stderr);
    assert!(told.contains("TY-ARTIFACT-DAMAGED"), "{told}");
    let aside = told
        .split_whitespace()
        .find(|word| word.contains("cas/quarantine"));
    assert_eq!(std::fs::read_to_string(aside.unwrap()).unwrap(), "fi??t\n");
    yard.exits(6, &["artifacts", "cat", hash]);
}

#[test]
fn logs_as_json_are_the_output_in_pieces() {
    let yard = Yard::new();
    let line = r"printf 'one\ntwo\033[1m\n\nhalf'";
    yard.exits(0, &["run", "--name", "said", "--", "sh", "-c", line]);
    for args in [
        &["logs", "--json", "said"][..],
        &["logs", "--json", "-f", "said"][..],
    ] {
        let documents = lines(&yard.exits(0, args));
        let job = yard.json(&["show", "said"])["jobs"][0]["job_id"].clone();
        let texts: Vec<&str> = documents
            .iter()
            .map(|line| {
                assert_eq!(
                    (&line["kind"], &line["stream"]),
                    (&"log".into(), &"output".into())
                );
                assert_eq!(line["job_id"], job);
                line["text"].as_str().unwrap()
            })
            .collect();
        assert_eq!(texts, ["one\n", "two\u{1b}[1m\n", "\n", "half"]);
    }
}

#[test]
fn messages_are_plain() {
    let yard = Yard::new();
    let quiet = yard.treeyard(&["run", "-q", "--name", "w", "--", "sh", "-c", "echo w > w"]);
    assert!(
        text(&quiet.stdout).starts_with("ID "),
        "no empty line first"
    );
    assert_eq!(text(&quiet.stderr), "");

    yard.write("w", "mine\n");
    let dirty = text(&yard.treeyard(&["land", "w"]).stderr);
    let place = std::fs::canonicalize(yard.repo()).unwrap();
    let expected = format!("error: {} has changes in the way: w\n", place.display());
    assert!(dirty.starts_with(&expected), "{dirty}");
    let shown = yard.exits(0, &["show", "w"]);
    assert!(shown.contains("refused, TY-TARGET-DIRTY"), "{shown}");

    std::fs::remove_file(yard.repo().join("w")).unwrap();
    yard.exits(0, &["land", "w"]);
    let nothing = yard.treeyard(&["land", "w"]);
    assert_eq!(nothing.status.code(), Some(0));
    assert!(text(&nothing.stderr).starts_with("note: w changed nothing"));
    assert_eq!(yard.json(&["land", "w"])["kind"], "note");

    let missing = yard.treeyard(&["run", "--", "no-such-program"]);
    assert!(
        !text(&missing.stderr).contains("/bin"),
        "PATH is not spelled out"
    );

    for (args, said) in [
        (
            &["run", "--scope", "../x", "--", "true"][..],
            "error: --scope: ",
        ),
        (
            &["ls", "--set", "limits.grace_seconds=x"][..],
            "error: --set limits.grace_seconds: ",
        ),
    ] {
        let output = yard.treeyard(args);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2));
        assert!(told.starts_with(said) && !told.contains('^'), "{told}");
    }
}

#[test]
fn doctor_keeps_the_lines_of_a_configuration_error() {
    let yard = Yard::new();
    yard.write("treeyard.toml", "foo = 1\n");
    let told = yard.exits(6, &["doctor"]);
    assert!(
        told.contains("\n                  1 | foo = 1\n                    | ^\n"),
        "{told}"
    );
    assert!(told.lines().all(|line| line == line.trim_end()), "{told}");
}

#[test]
fn linked_worktrees_are_warned_of_once_a_submission() {
    let yard = Yard::new();
    let what = "stash, configuration and hooks";
    let private = yard.treeyard(&["run", "--name", "a", "--", "true"]);
    assert!(!text(&private.stderr).contains(what));
    let linked = ["--set", "worktrees.isolation=linked"];
    for verb in ["run", "submit"] {
        let args = [
            &linked[..],
            &[verb, "--name", "a", "--repeat", "3", "--", "true"],
        ]
        .concat();
        let said = text(&yard.treeyard(&args).stderr);
        assert_eq!(said.matches(what).count(), 1, "{said}");
        let documents = yard.json(&args);
        assert_eq!(documents["warnings"].as_array().unwrap().len(), 1);
    }
    let shown = yard.treeyard(&[&linked[..], &["config", "show"]].concat());
    assert!(text(&shown.stderr).contains(what));
}

#[test]
fn flags_that_would_have_no_effect_are_refused() {
    let yard = Yard::new();
    let plan = yard.plan("[[task]]\nname = \"a\"\nrun = \"true\"\n");
    for flag in [
        "--timeout=1s",
        "--retries=1",
        "--priority=1",
        "--env=A=b",
        "--gate=true",
    ] {
        yard.exits(2, &["run", &plan, flag]);
        yard.exits(2, &["submit", "--in", "a", flag, "--", "true"]);
    }
    yard.exits(2, &["submit", "--jobs", "1", &plan]);
    yard.exits(0, &["run", "--jobs", "1", &plan]);
}
