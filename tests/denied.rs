//! Commands that a session does not run without a person's word, with real jobs and the real git.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::yard::{Yard, eventually, text};

const PROGRAM: &str = env!("CARGO_BIN_EXE_treeyard");

/// Runs a job to its end, and gives what it printed. In it `try NAME COMMAND` keeps what a command
/// said and its exit code, and `wait X` goes on after `go(X)`.
fn submit(yard: &Yard, name: &str, script: &str) {
    let at = yard.folder.path().display();
    let script = format!(
        "ty={PROGRAM}; at='{at}'; wait() {{ until [ -e \"$at/go-$1\" ]; do sleep 0.02; done; }}
        try() {{ to=$at/$1; shift; \"$@\" > $to.out 2> $to.err; echo $? > $to.code; }}
        {script}"
    );
    let scope = format!("{name}/**");
    let job = ["submit", "--name", name, "--scope", &scope, "--"];
    yard.exits(0, &[&job[..], &["sh", "-c", &script]].concat());
}

fn go(yard: &Yard, name: &str) {
    std::fs::write(yard.folder.path().join(format!("go-{name}")), "").unwrap();
}

/// Exit code and standard error of a command that was tried.
fn tried(yard: &Yard, name: &str) -> (i32, String) {
    let part = |kind: &str| {
        let path = yard.folder.path().join(format!("{name}.{kind}"));
        std::fs::read_to_string(path).unwrap_or_default()
    };
    eventually(name, || !part("code").is_empty());
    (part("code").trim().parse().unwrap(), part("err"))
}

fn ended(yard: &Yard, name: &str) {
    eventually("it ends", || yard.state_of(name) == "COMPLETED");
}

#[test]
fn what_needs_a_word_is_refused_in_a_few_clear_lines() {
    let yard = Yard::new();
    yard.exits(0, &["up"]);
    let script = "
        mkdir job; echo 1 > job/a; git add -A; git commit -qm One; echo 2 > job/a; mkdir -p job/tmp/x
        try reset git reset --hard HEAD~1
        try abbreviated git -C job reset --har
        try clean git clean -fdx
        try rebase git rebase HEAD~1
        try push git push origin +main
        try worktree git worktree remove ../other
        try hooks git config core.hooksPath /dev/null
        try dash_c git -c core.hooksPath=/dev/null commit -qam Two
        try alias git -c alias.x='!git reset --hard' x
        git config alias.undo 'reset --hard'
        try configured git undo
        try shell sh -c 'git reset --hard'
        try env env -i PATH=\"$PATH\" git reset --hard
        ln -s / job/link
        try rm rm -rf ..
        try root rm -rf /nonexistent/x
        try own rm -rf \"$PWD\"
        try through rm -rf job/link/nonexistent
        try state rm -f \"${PATH%%/shims:*}/treeyard.db\"
        test $(cat job/a) = 2 || echo LOST
        try inside rm -rf job/tmp job/link
        t=$(mktemp -d); mkdir $t/x; try temporary rm -rf $t
        try soft git reset -q --soft HEAD
        try read git config core.hooksPath
        try dry git clean -nfdx
        try done git status
        git init -q -b main $at/scratch 2>/dev/null; cd $at/scratch; git commit -q --allow-empty -m x; try scratch git reset --hard";
    submit(&yard, "job", script);
    ended(&yard, "job");
    for name in [
        "reset",
        "abbreviated",
        "clean",
        "rebase",
        "push",
        "worktree",
        "hooks",
        "dash_c",
        "alias",
        "configured",
        "shell",
        "env",
        "rm",
        "root",
        "own",
        "through",
        "state",
    ] {
        let (code, said) = tried(&yard, name);
        assert_eq!(code, 5, "{name}: {said}");
        assert!(said.contains("TY-COMMAND-DENIED"), "{name}: {said}");
        assert!(said.lines().count() <= 5, "{name}: {said}");
    }
    let (_, said) = tried(&yard, "reset");
    let how = "treeyard approve job -- git reset --hard HEAD~1";
    assert!(said.contains(how) && said.contains("git stash"), "{said}");
    for name in [
        "inside",
        "temporary",
        "soft",
        "read",
        "dry",
        "done",
        "scratch",
    ] {
        assert_eq!(tried(&yard, name).0, 0, "{name}: {}", tried(&yard, name).1);
    }
    let printed = yard.exits(0, &["logs", "job"]);
    assert!(!printed.contains("LOST"), "{printed}");
    yard.sound();
}

#[test]
fn a_word_is_for_one_run_of_exactly_these_words() {
    let yard = Yard::new();
    yard.exits(0, &["up"]);
    let script = "
        mkdir job; for n in 1 2 3; do echo $n > job/a; git add -A; git commit -qm $n; done
        try first git reset --hard HEAD~1
        wait 1; try other git reset --hard HEAD~2; try second git reset --hard HEAD~1
        try third git reset --hard HEAD~1
        try self $ty approve job -- git reset --hard
        try list $ty approve job
        try bare env -u TREEYARD_DOOR -u TREEYARD_JOB $ty approve job -- git reset --hard
        wait 2; try four git reset --hard HEAD & try five git reset --hard HEAD & wait;
        echo > $at/both; until [ -e $at/go-3 ]; do sleep 0.02; done";
    // `wait` without a name is the shell's own.
    let script = script.replace("& wait;", "& command wait;");
    submit(&yard, "job", &script);
    assert_eq!(tried(&yard, "first").0, 5);
    let listed = yard.exits(0, &["approve", "job"]);
    assert!(listed.contains("git reset --hard HEAD~1"), "{listed}");
    let allow = ["approve", "job", "--", "git", "reset", "--hard"];
    yard.exits(0, &[&allow[..], &["HEAD~1"]].concat());
    let asked = yard.json(&["approve", "job"])["asked"].clone();
    assert_eq!(asked[0]["allowed"], 1, "{asked}");
    assert_eq!(asked[0]["rule"], "git-reset-hard");
    go(&yard, "1");
    assert_eq!(tried(&yard, "other").0, 5, "other words");
    assert_eq!(tried(&yard, "second").0, 0, "{}", tried(&yard, "second").1);
    assert_eq!(tried(&yard, "third").0, 5, "it is used up");
    for name in ["self", "bare"] {
        let (code, said) = tried(&yard, name);
        assert!(code == 7 && said.contains("TY-INSIDE-SESSION"), "{said}");
    }
    yard.exits(0, &[&allow[..], &["HEAD"]].concat());
    go(&yard, "2");
    let mut codes = [tried(&yard, "four").0, tried(&yard, "five").0];
    codes.sort_unstable();
    assert_eq!(codes, [0, 5], "one of two at once");
    go(&yard, "3");
    ended(&yard, "job");

    let granted = yard.events("FR-EVT-GUARD-006");
    let used = yard.events("FR-EVT-GUARD-007");
    assert_eq!((granted.len(), used.len()), (2, 2));
    for (granted, used) in granted.iter().zip(&used) {
        assert_eq!(used["data"]["granted"], granted["event_id"]);
        assert_eq!(
            (&granted["actor"], &used["actor"]),
            (&json!("human"), &json!("agent"))
        );
    }
    yard.sound();
}

#[test]
fn asking_in_a_loop_does_not_fill_the_log_and_no_password_is_in_it() {
    let yard = Yard::new();
    yard.exits(0, &["up"]);
    let script = "
        for n in 1 2 3 4 5 6 7 8; do git push --force https://me:secret@localhost/x 2>/dev/null; done
        for n in $(seq 40); do git reset --hard $n 2>/dev/null; done; true";
    submit(&yard, "job", script);
    ended(&yard, "job");
    let denied = yard.events("FR-EVT-GUARD-005");
    assert!(denied.len() <= 30, "{}", denied.len());
    let pushes = denied
        .iter()
        .filter(|event| event["data"]["words"][1] == "push");
    assert_eq!(pushes.count(), 3);
    assert!(
        !yard.json(&["events"])["events"]
            .to_string()
            .contains("\"https://me:secret")
    );
    yard.sound();
}

/// A git of git's own programs comes first in hooks and aliases, and a shim behind another one.
#[test]
fn the_real_program_is_found_and_nothing_turns_in_circles() {
    let yard = Yard::new();
    yard.exits(0, &["up"]);
    let script = "
        shims=${PATH%%:*}; mkdir job; echo 1 > job/a; git add -A; git commit -qm One
        git config alias.v '!git --version && command -v git'
        try alias git v
        try twice env PATH=\"$shims:$PATH:$shims\" git --version
        cp -r $shims $at/copy
        try copied env PATH=\"$at/copy:$shims:$at/copy:$PATH\" git --version
        try suspicious env PATH=\"$at/copy:$shims:$at/copy:$PATH\" git reset -q
        try none env PATH=\"$shims\" $shims/git --version
        try absolute env PATH=/usr/bin:/bin $shims/rm -rf job/none
        try spaces git commit -q --allow-empty -m 'two  words; $(x) *'
        git log -1 --format=%s > $at/subject
        try own treeyard --version
        try exec git --exec-path
        sh -c 'exec git rev-parse HEAD' > $at/head";
    submit(&yard, "job", script);
    ended(&yard, "job");
    for name in [
        "alias",
        "twice",
        "copied",
        "suspicious",
        "absolute",
        "spaces",
        "own",
        "exec",
    ] {
        assert_eq!(tried(&yard, name).0, 0, "{name}: {}", tried(&yard, name).1);
    }
    assert_eq!(tried(&yard, "none").0, 127);
    let subject = std::fs::read_to_string(yard.folder.path().join("subject")).unwrap();
    assert_eq!(subject, "two  words; $(x) *\n");
    yard.sound();
}

#[test]
fn a_damaged_shim_is_seen_and_repaired() {
    let yard = Yard::new();
    yard.exits(0, &["run", "-q", "--name", "job", "--", "true"]);
    let rm = yard.repo().join(".git/treeyard/shims/rm");
    std::fs::remove_file(&rm).unwrap();
    let said = yard.treeyard(&["doctor"]);
    assert!(
        text(&said.stdout).contains("shims/rm is not as it was"),
        "{}",
        text(&said.stdout)
    );
    yard.exits(0, &["doctor", "--fix"]);
    assert!(rm.exists());
    // The next job would have done it too.
    std::fs::write(rm.with_file_name("ls"), "").unwrap();
    assert!(text(&yard.treeyard(&["doctor"]).stdout).contains("shims/ls does not belong"));
}

/// What a commit inside of a session costs, with the shim and without; for people, not a check.
#[test]
#[ignore = "it measures"]
fn what_the_shim_costs() {
    let yard = Yard::new();
    yard.exits(
        0,
        &[
            "run",
            "-q",
            "--name",
            "job",
            "--",
            "sh",
            "-c",
            "git commit -q --allow-empty -m x",
        ],
    );
    let place = yard.exits(0, &["open", "job"]);
    let shims = yard.repo().join(".git/treeyard/shims");
    let plain = std::env::var("PATH").unwrap();
    let shimmed = format!("{}:{plain}", shims.display());
    let run = |path: &str, line: &str| {
        let began = Instant::now();
        let mut command = Command::new("/usr/bin/env");
        command.args(line.split(' ')).current_dir(place.trim());
        let done = command
            .env("PATH", path)
            .env("TREEYARD_WORKTREE", place.trim());
        let done = done.env("GIT_CONFIG_NOSYSTEM", "1").output().unwrap();
        assert!(done.status.success(), "{}", text(&done.stderr));
        began.elapsed()
    };
    for line in [
        "git commit -q --allow-empty -m x",
        "git --version",
        "git reset -q",
        "rm -f none",
        "rm -rf none",
    ] {
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for _ in 0..300 {
            with.push(run(&shimmed, line));
            without.push(run(&plain, line));
        }
        let median = |times: &mut Vec<Duration>| {
            times.sort_unstable();
            times[times.len() / 2]
        };
        println!(
            "{line}: {:?} with, {:?} without",
            median(&mut with),
            median(&mut without)
        );
    }
}
