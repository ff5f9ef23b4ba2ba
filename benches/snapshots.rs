//! A checkpoint of a large worktree, from the call to the ref on the disk, against the same by git commands, in
//! turns: `cargo bench --bench snapshots -- [FILES [ROUNDS]]`.
//!
//! Each call knows nothing but what is on the disk, as one of a new process would.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use treeyard::git::Repo;
use treeyard::model::ids::SessionId;
use treeyard::model::scope::Scope;
use treeyard::workspace::snapshot::{Keeping, keep, take};
use treeyard::workspace::{Isolation, Located, Request, create};

const A_FOLDER: usize = 100;
/// Of these some are changed, some are new and some are gone.
const CHANGED: usize = 20;

fn main() {
    let mut numbers = std::env::args().filter_map(|word| word.parse().ok());
    let files = numbers.next().unwrap_or(20_000);
    let rounds = numbers.next().unwrap_or(15);
    let field = Field::new(files);
    let (mut own, mut others) = (Vec::new(), Vec::new());
    let mut parts = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        field.edit(2 * round);
        let (taken, kept) = field.own(round);
        field.edit(2 * round + 1);
        let by_git = field.by_git(round);
        if round > 0 {
            own.push(taken + kept);
            parts.0.push(taken);
            parts.1.push(kept);
            others.push(by_git);
        }
    }
    println!("take {} ms, keep {} ms", ms(&mut parts.0), ms(&mut parts.1));
    println!(
        "snapshots: treeyard {} ms, git {} ms",
        ms(&mut own),
        ms(&mut others)
    );
}

fn ms(times: &mut [Duration]) -> String {
    times.sort();
    format!("{:.2}", times[times.len() / 2].as_secs_f64() * 1000.0)
}

struct Field {
    dir: tempfile::TempDir,
    repo: Repo,
    place: Located,
    session: SessionId,
    files: usize,
}

fn name(n: usize) -> PathBuf {
    let group = n / A_FOLDER;
    PathBuf::from(format!("src/part{}/group{group}/file{n}.txt", group / 10))
}

impl Field {
    fn new(files: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let main = dir.path().join("main");
        for n in 0..files {
            put(&main.join(name(n)), n);
        }
        git(&main, &["init", "-q"], &[]);
        git(&main, &["add", "-A"], &[]);
        git(&main, &["commit", "-qm", "start"], &[]);
        git(&main, &["repack", "-adq"], &[]);
        let repo = Repo::discover(&main).unwrap();
        let base = repo.resolve("HEAD").unwrap();
        let made = create(&Request {
            repo: &repo,
            root: &dir.path().join("trees"),
            name: "one",
            short_id: "0a1b2c3d",
            base: &base,
            isolation: Isolation::Private,
            identity: ("a", "a@example.org"),
            include: false,
            hooks: None,
        });
        Self {
            place: made.unwrap().located(),
            session: SessionId::new(),
            dir,
            repo,
            files,
        }
    }

    /// The same paths each time, so that as much differs from the base in every round.
    fn edit(&self, turn: usize) {
        for n in 0..CHANGED {
            let at = n * self.files / CHANGED;
            let path = self.place.path.join(name(at));
            match n % 10 {
                0 => drop(fs::remove_file(&path)),
                1 => put(&path.with_extension("new"), turn * CHANGED + n),
                _ => put(&path, turn * CHANGED + n + 1_000_000),
            }
        }
    }

    fn own(&self, round: usize) -> (Duration, Duration) {
        let start = Instant::now();
        let taken = take(&self.repo, &self.place, &Scope::nothing()).unwrap();
        let until_taken = start.elapsed();
        let parents = [self.place.base.clone()];
        let keeping = Keeping {
            session: &self.session,
            number: round as u64,
            parents: &parents,
            identity: ("a", "a@example.org"),
            seconds: 1_700_000_000,
            message: "checkpoint",
        };
        keep(&self.repo, &taken, &keeping).unwrap();
        let whole = start.elapsed();
        assert!(taken.notes.is_empty());
        (until_taken, whole - until_taken)
    }

    fn by_git(&self, round: usize) -> Duration {
        let index = self.dir.path().join("index");
        let (tree, env) = (&self.place.path, [("GIT_INDEX_FILE", index.as_path())]);
        let start = Instant::now();
        fs::copy(self.place.git_dir.join("index"), &index).unwrap();
        git(tree, &["add", "-A"], &env);
        let made = git(tree, &["write-tree"], &env);
        let base = self.place.base.as_str();
        let commit = git(
            tree,
            &["commit-tree", &made, "-p", base, "-m", "checkpoint"],
            &[],
        );
        let name = format!("refs/treeyard/checkpoints/x/{round}");
        git(tree, &["update-ref", &name, &commit, ""], &[]);
        start.elapsed()
    }
}

fn git(dir: &Path, args: &[&str], env: &[(&str, &Path)]) -> String {
    let done = Command::new("git")
        .current_dir(dir)
        .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs(env.iter().copied())
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

/// About 4 KB that do not shrink to nothing.
fn put(path: &Path, seed: usize) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut state = seed as u64 * 2 + 1;
    let mut line = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        format!("{state:016x}{:016x}\n", state.rotate_left(29))
    };
    let text: String = (0..120).map(&mut line).collect();
    fs::write(path, text).unwrap();
}
