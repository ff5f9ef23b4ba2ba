//! The short way is taken only when the long way would find nothing.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use super::settled::settled_at;
use super::tests::{Field, commit_all, git, put};
use super::*;
use crate::model::ids::SessionId;

/// Makes a change in a worktree that was settled, new or with work taken in; gives the tree that a
/// commit of it would have in a new one, and insists that nothing of it is left out when the
/// worktree is released instead.
fn after(change: impl Fn(&Path)) -> Option<String> {
    after_in(&change, true);
    after_in(&change, false)
}

fn after_in(change: &impl Fn(&Path), worked: bool) -> Option<String> {
    let field = Field::new();
    let (one, two) = (field.make("one"), field.make("two"));
    for ws in [&one, &two] {
        let located = ws.located();
        if worked {
            put(ws.path.join("src/new.txt"), "new\n");
            outlast(&ws.path.join("src/new.txt"));
            let made = commit_all(&field.repo, &located, "work").unwrap();
            assert_eq!(settled_at(&field.repo, &located).unwrap(), made);
            assert!(made.is_some());
        }
        assert!(settled_at(&field.repo, &located).unwrap().is_some());
        change(&ws.path);
        assert_eq!(settled_at(&field.repo, &located).unwrap(), None);
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

/// Waits until the clock tells a new change of the file from the last one.
fn outlast(file: &Path) {
    let changed = fs::metadata(file).unwrap().modified().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while changed.elapsed().unwrap_or_default() < Duration::from_millis(50) {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
}

/// Landing what a session has finished, and giving its worktree back, are short then.
#[test]
fn work_that_was_taken_in_is_settled_and_goes_into_the_pool_as_it_is() {
    let field = Field::new();
    let ws = field.make("one");
    let located = ws.located();
    put(ws.path.join("src/a.txt"), "two\n");
    fs::remove_file(ws.path.join("link")).unwrap();
    outlast(&ws.path.join("src/a.txt"));
    let tip = commit_all(&field.repo, &located, "work").unwrap().unwrap();
    let again = take_in(&field.repo, &located, Uncommitted::Commit("x")).unwrap();
    assert_eq!((again.moved, &again.new), (false, &tip));
    assert_eq!(field.repo.branch_tip(&ws.branch).unwrap(), Some(tip));
    let id = SessionId::new();
    let released = release(&field.repo, &located, &id, Keep::Pool { max: 1 }).unwrap();
    assert_eq!((released.salvaged, released.pooled), (None, true));
    let next = field.make("next");
    assert_eq!(next.method, FillMethod::Pool);
    assert_eq!(git(&next.path, &["status", "--porcelain", "--ignored"]), "");
    field.check_main();
}

/// A file that was changed while the index was written may have been changed again since.
#[test]
fn what_is_as_young_as_the_index_is_looked_at_again() {
    let field = Field::new();
    let ws = field.make("one");
    let file = ws.path.join("src/a.txt");
    put(file.clone(), "two\n");
    let soon = std::time::SystemTime::now() + Duration::from_secs(60);
    File::options()
        .write(true)
        .open(&file)
        .and_then(|file| file.set_modified(soon))
        .unwrap();
    commit_all(&field.repo, &ws.located(), "work").unwrap();
    assert_eq!(settled_at(&field.repo, &ws.located()).unwrap(), None);
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
    assert!(settled_at(&field.repo, &ws.located()).unwrap().is_none());
    let id = SessionId::new();
    let released = release(&field.repo, &ws.located(), &id, Keep::Remove).unwrap();
    let saved = released.salvaged.unwrap().commit;
    let stashed = git(&field.main(), &["show", &format!("{saved}^2:src/a.txt")]);
    assert_eq!(stashed, "hidden");
}
