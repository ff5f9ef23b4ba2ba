//! Handing a lock over by a person's word.

use super::error::LockError;
use super::release::{refuse_at_work, release_all};
use super::request::{Answer, Request, request};
use crate::model::event::Actor;
use crate::model::lock::{LockTable, LockToken, Moment, Party};
use crate::store::{SessionRow, Tx};

/// The files that `from` holds become those of `to`, besides what it has or asks for.
///
/// # Errors
/// `from` holds nothing or is at work, the work of `to` is over, or somebody else holds what it
/// asks for.
pub fn transfer(
    tx: &mut Tx<'_>,
    table: &mut LockTable,
    now: &Moment,
    from: &SessionRow,
    to: &SessionRow,
) -> Result<LockToken, LockError> {
    let Some(given) = tx.lock_of(from.id)? else {
        return Err(LockError::NotHeld(from.name.clone()));
    };
    refuse_at_work(tx, from)?;
    let own = tx.lock_of(to.id)?;
    // What the caller has read may be older than a person's word.
    let now_row = tx.session(to.id)?;
    let to = now_row.as_ref().unwrap_or(to);
    if own.is_none() && to.state.is_terminal() {
        return Err(LockError::Over(to.name.clone()));
    }
    let asked = match &own {
        Some(lock) => lock.scope.clone(),
        None => to.scope()?,
    };
    let scope = asked.with(&given.scope).ok_or(LockError::NotOneScope)?;
    let reason = format!("transferred to {}", to.name);
    release_all(tx, Actor::Human, from.id, &reason)?;
    let asked = Request {
        party: Party::session(to.id),
        name: to.name.clone(),
        scope,
        lease: own.as_ref().and_then(|lock| lock.lease.clone()),
        goes_on_from: None,
        replaces: own,
    };
    match request(tx, table, now, Actor::Human, &asked)? {
        Answer::Granted(token) => Ok(token),
        Answer::Refused(conflict) => Err(LockError::Conflict(conflict)),
    }
}
