//! The parts that run for every job, session or byte, each alone: `cargo bench`.
//!
//! `scripts/bench` measures the program as a whole, against other tools.

use std::fmt::Write as _;
use std::path::Path;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use treeyard::cas::Cas;
use treeyard::config::{Plan, Settings};
use treeyard::model::event::{Actor, Event};
use treeyard::model::ids::{JobId, SessionId};
use treeyard::model::session::SessionState;
use treeyard::model::task::Lane;
use treeyard::runner::dispatch::{Lanes, decide};
use treeyard::runner::{Buckets, Limits};
use treeyard::store::{QueueRow, Store, StoreError};

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
    bencher.counter(ItemsCount::new(queued)).bench(|| {
        decide(
            &queue,
            &[],
            &limits,
            Buckets::new(),
            &mut Lanes::default(),
            0,
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
        lane: Lane::ALL[n % Lane::ALL.len()],
        priority: (n % 100) as u8,
        group: None,
        created_seq: n as u64,
        waits_for: None,
        doomed_by: None,
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
