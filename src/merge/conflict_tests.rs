//! Merges that are more than edits of lines, with git's own merge as the judge.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::tests::{Fixture, spawn};
use super::*;
use crate::git::open_checkout;

/// What git would do: the tree, or `None` for a conflict.
fn judge(it: &Fixture) -> Option<String> {
    let args = [
        "merge-tree",
        "--write-tree",
        "-X",
        "no-renormalize",
        "main",
        "work",
    ];
    let (clean, said) = spawn(&it.root(), &args);
    clean.then(|| said.trim().to_owned())
}

/// Git and the engine come to the same tree.
fn merges(it: &Fixture) -> Candidate {
    let candidate = it.ready(MergeMethod::Merge);
    assert_eq!(Some(&candidate.tree), judge(it).as_ref());
    assert_eq!(it.ready(MergeMethod::Squash).tree, candidate.tree);
    candidate
}

/// Git and the engine both refuse; gives the paths of the report.
fn conflicts(it: &Fixture) -> Vec<ConflictPath> {
    assert_eq!(judge(it), None, "git merges it");
    let before = it.git(&["rev-parse", "main"]);
    let mut reports = Vec::new();
    for method in [MergeMethod::Merge, MergeMethod::Squash, MergeMethod::Rebase] {
        match it.prepare(method).unwrap() {
            Prepared::Conflict(report) => reports.push(report.paths),
            other => panic!("{method:?}: {other:?}"),
        }
    }
    assert_eq!(it.git(&["rev-parse", "main"]), before);
    reports.swap_remove(0)
}

fn has(paths: &[ConflictPath], wanted: &str) -> bool {
    paths.iter().any(|path| path.path == wanted)
}

fn on(it: &Fixture, branch: &str, change: impl Fn()) {
    it.git(&["switch", "-q", branch]);
    change();
    it.commit(branch);
    it.git(&["switch", "-q", "main"]);
}

fn rename(it: &Fixture, from: &str, to: &str) {
    let to = it.root().join(to);
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::rename(it.root().join(from), to).unwrap();
}

fn edit(it: &Fixture, path: &str, line: usize, text: &str) {
    let mut lines: Vec<String> = it.read(path).lines().map(str::to_owned).collect();
    lines[line] = text.to_owned();
    it.write(path, &(lines.join("\n") + "\n"));
}

#[test]
fn a_renamed_file_takes_the_other_sides_edit_along() {
    for renaming in ["main", "work"] {
        let editing = if renaming == "main" { "work" } else { "main" };
        let it = Fixture::new();
        on(&it, renaming, || rename(&it, "a", "e/moved"));
        on(&it, editing, || edit(&it, "a", 3, "edited"));
        let candidate = merges(&it);
        let merged = it.git(&["show", &format!("{}:e/moved", candidate.commit)]);
        assert!(merged.contains("edited"), "{renaming}");
        it.land(&candidate).unwrap();
        assert!(it.read("e/moved").contains("edited") && !it.root().join("a").exists());
    }
}

#[test]
fn the_same_rename_on_both_sides_is_one() {
    let it = Fixture::new();
    for (branch, line) in [("main", 1), ("work", 15)] {
        on(&it, branch, || {
            rename(&it, "a", "moved");
            edit(&it, "moved", line, branch);
        });
    }
    let candidate = merges(&it);
    let merged = it.git(&["show", &format!("{}:moved", candidate.commit)]);
    assert!(merged.contains("main\n") && merged.contains("work\n"));
}

#[test]
fn renames_that_disagree_are_for_a_person() {
    let it = Fixture::new();
    on(&it, "main", || rename(&it, "a", "here"));
    on(&it, "work", || rename(&it, "a", "there"));
    let paths = conflicts(&it);
    assert!(
        has(&paths, "here") || has(&paths, "there") || has(&paths, "a"),
        "{paths:?}"
    );

    let it = Fixture::new();
    on(&it, "main", || rename(&it, "a", "same"));
    on(&it, "work", || rename(&it, "d/c", "same"));
    assert!(has(&conflicts(&it), "same"));

    for (renaming, deleting) in [("main", "work"), ("work", "main")] {
        let it = Fixture::new();
        on(&it, renaming, || rename(&it, "a", "moved"));
        on(&it, deleting, || {
            fs::remove_file(it.root().join("a")).unwrap()
        });
        assert!(!conflicts(&it).is_empty(), "{renaming}");
    }
}

#[test]
fn modes_and_kinds_merge_like_content() {
    let it = Fixture::new();
    on(&it, "main", || edit(&it, "a", 3, "edited"));
    on(&it, "work", || {
        fs::set_permissions(it.root().join("a"), fs::Permissions::from_mode(0o755)).unwrap();
    });
    let candidate = merges(&it);
    let listed = it.git(&["ls-tree", candidate.commit.as_str(), "a"]);
    assert!(listed.starts_with("100755"), "{listed}");

    let it = Fixture::new();
    on(&it, "main", || edit(&it, "a", 3, "edited"));
    on(&it, "work", || {
        fs::remove_file(it.root().join("a")).unwrap();
        symlink("b", it.root().join("a")).unwrap();
    });
    assert!(!conflicts(&it).is_empty());

    let it = Fixture::new();
    for (branch, to) in [("main", "b"), ("work", "d/c")] {
        on(&it, branch, || symlink(to, it.root().join("link")).unwrap());
    }
    assert!(has(&conflicts(&it), "link"));
}

#[test]
fn a_submodule_that_both_sides_moved_is_for_a_person() {
    let it = Fixture::new();
    let pin = |branch: &str, digit: &str| {
        it.git(&["switch", "-q", branch]);
        let entry = format!("160000,{},sub", digit.repeat(40));
        it.git(&["update-index", "--add", "--cacheinfo", &entry]);
        it.git(&["commit", "-qm", "Pin"]);
        it.git(&["update-index", "--skip-worktree", "sub"]);
        it.git(&["switch", "-q", "main"]);
    };
    fs::create_dir(it.root().join("sub")).unwrap();
    pin("main", "1");
    it.git(&["branch", "-f", "work", "main"]);
    pin("work", "2");
    let candidate = merges(&it);
    assert!(
        it.git(&["ls-tree", candidate.commit.as_str(), "sub"])
            .contains("2222")
    );
    pin("main", "3");
    assert!(has(&conflicts(&it), "sub"));
}

#[test]
fn binary_files_are_taken_whole_or_not_at_all() {
    let it = Fixture::new();
    let bytes = |fill: u8| -> Vec<u8> {
        (0..4000)
            .map(|n| if n % 7 == 0 { 0 } else { fill })
            .collect()
    };
    let put = |fill: u8| fs::write(it.root().join("bin"), bytes(fill)).unwrap();
    put(1);
    it.commit("binary");
    it.git(&["branch", "-f", "work", "main"]);
    on(&it, "work", || put(2));
    merges(&it);
    on(&it, "main", || put(3));
    assert!(has(&conflicts(&it), "bin"));
}

/// A driver is a program of the person's configuration: lines are merged as if it were not there.
#[test]
fn merge_drivers_do_not_run() {
    let it = Fixture::new();
    it.write(".gitattributes", "a merge=mine\nb merge=union\n");
    it.commit("attributes");
    it.git(&["branch", "-f", "work", "main"]);
    let ran = it.dir.path().join("ran");
    let driver = format!("touch {}; cp %B %A", ran.display());
    it.git(&["config", "merge.mine.driver", &driver]);
    for (branch, line) in [("main", 1), ("work", 15)] {
        on(&it, branch, || edit(&it, "a", line, branch));
    }
    let plan = it.plan(MergeMethod::Merge);
    let Prepared::Ready(candidate) = prepare(&open_checkout(&it.root()).unwrap(), &plan).unwrap()
    else {
        panic!("it merges line by line");
    };
    let merged = it.git(&["show", &format!("{}:a", candidate.commit)]);
    assert!(
        merged.contains("main\n") && merged.contains("work\n"),
        "{merged}"
    );
    assert!(!ran.exists(), "the driver ran");
    // What git does itself, it does here.
    for branch in ["main", "work"] {
        on(&it, branch, || it.write("b", &format!("b\n{branch}\n")));
    }
    it.git(&["config", "--unset", "merge.mine.driver"]);
    merges(&it);
}

#[test]
fn a_renamed_folder_takes_edits_along_and_asks_about_new_files() {
    for renaming in ["main", "work"] {
        let other = if renaming == "main" { "work" } else { "main" };
        let it = Fixture::new();
        let lines: String = (0..20).map(|n| format!("deep {n}\n")).collect();
        it.write("d/e/f", &lines);
        it.commit("deep");
        it.git(&["branch", "-f", "work", "main"]);
        on(&it, renaming, || {
            fs::rename(it.root().join("d"), it.root().join("x")).unwrap()
        });
        on(&it, other, || edit(&it, "d/e/f", 3, "edited"));
        let candidate = merges(&it);
        let merged = it.git(&["show", &format!("{}:x/e/f", candidate.commit)]);
        assert!(merged.contains("edited"), "{renaming}");
        on(&it, other, || it.write("d/new", "new\n"));
        let paths = conflicts(&it);
        assert!(has(&paths, "x/new") || has(&paths, "d/new"), "{paths:?}");
    }
}
