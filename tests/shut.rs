//! Folders that a job made read-only. Permissions forbid root nothing, so root becomes somebody else.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::yard::{Yard, text};

const NOBODY: u32 = 65534;

struct Nobody {
    yard: Yard,
    program: PathBuf,
    root: bool,
}

impl Nobody {
    fn new() -> Self {
        let yard = Yard::new();
        yard.write(".gitignore", "cache\n");
        yard.git(&["add", "-A"]);
        yard.git(&["commit", "-qm", "Ignore"]);
        // Its own folder may be closed to others.
        let program = yard.folder.path().join("treeyard");
        // Copied by another process: a child that another test starts right now would keep a file of
        // this one open, and it could not be run.
        let mut copy = std::process::Command::new("cp");
        let copied = copy.arg(env!("CARGO_BIN_EXE_treeyard")).arg(&program);
        assert!(copied.status().unwrap().success());
        let root = rustix::process::geteuid().is_root();
        if root {
            give(yard.folder.path());
        }
        Self {
            yard,
            program,
            root,
        }
    }

    fn runs(&self, args: &[&str]) -> Output {
        let mut command = self.yard.command(&self.program);
        if self.root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.args(args).output().unwrap()
    }

    fn exits(&self, code: i32, args: &[&str]) -> String {
        let output = self.runs(args);
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{args:?}\n{said}");
        said
    }

    fn work(&self, code: i32, name: &str, line: &str) -> PathBuf {
        let line = format!("{line}; echo $PWD > ../../place; exit {code}");
        self.exits(
            i32::from(code != 0),
            &["run", "--name", name, "--", "sh", "-c", &line],
        );
        let place = fs::read_to_string(self.yard.folder.path().join("place")).unwrap();
        place.trim().into()
    }
}

fn give(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() && !path.is_symlink() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path());
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

const SHUT: &str = "mkdir -p cache/deep && echo c > cache/deep/c && echo 4 >> src/lib.txt && \
                    chmod -R a-w cache && chmod 555 src .";

#[test]
fn worktrees_with_read_only_folders_are_pooled_and_removed() {
    let it = Nobody::new();
    let place = it.work(0, "w", SHUT);
    it.exits(0, &["land", "w"]);
    let root = place.parent().unwrap();
    assert!(!place.exists());
    let pool = names(&root.join(".pool"));
    assert_eq!(pool.len(), 1, "{pool:?}");
    let tree = root.join(".pool").join(&pool[0]).join("tree");
    assert!(!tree.join("cache").exists());
    for folder in [&tree, &tree.join("src")] {
        let mode = fs::metadata(folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o700, 0o700);
    }

    // What is handed out again can be written, and what is removed is gone.
    let own = "d=$(git rev-parse --git-dir)/own && mkdir $d && touch $d/x && chmod 555 $d";
    let line = format!("echo 5 > src/five && {SHUT} && {own}");
    let place = it.work(1, "f", &line);
    assert!(place.join("src/five").exists());
    let events = it.exits(0, &["events", "--session", "f"]);
    assert!(events.contains("pool"), "{events}");
    let told = it.exits(0, &["gc", "--set", "retention.sessions_days=0"]);
    assert!(told.contains("removed 1 worktree,"), "{told}");
    assert!(!place.exists());
    for left in [".pool", ".git-private"] {
        assert!(names(&root.join(left)).is_empty());
    }
    it.exits(0, &["doctor"]);
}

/// Work in a folder that nobody may look into lands, or is saved.
#[test]
fn what_stands_in_a_closed_folder_is_work() {
    let it = Nobody::new();
    let dark = "mkdir -p dark && echo d > dark/d && echo 4 >> src/lib.txt && chmod 000 dark src";
    let place = it.work(1, "f", dark);
    it.exits(0, &["gc", "--set", "retention.sessions_days=0"]);
    assert!(!place.exists());
    it.exits(0, &["salvage", "restore", "f", "--branch", "back"]);
    it.work(0, "w", dark);
    it.exits(0, &["land", "w"]);
    for branch in ["main", "back"] {
        for (file, end) in [("dark/d", "d\n"), ("src/lib.txt", "4\n")] {
            let rev = format!("{branch}:{file}");
            let text = it.yard.git(&["-c", "safe.directory=*", "show", &rev]);
            assert!(text.ends_with(end), "{rev} {text}");
        }
    }
}
