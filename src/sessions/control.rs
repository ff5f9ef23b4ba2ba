//! A person's word about one session.

use std::collections::BTreeMap;

use super::locks::{LockError, lease_of_pause, release_all};
use super::restore::Unfit;
use crate::model::code::Code;
use crate::model::event::{Actor, Event};
use crate::model::ids::{JobId, SessionId};
use crate::model::job::{JobKind, JobState, Outcome};
use crate::model::lock::Lease;
use crate::model::session::SessionState;
use crate::store::{JobRow, SessionRow, Store, StoreError, Tx};

/// Why a session cannot be changed so.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The database's refusal.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its lock cannot be changed.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Its files and its thread are not to be put back now.
    #[error("{name} is not put back: {}", why.describe())]
    Unfit {
        /// The task's name.
        name: String,
        /// Why.
        why: Unfit,
    },
    /// Its state does not allow it.
    #[error("{name} is {}; {wanted}", state.name())]
    State {
        /// The task's name.
        name: String,
        /// Where it stands.
        state: SessionState,
        /// What the operation needs.
        wanted: &'static str,
    },
}

impl ControlError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::Lock(error) => error.code(),
            Self::Unfit { .. } => Code::RestoreRefused,
            Self::State { .. } => Code::SessionState,
        }
    }
}

/// Appends the move of a session to another state. What failed or was cancelled holds no files.
pub fn move_session(
    tx: &mut Tx<'_>,
    actor: Actor,
    session: SessionId,
    from: SessionState,
    to: SessionState,
    reason: &str,
) -> Result<(), StoreError> {
    let event = Event::SessionMoved {
        from,
        to,
        reason: reason.to_owned(),
    };
    tx.append(actor, Some(session), event)?;
    match to {
        SessionState::Failed | SessionState::Cancelled => release_all(tx, actor, session, reason),
        _ => Ok(()),
    }
}

/// Queues a command once more, as its next attempt. What goes on with its own work takes the place of what began it.
pub fn queue_attempt(
    tx: &mut Tx<'_>,
    actor: Actor,
    job: &JobRow,
    not_before_ms: i64,
) -> Result<(), StoreError> {
    let mut next = job.clone();
    let begun =
        job.started_ms.is_some() && !matches!(job.outcome, Some(Outcome::NotStarted { .. }));
    if let Some(row) = tx.session(job.session_id)?.filter(|_| begun) {
        let task = row.spec()?;
        if let (true, Some(again)) = (job.command == task.run, task.run_again) {
            next.command = again.into();
        }
    }
    queue_again(tx, actor, &next, job.attempt + 1, not_before_ms)
}

/// Queues the same command, as the attempt of this number.
pub fn queue_again(
    tx: &mut Tx<'_>,
    actor: Actor,
    job: &JobRow,
    attempt: u32,
    not_before_ms: i64,
) -> Result<(), StoreError> {
    let event = Event::JobQueued {
        job_id: JobId::new(),
        kind: job.kind,
        position: job.position,
        attempt,
        command: job.command.clone(),
        not_before_ms,
    };
    tx.append(actor, Some(job.session_id), event).map(drop)
}

/// Nothing more of the session is dispatched. A command that runs now runs to its end. It keeps its
/// files for as long as the lease says.
pub fn pause(
    store: &mut Store,
    session: &SessionRow,
    lease: Option<Lease>,
) -> Result<(), ControlError> {
    change(store, session, |tx, session| {
        if session.state.is_terminal() || session.state == SessionState::Paused {
            let wanted = "only a session that is still at work can be paused";
            return Err(refused(session, wanted));
        }
        let to = SessionState::Paused;
        told(tx, session, to, "paused by the operator")?;
        Ok(lease_of_pause(tx, session.id, lease)?)
    })
}

/// A paused or blocked session goes on where it was.
pub fn resume(store: &mut Store, session: &SessionRow) -> Result<(), ControlError> {
    change(store, session, |tx, session| {
        if !matches!(session.state, SessionState::Paused | SessionState::Blocked) {
            let wanted = "only a paused or blocked session can be resumed";
            return Err(refused(session, wanted));
        }
        let jobs = tx.jobs_of(session.id)?;
        // A paused session whose last command ended meanwhile has its work still to be taken in.
        let landing = session.landing_code.is_some();
        if session.state == SessionState::Blocked && landing && !jobs.iter().any(waits) {
            let wanted = "nothing is left to run; settle what blocks it, then land it";
            return Err(refused(session, wanted));
        }
        let begun = session.is_adopted() || jobs.iter().any(|job| job.started_ms.is_some());
        let to = if begun {
            SessionState::Active
        } else {
            SessionState::Created
        };
        told(tx, session, to, "resumed by the operator")?;
        lease_of_pause(tx, session.id, None)?;
        for job in lost_jobs(&jobs) {
            let reason = "run again after its supervisor vanished";
            take_out(tx, Actor::Human, job, reason)?;
            queue_attempt(tx, Actor::Human, job, 0)?;
        }
        Ok(())
    })
}

/// Ends the session: what is queued is taken out, what runs is killed by the runner. Its worktree
/// and branch stay.
pub fn cancel(
    store: &mut Store,
    session: &SessionRow,
    actor: Actor,
    reason: &str,
) -> Result<(), ControlError> {
    change(store, session, |tx, session| {
        if session.state.is_terminal() {
            return Err(refused(session, "its work is over already"));
        }
        Ok(end(tx, session, actor, reason)?)
    })
}

/// Ends all of these whose work is not over yet, in one transaction. Which ones it ended.
pub fn cancel_all(
    store: &mut Store,
    sessions: &[SessionId],
    actor: Actor,
    reason: &str,
) -> Result<Vec<SessionId>, StoreError> {
    store.write(|tx| {
        let mut ended = Vec::new();
        for id in sessions {
            match tx.session(*id)? {
                Some(session) if !session.state.is_terminal() => {
                    end(tx, &session, actor, reason)?;
                    ended.push(*id);
                }
                _ => {}
            }
        }
        Ok(ended)
    })
}

/// Moves the session to `CANCELLED`, and takes out what nothing runs.
pub(super) fn end(
    tx: &mut Tx<'_>,
    session: &SessionRow,
    actor: Actor,
    reason: &str,
) -> Result<(), StoreError> {
    let (from, to) = (session.state, SessionState::Cancelled);
    move_session(tx, actor, session.id, from, to, reason)?;
    for job in tx.jobs_of(session.id)?.iter().filter(|job| waits(job)) {
        take_out(tx, actor, job, reason)?;
    }
    Ok(())
}

/// A failed or cancelled session starts again from the first job that did not complete, in the
/// worktree it had.
pub fn retry(store: &mut Store, session: &SessionRow) -> Result<(), ControlError> {
    change(store, session, |tx, session| {
        if !matches!(
            session.state,
            SessionState::Failed | SessionState::Cancelled
        ) {
            let wanted = "only a failed or cancelled session can be retried";
            return Err(refused(session, wanted));
        }
        if session.released {
            let wanted = "its worktree was given back, so submit the task anew";
            return Err(refused(session, wanted));
        }
        let jobs = tx.jobs_of(session.id)?;
        if jobs.iter().any(|job| job.state == JobState::Running) {
            let wanted = "its command is still being ended; try again in a moment";
            return Err(refused(session, wanted));
        }
        let to = SessionState::Created;
        told(tx, session, to, "retried by the operator")?;
        let again = unfinished(&jobs);
        for job in lost_jobs(&jobs) {
            take_out(tx, Actor::Human, job, "a new attempt takes its place")?;
        }
        for job in &again {
            queue_attempt(tx, Actor::Human, job, 0)?;
        }
        if again.is_empty() && session.has_worktree() {
            // Every command had succeeded: only its work is still to be taken in.
            let (id, from, to) = (session.id, SessionState::Created, SessionState::Active);
            move_session(tx, Actor::Human, id, from, to, "its work is taken in")?;
        }
        Ok(())
    })
}

/// Decides on the session as it is now: the row that the caller has may be older.
fn change(
    store: &mut Store,
    known: &SessionRow,
    work: impl FnOnce(&mut Tx<'_>, &SessionRow) -> Result<(), ControlError>,
) -> Result<(), ControlError> {
    store.write(|tx| {
        let now = tx.session(known.id)?;
        work(tx, now.as_ref().unwrap_or(known))
    })
}

fn told(
    tx: &mut Tx<'_>,
    session: &SessionRow,
    to: SessionState,
    reason: &str,
) -> Result<(), StoreError> {
    move_session(tx, Actor::Human, session.id, session.state, to, reason)
}

/// Takes a job out of the queue.
pub fn take_out(
    tx: &mut Tx<'_>,
    actor: Actor,
    job: &JobRow,
    reason: &str,
) -> Result<(), StoreError> {
    let event = Event::JobCancelled {
        job_id: job.id,
        reason: reason.to_owned(),
    };
    tx.append(actor, Some(job.session_id), event).map(drop)
}

pub(super) fn waits(job: &JobRow) -> bool {
    matches!(job.state, JobState::Queued | JobState::Stalled)
}

fn lost_jobs(jobs: &[JobRow]) -> Vec<&JobRow> {
    jobs.iter()
        .filter(|job| job.state == JobState::Stalled)
        .collect()
}

/// The last attempt at each position that did not complete. Gates are a landing's, which begins
/// anew.
fn unfinished(jobs: &[JobRow]) -> Vec<&JobRow> {
    let own = jobs.iter().filter(|job| job.kind != JobKind::Gate);
    // Rows come in the order of their queueing, so that the last one stays.
    let last: BTreeMap<u32, &JobRow> = own.map(|job| (job.position, job)).collect();
    let mut last: Vec<&JobRow> = last.into_values().collect();
    last.retain(|job| job.state != JobState::Completed);
    last
}

fn refused(session: &SessionRow, wanted: &'static str) -> ControlError {
    ControlError::State {
        name: session.name.clone(),
        state: session.state,
        wanted,
    }
}
