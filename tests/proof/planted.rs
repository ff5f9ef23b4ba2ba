//! What is written beside the commits, to say something else of them.

use std::fs;
use std::path::{Path, PathBuf};

use super::{LINKED, inside, place, run};
use crate::yard::{Yard, text};

/// A session with a change beyond its scope, undone in the next commit, and work within it after that.
struct Undone {
    yard: Yard,
    base: String,
    evil: String,
    tip: String,
}

impl Undone {
    fn new(more: &[&str]) -> Self {
        let yard = Yard::new();
        let line = "mkdir d; echo in > d/a; echo out > src/evil; git add -A; git commit -qm evil; \
                    git rm -q src/evil; git commit -qm undone; echo in > d/b; git add -A; git commit -qm good";
        run(&yard, line, &[&["--scope", "d/**"], more].concat());
        let at = |rev: &str| inside(&yard, &["rev-parse", rev]);
        let (base, evil, tip) = (at("HEAD~3"), at("HEAD~2"), at("HEAD"));
        Self {
            yard,
            base,
            evil,
            tip,
        }
    }

    /// Whatever was planted, the commit and its path are found.
    fn is_found(&self, evil: &str, what: &str) {
        let main = self.yard.git(&["rev-parse", "main"]);
        let refused = self.yard.treeyard(&["land", "w"]);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(5), "{what}: {said}");
        assert!(
            said.contains("src/evil") && said.contains(&evil[..10]),
            "{what}: {said}"
        );
        assert_eq!(self.yard.git(&["rev-parse", "main"]), main, "{what}");
    }

    fn private_dir(&self) -> PathBuf {
        PathBuf::from(inside(&self.yard, &["rev-parse", "--absolute-git-dir"]))
    }

    /// The same again, with commits that the repository does not have yet.
    fn once_more(&self) -> (String, String) {
        inside(&self.yard, &["reset", "-q", "--hard", &self.base]);
        let place = place(&self.yard);
        fs::write(place.join("src/evil"), "again\n").unwrap();
        inside(&self.yard, &["add", "-A"]);
        inside(&self.yard, &["commit", "-qm", "evil again"]);
        inside(&self.yard, &["rm", "-q", "src/evil"]);
        inside(&self.yard, &["commit", "-qm", "undone again"]);
        fs::create_dir(place.join("d")).unwrap();
        fs::write(place.join("d/a"), "again\n").unwrap();
        inside(&self.yard, &["add", "-A"]);
        inside(&self.yard, &["commit", "-qm", "good again"]);
        let at = |rev: &str| inside(&self.yard, &["rev-parse", rev]);
        (at("HEAD~2"), at("HEAD"))
    }
}

#[test]
fn what_stands_beside_the_commits_of_the_repository_is_not_believed() {
    for more in [&[][..], &LINKED] {
        let it = Undone::new(more);
        let git_dir = it.yard.repo().join(".git");
        it.is_found(&it.evil, "nothing planted");

        let good = it.yard.git(&[
            "commit-tree",
            &format!("{}^{{tree}}", it.tip),
            "-p",
            &it.base,
            "-m",
            "x",
        ]);
        it.yard.git(&["replace", &it.tip, good.trim()]);
        it.is_found(&it.evil, "a replacement");
        it.yard.git(&["replace", "-d", &it.tip]);

        fs::write(
            git_dir.join("info/grafts"),
            format!("{} {}\n", it.tip, it.base),
        )
        .unwrap();
        it.is_found(&it.evil, "a graft");
        fs::remove_file(git_dir.join("info/grafts")).unwrap();

        plant_graph(&git_dir, &it.tip, &it.base, || {
            drop(it.yard.git(&["commit-graph", "write", "--reachable"]));
        });
        assert_eq!(
            it.yard
                .git(&["rev-list", "--count", &it.tip, "--not", "main"]),
            "1\n"
        );
        it.is_found(&it.evil, "a commit-graph");
        fs::remove_file(git_dir.join("objects/info/commit-graph")).unwrap();

        fs::write(git_dir.join("shallow"), format!("{}\n", it.tip)).unwrap();
        let refused = it.yard.treeyard(&["land", "w"]);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(6), "{said}");
        assert!(
            said.contains("shallow") && said.contains(&it.tip[..10]),
            "{said}"
        );
        fs::remove_file(git_dir.join("shallow")).unwrap();
        it.is_found(&it.evil, "nothing planted any more");
        it.yard.sound();
    }
}

#[test]
fn what_a_session_plants_in_its_own_directory_is_not_believed() {
    let it = Undone::new(&[]);
    let own = it.private_dir();
    let (evil, tip) = it.once_more();
    plant_graph(&own, &tip, &it.base, || {
        drop(inside(&it.yard, &["commit-graph", "write", "--reachable"]));
    });
    assert_eq!(
        inside(&it.yard, &["rev-list", "--count", &tip, "--not", &it.base]),
        "1"
    );
    it.is_found(&evil, "a commit-graph");
    it.yard.sound();

    let it = Undone::new(&[]);
    let own = it.private_dir();
    let (evil, tip) = it.once_more();
    fs::write(own.join("shallow"), format!("{tip}\n")).unwrap();
    assert_eq!(inside(&it.yard, &["rev-list", "--count", "HEAD"]), "1");
    it.is_found(&evil, "a shallow file");
    it.yard.sound();
}

/// Writes a commit-graph and makes it say that `commit` follows `parent`.
fn plant_graph(git_dir: &Path, commit: &str, parent: &str, write: impl FnOnce()) {
    write();
    let path = git_dir.join("objects/info/commit-graph");
    let mut graph = fs::read(&path).unwrap();
    let number = |at: usize| u64::from_be_bytes(graph[at..at + 8].try_into().unwrap()) as usize;
    let chunk = |id: &[u8]| {
        let row = (8..)
            .step_by(12)
            .find(|at| graph[*at..].starts_with(id))
            .unwrap();
        number(row + 4)
    };
    let (ids, data) = (chunk(b"OIDL"), chunk(b"CDAT"));
    let position = |id: &str| {
        let row = |n: &usize| &graph[ids + n * 20..ids + n * 20 + 20];
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        (0..(data - ids) / 20).find(|n| hex(row(n)) == id).unwrap()
    };
    let at = data + position(commit) * 36 + 20;
    let parent = (position(parent) as u32).to_be_bytes();
    graph[at..at + 4].copy_from_slice(&parent);
    fs::remove_file(&path).unwrap();
    fs::write(&path, graph).unwrap();
}
