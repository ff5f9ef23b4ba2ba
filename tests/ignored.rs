//! Files that git ignores, which checkpoints have all the same where somebody chose them.

use std::fs;

use crate::checkpoints::{count, fails, read, worktree};
use crate::yard::{Yard, eventually};

const CHOSEN: &str = "[checkpoints]\nignored = [\"data/**\", \"!*.tmp\"]\n";

/// Ignores two folders, and of one of them all but some files are chosen.
fn yard_that_ignores() -> Yard {
    let yard = Yard::new();
    yard.write(".gitignore", "data/\nbuilt/\n");
    yard.git(&["add", ".gitignore"]);
    yard.git(&["commit", "-qm", "what is ignored"]);
    yard.configure(CHOSEN);
    yard
}

/// A failed session that made such files.
fn failed() -> Yard {
    let yard = yard_that_ignores();
    let line = "mkdir data built; for f in data/a data/b.tmp built/c new.txt; do echo $f > $f; done; exit 3";
    fails(&yard, &["--", "sh", "-c", line]);
    yard
}

#[test]
fn chosen_ones_are_kept_put_back_and_land_nowhere() {
    let yard = failed();
    let place = worktree(&yard, "work");
    let kept = yard.git(&["ls-tree", "-r", "--name-only", &commit(&yard)]);
    let kept: Vec<_> = kept.lines().filter(|path| !path.contains("src/")).collect();
    assert_eq!(kept, [".gitignore", "README.md", "data/a", "new.txt"]);
    let stat = yard.exits(0, &["diff", "work", "--at", "1", "--name-only"]);
    assert_eq!(stat, "", "it is as it was");

    fs::write(place.join("data/a"), "2\n").unwrap();
    fs::write(place.join("data/later"), "2\n").unwrap();
    fs::write(place.join("built/c"), "2\n").unwrap();
    let changed = yard.exits(0, &["diff", "work", "--at", "1", "--name-only"]);
    assert_eq!(changed, "data/a\ndata/later\n");
    // What a restoration writes over or removes is saved, whatever is chosen by then.
    yard.configure("");
    let told = yard.exits(0, &["restore", "work", "--at", "1"]);
    assert!(told.contains("  wrote     data/a\n"), "{told}");
    assert!(told.contains("  removed   data/later\n"), "{told}");
    assert_eq!(read(&place, "data/a"), "data/a\n");
    assert!(!place.join("data/later").exists());
    assert_eq!(read(&place, "built/c"), "2\n", "nobody chose it");
    assert_eq!(
        read(&place, "data/b.tmp"),
        "data/b.tmp\n",
        "it is taken out"
    );
    yard.exits(0, &["restore", "work", "--at", "2"]);
    assert_eq!(read(&place, "data/a"), "2\n");
    assert_eq!(read(&place, "data/later"), "2\n");

    yard.exits(0, &["up"]);
    yard.exits(
        0,
        &[
            "fork", "work", "--at", "1", "--", "grep", "-q", "data", "data/a",
        ],
    );
    eventually("it has the files", || {
        yard.state_of("work-fork") == "COMPLETED"
    });
    assert!(!worktree(&yard, "work-fork").join("built").exists());
    yard.exits(0, &["land", "work-fork"]);
    assert_eq!(yard.git(&["show", "main:new.txt"]), "new.txt\n");
    assert!(
        !yard
            .git(&["ls-tree", "-r", "--name-only", "main"])
            .contains("data")
    );
    yard.sound();
}

#[test]
fn of_finished_work_they_are_kept_too() {
    let yard = yard_that_ignores();
    for (name, more) in [("with", "echo m > m.txt"), ("without", "true")] {
        let line = format!("mkdir -p data; echo {name} > data/db; {more}");
        yard.exits(0, &["run", "--name", name, "--", "sh", "-c", &line]);
        let all = crate::checkpoints::checkpoints(&yard, name);
        let commit = all[0]["commit"].as_str().unwrap();
        let kept = yard.git(&["show", &format!("{commit}:data/db")]);
        assert_eq!(kept, format!("{name}\n"));
        // Work that changed nothing holds nothing any more.
        if name == "with" {
            yard.exits(0, &["release", name]);
        }
    }
    yard.sound();
}

#[test]
fn a_choice_that_changes_is_another_checkpoint() {
    let yard = failed();
    yard.configure("[checkpoints]\nignored = [\"built/\"]\n");
    yard.exits(0, &["checkpoints", "work", "--take"]);
    let changed = ["diff", "work", "--at", "1", "--to", "2", "--name-only"];
    assert_eq!(yard.exits(0, &changed), "built/c\ndata/a\n");
    let all = crate::checkpoints::checkpoints(&yard, "work");
    // Each is held against the files by its own choice.
    assert!(all.iter().all(|one| one["is_now"] == true), "{all:?}");
    assert_eq!(count(&yard, "work"), 2);
    yard.configure("[checkpoints]\nignored = [\"../x\"]\n");
    let told = crate::talk::refused(&yard, &["checkpoints", "work"], 2);
    assert!(told.contains("cannot leave the repository"), "{told}");
    yard.configure("");
    yard.sound();
}

fn commit(yard: &Yard) -> String {
    let all = crate::checkpoints::checkpoints(yard, "work");
    all[0]["commit"].as_str().unwrap().to_owned()
}
