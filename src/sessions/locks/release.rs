//! Giving locks back.

use super::error::LockError;
use crate::model::event::{Actor, Event};
use crate::model::ids::SessionId;
use crate::model::job::JobState;
use crate::model::lock::{LockToken, Party};
use crate::store::{SessionRow, StoreError, Tx};

/// What a session holds goes: its own lock to nobody, what was passed to it back to who had it before. Where that one had been
/// passed some of it in turn, all of it is that one's again.
///
/// # Errors
/// The store's refusal.
pub fn release_all(
    tx: &mut Tx<'_>,
    actor: Actor,
    session: SessionId,
    reason: &str,
) -> Result<(), StoreError> {
    let own = Party::session(session);
    let mut passed = tx.held_by(session)?;
    passed.retain(|lock| lock.owner != own);
    // First, since what goes back to its owner may overlap with it.
    if let Some(lock) = tx.lock_of(session)? {
        release_token(tx, actor, Some(session), lock.token, reason)?;
    }
    // Of those that went on from one another, the last one was granted its own after it had been passed what the others had.
    let Some(before) = passed.iter().max_by_key(|lock| lock.token) else {
        return Ok(());
    };
    for lock in &passed {
        let (token, to) = (lock.token, before.owner.clone());
        let passed = Event::LockPassed { token, to };
        tx.append(actor, lock.owner.session_id(), passed)?;
    }
    Ok(())
}

/// Releases one lock of `owner`.
///
/// # Errors
/// The store's refusal, also when nobody holds it.
pub fn release_token(
    tx: &mut Tx<'_>,
    actor: Actor,
    owner: Option<SessionId>,
    token: LockToken,
    reason: &str,
) -> Result<(), StoreError> {
    let reason = reason.to_owned();
    tx.append(actor, owner, Event::LockReleased { token, reason })?;
    Ok(())
}

/// A person takes a session's lock away from it. It can ask for it again.
///
/// # Errors
/// It holds none, or a command of it runs.
pub fn give_up(tx: &mut Tx<'_>, session: &SessionRow, reason: &str) -> Result<(), LockError> {
    let held = tx.lock_of(session.id)?;
    if held.is_none() {
        return Err(LockError::NotHeld(session.name.clone()));
    }
    refuse_at_work(tx, session)?;
    Ok(release_all(tx, Actor::Human, session.id, reason)?)
}

/// A session of which a command runs keeps its files.
pub(super) fn refuse_at_work(tx: &Tx<'_>, session: &SessionRow) -> Result<(), LockError> {
    match command_runs(tx, session.id)? {
        true => Err(LockError::AtWork(session.name.clone())),
        false => Ok(()),
    }
}

pub(super) fn command_runs(tx: &Tx<'_>, session: SessionId) -> Result<bool, StoreError> {
    let jobs = tx.jobs_of(session)?;
    Ok(jobs.iter().any(|job| job.state == JobState::Running))
}
