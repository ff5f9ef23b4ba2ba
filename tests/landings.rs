//! Landings that are cut short between two of their steps, and people who stage what looks like it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use treeyard::app::project::Project;
use treeyard::merge::{
    LandingLock, LandingPlan, MergeMethod, Prepared, prepare, publish, sync_plan, update_checkouts,
};
use treeyard::model::event::{Actor, Event};
use treeyard::model::ids::SessionId;
use treeyard::model::provenance::Provenance;
use treeyard::store::{StoreError, Tx};

use crate::yard::{Yard, eventually, text};

/// A yard with a session whose work is ready to land.
fn ready(name: &str) -> Yard {
    let yard = Yard::new();
    work(&yard, name);
    yard
}

fn work(yard: &Yard, name: &str) {
    let file = format!("{name}.txt");
    let line = format!("echo {name} > {file}");
    let args = ["run", "--name", name, "--scope", &format!("./{file}"), "--"];
    yard.exits(0, &[&args[..], &["sh", "-c", &line]].concat());
}

/// Runs treeyard with a git that kills it when it is asked to update a checkout: before that is
/// done, or right after.
fn killed(yard: &Yard, after: bool, args: &[&str]) {
    let folder = yard.folder.path().join("shim");
    fs::create_dir_all(&folder).unwrap();
    let real = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join("git"))
        .find(|path| path.is_file())
        .unwrap();
    let real = real.display();
    let first = if after {
        format!("{real} \"$@\";")
    } else {
        String::new()
    };
    let shim = folder.join("git");
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in *' read-tree -m -u '*) {first} kill -9 $PPID; exit 1;; esac\n\
         exec {real} \"$@\"\n"
    );
    fs::write(&shim, script).unwrap();
    fs::set_permissions(&shim, fs::Permissions::from_mode(0o755)).unwrap();
    let mut path = vec![folder];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let output = yard
        .command(env!("CARGO_BIN_EXE_treeyard"))
        .env("PATH", std::env::join_paths(path).unwrap())
        .args(args)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), None, "{}", text(&output.stderr));
}

fn landed(yard: &Yard, name: &str) -> bool {
    let shown = yard.json(&["show", name]);
    !shown["session"]["landed_commit"].is_null()
}

/// It landed once, all of it, and everybody knows.
fn is_whole(yard: &Yard, names: &[&str]) {
    for name in names {
        assert!(landed(yard, name), "{name}");
        assert!(yard.repo().join(format!("{name}.txt")).exists(), "{name}");
    }
    assert_eq!(yard.git(&["status", "--porcelain"]), "");
    let merges = yard.git(&["log", "--first-parent", "--format=%s", "main"]);
    assert_eq!(merges.lines().count(), names.len() + 1, "{merges}");
    let said = yard.exits(0, &["doctor"]);
    assert!(said.contains("no landing was cut short"), "{said}");
    yard.sound();
}

/// All that a landing does up to its record of it, as if it had been killed there, before or after
/// the checkout was updated.
fn unrecorded(yard: &Yard, name: &str, method: MergeMethod, updated: bool) {
    let mut project = Project::open(&yard.repo(), &[]).unwrap();
    let row = project.store.sessions_matching(name).unwrap().remove(0);
    let onto = project.repo.branch_tip("main").unwrap().unwrap();
    let plan = LandingPlan {
        target_tip: onto.clone(),
        // What others work in is not taken in before it lands.
        session_tip: row
            .tip
            .unwrap_or_else(|| project.repo.branch_tip(name).unwrap().unwrap()),
        method,
        bounds: None,
        subject: format!("Land {name}"),
        provenance: Provenance {
            session: row.id,
            task: name.to_owned(),
            identity: None,
            lock: None,
        },
        committer: ("Test".into(), "test@localhost".into()),
        now: (1_700_000_000, 0),
    };
    let git = project.repo.gix();
    let Prepared::Ready(candidate) = prepare(&git, &plan).unwrap() else {
        panic!("{name} does not land");
    };
    let (target, from, to) = ("main".to_owned(), onto.clone(), candidate.commit.clone());
    let started = Event::LandingStarted {
        target: target.clone(),
        onto,
    };
    append(&mut project, row.id, started);
    append(
        &mut project,
        row.id,
        Event::TargetMoving { target, from, to },
    );
    let lock = LandingLock::acquire(&project.repo.state_dir(), Duration::ZERO).unwrap();
    let sync = sync_plan(&git, "refs/heads/main", &candidate).unwrap();
    publish(&git, &lock, "refs/heads/main", &candidate, "land").unwrap();
    if updated {
        let run = |dir: &Path, args: &[&str]| {
            let done = yard.command("git").current_dir(dir).args(args).status();
            assert!(done.unwrap().success());
            Ok(())
        };
        update_checkouts(&sync, &run).unwrap();
    }
    assert_eq!(yard.git(&["status", "--porcelain"]).is_empty(), updated);
    assert!(!landed(yard, name));
}

fn append(project: &mut Project, session: SessionId, event: Event) {
    let write = |tx: &mut Tx<'_>| -> Result<(), StoreError> {
        tx.append(Actor::System, Some(session), event).map(drop)
    };
    project.store.write(write).unwrap();
}

#[test]
fn doctor_records_and_completes_a_landing_that_only_moved_the_target() {
    for updated in [false, true] {
        let yard = ready("w");
        unrecorded(&yard, "w", MergeMethod::Merge, updated);
        let found = yard.exits(0, &["doctor"]);
        assert!(
            found.contains("warn   checkout") && found.contains("the landing of w on main"),
            "{found}"
        );
        assert_eq!(found.contains("still has the files"), !updated, "{found}");
        let fixed = yard.exits(0, &["doctor", "--fix"]);
        assert!(fixed.contains("fixed  checkout"), "{fixed}");
        is_whole(&yard, &["w"]);
    }
}

#[test]
fn landing_again_says_that_it_landed_and_makes_no_second_commit() {
    for (updated, method) in [
        (false, MergeMethod::Merge),
        (true, MergeMethod::Squash),
        (false, MergeMethod::Rebase),
    ] {
        let yard = ready("w");
        let place = yard.json(&["show", "w"])["session"]["worktree"].clone();
        unrecorded(&yard, "w", method, updated);
        let tip = yard.git(&["rev-parse", "--short=10", "main"]);
        let said = yard.exits(0, &["land", "w"]);
        let expected = format!("{}, 1 path changed", tip.trim());
        assert!(
            said.contains("landed on main") && said.contains(&expected),
            "{said}"
        );
        is_whole(&yard, &["w"]);
        assert!(!Path::new(place.as_str().unwrap()).exists());
    }
}

#[test]
fn the_next_landing_and_the_next_runner_settle_the_one_before() {
    let yard = ready("w");
    work(&yard, "other");
    unrecorded(&yard, "w", MergeMethod::Merge, false);
    yard.exits(0, &["land", "other"]);
    is_whole(&yard, &["w", "other"]);

    let yard = ready("w");
    unrecorded(&yard, "w", MergeMethod::Merge, false);
    yard.exits(0, &["run", "--name", "idle", "--", "true"]);
    is_whole(&yard, &["w"]);
    let events = yard.exits(0, &["events"]);
    assert!(events.contains("FR-EVT-WF-RECOVERY"), "{events}");
}

#[test]
fn what_an_adopted_worktree_landed_is_recorded() {
    let yard = Yard::new();
    let place = yard.folder.path().join("w").display().to_string();
    yard.git(&["worktree", "add", "-q", "-b", "w", &place]);
    yard.exits(0, &["adopt", &place, "--scope", "docs.md"]);
    std::fs::write(Path::new(&place).join("docs.md"), "new\n").unwrap();
    yard.git(&["-C", &place, "add", "-A"]);
    yard.git(&["-C", &place, "commit", "-qm", "Docs"]);
    unrecorded(&yard, "w", MergeMethod::Merge, true);
    let said = yard.exits(0, &["land", "w"]);
    assert!(said.contains("landed on main"), "{said}");
    assert!(landed(&yard, "w"));
    assert_eq!(yard.state_of("w"), "COMPLETED");
    let locks = yard.json(&["locks", "ls"]);
    assert!(locks["locks"].as_array().unwrap().is_empty());
    yard.sound();
}

#[test]
fn a_checkout_whose_update_was_killed_is_completed() {
    let yard = ready("w");
    killed(&yard, false, &["land", "w"]);
    assert!(landed(&yard, "w"));
    let found = yard.exits(0, &["doctor"]);
    assert!(found.contains("still has the files"), "{found}");
    let fixed = yard.exits(0, &["doctor", "--fix"]);
    assert!(fixed.contains("fixed  checkout"), "{fixed}");
    is_whole(&yard, &["w"]);
}

/// The files from before would be in the way of whatever lands next.
#[test]
fn the_next_landing_and_the_next_runner_complete_such_a_checkout() {
    for by_runner in [false, true] {
        let yard = ready("w");
        work(&yard, "next");
        killed(&yard, false, &["land", "w"]);
        if by_runner {
            yard.exits(0, &["up"]);
            eventually("the checkout is completed", || {
                yard.git(&["status", "--porcelain"]).is_empty()
            });
            yard.exits(0, &["down"]);
        }
        yard.exits(0, &["land", "next"]);
        is_whole(&yard, &["w", "next"]);
    }
}

/// Killed while it moved the target: the lock has the commit, or nothing yet. What a person's git
/// holds stays.
#[test]
fn the_lock_of_a_killed_landing_is_not_waited_for_for_ever() {
    let foreign = "0123456789012345678901234567890123456789";
    for (content, lands) in [(None, true), (Some(""), true), (Some(foreign), false)] {
        let yard = ready("w");
        let tip = yard.git(&["rev-parse", "main"]);
        let commit = yard.git(&["commit-tree", "-m", "x", "-p", "main", "main^{tree}"]);
        let mut project = Project::open(&yard.repo(), &[]).unwrap();
        let session = project.store.sessions(0).unwrap()[0].id;
        let moving = Event::TargetMoving {
            target: "main".into(),
            from: tip.trim().parse().unwrap(),
            to: commit.trim().parse().unwrap(),
        };
        append(&mut project, session, moving);
        let lock = yard.repo().join(".git/refs/heads/main.lock");
        let content = content.map_or(commit.clone(), |content| format!("{content}\n"));
        fs::write(&lock, content.trim_start()).unwrap();
        if lands {
            yard.exits(0, &["land", "w"]);
            is_whole(&yard, &["w"]);
        } else {
            yard.exits(7, &["land", "w"]);
            assert!(lock.exists());
        }
    }
}

#[test]
fn a_landing_that_did_not_get_so_far_lands_later() {
    let yard = ready("w");
    let tip = yard.git(&["rev-parse", "main"]);
    let commit = yard.git(&["commit-tree", "-m", "x", "-p", "main", "main^{tree}"]);
    let mut project = Project::open(&yard.repo(), &[]).unwrap();
    for to in [commit.trim(), "0123456789012345678901234567890123456789"] {
        let session = project.store.sessions(0).unwrap()[0].id;
        let moving = Event::TargetMoving {
            target: "main".into(),
            from: tip.trim().parse().unwrap(),
            to: to.parse().unwrap(),
        };
        append(&mut project, session, moving);
        let said = yard.exits(0, &["doctor", "--fix"]);
        assert!(said.contains("no landing was cut short"), "{said}");
        assert!(!landed(&yard, "w"));
    }
    yard.exits(0, &["land", "w"]);
    is_whole(&yard, &["w"]);
}

#[test]
fn a_person_who_stages_the_undoing_of_a_landing_means_it() {
    let yard = ready("w");
    yard.exits(0, &["land", "w"]);
    yard.git(&["rm", "-q", "w.txt"]);
    let said = yard.exits(0, &["doctor", "--fix"]);
    assert!(said.contains("no landing was cut short"), "{said}");
    assert_eq!(yard.git(&["status", "--porcelain"]), "D  w.txt\n");

    // The same after a landing that was completed, or of which only the record was missing.
    for after in [false, true] {
        let yard = ready("w");
        killed(&yard, after, &["land", "w"]);
        yard.exits(0, &["doctor", "--fix"]);
        yard.git(&["rm", "-q", "w.txt"]);
        yard.exits(0, &["doctor", "--fix"]);
        assert_eq!(yard.git(&["status", "--porcelain"]), "D  w.txt\n");
    }
}

/// A file that was only touched is no change of anybody's, and git has to be told so first.
#[test]
fn a_checkout_with_touched_files_is_updated() {
    let yard = Yard::new();
    let line = "echo four >> src/lib.txt";
    yard.exits(0, &["run", "--name", "w", "--", "sh", "-c", line]);
    let file = yard.repo().join("src/lib.txt");
    let text = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    fs::write(&file, text).unwrap();
    yard.exits(0, &["land", "w"]);
    assert!(fs::read_to_string(&file).unwrap().ends_with("four\n"));
    assert_eq!(yard.git(&["status", "--porcelain"]), "");
}

/// What was done after what landed is not said to have landed, and not taken away.
#[test]
fn work_that_goes_on_after_a_killed_landing_stays() {
    let yard = ready("a");
    unrecorded(&yard, "a", MergeMethod::Merge, true);
    let place = yard.exits(0, &["open", "a"]);
    let more = Path::new(place.trim()).join("more.txt");
    fs::write(&more, "more\n").unwrap();
    let output = yard.treeyard(&["land", "a"]);
    let said = text(&output.stderr);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("without what was done"), "{said}");
    assert!(landed(&yard, "a") && more.exists());
}

/// Too early is not refused: the task lands by itself all the same, and what follows it starts.
#[test]
fn a_landing_that_is_asked_for_too_early_changes_nothing() {
    let yard = Yard::new();
    let go = yard.folder.path().join("go");
    let plan = yard.plan(&format!(
        "[[task]]\nname = \"a\"\nrun = \"while ! test -e {}; do sleep 0.05; done; echo a > a.txt\"\n\
         [[task]]\nname = \"b\"\nafter = [\"a\"]\nrun = \"echo b > b.txt\"\n",
        go.display()
    ));
    yard.exits(0, &["up"]);
    yard.exits(0, &["submit", "--auto-land", &plan]);
    eventually("it is at work", || yard.state_of("a") == "ACTIVE");
    assert!(!yard.treeyard(&["land", "a"]).status.success());
    fs::write(&go, "").unwrap();
    eventually("both have landed", || {
        landed(&yard, "a") && landed(&yard, "b")
    });
    yard.exits(0, &["down"]);
    is_whole(&yard, &["a", "b"]);
}

/// Refused for another reason, it waits for a person like any other, and says so.
#[test]
fn a_landing_that_a_person_asks_for_and_that_is_refused_blocks_what_lands_by_itself() {
    let yard = Yard::new();
    let plan = yard.plan("[[task]]\nname = \"a\"\nrun = \"echo a > a.txt\"\n");
    yard.write("a.txt", "in the way\n");
    let refused = yard.treeyard(&["run", "--auto-land", &plan]);
    assert!(!refused.status.success());
    assert_eq!(yard.state_of("a"), "BLOCKED");
    fs::remove_file(yard.repo().join("a.txt")).unwrap();
    yard.exits(0, &["land", "a"]);
    is_whole(&yard, &["a"]);
}
