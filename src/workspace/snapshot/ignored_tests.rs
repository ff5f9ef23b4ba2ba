//! Which of the files that git ignores are in a snapshot.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::tests::{keeping, snap, various};
use super::*;
use crate::model::ids::SessionId;
use crate::model::scope::Scope;
use crate::workspace::tests::{git, put};

#[test]
fn ignored_files_are_left_alone_unless_they_are_chosen() {
    let field = various();
    let ws = field.make("ig");
    let session = SessionId::new();
    put(ws.path.join("x.log"), "log\n");
    put(ws.path.join("build/out.o"), "out\n");
    let all = take(&field.repo, &ws.located(), &Scope::whole_repository()).unwrap();
    let all = keep(&field.repo, &all, &keeping(&session, 1)).unwrap();
    let names = git(
        &field.main(),
        &["ls-tree", "-r", "--name-only", all.commit.as_str()],
    );
    assert!(
        names.contains("x.log") && names.contains("build/out.o"),
        "{names}"
    );
    assert_eq!(
        snap(&field, &ws).tree,
        field.repo.tree_of(&field.base).unwrap()
    );
    fs::write(ws.path.join("x.log"), "more\n").unwrap();
    put(ws.path.join("y.log"), "later\n");
    let done = restore(&field.repo, &ws.located(), &all.commit).unwrap();
    assert_eq!(done.written, ["x.log"]);
    assert_eq!(fs::read(ws.path.join("x.log")).unwrap(), b"log\n");
    assert_eq!(done.removed, ["y.log"]);
}

#[test]
fn of_ignored_files_those_are_taken_that_are_chosen() {
    let field = various();
    let ws = field.make("some");
    let session = SessionId::new();
    for path in [
        "build/keep/a.bin",
        "build/keep/b.tmp",
        "build/out.o",
        "x.log",
    ] {
        put(ws.path.join(path), "as it was\n");
    }
    put(ws.path.join("new.txt"), "new\n");
    let patterns = ["build/keep/**", "!*.tmp"].map(str::to_owned);
    let some = Scope::new(patterns.to_vec()).unwrap();
    let taken = take(&field.repo, &ws.located(), &some).unwrap();
    let kept = keep(&field.repo, &taken, &keeping(&session, 1)).unwrap();
    assert_eq!(ignored_of(&field.repo, &kept.commit).unwrap(), some);
    let base = field.repo.tree_of(&field.base).unwrap();
    let new = |since, tree| -> Vec<String> {
        let all = difference(&field.repo, since, tree).unwrap().into_iter();
        all.map(|one| one.path.to_string()).collect()
    };
    assert_eq!(new(base, taken.tree), ["build/keep/a.bin", "new.txt"]);
    // What another choice found is of no use to this one.
    assert_eq!(new(base, snap(&field, &ws).tree), ["new.txt"]);
    let others = Scope::new(vec!["*.log".to_owned()]).unwrap();
    let others = take(&field.repo, &ws.located(), &others).unwrap();
    assert_eq!(new(base, others.tree), ["new.txt", "x.log"]);
    let again = take(&field.repo, &ws.located(), &some).unwrap();
    assert_eq!(again.tree, taken.tree);

    for path in ["build/keep/a.bin", "build/out.o", "x.log"] {
        fs::write(ws.path.join(path), "otherwise\n").unwrap();
    }
    put(ws.path.join("build/keep/later.bin"), "later\n");
    put(ws.path.join("build/keep/later.tmp"), "later\n");
    let changed = worktree_difference(&field.repo, &ws.located(), &kept.commit).unwrap();
    let changed: Vec<_> = changed.iter().map(|one| one.path.to_string()).collect();
    assert_eq!(changed, ["build/keep/a.bin", "build/keep/later.bin"]);
    let done = restore(&field.repo, &ws.located(), &kept.commit).unwrap();
    assert_eq!(done.written, ["build/keep/a.bin"]);
    assert_eq!(done.removed, ["build/keep/later.bin"]);
    let text = |path| fs::read_to_string(ws.path.join(path)).unwrap();
    assert_eq!(text("build/keep/a.bin"), "as it was\n");
    assert_eq!(text("build/out.o"), "otherwise\n");
    assert_eq!(text("x.log"), "otherwise\n");
    assert_eq!(text("build/keep/later.tmp"), "later\n");
}

#[test]
fn who_may_read_a_file_stays_so() {
    let field = various();
    let ws = field.make("mode");
    let session = SessionId::new();
    let all = Scope::whole_repository();
    let mode = |path: &str| {
        let found = fs::metadata(ws.path.join(path)).unwrap();
        found.permissions().mode() & 0o777
    };
    for (path, mode) in [("own.log", 0o600), ("group.log", 0o640), ("run.log", 0o700)] {
        put(ws.path.join(path), "as it was\n");
        fs::set_permissions(ws.path.join(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    let taken = take(&field.repo, &ws.located(), &all).unwrap();
    let kept = keep(&field.repo, &taken, &keeping(&session, 1)).unwrap();
    for path in ["own.log", "group.log", "run.log"] {
        fs::write(ws.path.join(path), "otherwise\n").unwrap();
    }
    fs::set_permissions(ws.path.join("run.log"), fs::Permissions::from_mode(0o600)).unwrap();
    let done = restore(&field.repo, &ws.located(), &kept.commit).unwrap();
    assert_eq!(done.written.len(), 3, "{done:?}");
    assert_eq!(mode("own.log"), 0o600);
    assert_eq!(mode("group.log"), 0o640);
    assert_eq!(mode("run.log"), 0o700);
}

#[test]
fn nothing_is_written_over_that_is_saved_nowhere() {
    let field = various();
    let ws = field.make("over");
    let session = SessionId::new();
    put(ws.path.join("data/x"), "x\n");
    put(ws.path.join("new.log"), "log\n");
    let logs = Scope::new(vec!["*.log".to_owned()]).unwrap();
    let taken = take(&field.repo, &ws.located(), &logs).unwrap();
    let kept = keep(&field.repo, &taken, &keeping(&session, 1)).unwrap();
    // A look does not go into another repository, so nothing there is in any checkpoint.
    git(&ws.path.join("data"), &["init", "-q"]);
    for path in ["data/x", "data/y"] {
        fs::write(ws.path.join(path), "precious\n").unwrap();
    }
    let done = restore(&field.repo, &ws.located(), &kept.commit).unwrap();
    assert_eq!(done.left, ["data/x"]);
    assert!(done.written.is_empty() && done.removed.is_empty());
    assert_eq!(
        fs::read_to_string(ws.path.join("data/x")).unwrap(),
        "precious\n"
    );
    // Nor is a file put there that was removed.
    fs::remove_file(ws.path.join("data/x")).unwrap();
    let done = restore(&field.repo, &ws.located(), &kept.commit).unwrap();
    assert_eq!(done.left, ["data/x"]);
    assert!(!ws.path.join("data/x").exists());
}
