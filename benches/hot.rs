//! The parts that run for every job, session or byte, each alone: `cargo bench`.
//!
//! `scripts/bench` measures the program as a whole, against other tools.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use treeyard::cas::Cas;
use treeyard::config::{Plan, Settings};
use treeyard::git::{Git, Repo};
use treeyard::model::event::{Actor, Event};
use treeyard::model::ids::{JobId, SessionId};
use treeyard::model::lock::LockTable;
use treeyard::model::scope::{Fold, Overlap, Scope, ScopeIndex, ScopeLanguage, overlap};
use treeyard::model::session::SessionState;
use treeyard::model::task::Lane;
use treeyard::runner::dispatch::{Lanes, Scene, decide};
use treeyard::runner::{Admission, Buckets, Limits, Verdicts};
use treeyard::store::{QueueRow, Store, StoreError};
use treeyard::workspace::{Isolation, Located, Request, Watch, create};

fn main() {
    divan::main();
}

/// One look at a queue that is ready as a whole.
#[divan::bench(args = [100, 1_000, 10_000])]
fn dispatch_decide(bencher: Bencher, queued: usize) {
    let queue: Vec<QueueRow> = (0..queued).map(queue_row).collect();
    let limits = Limits {
        sessions: 8,
        ..Limits::default()
    };
    let (locks, holders) = (LockTable::new(Fold::default()), || Ok(HashMap::new()));
    bencher.counter(ItemsCount::new(queued)).bench(|| {
        decide(
            Scene {
                queue: &queue,
                slots: &[],
                shortage: None,
                now_ms: 0,
            },
            &limits,
            Buckets::new(),
            &mut Lanes::default(),
            &mut Admission::new(&locks, &holders, &mut Verdicts::default()),
        )
    });
}

fn queue_row(n: usize) -> QueueRow {
    QueueRow {
        session: SessionId::new(),
        state: SessionState::Created,
        job: JobId::new(),
        busy: false,
        not_before_ms: 0,
        queued_ms: 0,
        lane: Lane::ALL[n % Lane::ALL.len()],
        priority: (n % 100) as u8,
        claim: treeyard::model::limit::Claim::default(),
        created_seq: n as u64,
        waits_for: None,
        doomed_by: None,
        holds: false,
        scope: format!("[\"t{n}/**\"]"),
        goes_on_from: None,
        waits_for_token: None,
        passed_by: 0,
    }
}

#[divan::bench]
fn plan_parse_1000_tasks(bencher: Bencher) {
    let mut text = String::new();
    for n in 0..1_000 {
        let after = n.max(1) - 1;
        let _infallible = writeln!(
            text,
            "[[task]]\nname = \"t{n}\"\nscope = [\"src/part{n}/**\"]\nrun = [\"true\"]"
        );
        if n % 2 == 1 {
            let _infallible = writeln!(text, "after = [\"t{after}\"]");
        }
    }
    let settings = Settings::default();
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| Plan::parse(&text, Path::new("plan.toml"), &settings).unwrap());
}

/// Append, chain and fold, with one durable commit for so many events.
#[divan::bench(args = [1, 1_000])]
fn event_append(bencher: Bencher, events: usize) {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    bencher.counter(ItemsCount::new(events)).bench_local(|| {
        store.write(|tx| {
            for _ in 0..events {
                let event = Event::RunnerStopped {
                    reason: "done".to_owned(),
                };
                tx.append(Actor::System, None, event)?;
            }
            Ok::<_, StoreError>(())
        })
    });
}

/// Hash, copy, sync and link. The bytes differ each time, or the store would have them.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn ingest_64_mib(bencher: Bencher) {
    const SIZE: usize = 64 << 20;
    let dir = tempfile::tempdir().unwrap();
    let cas = Cas::open(&dir.path().join("cas")).unwrap();
    let mut bytes = vec![0; SIZE];
    let mut round = 0u64;
    bencher.counter(BytesCount::new(SIZE)).bench_local(|| {
        round += 1;
        bytes[..8].copy_from_slice(&round.to_le_bytes());
        cas.put_reader(bytes.as_slice()).unwrap()
    });
}

/// Two scopes that overlap nowhere, from their patterns.
#[divan::bench]
fn scope_overlap_of_two(bencher: Bencher) {
    let (one, other) = (holder(1), holder(2));
    bencher.bench(|| {
        let found = overlap(&language(&one), &language(&other));
        assert_eq!(found, Overlap::Disjoint);
    });
}

/// One request that nobody stands in the way of, against so many holders of 20 patterns each that a
/// long-lived process has indexed.
#[divan::bench(args = [100, 1_000, 10_000])]
fn scope_admission(bencher: Bencher, holders: usize) {
    let index = index(&(0..holders).map(holder).collect::<Vec<_>>());
    let request = holder(holders);
    bencher
        .counter(ItemsCount::new(holders))
        .bench(|| assert!(admits(&index, &request)));
}

/// The same, by a process that has the patterns only.
#[divan::bench(args = [100, 1_000, 10_000])]
fn scope_admission_from_patterns(bencher: Bencher, holders: usize) {
    let held: Vec<_> = (0..holders).map(holder).collect();
    let request = holder(holders);
    bencher
        .counter(ItemsCount::new(holders))
        .bench(|| assert!(admits(&index(&held), &request)));
}

/// A pattern that no literal part tells from any holder's: all are compared by automata.
#[divan::bench(args = [100, 1_000])]
fn scope_admission_all_compared(bencher: Bencher, holders: usize) {
    let crowd = |n: usize| [vec![format!("tests/?_{n}_*.rs")], holder(n)[1..].to_vec()].concat();
    let index = index(&(0..holders).map(crowd).collect::<Vec<_>>());
    let request = crowd(holders);
    bencher
        .counter(ItemsCount::new(holders))
        .bench(|| assert!(admits(&index, &request)));
}

/// A request for everything, which every holder stands in the way of.
#[divan::bench(args = [100, 1_000])]
fn scope_conflicts_with_all(bencher: Bencher, holders: usize) {
    let index = index(&(0..holders).map(holder).collect::<Vec<_>>());
    let all = ["**".to_owned()];
    bencher.counter(ItemsCount::new(holders)).bench(|| {
        let request = language(&all);
        assert_eq!(index.conflicts(&request).count(), holders);
    });
}

fn admits(index: &ScopeIndex<usize>, request: &[String]) -> bool {
    index.conflicts(&language(request)).next().is_none()
}

fn index(held: &[Vec<String>]) -> ScopeIndex<usize> {
    let mut index = ScopeIndex::new();
    for (n, patterns) in held.iter().enumerate() {
        index.insert(n, language(patterns));
    }
    index
}

fn language(patterns: &[String]) -> ScopeLanguage {
    let scope = Scope::new(patterns.to_vec()).unwrap();
    ScopeLanguage::new(&scope, Fold::default()).unwrap()
}

/// 20 patterns that no other holder's meet.
fn holder(n: usize) -> Vec<String> {
    let mut patterns = vec![
        format!("src/part{n}/**"),
        format!("!src/part{n}/generated/**"),
        format!("src/part{n}/generated/**/keep_*.rs"),
        format!("docs/part{n}_*.md"),
        format!("tests/{n}/**/part/*.[ch]"),
        format!("!tests/{n}/**/part/*.c"),
    ];
    patterns.extend((0..14).map(|m| format!("lib/part{n}/module{m}/*.rs")));
    patterns
}

/// What the runner does for each session when its job starts: a worktree of 20,000 files in 2,000
/// folders.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn watch_begin(bencher: Bencher) {
    let field = Field::new();
    bencher.bench_local(|| Watch::begin(&field.repo, &field.place).unwrap());
}

/// The first look there lists every folder.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn watch_first_look(bencher: Bencher) {
    let field = Field::new();
    bencher
        .with_inputs(|| Watch::begin(&field.repo, &field.place).unwrap())
        .bench_local_values(|mut watch| field.look(&mut watch));
}

/// Each later one lists those that changed.
#[divan::bench(sample_count = 100, sample_size = 1)]
fn watch_later_look(bencher: Bencher) {
    let field = Field::new();
    let mut watch = Watch::begin(&field.repo, &field.place).unwrap();
    field.look(&mut watch);
    bencher.bench_local(|| field.look(&mut watch));
}

/// A session's worktree of 20,000 files, 100 of which it changed.
struct Field {
    _dir: tempfile::TempDir,
    repo: Repo,
    place: Located,
}

impl Field {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let main = dir.path().join("main");
        let name = |n: usize| {
            format!(
                "d{}/d{}/d{}/f{}.txt",
                n / 2000,
                n / 100 % 20,
                n / 10 % 10,
                n
            )
        };
        for n in 0..20_000 {
            write(&main.join(name(n)), &format!("{n}\n"));
        }
        let author = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        for args in [
            &["init", "-q"][..],
            &["add", "-A"],
            &[&author[..], &["commit", "-qm", "start"]].concat(),
        ] {
            Git::new(&main).args(args).run().unwrap();
        }
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
        let place = made.unwrap().located();
        for n in 0..100 {
            write(&place.path.join(name(n * 200)), "changed\n");
        }
        Self {
            _dir: dir,
            repo,
            place,
        }
    }

    fn look(&self, watch: &mut Watch) {
        assert_eq!(watch.look().unwrap().paths.len(), 100);
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}
