use std::collections::HashMap;

use super::*;
use crate::model::event::{Actor, Event};
use crate::model::ids::{JobId, SessionId};
use crate::model::job::{JobKind, JobState, Outcome};
use crate::model::session::SessionState;
use crate::model::task::{Command, TaskSpec};
use crate::store::Store;

fn task(name: &str, after: &[&str]) -> TaskSpec {
    TaskSpec {
        after: after.iter().map(|name| name.parse().unwrap()).collect(),
        ..TaskSpec::sample(name, "true")
    }
}

fn submission() -> Submission {
    Submission {
        target: "main".into(),
        auto_land: false,
        repeat: 1,
        after: vec![],
        prompts: std::collections::HashMap::new(),
        agreements: std::collections::HashMap::new(),
        chosen: std::collections::HashMap::new(),
    }
}

/// Between its last job and its completion a session's work is taken in: what came then would
/// never run.
#[test]
fn nothing_is_added_while_the_work_is_taken_in() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let (_, ids) = submit(&mut store, &[task("t", &[])], &submission()).unwrap();
    let job_id = store.jobs_of(ids[0]).unwrap()[0].id;
    let append = |store: &mut Store, event| {
        let done = store.write(|tx| tx.append(Actor::System, Some(ids[0]), event).map(drop));
        done.unwrap();
    };
    let row = |store: &Store| store.session(ids[0]).unwrap().unwrap();
    let more = || Command::Shell("more".into());
    store
        .write(|tx| {
            let (from, to) = (SessionState::Created, SessionState::Active);
            move_session(tx, Actor::System, ids[0], from, to, "at work")
        })
        .unwrap();
    append(&mut store, Event::JobDispatched { job_id });
    let session = row(&store);
    let second = add(&mut store, &session, more()).unwrap();
    let ended = |job_id| Event::CommandExecuted {
        job_id,
        outcome: Outcome::Exited { code: 0 },
        duration_ms: 1,
        output: None,
    };
    append(&mut store, ended(job_id));
    append(&mut store, Event::JobDispatched { job_id: second });
    append(&mut store, ended(second));
    let error = add(&mut store, &session, more()).unwrap_err();
    assert!(matches!(error, ControlError::State { .. }), "{error}");
    let positions: Vec<u32> = store
        .jobs_of(ids[0])
        .unwrap()
        .iter()
        .map(|job| job.position)
        .collect();
    assert_eq!(positions, [0, 1]);
}

#[test]
fn everything_after_what_did_not_succeed_is_cancelled_in_one_step() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let tasks = [
        task("failed", &[]),
        task("second", &["failed"]),
        task("third", &["second"]),
        task("both", &["second", "third"]),
        task("apart", &[]),
    ];
    let (_, ids) = submit(&mut store, &tasks, &submission()).unwrap();
    let both = store.session(ids[3]).unwrap().unwrap();
    pause(&mut store, &both, None).unwrap();
    cancel_doomed(&mut store, vec![(ids[1], "failed".to_owned())]).unwrap();
    let now: Vec<(SessionState, String)> = ids
        .iter()
        .map(|id| store.session(*id).unwrap().unwrap())
        .map(|row| (row.state, row.reason))
        .collect();
    let states: Vec<SessionState> = now.iter().map(|(state, _)| *state).collect();
    use SessionState::*;
    assert_eq!(states, [Created, Cancelled, Cancelled, Paused, Created]);
    assert_eq!(now[2].1, "comes after second, which did not succeed");
    assert!(
        store
            .queue()
            .unwrap()
            .iter()
            .all(|row| row.session == ids[0] || row.session == ids[4])
    );
}

/// Cancelled while its work was taken in, or blocked because that failed: every command had
/// succeeded, and there is still a way on.
#[test]
fn a_session_with_nothing_left_to_run_can_be_brought_on() {
    use SessionState::{Active, Blocked, Cancelled, Created};
    for ended_as in [Cancelled, Blocked] {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        let (_, ids) = submit(&mut store, &[task("t", &[])], &submission()).unwrap();
        let id = ids[0];
        let job_id = store.jobs_of(id).unwrap()[0].id;
        let moved = |from, to| Event::SessionMoved {
            from,
            to,
            reason: "test".into(),
        };
        for event in [
            moved(Created, Active),
            Event::WorkspaceReady {
                path: "/w".into(),
                git_dir: "/g".into(),
                base: "a".repeat(40).parse().unwrap(),
                method: "checkout".into(),
                took_ms: 1,
            },
            Event::JobDispatched { job_id },
            Event::CommandExecuted {
                job_id,
                outcome: Outcome::Exited { code: 0 },
                duration_ms: 1,
                output: None,
            },
            moved(Active, ended_as),
        ] {
            store
                .write(|tx| tx.append(Actor::System, Some(id), event).map(drop))
                .unwrap();
        }
        let session = store.session(id).unwrap().unwrap();
        match ended_as {
            Cancelled => retry(&mut store, &session).unwrap(),
            _ => resume(&mut store, &session).unwrap(),
        }
        let found = store.finished_but_active().unwrap();
        assert_eq!(found.len(), 1, "{ended_as:?}");
        assert_eq!(found[0].id, id);
    }
}

fn log(store: &mut Store, session: SessionId, events: impl IntoIterator<Item = Event>) {
    for event in events {
        let done = store.write(|tx| tx.append(Actor::System, Some(session), event).map(drop));
        done.unwrap();
    }
}

fn moved(from: SessionState, to: SessionState) -> Event {
    Event::SessionMoved {
        from,
        to,
        reason: "test".into(),
    }
}

/// A job that never began is queued again under the same number; and gates are a landing's.
#[test]
fn a_retry_runs_the_last_of_each_position_and_no_gate() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let (_, ids) = submit(&mut store, &[task("t", &[])], &submission()).unwrap();
    let id = ids[0];
    let first = store.jobs_of(id).unwrap()[0].clone();
    let gate = JobId::new();
    let lost = |job_id| Event::CommandExecuted {
        job_id,
        outcome: Outcome::LOST,
        duration_ms: 0,
        output: None,
    };
    let queued = Event::JobQueued {
        job_id: gate,
        kind: JobKind::Gate,
        position: 1_000_000,
        attempt: 1,
        command: Command::Shell("gate".into()).into(),
        not_before_ms: 0,
    };
    let dispatched = |job_id| Event::JobDispatched { job_id };
    let begun = [
        moved(SessionState::Created, SessionState::Active),
        dispatched(first.id),
        lost(first.id),
    ];
    log(&mut store, id, begun);
    let again = |tx: &mut crate::store::Tx<'_>| {
        take_out(tx, Actor::System, &first, "test")?;
        queue_again(tx, Actor::System, &first, first.attempt, 0)
    };
    store.write(again).unwrap();
    let rest = [queued, dispatched(gate), lost(gate)];
    log(&mut store, id, rest);
    let session = store.session(id).unwrap().unwrap();
    cancel(&mut store, &session, Actor::Human, "test").unwrap();
    retry(&mut store, &session).unwrap();
    let jobs = store.jobs_of(id).unwrap();
    let queued: Vec<_> = jobs
        .iter()
        .filter(|job| job.state == JobState::Queued)
        .map(|job| (job.position, job.attempt, job.kind))
        .collect();
    assert_eq!(queued, [(0, 2, JobKind::Command)]);
}

#[test]
fn a_submission_rests_when_no_runner_can_bring_it_on() {
    use SessionState::{Active, Blocked, Completed, Created, Paused};
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let tasks = [
        task("first", &[]),
        task("second", &["first"]),
        task("third", &["second"]),
        task("lands", &[]),
    ];
    let auto = Submission {
        auto_land: true,
        ..submission()
    };
    let (plan, ids) = submit(&mut store, &tasks, &auto).unwrap();
    let rests = |store: &Store| is_at_rest(store, plan, &HashMap::new()).unwrap();
    assert!(!rests(&store));
    log(&mut store, ids[0], [moved(Created, Active)]);
    log(&mut store, ids[0], [moved(Active, Blocked)]);
    let path = [moved(Created, Active), moved(Active, Completed)];
    log(&mut store, ids[3], path);
    assert!(!rests(&store), "it is to land");
    let refused = Event::LandingRefused {
        code: "CX-TY-000".into(),
        reason: "test".into(),
    };
    log(&mut store, ids[3], [refused]);
    assert!(rests(&store), "what follows a blocked one waits with it");
    log(&mut store, ids[1], [moved(Created, Paused)]);
    assert!(rests(&store));
    log(&mut store, ids[0], [moved(Blocked, Active)]);
    assert!(!rests(&store));
}

#[test]
fn a_plan_may_name_a_task_before_those_it_comes_after() {
    use SessionState::{Active, Blocked, Created};
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let tasks = [task("a", &["b"]), task("b", &["c"]), task("c", &[])];
    let (plan, ids) = submit(&mut store, &tasks, &submission()).unwrap();
    log(&mut store, ids[2], [moved(Created, Active)]);
    assert!(!is_at_rest(&store, plan, &HashMap::new()).unwrap());
    log(&mut store, ids[2], [moved(Active, Blocked)]);
    assert!(is_at_rest(&store, plan, &HashMap::new()).unwrap());
}
