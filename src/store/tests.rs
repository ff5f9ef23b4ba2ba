use std::path::Path;

use proptest::prelude::*;
use rusqlite::OpenFlags;

use super::*;
use crate::model::event::{Actor, Event};
use crate::model::ids::{CommitId, ContentHash, JobId, PlanId, SessionId};
use crate::model::job::{JobKind, JobState, Outcome};
use crate::model::session::SessionState;
use crate::model::task::{Command, TaskSpec};
use crate::raw::connect;

pub(super) fn store(dir: &Path) -> Store {
    Store::open(dir).unwrap()
}

pub(super) fn created(name: &str) -> Event {
    Event::SessionCreated {
        plan_id: PlanId::new(),
        spec: Box::new(TaskSpec::sample(name, "true")),
        after: vec![],
        branch: format!("refs/heads/ty/{name}"),
        target: "main".into(),
        auto_land: false,
    }
}

pub(super) fn queued(job_id: JobId) -> Event {
    Event::JobQueued {
        job_id,
        kind: JobKind::Command,
        position: 0,
        attempt: 1,
        command: Command::Shell("true".into()).into(),
        not_before_ms: 0,
    }
}

pub(super) fn moved(from: SessionState, to: SessionState) -> Event {
    Event::SessionMoved {
        from,
        to,
        reason: "test".into(),
    }
}

pub(super) fn append(
    store: &mut Store,
    session: SessionId,
    event: Event,
) -> Result<(), StoreError> {
    store.write(|tx| tx.append(Actor::System, Some(session), event).map(drop))
}

/// A finished session with one job, an artifact and a landing.
pub(super) fn whole_life(store: &mut Store, name: &str) -> SessionId {
    let (session, job) = (SessionId::new(), JobId::new());
    let commit: CommitId = "a".repeat(40).parse().unwrap();
    let hash = ContentHash::from_hex(&"b".repeat(64)).unwrap();
    for event in [
        created(name),
        queued(job),
        moved(SessionState::Created, SessionState::Active),
        Event::WorkspaceReady {
            path: "/w".into(),
            git_dir: "/g".into(),
            base: commit.clone(),
            method: "copy".into(),
            took_ms: 3,
        },
        Event::JobDispatched { job_id: job },
        Event::ArtifactStored {
            hash: hash.clone(),
            size: 5,
            kind: "output".into(),
            media_type: "text/plain".into(),
            job_id: Some(job),
        },
        Event::CommandExecuted {
            job_id: job,
            outcome: Outcome::Exited { code: 0 },
            duration_ms: 9,
            output: Some(hash),
        },
        Event::SessionCompleted {
            tip: Some(commit.clone()),
        },
        moved(SessionState::Active, SessionState::Completed),
        Event::Landed {
            target: "main".into(),
            from: commit.clone(),
            to: commit,
        },
        Event::WorkspaceReleased { pooled: true },
    ] {
        append(store, session, event).unwrap();
    }
    session
}

/// Every projected row, as text, in a stable order.
fn tables(store: &Store) -> String {
    let mut dump = String::new();
    for (table, order) in [
        ("sessions", "session_id"),
        ("session_after", "session_id, after_id"),
        ("jobs", "job_id"),
        ("artifacts", "seq"),
        ("locks", "token"),
        ("grants", "only_row"),
        ("messages", "seq"),
        ("model_calls", "call_id"),
        ("consents", "granted"),
        ("checkpoints", "checkpoint_id"),
    ] {
        let mut statement = store
            .connection
            .prepare(&format!("SELECT * FROM {table} ORDER BY {order}"))
            .unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                dump += &format!("{:?}|", row.get_ref(column).unwrap());
            }
            dump += "\n";
        }
    }
    dump
}

pub(super) fn assert_rebuilt_the_same(original: &Store) {
    let dir = tempfile::tempdir().unwrap();
    let mut rebuilt = store(dir.path());
    let records = original.events(&EventFilter::default()).unwrap();
    rebuilt
        .write(|tx| {
            records
                .iter()
                .try_for_each(|record| tx.append_record(record))
        })
        .unwrap();
    assert_eq!(tables(original), tables(&rebuilt));
    assert_eq!(
        original.verify_chain().unwrap(),
        rebuilt.verify_chain().unwrap()
    );
}

#[test]
fn tables_rebuilt_from_events_are_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let mut original = store(dir.path());
    for name in ["a", "b", "c"] {
        whole_life(&mut original, name);
    }
    assert!(tables(&original).lines().count() >= 9);
    assert_rebuilt_the_same(&original);
}

/// What a database of each version held, written by the treeyard of its time.
const SAMPLES: &[&str] = &[
    include_str!("../../migrations/samples/0001.sql"),
    include_str!("../../migrations/samples/0002.sql"),
    include_str!("../../migrations/samples/0003.sql"),
    include_str!("../../migrations/samples/0004.sql"),
    include_str!("../../migrations/samples/0005.sql"),
    include_str!("../../migrations/samples/0006.sql"),
    include_str!("../../migrations/samples/0007.sql"),
    include_str!("../../migrations/samples/0008.sql"),
];

#[test]
fn a_database_of_every_version_is_read() {
    assert_eq!(SAMPLES.len() as i64, SCHEMA_VERSION, "a sample is missing");
    for (version, sample) in (1..).zip(SAMPLES) {
        let dir = tempfile::tempdir().unwrap();
        open::write_version(&dir.path().join(DATABASE), version, sample);
        let store = store(dir.path());
        assert!(store.verify_chain().unwrap().events > 50);
        assert_rebuilt_the_same(&store);
        let sessions = store.sessions(0).unwrap();
        assert!(sessions.len() >= 6);
        for session in sessions {
            session.spec().unwrap();
            assert!(!store.jobs_of(session.id).unwrap().is_empty());
        }
        assert!(!store.artifacts(None).unwrap().is_empty());
    }
}

#[test]
fn an_edited_missing_or_reordered_row_is_found() {
    for (tampering, first_wrong) in [
        (
            "UPDATE events SET data = replace(data, 'main', 'evil') WHERE seq = 1",
            1,
        ),
        ("UPDATE events SET at_ms = at_ms + 1 WHERE seq = 4", 4),
        ("DELETE FROM events WHERE seq = 3", 3),
        ("DELETE FROM events WHERE seq = 11", 11),
        (
            "UPDATE events SET seq = CASE seq WHEN 100 THEN 5 ELSE seq END; \
             UPDATE events SET seq = 100 WHERE seq = 5; UPDATE events SET seq = 5 WHERE seq = 6; \
             UPDATE events SET seq = 6 WHERE seq = 100",
            5,
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut store = store(dir.path());
        whole_life(&mut store, "a");
        store.verify_chain().unwrap();
        store.connection.execute_batch(tampering).unwrap();
        match store.verify_chain() {
            Err(StoreError::ChainBroken { seq, .. }) => assert_eq!(seq, first_wrong, "{tampering}"),
            other => panic!("{tampering}: {other:?}"),
        }
    }
}

#[test]
fn the_chain_goes_on_across_what_retention_removed() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let old = whole_life(&mut store, "old");
    let live = SessionId::new();
    append(&mut store, live, created("live")).unwrap();
    whole_life(&mut store, "after");

    let through = store.prunable(i64::MAX, i64::MAX).unwrap();
    assert_eq!(
        through, 15,
        "everything before the session that is still open"
    );
    store.write(|tx| tx.prune(through)).unwrap();

    let report = store.verify_chain().unwrap();
    assert_eq!(report.pruned_through, 15);
    assert!(store.session(old).unwrap().is_none());
    assert!(store.session(live).unwrap().is_some());
    store
        .connection
        .execute("DELETE FROM events WHERE seq = 16", [])
        .unwrap();
    assert!(matches!(
        store.verify_chain(),
        Err(StoreError::ChainBroken { seq: 16, .. })
    ));
}

#[test]
fn a_kept_session_keeps_its_events_and_what_came_after() {
    let dir = tempfile::tempdir().unwrap();
    let mut original = store(&dir.path().join("original"));
    whole_life(&mut original, "oldest");
    whole_life(&mut original, "older");
    whole_life(&mut original, "newest");
    let mut records = original.events(&EventFilter::default()).unwrap();
    // One event a second: 1 to 15, 16 to 30, 31 to 45. The last of each gives the worktree back.
    for record in &mut records {
        record.at_ms = record.seq as i64 * 1_000;
    }
    let mut store = store(&dir.path().join("old"));
    store
        .write(|tx| {
            let mut each = records.iter();
            each.try_for_each(|record| tx.append_record(record))
        })
        .unwrap();
    for (events_ms, sessions_ms, through) in [
        (45_000, 45_000, 45),
        (45_000, 43_000, 45),
        (45_000, 42_999, 30),
        (45_000, 27_999, 15),
        (45_000, 0, 0),
        (30_000, 45_000, 30),
        (29_999, 45_000, 15),
        (20_000, 20_000, 15),
        (0, 45_000, 0),
    ] {
        let found = store.prunable(events_ms, sessions_ms).unwrap();
        assert_eq!(found, through, "{events_ms} {sessions_ms}");
    }
}

#[test]
fn an_illegal_step_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let session = whole_life(&mut store, "a");
    let before = (tables(&store), store.head_seq().unwrap());
    let illegal = [
        moved(SessionState::Completed, SessionState::Active),
        moved(SessionState::Active, SessionState::Paused),
        Event::JobDispatched {
            job_id: JobId::new(),
        },
    ];
    for event in illegal {
        assert!(append(&mut store, session, event).is_err());
    }
    let unscoped = store.write(|tx| tx.append(Actor::System, None, created("x")).map(drop));
    assert!(matches!(unscoped, Err(StoreError::InvalidEvent { .. })));
    assert_eq!(before, (tables(&store), store.head_seq().unwrap()));
    store.verify_chain().unwrap();
}

#[test]
fn newer_foreign_and_damaged_databases_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = store(dir.path());
    first
        .connection
        .pragma_update(None, "user_version", SCHEMA_VERSION + 1)
        .unwrap();
    drop(first);
    assert!(matches!(
        Store::open(dir.path()),
        Err(StoreError::Newer { .. })
    ));

    let foreign = tempfile::tempdir().unwrap();
    let other = connect(foreign.path().join(DATABASE), OpenFlags::default()).unwrap();
    other.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(other);
    assert!(matches!(
        Store::open(foreign.path()),
        Err(StoreError::Foreign)
    ));

    let damaged = tempfile::tempdir().unwrap();
    std::fs::write(damaged.path().join(DATABASE), vec![7u8; 8192]).unwrap();
    let error = Store::open(damaged.path()).unwrap_err();
    assert_eq!(error.code(), crate::model::code::Code::StoreDamaged);
}

#[test]
fn a_session_is_found_by_name_and_by_either_end_of_its_id() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let id = whole_life(&mut store, "docs");
    for text in ["docs", &id.short(), &id.short()[..4], &id.to_string()] {
        assert_eq!(store.sessions_matching(text).unwrap()[0].id, id, "{text}");
    }
    assert!(store.sessions_matching("doc").unwrap().is_empty());
    assert!(store.sessions_matching("").unwrap().is_empty());
}

#[test]
fn the_head_of_each_queue_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let session = SessionId::new();
    append(&mut store, session, created("a")).unwrap();
    let (first, second) = (JobId::new(), JobId::new());
    append(&mut store, session, queued(first)).unwrap();
    append(&mut store, session, queued(second)).unwrap();
    let head = |store: &Store| store.queue().unwrap()[0].job;
    assert_eq!(head(&store), first);
    append(&mut store, session, Event::JobDispatched { job_id: first }).unwrap();
    assert_eq!(store.jobs_in(JobState::Running).unwrap()[0].id, first);
    assert_eq!(head(&store), second);
}

#[test]
fn what_follows_a_task_that_lands_by_itself_waits_for_the_landing() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let (first, second) = (SessionId::new(), SessionId::new());
    let landing = |event| match event {
        Event::SessionCreated {
            plan_id,
            spec,
            branch,
            target,
            ..
        } => Event::SessionCreated {
            plan_id,
            spec,
            after: vec![],
            branch,
            target,
            auto_land: true,
        },
        other => other,
    };
    let following = match created("second") {
        Event::SessionCreated {
            plan_id,
            spec,
            branch,
            target,
            auto_land,
            ..
        } => Event::SessionCreated {
            plan_id,
            spec,
            after: vec![first],
            branch,
            target,
            auto_land,
        },
        other => other,
    };
    append(&mut store, first, landing(created("first"))).unwrap();
    append(&mut store, second, following).unwrap();
    append(&mut store, second, queued(JobId::new())).unwrap();
    let waits = |store: &Store| store.queue().unwrap()[0].waits_for.clone();

    assert_eq!(waits(&store).as_deref(), Some("first"));
    append(
        &mut store,
        first,
        moved(SessionState::Created, SessionState::Active),
    )
    .unwrap();
    append(
        &mut store,
        first,
        moved(SessionState::Active, SessionState::Completed),
    )
    .unwrap();
    assert_eq!(
        waits(&store).as_deref(),
        Some("first"),
        "completed, but not landed"
    );
    let commit: CommitId = "a".repeat(40).parse().unwrap();
    let landed = Event::Landed {
        target: "main".into(),
        from: commit.clone(),
        to: commit,
    };
    append(&mut store, first, landed).unwrap();
    assert_eq!(waits(&store), None);
}

#[test]
fn what_the_runner_asks_at_every_look_does_not_grow_with_the_records() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let sessions = |clause| format!("SELECT * FROM sessions {clause}");
    for (query, index) in [
        (
            sessions(query::OPEN),
            "SCAN sessions USING INDEX sessions_open",
        ),
        (
            sessions(query::FINISHED),
            "SCAN sessions USING INDEX sessions_open",
        ),
        (
            sessions(query::TO_LAND),
            "SCAN sessions USING INDEX sessions_to_land",
        ),
        (queue::QUEUE.to_owned(), "SCAN s USING INDEX sessions_open"),
    ] {
        let explain = format!("EXPLAIN QUERY PLAN {query}");
        let mut statement = store.connection.prepare(&explain).unwrap();
        let rows = statement.query_map([], |row| row.get(3)).unwrap();
        let plan: Vec<String> = rows.map(Result::unwrap).collect();
        assert_eq!(plan[0], index);
        let rest = &plan[1..];
        assert!(
            rest.iter()
                .all(|step| !step.starts_with("SCAN") && !step.contains("TEMP")),
            "{plan:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever sequence of moves is tried, legal ones are stored and illegal ones leave no trace.
    #[test]
    fn any_sequence_of_moves_keeps_log_and_tables_together(steps in prop::collection::vec((0usize..7, 0usize..7), 1..20)) {
        let dir = tempfile::tempdir().unwrap();
        let mut store = store(dir.path());
        let session = SessionId::new();
        append(&mut store, session, created("p")).unwrap();
        let mut state = SessionState::Created;
        for (from, to) in steps {
            let (from, to) = (SessionState::ALL[from], SessionState::ALL[to]);
            let legal = from == state && state.move_to(to).is_ok();
            prop_assert_eq!(append(&mut store, session, moved(from, to)).is_ok(), legal);
            if legal {
                state = to;
            }
            prop_assert_eq!(store.session(session).unwrap().unwrap().state, state);
        }
        store.verify_chain().unwrap();
    }
}
