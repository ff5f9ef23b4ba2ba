//! Against real repositories made by the git binary.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::*;
use crate::model::code::Code;
use crate::model::ids::{CommitId, SessionId};
use crate::model::provenance::Provenance;

pub(super) struct Fixture {
    pub(super) dir: tempfile::TempDir,
}

pub(super) fn spawn(dir: &Path, args: &[&str]) -> (bool, String) {
    let out = Command::new("git")
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap())
        .env("HOME", dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs(["AUTHOR", "COMMITTER"].map(|w| (format!("GIT_{w}_NAME"), "A U Thor")))
        .envs(["AUTHOR", "COMMITTER"].map(|w| (format!("GIT_{w}_EMAIL"), "a@example.com")))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let error = String::from_utf8_lossy(&out.stderr).into_owned();
    (
        out.status.success(),
        if out.status.success() {
            text
        } else {
            text + &error
        },
    )
}

fn run_git(dir: &Path, args: &[&str]) -> Result<(), String> {
    let (ok, text) = spawn(dir, args);
    if ok { Ok(()) } else { Err(text) }
}

impl Fixture {
    /// `main` and `work` both start at one commit with `a`, `b` and `d/c`.
    pub(super) fn new() -> Self {
        let it = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(it.root()).unwrap();
        it.git(&["init", "-q", "-b", "main"]);
        let lines: String = (0..20).map(|n| format!("line {n}\n")).collect();
        it.write("a", &lines);
        it.write("b", "b\n");
        it.write("d/c", "c\n");
        it.commit("start");
        it.git(&["branch", "work"]);
        it
    }
    pub(super) fn root(&self) -> PathBuf {
        self.dir.path().join("repo")
    }
    pub(super) fn git(&self, args: &[&str]) -> String {
        let (ok, text) = spawn(&self.root(), args);
        assert!(ok, "git {args:?}: {text}");
        text.trim_end().to_owned()
    }
    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    pub(super) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root().join(path)).unwrap()
    }
    pub(super) fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
    }
    pub(super) fn on(&self, branch: &str, files: &[(&str, Option<&str>)]) {
        self.git(&["switch", "-q", branch]);
        for (path, text) in files {
            match text {
                Some(text) => self.write(path, text),
                None => std::fs::remove_file(self.root().join(path)).unwrap(),
            }
        }
        self.commit(&format!("fix: {branch}"));
        self.git(&["switch", "-q", "main"]);
    }
    pub(super) fn id(&self, rev: &str) -> CommitId {
        self.git(&["rev-parse", rev]).parse().unwrap()
    }
    pub(super) fn repo(&self) -> gix::Repository {
        gix::open_opts(self.root(), gix::open::Options::isolated()).unwrap()
    }
    pub(super) fn plan(&self, method: MergeMethod) -> LandingPlan {
        LandingPlan {
            target_tip: self.id("main"),
            session_tip: self.id("work"),
            method,
            bounds: None,
            subject: "Land\nwork".into(),
            provenance: Provenance {
                session: SessionId::new(),
                task: "t\nTreeyard-Role: forged".into(),
                identity: None,
                lock: None,
            },
            committer: ("T <y".into(), "t@example.com".into()),
            now: (1_700_000_000, 3600),
        }
    }
    pub(super) fn prepare(&self, method: MergeMethod) -> Result<Prepared, MergeError> {
        prepare(&self.repo(), &self.plan(method))
    }
    pub(super) fn ready(&self, method: MergeMethod) -> Candidate {
        match self.prepare(method).unwrap() {
            Prepared::Ready(candidate) => candidate,
            other => panic!("{other:?}"),
        }
    }
    pub(super) fn land(&self, candidate: &Candidate) -> Result<(), MergeError> {
        let lock = LandingLock::acquire(self.dir.path(), Duration::from_secs(5)).unwrap();
        let plan = sync_plan(&self.repo(), "refs/heads/main", candidate)?;
        publish(&self.repo(), &lock, "refs/heads/main", candidate, "landed")?;
        update_checkouts(&plan, &run_git)
    }
}

#[test]
fn a_clean_merge_has_gits_tree_and_lands() {
    let it = Fixture::new();
    it.on("work", &[("a", Some("new\n")), ("d/c", None)]);
    it.on("main", &[("b", Some("other\n"))]);
    let wanted = it.git(&["merge-tree", "--write-tree", "main", "work"]);
    let candidate = it.ready(MergeMethod::Merge);
    assert_eq!(candidate.tree, wanted);
    assert_eq!(candidate.changed, ["a", "d/c"]);
    it.land(&candidate).unwrap();
    assert_eq!(it.git(&["status", "--porcelain"]), "");
    assert_eq!(it.read("a"), "new\n");
    assert_eq!(it.git(&["rev-list", "--count", "--merges", "main"]), "1");
    let message = it.git(&["log", "-1", "--format=%(trailers:only)|%s"]);
    assert!(
        message.contains("Treeyard-Task: t Treeyard-Role: forged\n"),
        "{message}"
    );
    it.git(&["fsck", "--strict"]);
    assert_eq!(it.prepare(MergeMethod::Merge).unwrap(), Prepared::UpToDate);
}

#[test]
fn squash_and_rebase_keep_one_line_of_history() {
    let it = Fixture::new();
    it.on("work", &[("a", Some("1\n"))]);
    it.on("work", &[("n", Some("2\n"))]);
    it.on("main", &[("b", Some("other\n"))]);
    let squash = it.ready(MergeMethod::Squash);
    let rebase = it.ready(MergeMethod::Rebase);
    assert_eq!(squash.tree, rebase.tree);
    let count = |c: &Candidate| it.git(&["rev-list", "--count", &format!("main..{}", c.commit)]);
    assert_eq!(
        (count(&squash).as_str(), count(&rebase).as_str()),
        ("1", "2")
    );
    let body = it.git(&["log", "-1", "--format=%B", squash.commit.as_str()]);
    assert!(
        body.contains("* fix: work\n* fix: work\n\nTreeyard-Session: "),
        "{body}"
    );
    it.land(&rebase).unwrap();
    assert_eq!(
        it.git(&["log", "-1", "--format=%an|%s"]),
        "A U Thor|fix: work"
    );
    assert_eq!(it.prepare(MergeMethod::Squash).unwrap(), Prepared::UpToDate);
    assert_eq!(it.prepare(MergeMethod::Rebase).unwrap(), Prepared::UpToDate);
}

#[test]
fn conflicts_are_named_and_leave_no_objects() {
    let it = Fixture::new();
    it.on(
        "work",
        &[
            ("a", Some("w\n")),
            ("b", None),
            ("n", Some("w\n")),
            ("d/c", Some("w\n")),
        ],
    );
    it.on(
        "main",
        &[
            ("a", Some("m\n")),
            ("b", Some("m\n")),
            ("n", Some("m\n")),
            ("d/c", None),
        ],
    );
    let before = it.git(&["count-objects"]);
    for method in [MergeMethod::Merge, MergeMethod::Squash, MergeMethod::Rebase] {
        let Prepared::Conflict(report) = it.prepare(method).unwrap() else {
            panic!("no conflict");
        };
        let kinds: Vec<_> = report
            .paths
            .iter()
            .map(|p| (p.path.as_str(), p.kind))
            .collect();
        use ConflictKind::*;
        let wanted = [
            ("a", BothModified),
            ("b", DeletedBySession),
            ("d/c", DeletedByTarget),
            ("n", BothAdded),
        ];
        assert_eq!(kinds, wanted);
        assert!(report.render().lines().all(|line| line.len() <= 80));
        assert!(
            serde_json::to_string(&report)
                .unwrap()
                .contains("\"both_added\"")
        );
    }
    assert_eq!(it.git(&["count-objects"]), before);
}

#[test]
fn a_target_that_moved_is_not_overwritten() {
    let it = Fixture::new();
    it.on("work", &[("a", Some("1\n"))]);
    let candidate = it.ready(MergeMethod::Merge);
    it.on("main", &[("z", Some("z\n"))]);
    let tip = it.id("main");
    let lock = LandingLock::acquire(it.dir.path(), Duration::ZERO).unwrap();
    let error = publish(&it.repo(), &lock, "refs/heads/main", &candidate, "x").unwrap_err();
    assert_eq!(error.code(), Code::TargetMoved);
    assert_eq!(it.id("main"), tip);
    assert!(LandingLock::acquire(it.dir.path(), Duration::ZERO).is_err());
}

#[test]
fn a_dirty_checkout_is_refused_and_left_alone() {
    let it = Fixture::new();
    it.on("work", &[("a", Some("1\n")), ("n", Some("n\n"))]);
    let candidate = it.ready(MergeMethod::Merge);
    let tip = it.id("main");
    for (path, text) in [("b", "mine\n"), ("n", "mine\n")] {
        it.write(path, text);
        if path == "n" {
            it.git(&["checkout", "-q", "b"]);
            it.write(".git/info/exclude", "n\n");
        }
        let error = it.land(&candidate).unwrap_err();
        assert!(
            matches!(&error, MergeError::TargetDirty { files, .. } if files == &[path]),
            "{error}"
        );
        assert_eq!((it.read(path).as_str(), it.id("main")), (text, tip.clone()));
    }
}

#[test]
fn an_interrupted_update_is_finished_once() {
    let it = Fixture::new();
    it.on("work", &[("a", Some("1\n")), ("n", Some("n\n"))]);
    let candidate = it.ready(MergeMethod::Merge);
    let lock = LandingLock::acquire(it.dir.path(), Duration::ZERO).unwrap();
    publish(&it.repo(), &lock, "refs/heads/main", &candidate, "x").unwrap();
    it.write("n", "n\n"); // as if killed after the first file
    let finish = || {
        let (old, new) = (&candidate.onto, &candidate.commit);
        finish_checkout(&it.repo(), &it.root(), old, new, &run_git).unwrap()
    };
    assert_eq!(finish(), Finish::Updated);
    assert_eq!(it.git(&["status", "--porcelain"]), "");
    assert_eq!(finish(), Finish::AlreadyDone);
}

#[test]
fn evil_trees_are_refused() {
    let it = Fixture::new();
    let blob = it.git(&["rev-parse", "main:b"]);
    for name in [".git", ".GIT", "git~1", ".."] {
        let mut raw = format!("100644 {name}\0").into_bytes();
        raw.extend((0..20).map(|i| u8::from_str_radix(&blob[i * 2..i * 2 + 2], 16).unwrap()));
        std::fs::write(it.root().join(".git/raw"), raw).unwrap();
        let tree = it.git(&["hash-object", "-t", "tree", "-w", "--literally", ".git/raw"]);
        let commit = it.git(&["commit-tree", &tree, "-p", "main", "-m", "evil"]);
        it.git(&["update-ref", "refs/heads/work", &commit]);
        let error = it.prepare(MergeMethod::Merge).unwrap_err();
        assert_eq!(error.code(), Code::ImportRefused, "{name:?}: {error}");
    }
}

#[test]
fn random_edits_agree_with_git() {
    let mut seed = 7_u64;
    let mut next = move |n: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % n
    };
    for _ in 0..24 {
        let it = Fixture::new();
        for side in ["work", "main"] {
            let at = next(20);
            let text = it
                .read("a")
                .replace(&format!("line {at}\n"), &format!("{side} {at}\n"));
            let extra = ["b", "n", "d/c", "d/n"][next(4) as usize];
            it.on(
                side,
                &[("a", Some(&text)), (extra, Some(&format!("{side}\n")))],
            );
        }
        let (clean, text) = spawn(
            &it.root(),
            &[
                "merge-tree",
                "--write-tree",
                "--name-only",
                "--no-messages",
                "main",
                "work",
            ],
        );
        let mut lines = text.lines();
        let tree = lines.next().unwrap();
        match it.prepare(MergeMethod::Merge).unwrap() {
            Prepared::Ready(candidate) => assert!(clean && candidate.tree == tree, "{text}"),
            Prepared::Conflict(report) => {
                let ours: Vec<_> = report.paths.iter().map(|p| p.path.as_str()).collect();
                assert_eq!(ours, lines.filter(|l| !l.is_empty()).collect::<Vec<_>>());
            }
            Prepared::UpToDate => panic!("nothing to land"),
        }
    }
}

#[test]
fn a_bare_repository_and_a_linked_checkout_land_too() {
    let it = Fixture::new();
    it.on("work", &[("a", Some("1\n"))]);
    let candidate = it.ready(MergeMethod::Merge);
    let bare = it.dir.path().join("bare.git");
    it.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let repo = gix::open_opts(&bare, gix::open::Options::isolated()).unwrap();
    assert_eq!(
        checkouts_of(&repo, "refs/heads/main").unwrap(),
        Vec::<PathBuf>::new()
    );

    it.git(&["switch", "-q", "--detach"]);
    let linked = it.dir.path().join("linked");
    it.git(&["worktree", "add", "-q", linked.to_str().unwrap(), "main"]);
    std::fs::write(linked.join("b"), "mine\n").unwrap();
    assert_eq!(it.land(&candidate).unwrap_err().code(), Code::TargetDirty);
    std::fs::write(linked.join("b"), "b\n").unwrap();
    it.land(&candidate).unwrap();
    assert_eq!(
        spawn(&linked, &["status", "--porcelain"]),
        (true, String::new())
    );
    assert_eq!(std::fs::read_to_string(linked.join("a")).unwrap(), "1\n");
    assert_eq!(it.read("a").lines().count(), 20);
}

#[test]
fn a_new_submodule_and_a_merge_to_rebase_are_refused() {
    let it = Fixture::new();
    it.on("main", &[("b", Some("m\n"))]);
    it.on("work", &[("a", Some("1\n"))]);
    it.git(&["switch", "-q", "work"]);
    it.git(&["merge", "-q", "-m", "join", "main"]);
    assert!(matches!(
        it.prepare(MergeMethod::Rebase),
        Err(MergeError::MergeInRange(_))
    ));
    let link = format!("160000,{},sub", it.id("main"));
    it.git(&["update-index", "--add", "--cacheinfo", &link]);
    it.git(&["commit", "-q", "-m", "link"]);
    let error = it.prepare(MergeMethod::Squash).unwrap_err();
    assert_eq!(error.code(), Code::ImportRefused);
}

#[test]
fn a_folder_that_becomes_a_file_keeps_untracked_work() {
    let it = Fixture::new();
    it.git(&["switch", "-q", "work"]);
    it.git(&["rm", "-q", "d/c"]);
    it.write("d", "file\n");
    it.commit("d is a file");
    it.git(&["switch", "-q", "main"]);
    let candidate = it.ready(MergeMethod::Merge);
    it.write("d/mine", "mine\n");
    assert_eq!(it.land(&candidate).unwrap_err().code(), Code::TargetDirty);
    assert_eq!(it.read("d/mine"), "mine\n");
    std::fs::remove_file(it.root().join("d/mine")).unwrap();
    it.land(&candidate).unwrap();
    assert_eq!(it.read("d"), "file\n");
}
