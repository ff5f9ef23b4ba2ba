//! What is said to a session's model, and what becomes of the session when its model stops.

use super::control::{ControlError, move_session, take_out, waits};
use super::locks::lease_of_pause;
use crate::cas::{Cas, CasError};
use crate::model::event::{Actor, Event};
use crate::model::ids::{ContentHash, JobId, MessageId, SessionId};
use crate::model::job::{JobKind, JobState};
use crate::model::lock::Lease;
use crate::model::redact::Redactor;
use crate::model::run::{Stop, Verdict};
use crate::model::session::SessionState;
use crate::model::thread::{MessageRecord, MessageRole};
use crate::model::work::{Choice, ModelWork, Work};
use crate::store::{JobRow, SessionRow, Store, StoreError, Tx};

/// Stores what a person says, without secrets.
///
/// # Errors
/// When the artifact store cannot take it.
pub fn said_by_person(
    cas: &Cas,
    text: &str,
    attachments: Vec<ContentHash>,
    redactor: &Redactor,
) -> Result<MessageRecord, CasError> {
    let clean = redactor.redact_text(text);
    let stored = cas.put_bytes(clean.as_bytes())?;
    Ok(MessageRecord {
        message_id: MessageId::new(),
        role: MessageRole::User,
        content_hash: stored.hash,
        size: stored.size,
        token_count: None,
        redacted: clean != text,
        redacted_calls: Vec::new(),
        incomplete: false,
        tool_call_id: None,
        attachments,
        source: None,
        answers: None,
    })
}

/// Says it in the session's thread, and queues a job that answers it. A session that waited goes on.
///
/// # Errors
/// [`ControlError::State`] when its work is over or it has no model.
pub fn send(
    store: &mut Store,
    session: &SessionRow,
    message: MessageRecord,
) -> Result<JobId, ControlError> {
    store.write(|tx| {
        let row = tx.session(session.id)?;
        let row = row.as_ref().unwrap_or(session);
        let Work::Model(work) = row.spec()?.run else {
            return Err(refused(row, "only a session with a model can be talked to"));
        };
        // One that was paused with work left goes on when a person says so; where they took its thread back, this is it.
        let waits = row.state == SessionState::Paused
            && (tx.next_queued(row.id)?.is_none() || tx.is_taken_back(row.id)?);
        let message = Box::new(message);
        let said = Event::SessionMessage { message };
        tx.append(Actor::Human, Some(row.id), said)?;
        let Some(job) = queue(tx, Actor::Human, row.id, &work)? else {
            return Err(refused(
                row,
                "only a session that is still at work takes more messages",
            ));
        };
        if waits {
            let (from, to) = (row.state, SessionState::Active);
            move_session(tx, Actor::Human, row.id, from, to, "told more")?;
            lease_of_pause(tx, row.id, None)?;
        }
        Ok(job)
    })
}

/// Nothing more is said: what its model was still to do is taken out, and its work is taken in.
///
/// # Errors
/// [`ControlError::State`] when it is at work, over, or has no model.
pub fn finish(store: &mut Store, session: &SessionRow) -> Result<(), ControlError> {
    store.write(|tx| {
        let row = tx.session(session.id)?;
        let row = row.as_ref().unwrap_or(session);
        let jobs = tx.jobs_of(row.id)?;
        let mut stopped = true;
        // One that was paused a moment ago may still be in the middle of a call.
        for job in jobs.iter().filter(|job| job.state == JobState::Running) {
            stopped &= tx.stop_of(row.id, job.id)?.is_some();
        }
        let waits_for_words = stopped
            && matches!(row.state, SessionState::Paused | SessionState::Blocked)
            && row.spec()?.run.model().is_some()
            && row.has_worktree();
        if !waits_for_words {
            return Err(ControlError::State {
                name: row.name.clone(),
                state: row.state,
                wanted: "only a session whose model waits can be ended so",
            });
        }
        for job in jobs.iter().filter(|job| waits(job)) {
            take_out(tx, Actor::Human, job, "its person said that it is done")?;
        }
        let (from, to) = (row.state, SessionState::Active);
        let why = "its person said that it is done";
        move_session(tx, Actor::Human, row.id, from, to, why)?;
        Ok(lease_of_pause(tx, row.id, None)?)
    })
}

/// Gives a session another model: what waits in its queue is asked of that one.
///
/// # Errors
/// [`ControlError::State`] when its work is over or it has no model.
pub fn swap(store: &mut Store, session: &SessionRow, choice: Choice) -> Result<(), ControlError> {
    store.write(|tx| {
        let row = tx.session(session.id)?;
        let row = row.as_ref().unwrap_or(session);
        let Work::Model(work) = row.spec()?.run else {
            let wanted = "only a session with a model can get another one";
            return Err(refused(row, wanted));
        };
        if row.state.is_terminal() {
            return Err(refused(
                row,
                "only a session that is still at work gets another model",
            ));
        }
        let event = Event::ModelChosen { choice };
        tx.append(Actor::Human, Some(row.id), event)?;
        let waits = |job: &&JobRow| job.kind == JobKind::ModelRun && job.state == JobState::Queued;
        let jobs = tx.jobs_of(row.id)?;
        for job in jobs.iter().filter(waits) {
            // First: without anything in its queue a session at work counts as done.
            queue(tx, Actor::Human, row.id, &work)?;
            take_out(tx, Actor::Human, job, "another model does it")?;
        }
        Ok(())
    })
}

fn refused(row: &SessionRow, wanted: &'static str) -> ControlError {
    ControlError::State {
        name: row.name.clone(),
        state: row.state,
        wanted,
    }
}

/// Records why a session's model stopped, and what becomes of the session by it. One that is to go on later has the job for that in its queue already,
/// so that going on is the same for it as for every other session.
///
/// # Errors
/// Those of the database.
pub fn stopped(
    tx: &mut Tx<'_>,
    (session, job_id): (SessionId, JobId),
    work: &ModelWork,
    stop: &Stop,
    lease: Option<Lease>,
) -> Result<(), StoreError> {
    let event = Event::ModelStopped {
        job_id,
        stop: stop.clone(),
    };
    tx.append(Actor::System, Some(session), event)?;
    let to = match stop.verdict() {
        Verdict::Done if work.persistent => SessionState::Paused,
        Verdict::Done | Verdict::Fail | Verdict::Cancel => return Ok(()),
        Verdict::GoOn => return queue(tx, Actor::System, session, work).map(drop),
        Verdict::Block => SessionState::Blocked,
        Verdict::Pause => SessionState::Paused,
    };
    let Some(row) = tx.session(session)? else {
        return Ok(());
    };
    if row.state.is_terminal() {
        return Ok(());
    }
    // A person held it and let it go on before it had stopped.
    let stop_holds = *stop != Stop::Held || row.state != SessionState::Active;
    // Somebody spoke in the last moment, and the job that answers is queued already.
    let waits = tx.next_queued(session)?.is_some();
    if stop.verdict() != Verdict::Done && !waits {
        queue(tx, Actor::System, session, work)?;
    }
    if !stop_holds
        || row.state != SessionState::Active
        || (stop.verdict() == Verdict::Done && waits)
    {
        return Ok(());
    }
    let reason = match stop {
        Stop::Finished => "it answered, and waits for a message".to_owned(),
        other => format!("its model {}", other.describe()),
    };
    move_session(tx, Actor::System, session, row.state, to, &reason)?;
    if to == SessionState::Paused {
        lease_of_pause(tx, session, lease)?;
    }
    Ok(())
}

pub(super) fn queue(
    tx: &mut Tx<'_>,
    actor: Actor,
    session: SessionId,
    work: &ModelWork,
) -> Result<Option<JobId>, StoreError> {
    let Some(position) = tx.further_position(session)? else {
        return Ok(None);
    };
    let mut work = work.clone();
    if let Some(choice) = tx.choice_of(session)? {
        work.model = choice.model;
    }
    let job_id = JobId::new();
    let event = Event::JobQueued {
        job_id,
        kind: JobKind::ModelRun,
        position,
        attempt: 1,
        command: Work::Model(Box::new(work)),
        not_before_ms: 0,
    };
    tx.append(actor, Some(session), event)?;
    Ok(Some(job_id))
}
