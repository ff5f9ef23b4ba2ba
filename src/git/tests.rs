use std::path::Path;

use super::*;
use crate::model::code::Code;

fn git(dir: &Path, args: &[&str]) -> String {
    let out = Git::new(dir)
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"])
        .args(args);
    out.run().unwrap().text()
}

fn repository() -> (tempfile::TempDir, Repo) {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q", "-b", "main"]);
    git(
        dir.path(),
        &["commit", "-q", "--allow-empty", "-m", "start"],
    );
    let repo = Repo::discover(dir.path()).unwrap();
    (dir, repo)
}

#[test]
fn each_kind_of_non_repository_has_its_own_code() {
    let dir = tempfile::tempdir().unwrap();
    let code = |path: &Path| Repo::discover(path).err().map(|e| e.code());
    assert_eq!(code(dir.path()), Some(Code::NotARepository));
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    let init = |path: &Path, flag: &str| {
        git(dir.path(), &["init", "-q", flag, path.to_str().unwrap()]);
    };
    init(&a, "--object-format=sha256");
    init(&b, "--ref-format=reftable");
    assert_eq!(code(&a), Some(Code::UnsupportedRepository));
    assert_eq!(code(&b), Some(Code::UnsupportedRepository));
}

#[test]
fn head_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q", "-b", "main"]);
    let repo = Repo::discover(dir.path()).unwrap();
    assert_eq!(repo.current_branch().unwrap_err().code(), Code::Unborn);
    git(
        dir.path(),
        &["commit", "-q", "--allow-empty", "-m", "start"],
    );
    assert_eq!(repo.current_branch().unwrap(), "main");
    git(dir.path(), &["checkout", "-q", "--detach"]);
    assert_eq!(repo.current_branch().unwrap_err().code(), Code::NoTarget);
}

#[test]
fn refs_move_only_from_where_they_are_expected() {
    let (_dir, repo) = repository();
    let first = repo.resolve("HEAD").unwrap();
    let tree = repo.tree_of(&first).unwrap();
    let parents = [first.clone()];
    let second = repo
        .write_commit(tree, &parents, ("a", "b@c"), "next")
        .unwrap();
    let name = "refs/heads/x";
    repo.update_ref(name, &first, Expected::Absent, "m")
        .unwrap();
    let again = repo
        .update_ref(name, &second, Expected::Absent, "m")
        .unwrap_err();
    assert_eq!(again.code(), Code::TargetMoved);
    let stale = repo.update_ref(name, &second, Expected::At(second.clone()), "m");
    assert_eq!(stale.unwrap_err().code(), Code::TargetMoved);
    repo.update_ref(name, &second, Expected::At(first.clone()), "m")
        .unwrap();
    assert_eq!(repo.branch_tip("x").unwrap(), Some(second.clone()));
    assert_eq!(
        repo.merge_base(&first, &second).unwrap(),
        Some(first.clone())
    );
    assert!(repo.delete_ref(name, Expected::At(first)).is_err());
    repo.delete_ref(name, Expected::At(second)).unwrap();
    assert_eq!(repo.branch_tip("x").unwrap(), None);
}

#[test]
fn a_rename_is_two_changed_paths() {
    let (_dir, repo) = repository();
    let start = repo.resolve("HEAD").unwrap();
    let blob = repo.write_blob(b"text\n").unwrap();
    let at = |base, edits: &[_]| {
        let tree = repo.edit_tree(base, edits).unwrap();
        repo.write_commit(tree, std::slice::from_ref(base), ("a", "b@c"), "m")
            .unwrap()
    };
    let one = at(&start, &[("d/a".into(), Some((blob, false)))]);
    let two = at(
        &one,
        &[("d/a".into(), None), ("e/b".into(), Some((blob, false)))],
    );
    let changed = repo.changed_paths(&one, &two).unwrap();
    let mut found: Vec<_> = changed
        .iter()
        .map(|c| (c.path.to_string(), c.kind))
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [("d/a", ChangeKind::Deleted), ("e/b", ChangeKind::Added)];
    assert_eq!(found, expected.map(|(p, k)| (p.to_owned(), k)));
}

#[test]
fn a_failing_git_says_why_in_plain_text() {
    let dir = tempfile::tempdir().unwrap();
    let error = Git::new(dir.path())
        .args(["rev-parse", "HEAD"])
        .run()
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("not a git repository") && !text.chars().any(char::is_control));
}

/// A lock that changes is somebody's at work; one that does not is a dead process's.
#[test]
fn a_dead_lock_on_a_ref_of_its_own_is_outwaited_and_no_other() {
    let (dir, repo) = repository();
    let tip = repo.resolve("HEAD").unwrap();
    let locks = dir.path().join(".git/refs/heads");
    for content in ["", "0123456789012345678901234567890123456789\n"] {
        std::fs::create_dir_all(locks.join("ty")).unwrap();
        let (own, other) = (locks.join("ty/a.lock"), locks.join("b.lock"));
        std::fs::write(&own, content).unwrap();
        std::fs::write(&other, content).unwrap();
        let make = |name: &str| repo.update_ref(name, &tip, Expected::Any, "test");
        make("refs/heads/ty/a").unwrap();
        assert!(make("refs/heads/b").is_err());
        assert!(!own.exists() && other.exists());
        repo.delete_ref("refs/heads/ty/a", Expected::Any).unwrap();
        std::fs::remove_file(other).unwrap();
    }
}

/// Tracked, also when deleted in the checkout; new; not what is ignored.
#[test]
fn files_that_two_scopes_share_are_those_that_are_there() {
    use crate::model::scope::{Fold, Scope, ScopeLanguage};
    let language = |patterns: &[&str]| {
        let patterns = patterns.iter().map(|p| (*p).to_owned()).collect();
        ScopeLanguage::new(&Scope::new(patterns).unwrap(), Fold::default()).unwrap()
    };
    let (dir, repo) = repository();
    let write = |path: &str, text: &str| {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    for path in [
        "src/b.rs",
        "src/\u{e4} \"x\".rs",
        "src/sub/c.rs",
        "docs/a.md",
    ] {
        write(path, "x");
    }
    git(dir.path(), &["add", "-A"]);
    git(dir.path(), &["commit", "-q", "-m", "files"]);
    for path in ["src/new.rs", "src/x.o", "src/own.tmp"] {
        write(path, "x");
    }
    write(".gitignore", "*.o\n");
    write("everywhere", "*.tmp\n");
    let everywhere = dir.path().join("everywhere");
    git(
        dir.path(),
        &["config", "core.excludesFile", everywhere.to_str().unwrap()],
    );
    std::fs::remove_file(dir.path().join("src/b.rs")).unwrap();
    let repo = Repo::discover(&repo.main_root().join("src/sub")).unwrap();

    let (a, b) = (language(&["src/**"]), language(&["*", "!src/sub/"]));
    let shared = |repo: &Repo, most| {
        let found = repo.shared_files((&a, &b), "main", most).unwrap();
        let names = found
            .first
            .iter()
            .map(|p| String::from_utf8(p.clone()).unwrap());
        (names.collect::<Vec<_>>(), found.count)
    };
    let all = ["src/b.rs", "src/new.rs", "src/\u{e4} \"x\".rs"];
    assert_eq!(shared(&repo, 9), (all.map(str::to_owned).to_vec(), 3));
    assert_eq!(shared(&repo, 1), (vec!["src/b.rs".to_owned()], 3));

    let bare = dir.path().join("bare");
    git(
        dir.path(),
        &[
            "-c",
            "protocol.file.allow=always",
            "clone",
            "-q",
            "--bare",
            ".",
            bare.to_str().unwrap(),
        ],
    );
    let bare = Repo::discover(&bare).unwrap();
    assert_eq!(
        shared(&bare, 9),
        (vec![all[0].to_owned(), all[2].to_owned()], 2)
    );
    assert_eq!(bare.shared_files((&a, &b), "none", 9).unwrap().count, 0);
}
