//! Git itself says which paths an index and a commit change.

use std::fs;
use std::path::Path;

use gix::ObjectId;

use super::cached::whole_tree;
use super::history::{Paths, common_change};
use super::staged::staged;
use crate::git::Git;
use crate::git::root_tree;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    /// Names that sort before and after a slash, and that are files and folders by turns.
    fn path(&mut self) -> String {
        let names = ["a", "a-b", "a.b", "b", "ab"];
        let depth = 1 + self.roll(3);
        let parts = (0..depth).map(|_| names[self.roll(5) as usize]);
        parts.collect::<Vec<_>>().join("/")
    }
}

fn git(dir: &Path, args: &[&str]) -> Vec<u8> {
    let who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
    let run = Git::new(dir).args(who).args(args).run();
    run.unwrap().stdout
}

fn paths(output: &[u8]) -> Paths {
    let parts = output
        .split(|byte| *byte == 0)
        .filter(|part| !part.is_empty());
    parts.map(|part| part.into()).collect()
}

/// Puts a file, a link or nothing at a path; whatever is in the way goes.
fn change(dir: &Path, path: &str, dice: &mut Dice) {
    let mut folder = dir.to_owned();
    for part in Path::new(path).parent().unwrap_or(Path::new("")) {
        folder.push(part);
        if !folder.is_dir() {
            let _in_the_way = fs::remove_file(&folder);
            fs::create_dir(&folder).unwrap();
        }
    }
    let full = dir.join(path);
    if full.is_dir() {
        fs::remove_dir_all(&full).unwrap();
    }
    let _replaced = fs::remove_file(&full);
    match dice.roll(4) {
        0 => {}
        1 => std::os::unix::fs::symlink("elsewhere", &full).unwrap(),
        text => fs::write(&full, format!("{text}")).unwrap(),
    }
}

#[test]
fn changes_are_those_that_git_names() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    git(dir, &["init", "-q", "-b", "main"]);
    git(dir, &["commit", "-q", "--allow-empty", "-m", "start"]);
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let (mut seen, mut at_once, mut before) = (0, 0, None);
    for round in 0..60 {
        for _ in 0..1 + dice.roll(5) {
            let path = dice.path();
            change(dir, &path, &mut dice);
        }
        git(dir, &["add", "-A"]);
        if dice.roll(2) == 0 {
            // Fills in the trees that the index knows.
            git(dir, &["write-tree"]);
        }
        let repo = gix::open(dir).unwrap();
        let head: ObjectId = repo.head_id().unwrap().detach();
        let said = git(
            dir,
            &[
                "diff-index",
                "--cached",
                "--no-renames",
                "--name-only",
                "-z",
                "HEAD",
            ],
        );
        let tree = root_tree(&repo, head).unwrap();
        if let Some(whole) = whole_tree(&dir.join(".git/index")) {
            assert_eq!(tree_of_index(dir), whole, "round {round}");
            at_once += 1;
        }
        let found = staged(&repo, &dir.join(".git/index"), Some(tree)).unwrap();
        assert_eq!(found, paths(&said), "round {round}");
        seen += found.len();

        git(dir, &["commit", "-q", "--allow-empty", "-m", "round"]);
        let repo = gix::open(dir).unwrap();
        let new: ObjectId = repo.head_id().unwrap().detach();
        if let Some(before) = before {
            let (old_hex, new_hex): (String, String) = (format!("{before}"), format!("{new}"));
            let args = [
                "diff-tree",
                "-r",
                "--no-renames",
                "--name-only",
                "-z",
                &old_hex,
                &new_hex,
            ];
            let said = git(dir, &args);
            assert_eq!(
                common_change(&repo, &[before], new).unwrap(),
                paths(&said),
                "round {round}"
            );
        }
        if dice.roll(3) == 0 {
            before = Some(new);
        }
    }
    assert!(seen > 100, "only {seen} changes");
    assert!((20..60).contains(&at_once), "{at_once} of 60 at once");
}

fn tree_of_index(dir: &Path) -> ObjectId {
    let hex = git(dir, &["write-tree"]);
    ObjectId::from_hex(hex.trim_ascii()).unwrap()
}

#[test]
fn only_an_index_that_is_whole_and_plain_says_its_tree_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let index = dir.join(".git/index");
    git(dir, &["init", "-q", "-b", "main"]);
    for path in ["a/one", "a/two", "b/three", "four"] {
        let file = dir.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, path).unwrap();
    }
    git(dir, &["add", "-A"]);
    assert_eq!(whole_tree(&index), None, "no tree is written yet");
    let tree = tree_of_index(dir);
    assert_eq!(whole_tree(&index), Some(tree));
    let whole = fs::read(&index).unwrap();
    for length in 0..whole.len() {
        fs::write(&index, &whole[..length]).unwrap();
        assert_eq!(whole_tree(&index), None, "cut to {length} bytes");
    }
    fs::write(&index, &whole).unwrap();

    for args in [
        &["update-index", "--index-version=4"][..],
        &["update-index", "--split-index"],
    ] {
        git(dir, args);
        assert_eq!(whole_tree(&index), None, "{args:?}");
        fs::write(&index, &whole).unwrap();
    }
    fs::write(dir.join("later"), "text").unwrap();
    git(dir, &["add", "-N", "later"]);
    tree_of_index(dir);
    assert_eq!(whole_tree(&index), None, "a file is only announced");
    git(dir, &["update-index", "--skip-worktree", "a/one"]);
    git(dir, &["add", "later"]);
    let tree = tree_of_index(dir);
    assert_eq!(
        whole_tree(&index),
        Some(tree),
        "with flags that take more room"
    );

    // Where the index says itself where its entries end, they need not be passed.
    git(dir, &["config", "index.recordEndOfIndexEntries", "true"]);
    git(dir, &["update-index", "--index-version=4"]);
    assert_eq!(whole_tree(&index), Some(tree_of_index(dir)));
    let whole = fs::read(&index).unwrap();
    for length in 0..whole.len() {
        fs::write(&index, &whole[..length]).unwrap();
        assert_eq!(whole_tree(&index), None, "cut to {length} bytes");
    }
    // The last four bytes before two hashes are the place.
    let place = whole.len() - 44..whole.len() - 40;
    for wrong in 0..whole.len() as u32 + 100 {
        let mut damaged = whole.clone();
        damaged[place.clone()].copy_from_slice(&wrong.to_be_bytes());
        fs::write(&index, &damaged).unwrap();
        let found = whole_tree(&index);
        assert!(found.is_none_or(|found| found == tree), "{wrong}");
        assert_eq!(found.is_some(), damaged == whole, "{wrong}");
    }
}
