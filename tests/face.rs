//! What a person meets at the command line: where commands may be typed, and what they say.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use super::yard::{UNCONFINED, Yard, eventually, isolated, text};

/// A session that changed one file, and its worktree.
fn with_session(yard: &Yard) -> PathBuf {
    with_session_by(yard, &[])
}

fn with_session_by(yard: &Yard, flags: &[&str]) -> PathBuf {
    let line = "echo said; echo one > one.txt";
    let run = [
        &["run", "-q", "--name", "docs"],
        flags,
        &["--", "sh", "-c", line],
    ];
    yard.exits(0, &run.concat());
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
        let worktree = with_session_by(&yard, isolated(isolation));
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
    let show = || {
        let mut command = yard.command(env!("CARGO_BIN_EXE_treeyard"));
        command.args(["show", "docs"]).current_dir(&worktree);
        command.output().unwrap().status.code()
    };
    assert_eq!(show(), Some(0));
    // The session's git directory still names the repository, which knows another worktree.
    let registered = std::fs::read_dir(yard.repo().join(".git/worktrees")).unwrap();
    let linked = registered.flatten().next().unwrap().path();
    std::fs::write(linked.join("gitdir"), "/elsewhere/.git\n").unwrap();
    assert_eq!(show(), Some(3));
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
    // That it was put aside makes nothing sound again.
    let found = yard.exits(6, &["artifacts", "verify"]);
    assert!(
        found.contains("0 damaged, 1 missing") && found.contains("docs"),
        "{found}"
    );
    let found = yard.exits(6, &["doctor"]);
    assert!(found.contains(&hex[..12]), "{found}");

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
    assert!(dirty.contains(&expected), "{dirty}");
    let shown = yard.exits(0, &["show", "w"]);
    assert!(shown.contains("refused, TY-TARGET-DIRTY"), "{shown}");

    std::fs::remove_file(yard.repo().join("w")).unwrap();
    yard.exits(0, &["land", "w"]);
    let nothing = yard.treeyard(&["land", "w"]);
    assert_eq!(nothing.status.code(), Some(0));
    assert!(text(&nothing.stderr).contains("\nnote: w changed nothing"));
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
            &[verb, "--name", "a", "--repeat", "3"],
            &UNCONFINED,
            &["--", "true"],
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

#[test]
fn a_landing_tells_its_steps_as_they_begin() {
    let yard = Yard::new();
    let task = ["--gate", "true", "--gate", "test -s w", "--name", "w"];
    let command = ["--", "sh", "-c", "echo more >> w"];
    let run = |extra: &[&str]| {
        let output = yard.treeyard(&[&["run"], extra, &task, &command].concat());
        text(&output.stderr)
    };
    let gates = [
        "landing: merge with main",
        "gate 1 of 2, true",
        "gate 2 of 2, test -s w",
    ];
    let live = run(&["--auto-land"]);
    run(&[]);
    let landed = yard.treeyard(&["land", "w"]);
    let told = text(&landed.stderr);
    for said in [&live, &told] {
        let places: Vec<_> = gates.iter().map(|step| said.find(step).unwrap()).collect();
        assert!(places.is_sorted(), "{said}");
    }
    assert!(told.ends_with("landing: publish on main\n"), "{told}");
    assert!(text(&landed.stdout).starts_with("w landed on main"));
    run(&[]);
    assert_eq!(text(&yard.treeyard(&["land", "-q", "w"]).stderr), "");
}

#[test]
fn open_says_when_a_job_is_at_work_there() {
    let yard = Yard::new();
    yard.exits(0, &["up"]);
    let go = yard.folder.path().join("go");
    let wait = format!(
        "touch {0}.begun; while ! test -e {0}; do sleep 0.02; done; echo x > x",
        go.display()
    );
    yard.exits(0, &["submit", "--name", "busy", "--", "sh", "-c", &wait]);
    eventually("it began", || go.with_extension("begun").exists());
    let opened = yard.treeyard(&["open", "busy"]);
    assert!(opened.status.success());
    assert!(text(&opened.stdout).contains("repo.treeyard/busy-"));
    assert!(text(&opened.stderr).starts_with("note: busy is at work there (sh -c touch"));
    assert_eq!(
        yard.json(&["open", "busy"])["running"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    std::fs::write(&go, "").unwrap();
    eventually("it ends", || yard.state_of("busy") == "COMPLETED");
    assert_eq!(text(&yard.treeyard(&["open", "busy"]).stderr), "");
}

#[test]
fn doctor_tells_a_live_runner_from_a_killed_one_and_from_none() {
    let yard = Yard::new();
    let runner = || {
        let checks = yard.json(&["doctor"])["checks"].clone();
        let check = checks
            .as_array()
            .unwrap()
            .iter()
            .find(|c| c["check"] == "runner");
        let check = check.unwrap().clone();
        let part = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
        (part("status"), part("detail"))
    };
    let (ok, warn) = (|| "ok".to_owned(), || "warn".to_owned());
    assert_eq!(runner(), (ok(), "none is active".to_owned()));
    let pid = yard.json(&["up"])["pid"].to_string();
    assert_eq!(runner(), (ok(), format!("process {pid} is active")));
    yard.command("kill").args(["-9", &pid]).status().unwrap();
    let ended = format!("process {pid} ended without signing off");
    eventually("it is dead", || runner() == (warn(), ended.clone()));
    yard.exits(0, &["up"]);
    yard.exits(0, &["down"]);
    assert_eq!(runner(), (ok(), "none is active".to_owned()));
}

#[test]
fn an_artifact_is_named_by_the_start_of_its_hash() {
    let yard = Yard::new();
    assert_eq!(yard.exits(0, &["artifacts", "ls"]), "no artifacts\n");
    with_session(&yard);
    let listed = yard.exits(0, &["artifacts", "ls"]);
    let row = listed.lines().nth(1).unwrap();
    assert!(row.ends_with(" docs"), "{listed}");
    let short = row.split_whitespace().next().unwrap();
    assert_eq!(yard.exits(0, &["artifacts", "cat", short]), "said\n");
    let prefixed = format!("blake3:{short}");
    assert_eq!(yard.exits(0, &["artifacts", "cat", &prefixed]), "said\n");
    for nonsense in ["zz", "", "blake3:", "../../config"] {
        yard.exits(3, &["artifacts", "cat", nonsense]);
    }
}

#[test]
fn ls_shows_so_many_and_says_that_there_are_more() {
    let yard = Yard::new();
    let tasks: String = (0..60)
        .map(|n| format!("[[task]]\nname = \"t{n}\"\nrun = \"true\"\n"))
        .collect();
    yard.exits(0, &["submit", &yard.plan(&tasks)]);
    yard.exits(0, &["cancel", "t0"]);
    let listed = yard.exits(0, &["ls"]);
    assert_eq!(listed.lines().count(), 1 + 50 + 1);
    assert!(listed.ends_with("and 10 more; `treeyard ls --limit 0` lists them too\n"));
    let count = |args: &[&str]| yard.exits(0, args).lines().count();
    assert_eq!(count(&["ls", "--limit", "0"]), 61);
    assert_eq!(count(&["ls", "-n", "3"]), 1 + 3 + 1);
    assert_eq!(count(&["ls", "--state", "cancelled"]), 2);
    assert_eq!(
        count(&["ls", "--state", "cancelled", "--state", "created", "-n0"]),
        61
    );
    assert_eq!(yard.json(&["ls"])["sessions"].as_array().unwrap().len(), 60);
    yard.exits(2, &["ls", "--state", "nonsense"]);
}

#[test]
fn every_help_fits_and_has_examples() {
    let yard = Yard::new();
    let help = |args: &[&str]| {
        let mut command = yard.command(env!("CARGO_BIN_EXE_treeyard"));
        let output = command
            .args(args)
            .arg("--help")
            .env("COLUMNS", "80")
            .output();
        text(&output.unwrap().stdout)
    };
    let all = help(&[]);
    let begin = all.find("Commands:\n").unwrap() + "Commands:\n".len();
    let names = all[begin..]
        .lines()
        .map_while(|line| line.split_whitespace().next());
    let names: Vec<&str> = names.filter(|name| *name != "help").collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let text = help(&[name]);
        let long: Vec<_> = text
            .lines()
            .filter(|line| line.chars().count() > 80)
            .collect();
        assert!(long.is_empty(), "{name}: {long:?}");
        let examples = text.split("Examples:\n").nth(1).unwrap_or_default();
        let own = format!("treeyard {name}");
        assert!(examples.contains(&own), "{name} has no examples");
    }
}

#[test]
fn what_would_be_silent_says_why() {
    let yard = Yard::new();
    yard.exits(0, &["submit", "--name", "held", "--", "true"]);
    let mut follower = yard.command(env!("CARGO_BIN_EXE_treeyard"));
    follower.args(["logs", "-f", "held"]).stderr(Stdio::piped());
    let mut follower = follower.spawn().unwrap();
    let mut said = String::new();
    let mut errors = BufReader::new(follower.stderr.take().unwrap());
    errors.read_line(&mut said).unwrap();
    assert!(
        said.starts_with("note: held is CREATED: no runner"),
        "{said}"
    );
    yard.exits(0, &["cancel", "held"]);
    assert!(follower.wait().unwrap().success());

    let script = "echo x > x; exit 1";
    yard.exits(1, &["run", "--name", "torn", "--", "sh", "-c", script]);
    let told = text(&yard.treeyard(&["diff", "torn"]).stderr);
    assert!(
        told.starts_with("note: torn has committed nothing"),
        "{told}"
    );
    yard.exits(0, &["up"]);
    let go = yard.folder.path().join("go");
    let wait = format!(
        "echo x > x; touch {0}.begun; while ! test -e {0}; do sleep 0.02; done",
        go.display()
    );
    yard.exits(0, &["submit", "--name", "busy", "--", "sh", "-c", &wait]);
    eventually("it began", || go.with_extension("begun").exists());
    let told = text(&yard.treeyard(&["diff", "busy"]).stderr);
    assert!(
        told.starts_with("note: busy has committed nothing"),
        "{told}"
    );
    std::fs::write(&go, "").unwrap();
}
