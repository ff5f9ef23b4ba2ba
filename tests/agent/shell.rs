use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use treeyard::agent::{Place, World};
use treeyard::model::code::Code;
use treeyard::model::scope::{Fold, ScopeLanguage};
use treeyard::model::tool::ErrorKind;

use super::ground::{Ground, SECRET, patterns};
use crate::yard::eventually;

fn line(text: &str) -> Value {
    json!({ "command": text })
}

#[test]
fn it_tells_how_a_command_ended_and_what_it_printed() {
    let ground = Ground::new(&["**"]);
    let done = ground.call("shell.exec", line("echo out; echo err >&2; exit 3"));
    let done = done.unwrap();
    assert_eq!(done.result["ended"], "exited");
    assert_eq!(done.result["exit_code"], 3);
    assert_eq!(done.result["output"], "out\nerr\n");
    assert_eq!(done.result["omitted_bytes"], 0);
    assert_eq!(done.result["artifact"], done.artifacts[0].hash.to_string());
    assert_eq!(done.artifacts[0].size, 8);

    let words = json!({ "argv": ["printf", "%s|", "a b", "$HOME", ""], "cwd": "src/." });
    assert_eq!(ground.ok("shell.exec", words)["output"], "a b|$HOME||");
    let place = json!({ "command": "pwd; ls", "cwd": "src" });
    let told = ground.ok("shell.exec", place);
    let inside = format!("{}\nlib.txt\n", ground.tree.join("src").display());
    assert_eq!(told["output"], inside);
    let killed = ground.ok("shell.exec", line("kill -9 $$"));
    assert_eq!(
        (&killed["ended"], &killed["signal"]),
        (&json!("signalled"), &json!(9))
    );
    let missing = ground.refused("shell.exec", json!({ "argv": ["no-such-program"] }));
    assert_eq!(missing.code, Code::ProgramMissing);

    // It changes the worktree, and nothing beside it.
    let outside = ground.yard.repo().join("README.md");
    let both = format!("echo x > made; echo x > {}", outside.display());
    assert_ne!(ground.ok("shell.exec", line(&both))["exit_code"], 0);
    assert!(ground.tree.join("made").exists());
    assert_eq!(fs::read_to_string(outside).unwrap(), "# Yard\n");
    // What a session may not do is told by what stands first on its PATH.
    let denied = ground.ok("shell.exec", line("git reset --hard"));
    assert_ne!(denied["exit_code"], 0);
    let told = denied["output"].as_str().unwrap();
    assert!(told.contains("TY-COMMAND-DENIED"), "{told}");

    let dry = ground
        .permit("shell.exec", &line("touch dry"), true)
        .unwrap();
    let dry = dry.run(&ground.world).unwrap();
    assert_eq!(
        (&dry.result["ended"], &dry.result["would_run"]),
        (&json!("not_run"), &json!("touch dry"))
    );
    assert!(!ground.tree.join("dry").exists());
    let left: Vec<_> = fs::read_dir(&ground.jobs).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn long_output_is_told_in_part_and_kept_without_secrets() {
    let ground = Ground::new(&["**"]);
    let script =
        format!("echo {SECRET}; seq 1 200000; printf 'é%.0s' $(seq 1 3000); echo {SECRET}");
    let call = json!({ "command": script, "max_output_bytes": 1003 });
    let done = ground.call("shell.exec", call).unwrap();
    let (head, tail) = (&done.result["output"], &done.result["tail"]);
    let (head, tail) = (head.as_str().unwrap(), tail.as_str().unwrap());
    assert!(
        head.starts_with("[redacted:github-token]\n1\n2\n"),
        "{head}"
    );
    assert!(
        tail.starts_with('é') && tail.ends_with("é[redacted:github-token]\n"),
        "{tail}"
    );
    assert!(!head.contains('\u{fffd}') && !tail.contains('\u{fffd}'));
    let kept = &done.artifacts[0];
    let omitted = done.result["omitted_bytes"].as_u64().unwrap();
    assert_eq!(omitted + (head.len() + tail.len()) as u64, kept.size);
    assert_eq!(kept.redacted.count, 2);
    let mut whole = Vec::new();
    ground.artifacts().read_to(&kept.hash, &mut whole).unwrap();
    let whole = String::from_utf8(whole).unwrap();
    assert!(whole.contains("\n123456\n") && !whole.contains(SECRET));
    let odd = ground.ok("shell.exec", line("printf 'a\\000\\377\\033[31mb'"));
    assert_eq!(odd["output"], "a\0\u{fffd}\u{1b}[31mb");
}

#[test]
fn a_flood_is_ended_and_takes_no_memory() {
    let ground = Ground::new(&["**"]);
    let before = peak_kib();
    let start = Instant::now();
    let flood = ground.ok("shell.exec", line("yes"));
    assert_eq!(flood["ended"], "over_limit");
    assert_eq!(flood["why"], "it printed more than 128 MiB");
    assert!(flood["omitted_bytes"].as_u64().unwrap() > 100 << 20);
    assert!(start.elapsed() < Duration::from_secs(100));
    // The other tests of this process need some as well.
    assert!(
        peak_kib() < before + (64 << 10),
        "{before} to {}",
        peak_kib()
    );
}

#[test]
fn nothing_of_a_command_outlives_it() {
    let ground = Ground::new(&["**"]);
    let mark = ground.tree.join("mark");
    let stubborn = "setsid sh -c 'trap \"\" TERM HUP; while :; do date +%N > mark; sleep 0.05; done' & \
                    until [ -s mark ]; do sleep 0.02; done";
    let quiet = || {
        let before = fs::read(&mark).unwrap();
        thread::sleep(Duration::from_millis(300));
        assert_eq!(before, fs::read(&mark).unwrap());
        fs::remove_file(&mark).unwrap();
    };
    let ended = ground.ok("shell.exec", line(stubborn));
    assert_eq!(ended["exit_code"], 0);
    quiet();
    let endless = format!("{stubborn}; while :; do echo line; sleep 0.01; done");
    let call = json!({ "command": endless, "timeout_seconds": 1 });
    let late = ground.ok("shell.exec", call);
    assert_eq!(late["ended"], "timed_out");
    assert!(late["output"].as_str().unwrap().starts_with("line\nline\n"));
    quiet();

    // Called off in the middle: within its grace, and a fifth of a second.
    let cancel = ground.world.canceling();
    let long = line(&format!("{stubborn}; sleep 600"));
    let (ended, took) = thread::scope(|scope| {
        let call = scope.spawn(|| (ground.call("shell.exec", long), Instant::now()));
        let is_begun = || fs::metadata(&mark).is_ok_and(|found| found.len() > 0);
        eventually("it runs", is_begun);
        let began = Instant::now();
        cancel.store(true, Ordering::Relaxed);
        let (ended, at) = call.join().unwrap();
        (ended, at - began)
    });
    assert!(took < Duration::from_millis(300 + 200), "{took:?}");
    assert_eq!(ended.unwrap_err().kind, ErrorKind::Canceled);
    quiet();
    // And nothing else begins.
    let next = ground.refused("shell.exec", line("touch next"));
    assert_eq!(next.kind, ErrorKind::Canceled);
    assert!(!ground.tree.join("next").exists());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let ground = Ground::new(&["**"]);
    symlink(ground.yard.repo(), ground.tree.join("away")).unwrap();
    symlink("../..", ground.tree.join("up")).unwrap();
    symlink("src", ground.tree.join("inside")).unwrap();
    for (args, told) in [
        (json!({}), "one of `command` and `argv`"),
        (
            json!({ "command": "a", "argv": ["a"] }),
            "one of `command` and `argv`",
        ),
        (json!({ "command": " " }), "empty"),
        (json!({ "argv": [] }), "empty"),
        (json!({ "argv": [""] }), "empty"),
        (json!({ "argv": ["a\0b"] }), "NUL"),
        (json!({ "command": "a\0b" }), "NUL"),
        (json!({ "command": "a".repeat(65_537) }), "64 KiB"),
        (json!({ "argv": vec!["a"; 2001] }), "2000 words"),
        (json!({ "command": "a", "timeout_seconds": 0 }), "1 to 3600"),
        (
            json!({ "command": "a", "timeout_seconds": 3601 }),
            "1 to 3600",
        ),
        (
            json!({ "command": "a", "max_output_bytes": 25_000 }),
            "256 to 24576",
        ),
        (json!({ "command": "a", "cwd": "../x" }), "`..`"),
        (json!({ "command": "a", "cwd": "/etc" }), "absolute"),
        (json!({ "command": "a", "cwd": "away" }), "absolute"),
        (
            json!({ "command": "a", "cwd": "up" }),
            "leaves the worktree",
        ),
        (json!({ "command": "a", "cwd": "README.md" }), "no folder"),
        (json!({ "command": "a", "cwd": "none" }), "no folder"),
    ] {
        let refused = ground.refused("shell.exec", args.clone());
        assert!(refused.message.contains(told), "{args}: {refused}");
    }
    let inside = json!({ "command": "ls", "cwd": "inside" });
    assert_eq!(ground.ok("shell.exec", inside)["output"], "lib.txt\n");

    // The folder becomes a link between the look and the run: what holds the program back counts.
    let args = json!({ "command": "cat README.md; ls .git", "cwd": "src" });
    let permit = ground.permit("shell.exec", &args, false).unwrap();
    fs::rename(ground.tree.join("src"), ground.tree.join("old")).unwrap();
    fs::write(ground.yard.repo().join("README.md"), "outside\n").unwrap();
    symlink(ground.yard.repo(), ground.tree.join("src")).unwrap();
    let raced = permit.run(&ground.world).unwrap();
    assert_ne!(raced.result["exit_code"], 0);
    let told = raced.result.to_string();
    assert!(
        !told.contains("outside") && !told.contains("HEAD"),
        "{told}"
    );
}

#[test]
fn a_world_without_commands_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let language = ScopeLanguage::new(&patterns(&["**"]), Fold::default()).unwrap();
    let ground = Ground::new(&["**"]);
    let bare = World::new(Place::open(folder.path(), language).unwrap());
    let permit = ground.permit("shell.exec", &line("true"), false).unwrap();
    let told = permit.run(&bare).unwrap_err();
    assert!(told.message.contains("cannot be used here"), "{told}");
}

/// The most memory that this process has had.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
