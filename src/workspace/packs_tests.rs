use std::fs;
use std::path::Path;

use super::packs::{count, roll_up};
use super::tests::{Field, git};
use crate::git::Expected;

/// A commit in a pack of its own, as an import leaves it.
fn import_one(field: &Field, n: usize) -> crate::model::ids::CommitId {
    let main = field.main();
    let tree = git(&main, &["rev-parse", "HEAD^{tree}"]);
    let message = format!("commit {n}");
    let commit = git(&main, &["commit-tree", "-m", &message, &tree]);
    let list = field.dir.path().join("list");
    fs::write(&list, format!("{commit}\n")).unwrap();
    let pack =
        "git pack-objects -q .git/objects/pack/pack < ../list > ../packed && git prune-packed -q";
    let packed = std::process::Command::new("sh")
        .current_dir(&main)
        .args(["-c", pack])
        .status();
    assert!(packed.unwrap().success());
    commit.parse().unwrap()
}

fn packs(main: &Path) -> usize {
    count(&main.join(".git/objects/pack"))
}

/// A runner opens the repository once; the library settles then on how many packs it can know.
#[test]
fn one_handle_finds_what_many_imports_brought_and_what_was_rolled_up() {
    let field = Field::new();
    let main = field.main();
    let mut commits = Vec::new();
    for n in 0..60 {
        let commit = import_one(&field, n);
        let branch = format!("refs/heads/ty/t{n}");
        field
            .repo
            .update_ref(&branch, &commit, Expected::Absent, "test")
            .unwrap();
        assert_eq!(field.repo.resolve(commit.as_str()).unwrap(), commit);
        commits.push(commit);
    }
    assert_eq!(packs(&main), 60);
    roll_up(&field.repo).unwrap();
    assert!(packs(&main) < 5, "{}", packs(&main));
    for commit in &commits {
        assert_eq!(&field.repo.resolve(commit.as_str()).unwrap(), commit);
    }
    git(&main, &["fsck", "--strict"]);
}

#[test]
fn few_packs_and_those_of_a_person_who_wants_them_are_left_alone() {
    let field = Field::new();
    let main = field.main();
    git(&main, &["config", "gc.autoPackLimit", "3"]);
    (0..3).for_each(|n| drop(import_one(&field, n)));
    let again = || crate::git::Repo::discover(&main).unwrap();
    roll_up(&again()).unwrap();
    assert_eq!(packs(&main), 3);
    import_one(&field, 4);
    for (key, value) in [("gc.autoPackLimit", "0"), ("gc.auto", "0")] {
        git(&main, &["config", key, value]);
        roll_up(&again()).unwrap();
        assert_eq!(packs(&main), 4, "{key}");
        git(&main, &["config", "--unset", key]);
    }
    git(&main, &["config", "gc.autoPackLimit", "3"]);
    roll_up(&again()).unwrap();
    assert_eq!(packs(&main), 1);
}
