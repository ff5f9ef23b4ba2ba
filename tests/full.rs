//! No space left, or nothing that may be written: said clearly, nothing lost, and all goes on
//! afterwards. Needs a small file system; where none can be mounted the tests say so and end.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::yard::{Yard, eventually, text};

/// A small file system; one of 8 MiB has room for little more than a repository.
struct Small {
    folder: tempfile::TempDir,
}

impl Small {
    fn mount() -> Option<Self> {
        Self::of("8m")
    }

    fn of(size: &str) -> Option<Self> {
        let small = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"])
            .arg(small.path())
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(small);
        }
        eprintln!("skipped: no file system can be mounted here");
        None
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn yard(&self) -> Yard {
        let mut yard = Yard::new();
        let place = self.path().join("repo");
        yard.git(&["clone", "-q", ".", &place.display().to_string()]);
        yard.place = place;
        // Otherwise nothing would start on a disk that is as small as this.
        let settings = yard.folder.path().join("home/config/treeyard/config.toml");
        let before = fs::read_to_string(&settings).unwrap();
        fs::write(settings, before + "[limits]\nmin_free_disk = \"none\"\n").unwrap();
        yard
    }

    /// Leaves this many bytes free.
    fn fill(&self, leave: u64) {
        let free = fs2::available_space(self.path()).unwrap();
        let mut filler = fs::File::create(self.path().join("filler")).unwrap();
        let page = [0; 4096];
        for _ in 0..free.saturating_sub(leave) / 4096 {
            if filler.write_all(&page).is_err() {
                break;
            }
        }
    }

    /// Gives so many bytes of that back.
    fn leave(&self, bytes: u64) {
        let filler = fs::File::options()
            .write(true)
            .open(self.path().join("filler"));
        let filler = filler.unwrap();
        let length = filler.metadata().unwrap().len();
        filler.set_len(length - bytes).unwrap();
    }

    fn free(&self) {
        fs::remove_file(self.path().join("filler")).unwrap();
    }

    fn writable(&self, may: bool) {
        let how = if may { "remount,rw" } else { "remount,ro" };
        // The system takes a session's view down in its own time, and what was mounted there with it.
        eventually("it is mounted anew", || {
            let mut mount = Command::new("mount");
            mount
                .args(["-o", how])
                .arg(self.path())
                .output()
                .unwrap()
                .status
                .success()
        });
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).output();
    }
}

/// Runs it, insists on the code of a full disk and gives what was said.
fn is_full(yard: &Yard, args: &[&str]) -> String {
    let output = yard.treeyard(args);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{args:?}: {said}");
    assert!(said.contains("TY-DISK-FULL"), "{args:?}: {said}");
    said
}

/// Runs a line that writes into files whose names begin with the task's.
fn run(yard: &Yard, name: &str, line: &str) -> Option<i32> {
    let files = format!("./{name}*");
    let args = ["run", "--name", name, "--scope", &files, "--"];
    let output = yard.treeyard(&[&args[..], &["sh", "-c", line]].concat());
    output.status.code()
}

fn worktree_of(yard: &Yard, name: &str) -> std::path::PathBuf {
    let shown = yard.json(&["show", name]);
    shown["session"]["worktree"]
        .as_str()
        .unwrap_or_else(|| panic!("{shown}"))
        .into()
}

#[test]
fn nothing_begins_on_a_full_disk() {
    let Some(small) = Small::mount() else { return };
    let yard = small.yard();
    for name in ["soon", "later"] {
        small.fill(0);
        is_full(&yard, &["run", "--", "true"]);
        is_full(&yard, &["ls"]);
        small.free();
        yard.exits(0, &["ls"]);
        assert_eq!(run(&yard, name, &format!("echo l > {name}")), Some(0));
    }
    // Room for the database, but not for the files of a worktree.
    fs::write(yard.repo().join("big"), [b'x'; 1 << 20]).unwrap();
    yard.git(&["add", "."]);
    yard.git(&["commit", "-qm", "Big"]);
    small.fill(700 << 10);
    assert_eq!(run(&yard, "wide", "true"), Some(1));
    let why = yard.exits(0, &["show", "wide"]);
    assert!(why.contains("TY-DISK-FULL"), "{why}");
    small.free();
    yard.exits(0, &["retry", "wide"]);
    assert_eq!(run(&yard, "other", "true"), Some(0));
    assert_eq!(yard.state_of("wide"), "COMPLETED");
    yard.sound();
}

#[test]
fn a_job_that_fills_the_disk_loses_no_work() {
    let Some(small) = Small::mount() else { return };
    let yard = small.yard();
    let line = "echo kept > filler.txt; echo said; yes > filler-big; echo full > filler || exit 9";
    let code = run(&yard, "filler", line);
    assert!(matches!(code, Some(1 | 7)), "{code:?}");
    let kept = fs::read_dir(small.path().join("repo.treeyard"))
        .unwrap()
        .flatten()
        .map(|entry| entry.path().join("filler.txt"))
        .find(|path| path.exists())
        .unwrap();
    assert_eq!(fs::read_to_string(&kept).unwrap(), "kept\n");
    fs::remove_file(kept.with_file_name("filler-big")).unwrap();
    // Whatever could not be written down then is settled by the next runner, or by a person.
    assert_eq!(run(&yard, "next", "echo n > next"), Some(0));
    if yard.state_of("filler") == "PAUSED" {
        yard.exits(0, &["cancel", "filler"]);
    }
    let said = yard.exits(0, &["logs", "filler"]);
    assert!(
        said.contains("said\n") && said.contains("No space left"),
        "{said}"
    );
    yard.exits(0, &["gc", "--set", "retention.sessions_days=0"]);
    yard.exits(0, &["salvage", "restore", "filler", "--branch", "back"]);
    assert_eq!(yard.git(&["show", "back:filler.txt"]), "kept\n");
    yard.sound();
}

#[test]
fn what_fails_on_a_full_disk_is_written_down_at_once() {
    let Some(small) = Small::of("96m") else {
        return;
    };
    let yard = small.yard();
    // A checkpoint of it would take its time.
    yard.configure("[checkpoints]\nrecord = false\n[limits]\nmin_free_disk = \"none\"\n");
    let reserve = yard.repo().join(".git/treeyard/reserve");
    let line = "cat /dev/zero > fills-big; echo full > fills || exit 9";
    assert_eq!(run(&yard, "fills", line), Some(1));
    // As full as the job left it, but for what was put aside.
    assert!(fs2::available_space(small.path()).unwrap() < 5 << 20);
    assert!(!reserve.exists());
    assert_eq!(yard.state_of("fills"), "FAILED");
    let ended = yard.events("FR-EVT-001");
    assert_eq!(ended[0]["data"]["outcome"]["code"], 9, "{ended:?}");
    yard.exits(0, &["events", "verify"]);
    fs::remove_file(worktree_of(&yard, "fills").join("fills-big")).unwrap();
    assert_eq!(run(&yard, "next", "echo n > next"), Some(0));
    assert_eq!(fs::metadata(&reserve).unwrap().len(), 4 << 20);
    yard.sound();
}

#[test]
fn what_is_put_back_half_is_put_back_whole_when_there_is_space() {
    let Some(small) = Small::mount() else { return };
    let yard = small.yard();
    let line = "head -c 2000000 /dev/urandom > half-noise; exit 3";
    assert_eq!(run(&yard, "half", line), Some(1));
    let noise = worktree_of(&yard, "half").join("half-noise");
    let before = fs::read(&noise).unwrap();
    fs::remove_file(&noise).unwrap();
    small.fill(1 << 20);
    let said = is_full(&yard, &["restore", "half"]);
    assert!(said.contains("say the same again to finish it"), "{said}");
    assert!(!noise.exists());
    small.free();
    yard.exits(0, &["restore", "half"]);
    assert_eq!(fs::read(&noise).unwrap(), before);
    yard.sound();
}

#[test]
fn that_output_was_lost_is_told() {
    let Some(small) = Small::mount() else { return };
    let yard = small.yard();
    let line = "echo said; yes > prints-big; seq 100000; rm prints-big";
    assert_eq!(run(&yard, "prints", line), Some(0));
    let said = yard.exits(0, &["logs", "prints"]);
    let lost = "treeyard: the end of what it printed was lost: No space left";
    assert!(said.contains("said\n") && said.contains(lost), "{said}");
    assert_eq!(said.matches(lost).count(), 1, "{said}");
    yard.sound();
}

#[test]
fn a_runner_that_finds_the_disk_full_goes_on_when_there_is_space() {
    let Some(small) = Small::of("96m") else {
        return;
    };
    let yard = small.yard();
    let state = yard.repo().join(".git/treeyard");
    let [begun, go] = ["begun", "go"].map(|name| yard.folder.path().join(name));
    yard.exits(0, &["up"]);
    let runner = fs::read_to_string(state.join("runner.lock")).unwrap();
    let line = format!(
        "echo w > waits; echo > {}; until [ -e {} ]; do sleep 0.02; done",
        begun.display(),
        go.display()
    );
    let args = ["submit", "--name", "waits", "--scope", "./waits*", "--"];
    yard.exits(0, &[&args[..], &["sh", "-c", &line]].concat());
    let [long, ended] = ["long", "ended"].map(|name| yard.folder.path().join(name));
    let line = format!(
        "trap 'echo > {}; exit 1' TERM; echo > {}; sleep 600 & wait",
        ended.display(),
        long.display()
    );
    let args = ["submit", "--name", "long", "--read-only", "--"];
    yard.exits(0, &[&args[..], &["sh", "-c", &line]].concat());
    eventually("they run", || begun.exists() && long.exists());
    // A log of which the first block is there takes a line more.
    let log = state.join("runner.log");
    let mut opened = fs::File::options().append(true).open(&log).unwrap();
    opened.write_all(b"test\n").unwrap();
    fs::remove_file(state.join("reserve")).unwrap();
    small.fill(0);
    fs::write(&go, "").unwrap();
    eventually("it says so", || {
        let said = fs::read_to_string(&log).unwrap();
        said.contains("the runner goes on when there is space")
    });
    // A word may be written down in what is too little for a runner.
    small.leave(600 << 10);
    yard.exits(0, &["cancel", "long"]);
    eventually("it is told", || ended.exists());
    assert!(yard.exits(0, &["doctor"]).contains("waits for space"));
    small.free();
    eventually("it is done", || yard.state_of("waits") == "COMPLETED");
    assert_eq!(yard.state_of("long"), "CANCELLED");
    let same = fs::read_to_string(state.join("runner.lock")).unwrap();
    assert_eq!(same, runner);
    yard.exits(0, &["down"]);
    yard.sound();
}

#[test]
fn output_that_the_artifacts_cannot_take_stays_where_it_is() {
    let Some(small) = Small::mount() else { return };
    let yard = small.yard();
    let line = "head -c 4000000 /dev/zero | tr '\\0' x; echo end; echo w > loud";
    assert_eq!(run(&yard, "loud", line), Some(0));
    let whole = |yard: &Yard| yard.exits(0, &["logs", "loud"]).len() == 4_000_004;
    assert!(whole(&yard));
    yard.exits(0, &["land", "loud"]);
    yard.exits(0, &["gc", "--set", "retention.sessions_days=0"]);
    assert!(whole(&yard), "gc removed the only copy");
    yard.exits(0, &["doctor"]);
    yard.sound();
}

#[test]
fn a_landing_without_space_moves_nothing_or_is_completed() {
    let Some(small) = Small::mount() else { return };
    let yard = small.yard();
    assert_eq!(run(&yard, "small", "echo s > small"), Some(0));
    let before = yard.git(&["rev-parse", "main"]);
    small.fill(0);
    is_full(&yard, &["land", "small"]);
    small.free();
    assert_eq!(yard.git(&["rev-parse", "main"]), before);
    yard.exits(0, &["land", "small"]);

    // Its objects are tiny, but its files have no room in the checkout.
    let line = "mkdir wide; for n in 1 2 3 4; do yes | head -c 700000 > wide/$n; done";
    assert_eq!(run(&yard, "wide", line), Some(0));
    small.fill(1500 << 10);
    let output = yard.treeyard(&["land", "wide"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{said}");
    assert!(
        said.contains("landed on main") && said.contains("doctor --fix"),
        "{said}"
    );
    small.free();
    assert!(yard.git(&["ls-tree", "-r", "main"]).contains("wide/4"));
    let found = yard.exits(0, &["doctor", "--fix"]);
    assert!(found.contains("fixed"), "{found}");
    assert_eq!(yard.git(&["status", "--porcelain"]), "");
    assert!(yard.repo().join("wide/4").exists());
    yard.sound();
}

#[test]
fn work_that_cannot_be_saved_is_not_removed() {
    let Some(small) = Small::mount() else { return };
    let yard = small.yard();
    // With a checkpoint of it there would be nothing left to store.
    yard.configure("[checkpoints]\nrecord = false\n[limits]\nmin_free_disk = \"none\"\n");
    assert_eq!(
        run(
            &yard,
            "bad",
            "head -c 2000000 /dev/urandom > bad-noise; exit 1"
        ),
        Some(1)
    );
    let place = worktree_of(&yard, "bad");
    let noise = fs::read(place.join("bad-noise")).unwrap();
    small.fill(1 << 20);
    let told = yard.exits(0, &["gc", "--set", "retention.sessions_days=0"]);
    assert!(
        told.contains("kept") && told.contains("No space left"),
        "{told}"
    );
    assert_eq!(fs::read(place.join("bad-noise")).unwrap(), noise);
    small.free();
    let told = yard.exits(0, &["gc", "--set", "retention.sessions_days=0"]);
    assert!(told.contains("saved"), "{told}");
    assert!(!place.exists());
    yard.exits(0, &["salvage", "restore", "bad", "--branch", "back"]);
    let size = yard.git(&["cat-file", "-s", "back:bad-noise"]);
    assert_eq!(size, "2000000\n");
    yard.sound();
}

/// On a read-only file system, and in a folder without permission. Nothing is forbidden to root by
/// permissions, and nobody else can mount: each has one of the two.
#[test]
fn a_store_that_may_not_be_written_is_told() {
    if let Some(small) = Small::mount() {
        let yard = small.yard();
        store_is_read_only(&yard, |may| small.writable(may));
    }
    let yard = Yard::new();
    let state = yard.repo().join(".git/treeyard");
    store_is_read_only(&yard, |may| {
        let mode = |normal| if may { normal } else { normal & 0o555 };
        for file in fs::read_dir(&state).unwrap().flatten() {
            if file.file_type().unwrap().is_file() {
                fs::set_permissions(file.path(), Permissions::from_mode(mode(0o644))).unwrap();
            }
        }
        fs::set_permissions(&state, Permissions::from_mode(mode(0o755))).unwrap();
    });
}

fn store_is_read_only(yard: &Yard, writable: impl Fn(bool)) {
    assert_eq!(run(yard, "before", "echo b > before"), Some(0));
    writable(false);
    let database = yard.repo().join(".git/treeyard/treeyard.db");
    let denied = fs::File::options().write(true).open(database).is_err();
    for args in [
        &["ls"][..],
        &["run", "--read-only", "--", "true"],
        &["land", "before"],
        &["gc"],
    ] {
        if denied {
            let output = yard.treeyard(args);
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(7), "{args:?}: {said}");
            assert!(said.contains("TY-STORE-READONLY"), "{args:?}: {said}");
        }
    }
    writable(true);
    yard.exits(0, &["land", "before"]);
    yard.sound();
}
