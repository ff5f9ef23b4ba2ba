//! What people and machines do to a repository behind treeyard's back.

use std::fs;
use std::path::{Path, PathBuf};

use crate::yard::{Yard, eventually, isolated, text};

#[path = "broken/database.rs"]
mod database;

/// A session that is complete and not landed: `one` was handed over, `two` is committed in its own
/// git directory only, `three` is not committed.
fn open_session(yard: &Yard, name: &str, flags: &[&str]) -> PathBuf {
    let files = ["--scope", "./one", "--scope", "./two", "--scope", "./three"];
    let run = [
        &["run", "--name", name][..],
        isolated(&flags.concat()),
        &files,
        &["--", "sh", "-c", "echo 1 > one"],
    ]
    .concat();
    yard.exits(0, &[flags, &run[..]].concat());
    let place = worktree(yard, name);
    fs::write(place.join("two"), "2\n").unwrap();
    inside(yard, &place, &["add", "two"]);
    inside(yard, &place, &["commit", "-qm", "Two"]);
    fs::write(place.join("three"), "3\n").unwrap();
    place
}

fn worktree(yard: &Yard, name: &str) -> PathBuf {
    let shown = yard.json(&["show", name]);
    shown["session"]["worktree"].as_str().unwrap().into()
}

fn inside(yard: &Yard, place: &Path, args: &[&str]) -> String {
    let output = yard.command("git").current_dir(place).args(args).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{args:?} {}", text(&output.stderr));
    text(&output.stdout)
}

fn lands_whole(yard: &Yard, name: &str) {
    yard.exits(0, &["land", name]);
    for (path, content) in [("one", "1\n"), ("two", "2\n"), ("three", "3\n")] {
        assert_eq!(yard.git(&["show", &format!("main:{path}")]), content);
        assert_eq!(fs::read_to_string(yard.repo().join(path)).unwrap(), content);
    }
    assert_eq!(yard.git(&["status", "--porcelain"]), "");
    assert_eq!(yard.git(&["worktree", "list"]).lines().count(), 1);
    yard.exits(0, &["doctor"]);
    yard.sound();
}

/// What `doctor` says of worktrees, one line each.
fn doctor(yard: &Yard, args: &[&str]) -> Vec<String> {
    let output = yard.treeyard(&[&["doctor"][..], args].concat());
    let said = text(&output.stdout);
    let lines = said.lines().filter(|line| line.contains("worktrees"));
    lines.map(str::to_owned).collect()
}

/// Notices it, puts it right, and finds nothing more.
fn is_repaired(yard: &Yard, what: &str) {
    let found = doctor(yard, &[]);
    assert!(
        found[0].contains("warn") && found[0].contains(what),
        "{found:?}"
    );
    let fixed = doctor(yard, &["--fix"]);
    assert!(fixed[0].contains("fixed"), "{fixed:?}");
    let after = doctor(yard, &[]);
    assert!(after[0].starts_with("ok"), "{after:?}");
}

#[test]
fn a_moved_repository_finds_its_sessions_again() {
    for isolation in [
        "worktrees.isolation=\"private\"",
        "worktrees.isolation=\"linked\"",
    ] {
        let mut yard = Yard::new();
        let place = open_session(&yard, "w", &["--set", isolation]);
        fs::rename(yard.repo(), yard.folder.path().join("moved")).unwrap();
        yard.place = "moved".into();
        let refused = yard.treeyard(&["land", "w"]);
        assert_eq!(refused.status.code(), Some(6), "{}", text(&refused.stderr));
        assert!(text(&refused.stderr).contains("doctor --fix"));
        is_repaired(&yard, "moved");
        assert_eq!(worktree(&yard, "w"), place);
        assert_eq!(
            inside(&yard, &place, &["status", "--porcelain"]),
            "?? three\n"
        );
        lands_whole(&yard, "w");
    }
}

#[test]
fn a_repository_that_moved_with_its_worktrees_does_too() {
    let mut yard = Yard::new();
    yard.git(&["clone", "-q", ".", "../a/repo"]);
    yard.place = "a/repo".into();
    open_session(&yard, "w", &[]);
    let here = yard.folder.path();
    fs::rename(here.join("a"), here.join("b")).unwrap();
    yard.place = "b/repo".into();
    is_repaired(&yard, "moved");
    let place = worktree(&yard, "w");
    assert!(place.starts_with(yard.folder.path().join("b")), "{place:?}");
    inside(
        &yard,
        &place,
        &["commit", "-q", "--allow-empty", "-m", "On"],
    );
    lands_whole(&yard, "w");
}

#[test]
fn a_worktree_that_was_removed_leaves_what_it_had_committed_and_staged() {
    let yard = Yard::new();
    let place = open_session(&yard, "w", &[]);
    inside(&yard, &place, &["add", "three"]);
    let private = place.parent().unwrap().join(".git-private");
    assert_eq!(fs::read_dir(&private).unwrap().count(), 1);
    fs::remove_dir_all(&place).unwrap();
    is_repaired(&yard, "gone");
    assert_eq!(fs::read_dir(&private).unwrap().count(), 0);
    assert_eq!(yard.git(&["worktree", "list"]).lines().count(), 1);
    fs::create_dir(private.join("stray")).unwrap();
    let found = doctor(&yard, &["--fix"]);
    assert!(
        found[0].contains("stray belongs to no session"),
        "{found:?}"
    );
    fs::remove_dir(private.join("stray")).unwrap();
    yard.exits(0, &["salvage", "restore", "w", "--branch", "back"]);
    for (path, content) in [("one", "1\n"), ("two", "2\n"), ("three", "3\n")] {
        assert_eq!(yard.git(&["show", &format!("back:{path}")]), content);
    }
    // What was handed over before can still land.
    yard.exits(0, &["land", "w"]);
    assert_eq!(yard.git(&["show", "main:one"]), "1\n");
    yard.sound();
}

#[test]
fn a_session_may_configure_its_own_git_directory() {
    let yard = Yard::new();
    let place = open_session(&yard, "w", &[]);
    inside(&yard, &place, &["config", "alias.st", "status"]);
    let found = doctor(&yard, &[]);
    assert!(found[0].starts_with("warn"), "{found:?}");
    yard.exits(0, &["doctor"]);
    lands_whole(&yard, "w");
}

#[test]
fn what_git_itself_removes_is_not_missed() {
    let yard = Yard::new();
    let place = open_session(&yard, "w", &[]);
    let branch = format!("refs/heads/ty/{}", place.file_name().unwrap().display());
    yard.git(&["worktree", "prune", "--expire=now"]);
    yard.git(&["reflog", "expire", "--all", "--expire=now"]);
    yard.git(&["gc", "-q", "--prune=now"]);
    assert!(doctor(&yard, &[])[0].starts_with("ok"));
    yard.git(&["update-ref", "-d", &branch]);
    yard.git(&["gc", "-q", "--prune=now"]);
    assert_eq!(
        inside(&yard, &place, &["status", "--porcelain"]),
        "?? three\n"
    );
    // Unlocked and out of sight, a worktree can be pruned.
    let listed = yard.repo().join(".git/worktrees");
    fs::remove_dir_all(listed).unwrap();
    is_repaired(&yard, "no longer listed");
    lands_whole(&yard, "w");
}

#[test]
fn branches_whose_work_has_landed_are_removed_in_time() {
    let yard = Yard::new();
    let work = |name: &str, method: &str| {
        let line = format!("echo 1 > {name}; git add -A; git commit -qm x; echo 2 > {name}");
        yard.exits(
            0,
            &[
                "run",
                "--name",
                name,
                "--scope",
                &format!("./{name}"),
                "--",
                "sh",
                "-c",
                &line,
            ],
        );
        if !method.is_empty() {
            yard.exits(0, &["land", name, "--method", method]);
        }
    };
    work("merged", "merge");
    work("squashed", "squash");
    work("rebased", "rebase");
    work("moved", "squash");
    work("open", "");
    yard.exits(
        0,
        &["run", "--name", "idle", "--scope", "./idle", "--", "true"],
    );
    let of = |name: &str| {
        let all = yard.git(&["for-each-ref", "--format=%(refname)", "refs/heads/ty"]);
        let found = all.lines().find(|line| line.contains(&format!("/{name}-")));
        found.map(str::to_owned)
    };
    // Somebody went on with this one.
    let moved = of("moved").unwrap();
    let further = yard.git(&[
        "commit-tree",
        "-p",
        &moved,
        "-m",
        "More",
        &format!("{moved}^{{tree}}"),
    ]);
    yard.git(&["update-ref", &moved, further.trim()]);
    yard.exits(0, &["gc"]);
    assert!(of("merged").is_some(), "retention has not passed");
    let now = ["--set", "retention.sessions_days=0"];
    let would = yard.exits(0, &[&["gc", "--dry-run"][..], &now].concat());
    assert!(
        would.contains("4 branches") && of("merged").is_some(),
        "{would}"
    );
    let did = yard.exits(0, &[&["gc"][..], &now].concat());
    assert!(did.contains("4 branches"), "{did}");
    for name in ["merged", "squashed", "rebased", "idle"] {
        assert_eq!(of(name), None, "{name}");
    }
    assert!(of("open").is_some() && of("moved").is_some());
    yard.exits(0, &["land", "open"]);
    yard.sound();
}

/// A landing that is killed in its gate leaves the gate's worktree, which holds nobody's work.
#[test]
fn the_worktree_of_a_killed_gate_is_removed() {
    let yard = Yard::new();
    let at = |name: &str| yard.folder.path().join(name);
    let (began, go) = (at("began"), at("go"));
    let gate = format!(
        "touch {}; while ! test -e {}; do sleep 0.05; done",
        began.display(),
        go.display()
    );
    let run = [
        "run",
        "--name",
        "w",
        "--gate",
        &gate,
        "--",
        "sh",
        "-c",
        "echo 1 > one",
    ];
    yard.exits(0, &run);
    let mut landing = yard.command(env!("CARGO_BIN_EXE_treeyard"));
    let mut landing = landing.args(["land", "w"]).spawn().unwrap();
    eventually("the gate runs", || began.exists());
    let gates = || {
        let beside = fs::read_dir(at("repo.treeyard")).unwrap();
        let names = beside.flatten().map(|entry| entry.file_name());
        names
            .filter(|n| n.to_string_lossy().contains("gate"))
            .count()
    };
    yard.exits(0, &["gc"]);
    assert_eq!(gates(), 1, "it is in use");
    landing.kill().unwrap();
    landing.wait().unwrap();
    fs::write(&go, "").unwrap();
    let found = doctor(&yard, &[]);
    assert!(found[0].contains("killed processes"), "{found:?}");
    yard.exits(0, &["doctor", "--fix"]);
    assert_eq!(gates(), 0);
    let branches = yard.git(&["for-each-ref", "refs/heads/ty"]);
    assert!(!branches.contains("gate"), "{branches}");
    yard.exits(0, &["land", "w"]);
    assert_eq!(yard.git(&["show", "main:one"]), "1\n");
    yard.sound();
}

/// Nobody waits for its verdict any more; the next landing must not run beside it.
#[test]
fn the_gate_of_a_killed_landing_is_ended_by_the_next_one() {
    for next in ["land", "up"] {
        let yard = Yard::new();
        let at = |name: &str| yard.folder.path().join(name);
        let began = at("began");
        let gate = format!(
            "echo $$ >> {0}; test $(wc -l < {0}) -gt 1 || exec sleep 600",
            began.display()
        );
        let run = ["run", "--name", "w", "--gate", &gate, "--", "sh", "-c"];
        let run: Vec<&str> = run.into_iter().chain(["echo 1 > one"]).collect();
        yard.exits(0, &run);
        let mut landing = yard.command(env!("CARGO_BIN_EXE_treeyard"));
        let mut landing = landing.args(["land", "w"]).spawn().unwrap();
        let gates = || fs::read_to_string(&began).unwrap_or_default();
        eventually("the gate runs", || gates().ends_with('\n'));
        landing.kill().unwrap();
        landing.wait().unwrap();
        let first = format!("/proc/{}", gates().trim());
        assert!(std::path::Path::new(&first).exists(), "it outlives it");
        let open = || {
            let jobs = yard.json(&["show", "w"])["jobs"].clone();
            let states = jobs.as_array().unwrap().iter().map(|job| &job["state"]);
            states.filter(|state| *state == "running").count()
        };
        assert_eq!(open(), 1);
        match next {
            "land" => drop(yard.exits(0, &["land", "w"])),
            _ => drop(yard.exits(0, &["up"])),
        }
        eventually("the first gate is ended", || {
            !std::path::Path::new(&first).exists() && open() == 0
        });
        if next == "up" {
            yard.exits(0, &["land", "w"]);
            yard.exits(0, &["down"]);
        }
        assert_eq!(gates().lines().count(), 2);
        assert_eq!(yard.git(&["show", "main:one"]), "1\n");
        yard.sound();
    }
}

#[test]
fn what_is_being_made_is_not_taken_for_a_leftover() {
    let yard = Yard::new();
    yard.exits(0, &["run", "--", "true"]);
    let bench = yard.repo().join(".git/treeyard/bench-young");
    fs::create_dir(&bench).unwrap();
    yard.exits(0, &["doctor", "--fix"]);
    yard.exits(0, &["gc"]);
    assert!(bench.exists());
}

#[test]
fn a_lock_that_a_killed_git_left_is_named() {
    let yard = Yard::new();
    yard.exits(0, &["run", "--name", "w", "--", "sh", "-c", "echo 1 > one"]);
    let path = yard.repo().join(".git/refs/heads/main.lock");
    let lock = fs::File::create(&path).unwrap();
    assert!(!yard.exits(0, &["doctor"]).contains("main.lock"));
    yard.exits(7, &["land", "w"]);
    lock.set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    assert!(yard.exits(0, &["doctor"]).contains("main.lock is held"));
    fs::remove_file(path).unwrap();
    yard.exits(0, &["land", "w"]);
    yard.sound();
}

/// As after a runner that was killed between removing a worktree and writing that down.
#[test]
fn gc_gives_up_what_is_gone() {
    let yard = Yard::new();
    let line = "echo 1 > one; git add -A; git commit -qm One; exit 1";
    yard.exits(1, &["run", "--name", "w", "--", "sh", "-c", line]);
    fs::remove_dir_all(worktree(&yard, "w")).unwrap();
    let told = yard.exits(0, &["gc", "--set", "retention.sessions_days=0"]);
    assert!(told.contains("saved") && !told.contains("kept"), "{told}");
    assert!(doctor(&yard, &[])[0].starts_with("ok"));
    yard.exits(0, &["salvage", "restore", "w", "--branch", "back"]);
    assert_eq!(yard.git(&["show", "back:one"]), "1\n");
}

/// What is on a disk that is not mounted comes back with it.
#[test]
fn worktrees_on_a_disk_that_is_not_mounted_are_not_given_up() {
    for isolation in [
        "worktrees.isolation=\"private\"",
        "worktrees.isolation=\"linked\"",
    ] {
        let yard = Yard::new();
        let place = open_session(&yard, "w", &["--set", isolation]);
        let failing = [
            "run",
            "--name",
            "f",
            "--scope",
            "./f",
            "--",
            "sh",
            "-c",
            "echo f >> f; exit 1",
        ];
        yard.exits(1, &failing);
        let root = place.parent().unwrap();
        let away = yard.folder.path().join("away");
        fs::rename(root, &away).unwrap();
        for empty in [false, true] {
            if empty {
                fs::create_dir_all(root).unwrap();
            }
            let found = doctor(&yard, &["--fix"]);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(
                found[0].contains("2 worktrees") && found[0].contains("is its disk mounted?"),
                "{found:?}"
            );
            let told = yard.exits(0, &["gc", "--set", "retention.sessions_days=0"]);
            assert!(told.contains("kept") && told.contains("mounted"), "{told}");
            let refused = yard.treeyard(&["open", "w"]);
            assert!(text(&refused.stderr).contains("mounted"));
            let refused =
                yard.treeyard(&["run", "--name", "new", "--scope", "./new", "--", "true"]);
            let said = text(&refused.stdout) + &text(&refused.stderr);
            assert!(
                said.contains("mounted") && !refused.status.success(),
                "{said}"
            );
        }
        fs::remove_dir(root).unwrap();
        fs::rename(&away, root).unwrap();
        assert!(doctor(&yard, &[])[0].starts_with("ok"));
        yard.exits(0, &["gc", "--set", "retention.sessions_days=0"]);
        yard.exits(0, &["salvage", "restore", "f", "--branch", "back"]);
        assert_eq!(yard.git(&["show", "back:f"]), "f\n");
        lands_whole(&yard, "w");

        // Gone for good, as a person says.
        yard.exits(1, &failing);
        fs::remove_dir_all(root).unwrap();
        fs::create_dir_all(root.join(".git-private")).unwrap();
        assert!(doctor(&yard, &["--fix"])[0].contains("no longer registered"));
        assert!(doctor(&yard, &[])[0].starts_with("ok"));
    }
}

/// A power cut can leave a branch without content. It costs that session, and no other.
#[test]
fn an_unreadable_branch_of_one_session_does_not_stop_the_others() {
    let yard = Yard::new();
    for name in ["torn", "whole"] {
        yard.exits(
            0,
            &[
                "submit",
                "--name",
                name,
                "--scope",
                &format!("./{name}"),
                "--",
                "true",
            ],
        );
    }
    let sessions = yard.json(&["ls", "--all"])["sessions"].clone();
    let torn = sessions.as_array().unwrap().iter();
    let torn = torn.clone().find(|row| row["name"] == "torn").unwrap();
    let branch = yard
        .repo()
        .join(".git")
        .join(torn["branch"].as_str().unwrap());
    fs::create_dir_all(branch.parent().unwrap()).unwrap();
    fs::write(&branch, "").unwrap();
    yard.exits(0, &["up"]);
    eventually("the other one runs", || {
        yard.state_of("whole") == "COMPLETED"
    });
    eventually("it fails", || yard.state_of("torn") == "FAILED");
    yard.exits(0, &["down"]);
}
