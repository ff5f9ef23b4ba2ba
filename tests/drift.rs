//! What a session at work changes outside its scope is told while it does it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::yard::{Yard, eventually, isolated, text};

const CHECK: &str = "drift.check=100ms";

/// A runner that looks often.
fn yard(more: &[&str]) -> Yard {
    let yard = Yard::new();
    let sets = [&["--set", CHECK], more, &["up"]].concat();
    yard.exits(0, &sets);
    yard
}

/// Starts a task; in its command, `wait NAME` goes on after `go(NAME)`.
fn start(yard: &Yard, name: &str, scope: &str, script: &str) {
    let at = yard.folder.path().display();
    let wait = format!("wait() {{ until [ -e '{at}/go-'$1 ]; do sleep 0.02; done; }}\n");
    let script = wait + script;
    yard.exits(
        0,
        &[
            "submit", "--name", name, "--scope", scope, "--", "sh", "-c", &script,
        ],
    );
}

fn go(yard: &Yard, name: &str) {
    std::fs::write(yard.folder.path().join(format!("go-{name}")), "").unwrap();
}

/// What was said of a session, one after the other.
fn said(yard: &Yard, name: &str) -> Vec<Value> {
    let events = yard.json(&["events", "--session", name]);
    let events = events["events"].as_array().unwrap().clone();
    let drift = events
        .into_iter()
        .filter(|e| e["event_type"] == "FR-EVT-GUARD-001");
    drift.map(|event| event["data"].clone()).collect()
}

fn outside(said: &[Value]) -> Vec<Value> {
    said.iter().map(|data| data["outside"].clone()).collect()
}

fn id(yard: &Yard, name: &str) -> String {
    let shown = yard.json(&["show", name]);
    shown["session"]["session_id"].as_str().unwrap().to_owned()
}

/// The file that the session finds.
fn note(yard: &Yard, name: &str) -> PathBuf {
    let place = yard.exits(0, &["open", name]);
    let git = yard
        .command("git")
        .current_dir(place.trim())
        .args(["rev-parse", "--git-dir"])
        .output();
    Path::new(place.trim())
        .join(text(&git.unwrap().stdout).trim())
        .join("treeyard-drift")
}

#[test]
fn leaving_the_scope_is_told_as_it_grows_and_until_it_is_undone() {
    let yard = yard(&[]);
    start(
        &yard,
        "docs",
        "docs/**",
        "mkdir docs; echo in > docs/a.md; echo x > src/x.txt; wait 1; echo y > src/y.txt; wait 2; \
         rm src/x.txt src/y.txt; wait 3",
    );
    eventually("the first is told", || said(&yard, "docs").len() == 1);
    let first = json!({ "outside": ["src/x.txt"], "more": 0, "shared": [] });
    assert_eq!(said(&yard, "docs"), std::slice::from_ref(&first));
    let file = note(&yard, "docs");
    let lines = std::fs::read_to_string(&file).unwrap();
    assert_eq!(lines.lines().count(), 5, "{lines}");
    for part in [
        "outside its scope",
        "src/x.txt",
        "docs/**",
        "docs (",
        "treeyard scope request src/x.txt",
    ] {
        assert!(lines.contains(part), "{part}: {lines}");
    }
    assert_eq!(yard.json(&["show", "docs"])["drift"], first);
    let shown = yard.exits(0, &["show", "docs"]);
    assert!(
        shown.contains("drift     outside its scope: src/x.txt\n"),
        "{shown}"
    );
    let place = yard.exits(0, &["open", "docs"]);
    let inside = yard
        .command(env!("CARGO_BIN_EXE_treeyard"))
        .current_dir(place.trim())
        .arg("show")
        .output();
    assert!(text(&inside.unwrap().stdout).contains("outside its scope: src/x.txt"));

    go(&yard, "1");
    eventually("the second is told", || said(&yard, "docs").len() == 2);
    assert_eq!(
        outside(&said(&yard, "docs"))[1],
        json!(["src/x.txt", "src/y.txt"])
    );
    let listed = yard.exits(0, &["ls"]);
    assert!(
        listed.contains("outside its scope: src/x.txt and 1 more"),
        "{listed}"
    );
    assert!(
        std::fs::read_to_string(&file)
            .unwrap()
            .contains("src/y.txt")
    );
    assert_eq!(yard.state_of("docs"), "ACTIVE");

    go(&yard, "2");
    eventually("nothing is outside any more", || {
        outside(&said(&yard, "docs")).last() == Some(&json!([]))
    });
    assert!(!file.exists());
    assert_eq!(yard.json(&["show", "docs"])["drift"], Value::Null);
    assert!(!yard.exits(0, &["ls"]).contains("outside"));
    go(&yard, "3");
    eventually("it is done", || yard.state_of("docs") == "COMPLETED");
    yard.sound();
}

/// The command waits for the warning, which comes whatever kind of git directory it has.
#[test]
fn the_session_and_the_person_who_watches_are_told() {
    for isolation in ["private", "linked"] {
        let yard = Yard::new();
        let isolation = format!("worktrees.isolation={isolation}");
        let script = "file=\"$(git rev-parse --git-dir)/treeyard-drift\"; echo x > src/x.txt; \
                      until [ -e \"$file\" ]; do sleep 0.02; done; cat \"$file\"; rm src/x.txt; \
                      while [ -e \"$file\" ]; do sleep 0.02; done; echo in > README.md";
        let scoped = [
            "run",
            "--timeout",
            "60s",
            "--name",
            "docs",
            "--scope",
            "README.md",
            "--",
            "sh",
            "-c",
            script,
        ];
        let (verb, rest) = scoped.split_at(1);
        let flags = ["--set", CHECK, "--set", &isolation];
        let args = [&flags, verb, isolated(&isolation), rest].concat();
        let ran = yard.treeyard(&args);
        let told = text(&ran.stderr) + &text(&ran.stdout);
        assert!(ran.status.success(), "{told}");
        assert!(told.contains("outside its scope: src/x.txt"), "{told}");
        assert!(
            told.contains("nothing is outside its scope any more"),
            "{told}"
        );
        assert!(yard.exits(0, &["logs", "docs"]).contains("TY-OUT-OF-SCOPE"));
    }
}

#[test]
fn a_file_that_two_sessions_changed_is_told_to_both() {
    let yard = yard(&[]);
    // Seen at least once: it was outside of its scope for a while.
    let seen = "echo x > seen; wait 1; rm seen; wait 3";
    start(
        &yard,
        "owner",
        "src/**",
        &format!("echo mine > src/lib.txt; {seen}"),
    );
    eventually("the owner was seen", || said(&yard, "owner").len() == 1);
    start(&yard, "guest", "docs/**", "echo too > src/lib.txt; wait 2");
    eventually("the guest is told", || said(&yard, "guest").len() == 1);
    let (owner, guest) = (id(&yard, "owner"), id(&yard, "guest"));
    assert_eq!(
        said(&yard, "guest"),
        [
            json!({ "outside": ["src/lib.txt"], "more": 0, "shared": [{ "path": "src/lib.txt", "session": owner }] })
        ]
    );
    let lines = std::fs::read_to_string(note(&yard, "guest")).unwrap();
    assert!(
        lines.contains(&format!("session owner ({})", &owner[28..])),
        "{lines}"
    );
    go(&yard, "1");
    let shared = json!({ "outside": [], "more": 0, "shared": [{ "path": "src/lib.txt", "session": guest }] });
    eventually("the owner is told", || {
        said(&yard, "owner").last() == Some(&shared)
    });
    let lines = std::fs::read_to_string(note(&yard, "owner")).unwrap();
    assert!(
        lines.contains("session guest (") && !lines.contains("outside"),
        "{lines}"
    );
    let told = format!("changed by session {} too: src/lib.txt", &guest[28..]);
    assert!(yard.exits(0, &["show", "owner"]).contains(&told));
    go(&yard, "2");
    go(&yard, "3");
}

/// Its work is in the base of the one that follows, which may go on with it.
#[test]
fn going_on_from_another_session_is_no_meeting() {
    let yard = yard(&[]);
    let seen = |name: &str| {
        format!(
            "echo {name} >> src/lib.txt; echo x > seen; until [ -e \"$(git rev-parse --git-dir)/treeyard-drift\" ]; do sleep 0.02; done; rm seen"
        )
    };
    let task = |name: &str, more: &str| {
        let run = serde_json::to_string(&seen(name)).unwrap();
        format!("[[task]]\nname = \"{name}\"\nscope = [\"src/**\"]\nrun = {run}\n{more}")
    };
    let plan = task("one", "")
        + &task("two", "after = [\"one\"]\n")
        + &task("three", "after = [\"two\"]\n");
    yard.exits(0, &["submit", &yard.plan(&plan)]);
    eventually("all are done", || yard.state_of("three") == "COMPLETED");
    for name in ["one", "two", "three"] {
        let said = said(&yard, name);
        assert_eq!(outside(&said)[0], json!(["seen"]), "{name}");
        assert!(
            said.iter().all(|data| data["shared"] == json!([])),
            "{said:?}"
        );
    }
}

/// How often a session was paused.
fn pauses(yard: &Yard, name: &str) -> usize {
    let events = yard.json(&["events", "--session", name]);
    let events = events["events"].as_array().unwrap().clone();
    events
        .iter()
        .filter(|event| event["data"]["to"] == "PAUSED")
        .count()
}

const PAUSE: [&str; 4] = [
    "--set",
    "drift.policy=pause",
    "--set",
    "limits.max_concurrent_sessions=1",
];

#[test]
fn by_policy_the_command_is_stopped_where_it_is_and_goes_on_when_resumed() {
    let yard = yard(&PAUSE);
    let script = "echo x > src/a.txt; echo x > src/b.txt; wait 1; rm src/b.txt; wait 2; \
                  echo x > src/c.txt; wait 3; rm -f src/a.txt src/c.txt; git checkout -q src; mkdir docs; echo in > docs/a.md";
    start(&yard, "docs", "docs/**", script);
    eventually("it is paused", || yard.state_of("docs") == "PAUSED");
    let reason = yard.json(&["show", "docs"])["session"]["reason"].clone();
    assert!(
        reason
            .as_str()
            .unwrap()
            .starts_with("outside its scope: src/a.txt"),
        "{reason}"
    );
    let place = PathBuf::from(yard.exits(0, &["open", "docs"]).trim());
    go(&yard, "1");
    // Its slot is free for others, and it does nothing meanwhile.
    start(&yard, "other", "other/**", "sleep 0.3");
    eventually("another one runs", || yard.state_of("other") == "COMPLETED");
    assert!(place.join("src/b.txt").exists());

    yard.exits(0, &["resume", "docs"]);
    eventually("less is told", || {
        outside(&said(&yard, "docs")).last() == Some(&json!(["src/a.txt"]))
    });
    assert_eq!(
        (yard.state_of("docs").as_str(), pauses(&yard, "docs")),
        ("ACTIVE", 1)
    );
    go(&yard, "2");
    eventually("it is paused for more", || pauses(&yard, "docs") == 2);
    go(&yard, "3");
    yard.exits(0, &["resume", "docs"]);
    eventually("it is done", || yard.state_of("docs") == "COMPLETED");
    assert_eq!(pauses(&yard, "docs"), 2);
    yard.exits(0, &["land", "docs"]);
    yard.sound();
}

#[test]
fn what_is_stopped_stays_so_without_a_runner_and_is_found_again() {
    let yard = yard(&PAUSE);
    start(
        &yard,
        "docs",
        "docs/**",
        "echo x > src/a.txt; wait 1; echo x > src/b.txt; wait 2; touch src/end; wait 3",
    );
    eventually("it is paused", || yard.state_of("docs") == "PAUSED");
    let place = PathBuf::from(yard.exits(0, &["open", "docs"]).trim());
    go(&yard, "1");
    yard.exits(0, &["down"]);
    let up = [&["--set", CHECK], &PAUSE[..], &["up"]].concat();
    yard.exits(0, &up);
    start(&yard, "other", "other/**", "sleep 0.3");
    eventually("its slot is free", || yard.state_of("other") == "COMPLETED");
    assert!(!place.join("src/b.txt").exists());
    yard.exits(0, &["resume", "docs"]);
    eventually("it is paused for more", || pauses(&yard, "docs") == 2);
    assert_eq!(outside(&said(&yard, "docs")).len(), 2);

    yard.exits(0, &["down"]);
    go(&yard, "2");
    yard.exits(0, &["resume", "docs"]);
    eventually("it goes on without a runner", || {
        place.join("src/end").exists()
    });
    yard.exits(0, &up);
    eventually("it is paused by the next one", || {
        pauses(&yard, "docs") == 3
    });
    yard.exits(0, &["cancel", "docs"]);
    let running = || {
        yard.json(&["show", "docs"])["jobs"]
            .to_string()
            .contains("running")
    };
    eventually("it is ended", || !running());
    assert_eq!(yard.state_of("docs"), "CANCELLED");
}

/// Nothing is left for it to do until a person has looked.
#[test]
fn a_run_in_the_foreground_ends_when_its_task_is_stopped() {
    let yard = Yard::new();
    let scoped = [
        "run",
        "--name",
        "docs",
        "--scope",
        "docs/**",
        "--",
        "sh",
        "-c",
        "touch src/a; exec sleep 300",
    ];
    let args = [
        &["60", env!("CARGO_BIN_EXE_treeyard"), "--set", CHECK],
        &PAUSE[..],
        &scoped,
    ]
    .concat();
    let ran = yard.command("timeout").args(args).output().unwrap();
    let told = text(&ran.stderr) + &text(&ran.stdout);
    assert!(
        !ran.status.success() && told.contains("paused: outside its scope: src/a"),
        "{told}"
    );
    assert_eq!(yard.state_of("docs"), "PAUSED");
    yard.exits(0, &["cancel", "docs"]);
}
