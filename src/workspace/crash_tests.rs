//! Kills, other people's commands, and traps between two steps of taking work in.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::bench::{Bench, tips};
use super::import::{import, revs};
use super::registration::{keep_record, register};
use super::settled::settled_at;
use super::tests::{Field, commit_all, git, put};
use super::*;
use crate::git::Expected;
use crate::model::ids::SessionId;

fn freed(field: &Field, ws: &Workspace) -> Option<Salvaged> {
    let id = SessionId::new();
    let released = release(&field.repo, &ws.located(), &id, Keep::Remove);
    released.unwrap().salvaged
}

/// Whatever a kill leaves of the recorded index, and whatever it says of it.
#[test]
fn a_torn_record_costs_time_and_nothing_else() {
    for cut in [None, Some(0), Some(100)] {
        for said in [false, true] {
            let field = Field::new();
            let ws = field.make("torn");
            put(ws.path.join("new.md"), "work\n");
            let record = ws.located().record(&field.repo).unwrap();
            let index = record.join("index");
            match cut {
                None => fs::remove_file(&index).unwrap(),
                Some(length) => {
                    let bytes = fs::read(&index).unwrap();
                    fs::write(&index, &bytes[..length]).unwrap();
                }
            }
            if !said {
                fs::remove_file(record.join("tip")).unwrap();
            }
            let made = commit_all(&field.repo, &ws.located(), "work").unwrap();
            let files = git(&field.main(), &["ls-tree", "-r", "--name-only", &ws.branch]);
            assert_eq!(
                files, ".gitignore\nlink\nnew.md\nrun.sh\nsrc/a.txt",
                "{cut:?}"
            );
            assert!(made.is_some());
            assert_eq!(freed(&field, &ws), None);
        }
    }
}

#[test]
fn a_commit_in_a_linked_worktree_while_its_work_is_taken_in_stays_on_the_branch() {
    let field = Field::new();
    let ws = field.try_make("l", Isolation::Linked).unwrap();
    let located = ws.located();
    put(ws.path.join("one.md"), "one\n");
    let found = tips(&field.repo, &located).unwrap();
    let bench = Bench::set_up(&field.repo, &located).unwrap();
    let tree = bench.snapshot(&found.head).unwrap();
    let parents = std::slice::from_ref(&found.head);
    let made = bench.commit(&tree, parents, ("a", "b"), "m").unwrap();
    put(ws.path.join("two.md"), "two\n");
    git(&ws.path, &["add", "two.md"]);
    git(&ws.path, &["commit", "-qm", "mine"]);
    let mine = git(&ws.path, &["rev-parse", "HEAD"]);
    assert!(import(&field.repo, &located, &bench, &found, Some(&made)).is_err());
    assert_eq!(git(&field.main(), &["rev-parse", &ws.branch]), mine);
    let again = commit_all(&field.repo, &located, "x").unwrap().unwrap();
    let parent = git(&field.main(), &["rev-parse", &format!("{again}^")]);
    assert_eq!(parent, mine);
}

/// `git gc --prune=now` of a person, when the objects are there and no branch has them yet.
#[test]
fn what_is_being_taken_in_is_not_collected() {
    let field = Field::new();
    let ws = field.make("gc");
    let located = ws.located();
    put(ws.path.join("one.md"), "one\n");
    git(&ws.path, &["add", "-A"]);
    git(&ws.path, &["commit", "-qm", "mine"]);
    let found = tips(&field.repo, &located).unwrap();
    let bench = Bench::set_up(&field.repo, &located).unwrap();
    let head = std::slice::from_ref(&found.head);
    let base = std::slice::from_ref(&ws.base);
    let pack = bench.pack(&revs(head, base)).unwrap().unwrap();
    let kept = pack.store(&field.repo).unwrap();
    git(&field.main(), &["gc", "-q", "--prune=now"]);
    let expected = Expected::At(ws.base.clone());
    field
        .repo
        .update_ref(&ws.branch, &found.head, expected, "test")
        .unwrap();
    drop(kept);
    field.check_main();
    assert_eq!(
        git(&field.main(), &["show", &format!("{}:one.md", ws.branch)]),
        "one"
    );
    assert_eq!(freed(&field, &ws), None);
}

#[test]
fn the_mark_of_a_killed_import_is_swept_up() {
    let field = Field::new();
    let pack = field.main().join(".git/objects/pack");
    let (ours, theirs) = (pack.join("pack-1.keep"), pack.join("pack-2.keep"));
    put(ours.clone(), "treeyard\n");
    put(theirs.clone(), "fetch-pack 7 on host\n");
    let root = field.dir.path().join("trees");
    let swept = sweep(&field.repo, &root, std::time::Duration::ZERO).unwrap();
    assert_eq!(swept.benches, 1);
    assert!(!ours.exists() && theirs.exists());
}

/// What a kill before the tree was moved leaves, too.
#[test]
fn a_tree_that_does_not_come_into_the_pool_is_as_it_was_made() {
    let field = Field::new();
    let ws = field.make("whole");
    let root = ws.path.parent().unwrap();
    let nowhere = root.join("no-index");
    assert!(super::pool::put(root, "whole", &ws.path, &nowhere, &ws.base).is_err());
    assert_eq!(inspect(&field.repo, &ws.located()).unwrap(), Health::Ok);
    assert_eq!(freed(&field, &ws), None);
}

/// Half of it would be neither a place with commits nor one without.
#[test]
fn a_git_directory_is_never_taken_apart_in_its_place() {
    let field = Field::new();
    let ws = field.make("parts");
    let pool = ws.path.parent().unwrap().join(".pool");
    let _not_there_yet = fs::remove_dir_all(&pool);
    fs::write(&pool, "").unwrap();
    assert!(super::release::remove_private(&ws.git_dir).is_err());
    assert!(ws.git_dir.join("HEAD").is_file() && ws.git_dir.join("config").is_file());
    fs::remove_file(&pool).unwrap();
    super::release::remove_private(&ws.git_dir).unwrap();
    assert!(!ws.git_dir.exists());
    assert_eq!(fs::read_dir(&pool).unwrap().count(), 0);
}

/// The repository may forget a branch that a person deletes, and what only that branch had.
#[test]
fn a_session_keeps_all_that_its_branch_points_to() {
    let field = Field::new();
    let (one, two) = (field.make("one"), field.make("two"));
    for ws in [&one, &two] {
        put(ws.path.join("same.txt"), "generated by both\n");
        put(ws.path.join("own.txt"), &ws.branch);
        commit_all(&field.repo, &ws.located(), "work").unwrap();
    }
    for ws in [&one, &two] {
        git(&field.main(), &["update-ref", "-d", &ws.branch]);
    }
    git(&field.main(), &["gc", "-q", "--prune=now"]);
    for ws in [&one, &two] {
        git(&ws.path, &["fsck", "--full"]);
        take_in(&field.repo, &ws.located(), Uncommitted::Commit("x")).unwrap();
        freed(&field, ws);
        let own = git(&field.main(), &["show", &format!("{}:own.txt", ws.branch)]);
        assert_eq!(own, ws.branch);
    }
    field.check_main();
}

/// A link in the place of the pack leads to a file of the person's.
#[test]
fn a_planted_link_is_not_written_through() {
    let field = Field::new();
    let ws = field.make("trap");
    let located = ws.located();
    put(ws.path.join("new.md"), "work\n");
    let bench = Bench::set_up(&field.repo, &located).unwrap();
    let tree = bench.snapshot(&ws.base).unwrap();
    let base = std::slice::from_ref(&ws.base);
    let made = bench.commit(&tree, base, ("a", "b"), "m").unwrap();
    let pack = bench
        .pack(&revs(std::slice::from_ref(&made), base))
        .unwrap();
    let pack = pack.unwrap();
    let victim = field.dir.path().join("victim");
    put(victim.clone(), "precious");
    let objects = ws.git_dir.join("objects");
    let trap = objects.join("pack").join(pack.path.file_name().unwrap());
    symlink(&victim, &trap).unwrap();
    pack.hand_on(&objects).unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert!(!trap.is_symlink());
    git(&ws.path, &["cat-file", "-e", made.as_str()]);
}

/// The index is the session's before its branch has moved: then nothing looks undone, and the work
/// is taken in again.
#[test]
fn killed_before_the_own_branch_moved_nothing_looks_undone() {
    let field = Field::new();
    let ws = field.make("h");
    let located = ws.located();
    put(ws.path.join("new.md"), "work\n");
    let made = commit_all(&field.repo, &located, "x").unwrap().unwrap();
    git(&ws.path, &["update-ref", &ws.branch, ws.base.as_str()]);
    fs::remove_file(located.record(&field.repo).unwrap().join("tip")).unwrap();
    assert_eq!(git(&ws.path, &["status", "--porcelain"]), "A  new.md");
    let again = commit_all(&field.repo, &located, "x").unwrap().unwrap();
    let tree = |commit: &str| git(&field.main(), &["rev-parse", &format!("{commit}^{{tree}}")]);
    assert_eq!(tree(made.as_str()), tree(again.as_str()));
    assert_eq!(git(&ws.path, &["status", "--porcelain"]), "");
    assert_eq!(freed(&field, &ws), None);
}

/// A lock on its branch that nobody takes away any more, and the work that was to go there.
#[test]
fn killed_while_the_own_branch_moved_the_work_is_taken_in_all_the_same() {
    let field = Field::new();
    let ws = field.make("l");
    let located = ws.located();
    put(ws.path.join("new.md"), "work\n");
    let lock = ws.git_dir.join(format!("{}.lock", ws.branch));
    put(lock.clone(), "");
    let made = commit_all(&field.repo, &located, "x").unwrap().unwrap();
    assert!(!lock.exists());
    assert_eq!(git(&ws.path, &["rev-parse", "HEAD"]), made.as_str());
    assert_eq!(git(&ws.path, &["status", "--porcelain"]), "");
}

/// Every file of the base is in the sparse checkout, and a new one is not.
#[test]
fn new_files_outside_a_sparse_checkout_that_leaves_nothing_out_are_work() {
    let field = Field::new();
    git(&field.main(), &["sparse-checkout", "set", "src"]);
    let repo = crate::git::Repo::discover(&field.main()).unwrap();
    let field = Field { repo, ..field };
    let ws = field.make("sparse");
    put(ws.path.join("docs/new.md"), "work\n");
    commit_all(&field.repo, &ws.located(), "x").unwrap();
    let shown = git(
        &field.main(),
        &["show", &format!("{}:docs/new.md", ws.branch)],
    );
    assert_eq!(shown, "work");
}

/// Killed at each step of making it, a worktree is cleared away and made again.
#[test]
fn a_half_made_worktree_is_discarded_with_its_registration() {
    for steps in 0..4 {
        let field = Field::new();
        let trees = field.dir.path().join("trees");
        let id = "half-0a1b2c3d";
        let located = Located {
            path: trees.join(id),
            git_dir: trees.join(".git-private").join(id),
            branch: format!("refs/heads/ty/{id}"),
            base: field.base.clone(),
        };
        fs::create_dir_all(trees.join(".git-private")).unwrap();
        let make_branch = |expected| {
            let made = field
                .repo
                .update_ref(&located.branch, &field.base, expected, "test");
            made.unwrap();
        };
        make_branch(Expected::Absent);
        let record = located.record(&field.repo).unwrap();
        if steps == 0 {
            // Killed while it wrote down the first of what lists it.
            put(record.join("listing/locked"), "");
        }
        let linked = (steps > 0).then(|| register(&field.repo, &located).unwrap());
        if steps > 1 {
            fs::create_dir(&located.path).unwrap();
        }
        if let (true, Some(linked)) = (steps > 2, &linked) {
            keep_record(&record, linked).unwrap();
        }
        discard(&field.repo, &located.path).unwrap();
        assert!(!record.exists());
        let listed = git(&field.main(), &["worktree", "list"]);
        assert_eq!(listed.lines().count(), 1, "{steps}: {listed}");
        let made = field.make("half");
        assert!(settled_at(&field.repo, &made.located()).unwrap().is_some());
    }
}

/// Somebody else's worktree of the same name is nothing to unregister.
#[test]
fn a_registration_of_a_person_is_left_alone() {
    let field = Field::new();
    let other = field.dir.path().join("half-0a1b2c3d");
    let path = other.display().to_string();
    git(
        &field.main(),
        &["worktree", "add", "-q", "-b", "mine", &path],
    );
    let ours = field.dir.path().join("trees/half-0a1b2c3d");
    discard(&field.repo, &ours).unwrap();
    assert!(Path::new(&other).join("src/a.txt").exists());
    git(&other, &["status"]);
    assert!(field.try_make("half", Isolation::Private).is_err());
    git(&other, &["status"]);
}

/// A worktree is in the pool before its release has ended, and another session may take it at once.
#[test]
fn a_release_does_not_touch_what_another_session_takes_from_the_pool() {
    let field = Field::new();
    let ws = field.make("one");
    let pool = field.dir.path().join("trees/.pool");
    let id = ws.path.file_name().unwrap().to_string_lossy().into_owned();
    let taken = pool.join(format!(".taken-{id}/tree/file"));
    put(taken.clone(), "of the other session\n");
    let session = SessionId::new();
    let released = release(&field.repo, &ws.located(), &session, Keep::Pool { max: 8 }).unwrap();
    assert!(released.pooled && taken.exists());
    assert_eq!(fs::read_dir(&pool).unwrap().count(), 2);
}
