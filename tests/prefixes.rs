//! A real ledger, cut behind each of its events: what is left is a state that recovery settles and that goes on.
//!
//! The ledger is the sample of the newest version's database: a model with tools that landed, and commands of each end.

use std::collections::HashMap;
use std::path::Path;

use treeyard::model::event::{Actor, Event};
use treeyard::model::job::JobState;
use treeyard::model::session::SessionState;
use treeyard::model::thread::{MessageRole, Next, Said, Spoken, Thread};
use treeyard::sessions::{cancel, resume};
use treeyard::store::{DATABASE, EventFilter, SCHEMA_VERSION, SessionRow, Store};

use crate::yard::{Yard, text};

const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_moves.sql"),
    include_str!("../migrations/0003_locks.sql"),
    include_str!("../migrations/0004_models.sql"),
    include_str!("../migrations/0005_status.sql"),
    include_str!("../migrations/0006_consents.sql"),
    include_str!("../migrations/0007_checkpoints.sql"),
    include_str!("../migrations/0008_recovery.sql"),
];
const LEDGER: &str = include_str!("../migrations/samples/0008.sql");
const ARTIFACTS: &str = include_str!("../migrations/samples/0008.artifacts.json");

/// So many are cut at once, each in a repository of its own.
const AT_ONCE: usize = 4;

fn ledger(folder: &Path) -> Store {
    assert_eq!(
        MIGRATIONS.len() as i64,
        SCHEMA_VERSION,
        "the newest version has a sample"
    );
    let connection = rusqlite::Connection::open(folder.join(DATABASE)).unwrap();
    for migration in MIGRATIONS.iter().chain([&LEDGER]) {
        connection.execute_batch(migration).unwrap();
    }
    connection
        .pragma_update(None, "application_id", 0x5459_5244)
        .unwrap();
    connection
        .pragma_update(None, "user_version", SCHEMA_VERSION)
        .unwrap();
    drop(connection);
    Store::open(folder).unwrap()
}

/// What the thread of a session comes to next, which follows from what was said in it alone.
fn next_fits(store: &Store, session: &SessionRow, artifacts: &HashMap<String, String>) {
    let mut thread = Thread::default();
    for row in store.messages(session.id, 0).unwrap() {
        let bytes = artifacts[row.record.content_hash.as_str()].as_bytes();
        let said = Said::read(row.record.role, bytes).unwrap();
        let role = row.record.role;
        let calls = said.calls(row.record.message_id).count();
        thread.push(Spoken {
            record: row.record,
            said,
            images: vec![],
        });
        let next = thread.next();
        let fits = match role {
            MessageRole::System | MessageRole::User | MessageRole::ToolResult => {
                matches!(next, Next::Ask)
            }
            MessageRole::Assistant if calls == 0 => matches!(next, Next::Rest),
            MessageRole::Assistant => matches!(&next, Next::Act(pending) if !pending.begun),
            MessageRole::ToolCall => matches!(&next, Next::Act(pending) if pending.begun),
        };
        assert!(fits, "{next:?} after {role:?}");
    }
}

/// Whether anything leads on from where it stands: the queue, the taking in of its work, or a person's word.
fn goes_on(store: &mut Store, session: &SessionRow) -> bool {
    let queued = store
        .queue()
        .unwrap()
        .iter()
        .any(|row| row.session == session.id);
    let finished = store
        .finished_but_active()
        .unwrap()
        .iter()
        .any(|row| row.id == session.id);
    match session.state {
        SessionState::Completed | SessionState::Failed | SessionState::Cancelled => true,
        SessionState::Created | SessionState::Active if queued || finished => true,
        SessionState::Paused | SessionState::Blocked => {
            resume(store, session).is_ok() || session.landing_code.is_some()
        }
        // Cut before its first job was queued, which is one transaction.
        _ => cancel(store, session, Actor::Human, "cut").is_ok(),
    }
}

fn cut(whole: &Store, through: u64, artifacts: &HashMap<String, String>) {
    let yard = Yard::new();
    let state = yard.repo().join(".git/treeyard");
    drop(whole.copy_through(&state, through).unwrap());
    let done = yard.treeyard(&["recover", "--json"]);
    let told = text(&done.stdout) + &text(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "cut behind {through}: {told}");
    let mut store = Store::open(&state).unwrap();
    let report = store.verify_chain().unwrap();
    assert!(report.events >= through);
    store.verify_tables().unwrap();
    assert!(
        store.jobs_in(JobState::Running).unwrap().is_empty(),
        "cut behind {through}"
    );
    let again: serde_json::Value = yard.json(&["recover", "--plan"]);
    // What has no worktree yet gets one when its turn comes, and a checkout that is behind stays until it can follow.
    let mut steps = again["steps"].as_array().unwrap().iter();
    assert!(
        steps.all(|step| step["action"] == "reconciled"),
        "cut behind {through}: {again}"
    );
    for session in store.sessions(i64::MIN).unwrap() {
        next_fits(&store, &session, artifacts);
        let (name, state) = (&session.name, session.state);
        assert!(
            goes_on(&mut store, &session),
            "cut behind {through}: {name} is stuck in {state:?}"
        );
    }
    store.verify_tables().unwrap();
}

#[test]
fn a_ledger_that_is_cut_anywhere_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let whole = ledger(folder.path());
    let events = whole.events(&EventFilter::default()).unwrap();
    let has = |wanted: fn(&Event) -> bool| events.iter().any(|record| wanted(&record.event));
    assert!(has(|event| matches!(event, Event::Landed { .. })));
    assert!(has(|event| matches!(event, Event::CheckpointTaken { .. })));
    assert!(has(|event| matches!(event, Event::ToolCalled { .. })));
    let artifacts: HashMap<String, String> = serde_json::from_str(ARTIFACTS).unwrap();
    drop(whole);
    std::thread::scope(|scope| {
        for part in 0..AT_ONCE {
            let (folder, artifacts) = (folder.path(), &artifacts);
            scope.spawn(move || {
                let whole = Store::open(folder).unwrap();
                let last = whole.head_seq().unwrap() as usize;
                for through in (0..=last).skip(part).step_by(AT_ONCE) {
                    cut(&whole, through as u64, artifacts);
                }
            });
        }
    });
}
