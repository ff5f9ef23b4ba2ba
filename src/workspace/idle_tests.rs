//! The short way is taken only when the long way would find nothing.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use super::idle::is_idle;
use super::tests::{Field, git, put};
use super::*;
use crate::model::ids::SessionId;

/// Makes a change in a new worktree that was idle; gives the tree that a commit of it would have, and
/// insists that nothing of it is left out when the worktree is released instead.
fn after(change: impl Fn(&Path)) -> Option<String> {
    let field = Field::new();
    let (one, two) = (field.make("one"), field.make("two"));
    for ws in [&one, &two] {
        assert!(is_idle(&field.repo, &ws.located()).unwrap());
        change(&ws.path);
        assert!(!is_idle(&field.repo, &ws.located()).unwrap());
    }
    let list = |commit: &str| git(&one.path, &["ls-tree", "-r", commit]);
    let committed = commit_all(&field.repo, &one.located(), "work").unwrap();
    let committed = committed.map(|commit| list(commit.as_str()));
    let id = SessionId::new();
    let released = release(&field.repo, &two.located(), &id, Keep::Pool { max: 8 }).unwrap();
    assert!(released.pooled);
    let saved = released.salvaged.map(|saved| {
        let tree = git(&field.main(), &["ls-tree", "-r", saved.commit.as_str()]);
        assert!(!tree.is_empty());
        tree
    });
    assert_eq!(committed, saved);
    // What the pool hands out next has nothing of it.
    let next = field.make("next");
    assert_eq!(next.method, FillMethod::Pool);
    assert_eq!(git(&next.path, &["status", "--porcelain", "--ignored"]), "");
    assert_eq!(
        fs::read_to_string(next.path.join("src/a.txt")).unwrap(),
        "one\n"
    );
    assert!(!next.path.join("empty").exists());
    let mode = fs::metadata(next.path.join("src")).unwrap().mode();
    assert_eq!(mode & 0o700, 0o700);
    committed
}

fn blob(text: &str) -> String {
    let id = gix::objs::compute_hash(
        gix::hash::Kind::Sha1,
        gix::objs::Kind::Blob,
        text.as_bytes(),
    );
    id.unwrap().to_string()
}

#[test]
fn an_edit_that_hides_is_found_by_its_change_time() {
    let tree = after(|root| {
        let path = root.join("src/a.txt");
        let before = fs::metadata(&path).unwrap();
        fs::write(&path, "two\n").unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(before.modified().unwrap()).unwrap();
        let after = fs::metadata(&path).unwrap();
        let shown = |meta: &fs::Metadata| (meta.len(), meta.mtime(), meta.mtime_nsec(), meta.ino());
        assert_eq!(shown(&before), shown(&after));
    });
    assert!(tree.unwrap().contains(&blob("two\n")));
}

#[test]
fn what_is_not_work_is_no_reason_to_commit() {
    assert_eq!(after(|root| put(root.join("ignored"), "x\n")), None);
    assert_eq!(
        after(|root| fs::create_dir(root.join("empty")).unwrap()),
        None
    );
    assert_eq!(
        after(|root| {
            fs::set_permissions(root.join("src"), Permissions::from_mode(0o555)).unwrap();
        }),
        None
    );
    // Touched, and written again with the same content.
    assert_eq!(after(|root| put(root.join("src/a.txt"), "one\n")), None);
}

#[test]
fn modes_links_new_files_and_missing_ones_are_work() {
    let tree = after(|root| {
        let path = root.join("src/a.txt");
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    });
    assert!(
        tree.unwrap()
            .contains("100755 blob 5626abf0f72e58d7a153368ba57db4c673c0e171\tsrc/a.txt")
    );
    let tree = after(|root| fs::remove_file(root.join("link")).unwrap());
    assert!(!tree.unwrap().contains("\tlink"));
    let tree = after(|root| {
        fs::remove_file(root.join("link")).unwrap();
        symlink("src/b.txt", root.join("link")).unwrap();
    });
    assert!(tree.unwrap().contains(&blob("src/b.txt")));
    let tree = after(|root| {
        fs::remove_file(root.join("run.sh")).unwrap();
        symlink("src/a.txt", root.join("run.sh")).unwrap();
    });
    assert!(tree.unwrap().contains("120000"));
    let tree = after(|root| put(root.join("deep/er/new"), "n\n"));
    assert!(tree.unwrap().contains("deep/er/new"));
}

#[test]
fn refs_of_its_own_are_work_when_they_hold_commits() {
    let field = Field::new();
    let ws = field.make("stash");
    put(ws.path.join("src/a.txt"), "hidden\n");
    git(&ws.path, &["stash", "-q"]);
    assert!(!is_idle(&field.repo, &ws.located()).unwrap());
    let id = SessionId::new();
    let released = release(&field.repo, &ws.located(), &id, Keep::Remove).unwrap();
    let saved = released.salvaged.unwrap().commit;
    let stashed = git(&field.main(), &["show", &format!("{saved}^2:src/a.txt")]);
    assert_eq!(stashed, "hidden");
}
