//! Traps in a worktree: nothing outside is read or written, and nothing makes a snapshot fail.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use gix::bstr::BString;

use super::tests::{files, keeping, kept, snap};
use super::*;
use crate::model::ids::SessionId;
use crate::workspace::tests::{Field, git, put};

#[test]
fn what_is_no_file_is_passed_by_and_nothing_waits() {
    let field = Field::new();
    let ws = field.make("odd");
    let base = field.repo.tree_of(&field.base).unwrap();
    nix::unistd::mkfifo(&ws.path.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _socket = UnixListener::bind(ws.path.join("socket")).unwrap();
    fs::create_dir_all(ws.path.join("empty/deep")).unwrap();
    if nix::unistd::geteuid().is_root() {
        use nix::sys::stat::{Mode, SFlag, makedev, mknod};
        mknod(
            &ws.path.join("device"),
            SFlag::S_IFCHR,
            Mode::S_IRWXU,
            makedev(1, 3),
        )
        .unwrap();
    }
    assert_eq!(snap(&field, &ws).tree, base);
    fs::remove_file(ws.path.join("src/a.txt")).unwrap();
    nix::unistd::mkfifo(&ws.path.join("src/a.txt"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let tree = snap(&field, &ws).tree;
    let told = difference(&field.repo, base, tree).unwrap();
    assert_eq!((told.len(), told[0].kind), (1, Kind::Deleted));
}

#[test]
fn repositories_inside_and_names_of_git_are_left_out_and_told() {
    let field = Field::new();
    let ws = field.make("in");
    let base = field.repo.tree_of(&field.base).unwrap();
    put(ws.path.join("clone/file.txt"), "x\n");
    git(&ws.path.join("clone"), &["init", "-q"]);
    put(ws.path.join(".GIT/config"), "[core]\n");
    put(ws.path.join("src/git~1"), "x\n");
    put(ws.path.join("was/deep/file.txt"), "x\n");
    let before = snap(&field, &ws);
    // It becomes a repository after it was known as a folder.
    put(ws.path.join("was/.git/HEAD"), "ref: refs/heads/main\n");
    let taken = snap(&field, &ws);
    assert_ne!(before.tree, taken.tree);
    // A name is told when its folder is read, which need not be the second time.
    let told: Vec<_> = before
        .notes
        .iter()
        .chain(&taken.notes)
        .map(|note| (note.path.to_string(), note.why))
        .collect();
    let listed = git(
        &field.main(),
        &[
            "ls-tree",
            "-r",
            "-t",
            "--name-only",
            &taken.tree.to_string(),
        ],
    );
    assert!(
        !listed.contains(".GIT") && !listed.contains("git~1") && !listed.contains("was"),
        "{listed}"
    );
    assert_eq!(taken.tree, base, "{listed}");
    assert!(
        told.contains(&("was".to_owned(), Why::Repository)),
        "{told:?}"
    );
    assert!(
        told.contains(&("src/git~1".to_owned(), Why::Name)),
        "{told:?}"
    );
}

#[test]
fn folders_deeper_than_a_path_can_be_long_are_taken() {
    let field = Field::new();
    let ws = field.make("deep");
    let name = "d".repeat(200);
    let made = Command::new("sh")
        .current_dir(&ws.path)
        .args(["-c", &format!("for n in $(seq 40); do mkdir {name} && cd -P {name} || exit 1; done; echo deep >file")])
        .status()
        .unwrap();
    assert!(made.success());
    let session = SessionId::new();
    let first = kept(&field, &ws, &session, 1);
    let listed = git(
        &field.main(),
        &["ls-tree", "-r", "--name-only", first.commit.as_str()],
    );
    let longest = listed.lines().map(str::len).max().unwrap();
    assert_eq!(longest, 40 * 201 + 4);
    let removed = Command::new("rm")
        .current_dir(&ws.path)
        .args(["-r", &name])
        .status();
    assert!(removed.unwrap().success());
    restore(&field.repo, &ws.located(), &first.commit).unwrap();
    assert_eq!(
        snap(&field, &ws).tree,
        field.repo.tree_of(&first.commit).unwrap()
    );
    let removed = Command::new("rm")
        .current_dir(&ws.path)
        .args(["-r", &name])
        .status();
    assert!(removed.unwrap().success());
}

#[test]
fn what_cannot_be_read_stays_as_it_was_known() {
    if nix::unistd::geteuid().is_root() {
        // Root reads everything. A session's user is another one; CI runs this as somebody.
        return;
    }
    let field = Field::new();
    let ws = field.make("shut");
    let base = field.repo.tree_of(&field.base).unwrap();
    let file = ws.path.join("src/a.txt");
    fs::write(&file, "changed\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o0)).unwrap();
    let taken = snap(&field, &ws);
    assert_eq!(taken.tree, base);
    assert_eq!(taken.notes[0].why, Why::Unreadable);
    fs::set_permissions(ws.path.join("src"), fs::Permissions::from_mode(0o0)).unwrap();
    assert_eq!(snap(&field, &ws).tree, base);
    fs::set_permissions(ws.path.join("src"), fs::Permissions::from_mode(0o755)).unwrap();
}

/// Somebody changes a folder for a link that leads out, again and again, while snapshots are taken and
/// restored.
#[test]
fn a_link_that_is_swapped_in_leads_nobody_out() {
    const ROUNDS: usize = 150;
    let field = Field::with(|main| put(main.join("src/deep/b.txt"), "b\n"));
    let ws = field.make("swap");
    let session = SessionId::new();
    let first = kept(&field, &ws, &session, 1);
    let outside = field.dir.path().join("outside");
    put(outside.join("a.txt"), "secret words\n");
    put(outside.join("deep/b.txt"), "secret words\n");
    let before = files(&outside);
    let (src, aside) = (ws.path.join("src"), ws.path.join("ignored"));
    let stop = AtomicBool::new(false);
    let swapped = std::thread::scope(|scope| {
        let swapper = scope.spawn(|| {
            let mut swapped = 0;
            while !stop.load(Ordering::Relaxed) {
                let _raced = fs::rename(&src, &aside).and_then(|()| symlink(&outside, &src));
                let _raced = fs::remove_file(&src).and_then(|()| fs::rename(&aside, &src));
                let _raced = fs::remove_dir_all(&aside);
                swapped += 1;
            }
            swapped
        });
        for round in 0..ROUNDS {
            let _raced = fs::create_dir(&src);
            let _raced = fs::write(ws.path.join("top.txt"), format!("{round}\n"));
            let taken = snap(&field, &ws);
            let found = git(&field.main(), &["ls-tree", "-r", &taken.tree.to_string()]);
            let grep = Command::new("git")
                .current_dir(field.main())
                .args(["grep", "-q", "secret words", &taken.tree.to_string()])
                .status();
            assert_eq!(grep.unwrap().code(), Some(1), "{found}");
            let _raced = restore(&field.repo, &ws.located(), &first.commit);
            assert_eq!(files(&outside), before);
        }
        stop.store(true, Ordering::Relaxed);
        swapper.join().unwrap()
    });
    assert!(swapped > ROUNDS, "{swapped}");
    let _maybe = fs::remove_file(&src);
    let done = restore(&field.repo, &ws.located(), &first.commit).unwrap();
    assert_eq!(done.left, Vec::<BString>::new());
    assert_eq!(
        snap(&field, &ws).tree,
        field.repo.tree_of(&first.commit).unwrap()
    );
    let again = snap(&field, &ws);
    keep(&field.repo, &again, &keeping(&session, 2)).unwrap();
}
