//! Snapshots of worktrees that hold what is out of the ordinary, and how they are kept and compared.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::*;
use crate::git::{Expected, GitError};
use crate::model::ids::SessionId;
use crate::model::scope::Scope;
use crate::workspace::tests::{Field, git, put};
use crate::workspace::{Workspace, WorkspaceError};

pub(super) fn snap(field: &Field, ws: &Workspace) -> Taken {
    take(&field.repo, &ws.located(), &Scope::nothing()).unwrap()
}

pub(super) fn keeping<'a>(session: &'a SessionId, number: u64) -> Keeping<'a> {
    Keeping {
        session,
        number,
        parents: &[],
        identity: ("Ty", "ty@example.org"),
        seconds: 1_700_000_000,
        message: "checkpoint",
    }
}

pub(super) fn kept(field: &Field, ws: &Workspace, session: &SessionId, number: u64) -> Checkpoint {
    keep(&field.repo, &snap(field, ws), &keeping(session, number)).unwrap()
}

/// What git would make of the worktree, with an index of its own.
pub(super) fn by_git(ws: &Workspace) -> String {
    let index = ws.git_dir.join("index");
    let before = fs::read(&index).unwrap();
    git(&ws.path, &["add", "-A"]);
    let tree = git(&ws.path, &["write-tree"]);
    fs::write(&index, before).unwrap();
    tree
}

/// Every file and link below a folder, with its bytes and whether it is a program.
pub(super) fn files(root: &Path) -> BTreeMap<PathBuf, (char, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut left = vec![root.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            let kind = fs::symlink_metadata(&path).unwrap();
            let told = if kind.is_dir() {
                left.push(path);
                continue;
            } else if kind.is_symlink() {
                (
                    'l',
                    fs::read_link(&path).unwrap().into_os_string().into_vec(),
                )
            } else if kind.file_type().is_fifo() || kind.file_type().is_socket() {
                ('p', Vec::new())
            } else {
                let program = kind.permissions().mode() & 0o100 != 0;
                (if program { 'x' } else { 'f' }, fs::read(&path).unwrap())
            };
            found.insert(path.strip_prefix(root).unwrap().to_owned(), told);
        }
    }
    found
}

pub(super) fn various() -> Field {
    Field::with(|main| {
        put(main.join(".gitignore"), "ignored\n*.log\nbuild/\n");
        put(main.join("src/b.txt"), "two\n");
        put(main.join("src/deep/er/c.txt"), "one\n");
        put(main.join("docs/d.md"), "one\n");
        put(main.join("build/tracked.txt"), "one\n");
        git(main, &["add", "-f", "build/tracked.txt"]);
    })
}

pub(super) fn drop_now(taken: Taken) {
    std::mem::drop(taken);
}

pub(super) fn first_tree(field: &Field, checkpoint: &Checkpoint) -> gix::ObjectId {
    field.repo.tree_of(&checkpoint.commit).unwrap()
}

/// Content, and what it is stored as: by git's rules, or as it is.
#[test]
fn conversions_give_back_the_bytes_that_were_there() {
    let field = Field::with(|main| {
        put(
            main.join(".gitattributes"),
            "*.crlf text eol=crlf\n*.id ident\n*.bin filter=lfs -text\n\
             *.u16 text working-tree-encoding=UTF-16LE-BOM\n*.auto text=auto eol=lf\n",
        );
        put(main.join("a.crlf"), "one\r\ntwo\r\n");
        put(main.join("b.crlf"), "one\r\ntwo\r\n");
        put(main.join("a.id"), "$Id$\n");
        put(main.join("b.id"), "$Id$\n");
        put(
            main.join("a.bin"),
            "version https://git-lfs.github.com/spec/v1\n",
        );
        put(main.join("a.auto"), "one\n");
        let wide: Vec<u8> = b"\xff\xfe".iter().copied().chain(utf16("one\n")).collect();
        fs::write(main.join("a.u16"), &wide).unwrap();
        fs::write(main.join("b.u16"), &wide).unwrap();
    });
    let ws = field.make("c");
    let session = SessionId::new();
    let edit = |name: &str, bytes: &[u8]| fs::write(ws.path.join(name), bytes).unwrap();
    let wide = |text: &str| -> Vec<u8> { b"\xff\xfe".iter().copied().chain(utf16(text)).collect() };
    let clean = kept(&field, &ws, &session, 1);
    let clean_files = files(&ws.path);
    assert!(clean_files[Path::new("a.id")].1.starts_with(b"$Id: "));
    edit("a.crlf", b"one\r\nthree\r\n");
    edit("b.crlf", b"mixed\r\nends\n");
    let mut id = fs::read(ws.path.join("a.id")).unwrap();
    id.extend_from_slice(b"changed, with the id of before\n");
    edit("a.id", &id);
    edit("a.bin", b"the real content\r\n");
    edit("a.auto", b"one\r\ntwo\r\n");
    edit("a.u16", &wide("two\n"));
    edit("new.crlf", b"unix\n");
    edit("new.u16", b"odd");
    let edited = kept(&field, &ws, &session, 2);
    let edited_files = files(&ws.path);
    let stored = |name: &str| {
        git(
            &field.main(),
            &["cat-file", "-p", &format!("{}:{name}", edited.commit)],
        )
    };
    assert_eq!(stored("a.crlf"), "one\nthree", "as git stores it");
    assert_eq!(stored("b.crlf"), "mixed\r\nends", "as it was");
    for _ in 0..2 {
        restore(&field.repo, &ws.located(), &clean.commit).unwrap();
        assert_eq!(files(&ws.path), clean_files);
        restore(&field.repo, &ws.located(), &edited.commit).unwrap();
        assert_eq!(files(&ws.path), edited_files);
    }
    // The same blob with other bytes: normal ends where Windows' are asked for.
    edit("b.crlf", b"one\ntwo\n");
    let raw = kept(&field, &ws, &session, 3);
    restore(&field.repo, &ws.located(), &clean.commit).unwrap();
    assert_eq!(fs::read(ws.path.join("b.crlf")).unwrap(), b"one\r\ntwo\r\n");
    restore(&field.repo, &ws.located(), &raw.commit).unwrap();
    assert_eq!(fs::read(ws.path.join("b.crlf")).unwrap(), b"one\ntwo\n");
    git(&field.main(), &["fsck", "--strict", "--full"]);
}

fn utf16(text: &str) -> impl Iterator<Item = u8> + '_ {
    text.encode_utf16().flat_map(u16::to_le_bytes)
}

/// Settings that come later ask for conversions; the snapshot knows that there were none.
#[test]
fn bytes_come_back_when_conversions_are_asked_for_later() {
    let field = Field::new();
    let ws = field.make("l");
    let session = SessionId::new();
    fs::write(ws.path.join("src/a.txt"), "one\nmore\n").unwrap();
    let before = kept(&field, &ws, &session, 1);
    let was = files(&ws.path);
    git(&field.main(), &["config", "core.autocrlf", "true"]);
    let repo = crate::git::Repo::discover(&field.main()).unwrap();
    fs::write(ws.path.join("src/a.txt"), "other\n").unwrap();
    let mixed = take(&repo, &ws.located(), &Scope::nothing()).unwrap();
    let mixed = keep(&repo, &mixed, &keeping(&session, 2)).unwrap();
    let other = files(&ws.path);
    restore(&repo, &ws.located(), &before.commit).unwrap();
    assert_eq!(files(&ws.path), was);
    restore(&repo, &ws.located(), &mixed.commit).unwrap();
    assert_eq!(files(&ws.path), other);
}

#[test]
fn the_second_snapshot_reads_what_changed_since_and_writes_those_folders() {
    let field = various();
    let ws = field.make("i");
    let count = || git(&field.main(), &["count-objects", "-v"]);
    let packed = |text: &str| -> usize {
        let line = text.lines().find_map(|line| line.strip_prefix("in-pack: "));
        line.unwrap().parse().unwrap()
    };
    drop_now(snap(&field, &ws));
    let before = packed(&count());
    // Unreadable for anybody: whoever opens it takes it for changed.
    fs::write(ws.path.join("src/deep/er/c.txt"), "changed\n").unwrap();
    let taken = snap(&field, &ws);
    // A blob, and the trees of `src/deep/er`, `src/deep`, `src` and the root.
    assert_eq!(packed(&count()) - before, 5);
    let again = snap(&field, &ws);
    assert_eq!(again.tree, taken.tree);
    assert_eq!(packed(&count()) - before, 5);
}

#[test]
fn a_damaged_or_foreign_record_means_reading_all() {
    let field = various();
    let (ws, other) = (
        field.make("one"),
        field
            .try_make("two", crate::workspace::Isolation::Private)
            .unwrap(),
    );
    fs::write(ws.path.join("src/a.txt"), "mine\n").unwrap();
    fs::write(other.path.join("src/a.txt"), "other\n").unwrap();
    let right = snap(&field, &ws).tree;
    drop_now(snap(&field, &other));
    let record = |ws: &Workspace| ws.located().record(&field.repo).unwrap().join("snapshot");
    let whole = fs::read(record(&ws)).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let torn = [
        whole[..whole.len() / 2].to_vec(),
        Vec::new(),
        flipped,
        fs::read(record(&other)).unwrap(),
    ];
    for bytes in torn {
        fs::write(record(&ws), bytes).unwrap();
        assert_eq!(snap(&field, &ws).tree, right);
        assert_eq!(fs::read(record(&ws)).unwrap().len(), whole.len());
    }
}

/// What the record speaks of may be collected once nothing keeps it.
#[test]
fn collected_blobs_are_stored_again() {
    let field = various();
    let ws = field.make("gc");
    fs::write(ws.path.join("src/a.txt"), "mine\n").unwrap();
    let tree = snap(&field, &ws).tree;
    git(&field.main(), &["gc", "-q", "--prune=now"]);
    let repo = crate::git::Repo::discover(&field.main()).unwrap();
    let taken = take(&repo, &ws.located(), &Scope::nothing()).unwrap();
    assert_eq!(taken.tree, tree);
    // And while a snapshot is held, nothing of it is.
    git(&field.main(), &["gc", "-q", "--prune=now"]);
    let session = SessionId::new();
    let kept = keep(&repo, &taken, &keeping(&session, 1)).unwrap();
    drop_now(taken);
    git(&field.main(), &["gc", "-q", "--prune=now"]);
    assert_eq!(
        git(
            &field.main(),
            &["show", &format!("{}:src/a.txt", kept.commit)]
        ),
        "mine"
    );
    git(&field.main(), &["fsck", "--strict", "--full"]);
}

#[test]
fn snapshots_are_kept_listed_and_dropped() {
    let field = Field::new();
    let ws = field.make("k");
    let session = SessionId::new();
    let one = kept(&field, &ws, &session, 1);
    let taken = snap(&field, &ws);
    let parents = [one.commit.clone()];
    let with_parent = Keeping {
        parents: &parents,
        ..keeping(&session, 10)
    };
    let ten = keep(&field.repo, &taken, &with_parent).unwrap();
    let taken_again = keep(&field.repo, &taken, &with_parent).unwrap_err();
    assert!(
        matches!(taken_again, WorkspaceError::Git(GitError::RefMoved { .. })),
        "{taken_again}"
    );
    assert_eq!(
        list(&field.repo, &session).unwrap(),
        [one.clone(), ten.clone()]
    );
    git(&field.main(), &["pack-refs", "--all"]);
    assert!(
        keep(&field.repo, &taken, &keeping(&session, 1)).is_err(),
        "it is in a pack of refs"
    );
    let shown = git(
        &field.main(),
        &[
            "log",
            "-1",
            "--format=%an %ae %ct %s %P",
            ten.commit.as_str(),
        ],
    );
    assert_eq!(
        shown,
        format!("Ty ty@example.org 1700000000 checkpoint {}", one.commit)
    );
    super::drop(&field.repo, &session, &one).unwrap();
    let stale = Checkpoint {
        number: 10,
        commit: one.commit.clone(),
    };
    assert!(super::drop(&field.repo, &session, &stale).is_err());
    assert_eq!(list(&field.repo, &session).unwrap(), [ten]);
    let base = field
        .repo
        .update_ref("refs/treeyard/x", &field.base, Expected::Absent, "x");
    base.unwrap();
    assert!(
        restore(&field.repo, &ws.located(), &field.base).is_err(),
        "it is no snapshot"
    );
}

#[test]
fn differences_are_told_by_kind_and_as_text() {
    let field = various();
    let ws = field.make("d");
    let before = snap(&field, &ws);
    let kept = keep(&field.repo, &before, &keeping(&SessionId::new(), 1)).unwrap();
    let before = before.tree;
    fs::write(ws.path.join("src/a.txt"), "one\nmore").unwrap();
    fs::remove_file(ws.path.join("docs/d.md")).unwrap();
    fs::set_permissions(ws.path.join("run.sh"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::remove_file(ws.path.join("link")).unwrap();
    put(ws.path.join("link/in.txt"), "in\n");
    fs::remove_file(ws.path.join("src/b.txt")).unwrap();
    symlink("a.txt", ws.path.join("src/b.txt")).unwrap();
    fs::write(ws.path.join("zero"), b"\0").unwrap();
    let after = snap(&field, &ws).tree;
    let found = difference(&field.repo, before, after).unwrap();
    let told: Vec<_> = found
        .iter()
        .map(|one| (one.path.to_string(), one.kind))
        .collect();
    let expected = [
        ("docs/d.md", Kind::Deleted),
        ("link", Kind::Deleted),
        ("link/in.txt", Kind::Added),
        ("run.sh", Kind::Mode),
        ("src/a.txt", Kind::Modified),
        ("src/b.txt", Kind::Type),
        ("zero", Kind::Added),
    ];
    assert_eq!(told, expected.map(|(path, kind)| (path.to_owned(), kind)));
    let live = worktree_difference(&field.repo, &ws.located(), &kept.commit);
    assert_eq!(live.unwrap(), found);
    let text = String::from_utf8(unified(&field.repo, &found).unwrap()).unwrap();
    insta::assert_snapshot!(text);
}

#[test]
fn submodules_stay_at_their_commit() {
    let field = Field::with(|main| {
        let commit = "1234567890123456789012345678901234567890";
        git(
            main,
            &[
                "update-index",
                "--add",
                "--cacheinfo",
                &format!("160000,{commit},sub"),
            ],
        );
        fs::create_dir(main.join("sub")).unwrap();
    });
    let ws = field.make("s");
    put(ws.path.join("sub/inner.txt"), "inner\n");
    let base = field.repo.tree_of(&field.base).unwrap();
    assert_eq!(snap(&field, &ws).tree, base);
    let session = SessionId::new();
    let first = kept(&field, &ws, &session, 1);
    fs::remove_dir_all(ws.path.join("sub")).unwrap();
    assert_ne!(snap(&field, &ws).tree, base);
    restore(&field.repo, &ws.located(), &first.commit).unwrap();
    assert_eq!(snap(&field, &ws).tree, base);
}

#[test]
fn what_a_sparse_checkout_leaves_out_is_not_gone() {
    let field = various();
    git(&field.main(), &["config", "core.sparseCheckout", "true"]);
    put(
        field.main().join(".git/info/sparse-checkout"),
        "/*\n!/docs/\n!/src/deep/\n",
    );
    let repo = crate::git::Repo::discover(&field.main()).unwrap();
    let field = Field { repo, ..field };
    let ws = field.make("sp");
    assert!(!ws.path.join("docs").exists());
    let base = field.repo.tree_of(&field.base).unwrap();
    for _ in 0..2 {
        assert_eq!(snap(&field, &ws).tree, base);
    }
    fs::remove_file(ws.path.join("src/b.txt")).unwrap();
    put(ws.path.join("docs/new.md"), "new\n");
    for _ in 0..2 {
        let tree = snap(&field, &ws).tree;
        let found = difference(&field.repo, base, tree).unwrap();
        let told: Vec<_> = found.iter().map(|one| one.path.to_string()).collect();
        assert_eq!(told, ["docs/new.md", "src/b.txt"]);
    }
}

#[test]
fn a_large_file_is_streamed() {
    const SIZE: u64 = 64 << 20;
    let field = Field::new();
    let ws = field.make("big");
    let big = ws.path.join("big.bin");
    let file = File::create(&big).unwrap();
    file.set_len(SIZE).unwrap();
    let before = peak();
    let taken = snap(&field, &ws);
    let grown = peak() - before;
    assert_eq!(taken.notes, []);
    assert!(grown < SIZE / 2, "{} MiB", grown >> 20);
    let size = git(
        &field.main(),
        &["cat-file", "-s", &format!("{}:big.bin", taken.tree)],
    );
    assert_eq!(size, SIZE.to_string());
    file.set_modified(SystemTime::now() - Duration::from_secs(5))
        .unwrap();
    assert_eq!(snap(&field, &ws).tree, taken.tree);
}

/// The most memory that this process had, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = line
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kib << 10
}
