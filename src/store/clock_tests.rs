//! Clocks that are set, by hours and by years: nothing waits for them, and nothing is lost by them.

use std::cell::Cell;

use proptest::prelude::*;

use super::tests::{append, assert_rebuilt_the_same, created, moved, queued, store, whole_life};
use super::*;
use crate::model::backend::Backend;
use crate::model::budget::Span;
use crate::model::event::Event;
use crate::model::ids::{ContentHash, JobId, ModelCallId, PlanId, SessionId};
use crate::model::price::MicroDollars;
use crate::model::run::{CallIntent, Reserved};
use crate::model::session::SessionState;

const HOUR: i64 = 3_600_000;
const YEAR: i64 = 365 * 24 * HOUR;
const NOW: i64 = 50 * YEAR;

thread_local! {
    static CLOCK: Cell<i64> = const { Cell::new(NOW) };
}

fn at(dir: &std::path::Path, now_ms: i64) -> Store {
    let mut store = store(dir);
    store.set_clock(|| CLOCK.get());
    CLOCK.set(now_ms);
    store
}

fn called(store: &mut Store, session: SessionId) {
    let call = CallIntent {
        job_id: JobId::new(),
        call_id: ModelCallId::new(),
        step: 1,
        provider: "p".to_owned(),
        model_id: "m".to_owned(),
        backend: Backend::Local,
        identity: None,
        request_hash: ContentHash::of(b"request"),
        key: None,
        reserved: Reserved {
            tokens: 7,
            cost: MicroDollars(0),
        },
        consent: None,
        frame: None,
    };
    let call = Box::new(call);
    append(store, session, Event::ModelCallStarted { call }).unwrap();
}

#[test]
fn what_is_to_come_holds_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = at(dir.path(), NOW + 10 * YEAR);
    let session = SessionId::new();
    append(&mut store, session, created("a")).unwrap();
    called(&mut store, session);
    CLOCK.set(NOW);
    called(&mut store, session);
    let calls = |store: &mut Store| {
        let recent = store.write(|tx| tx.recent_calls("p", NOW, HOUR, 10));
        recent.unwrap()
    };
    assert_eq!(calls(&mut store), [(NOW, 7)]);
    // The day has the calls of a clock that was a little ahead, and not those of one that was years ahead.
    CLOCK.set(NOW + HOUR);
    called(&mut store, session);
    let spent = store.spent(&Spending {
        span: Span::Day,
        session,
        plan: PlanId::new(),
        day_ms: NOW - HOUR,
    });
    assert_eq!(spent.unwrap().tokens, 14);
}

#[test]
fn a_wait_that_begins_in_the_future_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = at(dir.path(), NOW);
    let (session, job) = (SessionId::new(), JobId::new());
    append(&mut store, session, created("a")).unwrap();
    let Event::JobQueued { kind, command, .. } = queued(job) else {
        unreachable!()
    };
    let retry = Event::JobQueued {
        job_id: job,
        kind,
        position: 0,
        attempt: 2,
        command,
        not_before_ms: NOW + HOUR,
    };
    append(&mut store, session, retry).unwrap();
    let row = &store.queue().unwrap()[0];
    for (now_ms, early) in [
        (NOW, true),
        (NOW + HOUR - 1, true),
        (NOW + HOUR, false),
        (NOW + 10 * YEAR, false),
        (NOW - 1, false),
        (NOW - 10 * YEAR, false),
    ] {
        assert_eq!(row.is_early(now_ms), early, "{}", now_ms - NOW);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// The log goes on whatever the clock shows, its order is that of the events, and retention takes nothing that is at
    /// work.
    #[test]
    fn any_clock_leaves_the_log_whole(times in prop::collection::vec(any::<i64>(), 3..8), bound in any::<i64>()) {
        let dir = tempfile::tempdir().unwrap();
        let mut store = at(dir.path(), times[0]);
        let session = SessionId::new();
        append(&mut store, session, created("works")).unwrap();
        append(&mut store, session, moved(SessionState::Created, SessionState::Active)).unwrap();
        for time in times {
            CLOCK.set(time);
            whole_life(&mut store, "over");
        }
        store.verify_chain().unwrap();
        assert_rebuilt_the_same(&store);
        let first = store.session(session).unwrap().unwrap();
        prop_assert!(store.prunable(bound, bound).unwrap() < 1, "it is at work");
        prop_assert_eq!(store.open_sessions().unwrap()[0].id, first.id);
        let names: Vec<String> = store.sessions(i64::MIN).unwrap().into_iter().map(|row| row.name).collect();
        prop_assert_eq!(names.last().map(String::as_str), Some("works"));
        store.recent_starts("g", bound, HOUR, 10).unwrap();
    }
}
