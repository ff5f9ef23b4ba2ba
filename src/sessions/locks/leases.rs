//! Locks that end by themselves.

use std::io;

use super::release::{command_runs, release_all, release_token};
use crate::model::event::{Actor, Event};
use crate::model::ids::SessionId;
use crate::model::lock::{Lease, Lock, LockTable, Moment, Standing};
use crate::proc::{is_alive, moment};
use crate::store::{StoreError, Tx};

/// Releases the locks whose time is over or whose process is gone. Those of an earlier run of the
/// machine get their whole time again, and so does that of a session of which a command still runs:
/// it would go on changing files that others have. The sessions that hold nothing any more.
///
/// # Errors
/// The store's refusal.
pub fn settle_leases(
    tx: &mut Tx<'_>,
    table: &mut LockTable,
    now: &Moment,
) -> Result<Vec<SessionId>, StoreError> {
    tx.read_locks(table)?;
    let mut ended = Vec::new();
    for lock in table.locks() {
        let Some(lease) = &lock.lease else { continue };
        let token = lock.token;
        let standing = match lease.standing(now, is_alive) {
            Standing::Over if is_at_work(tx, lock)? => Standing::Anew,
            standing => standing,
        };
        let event = match standing {
            Standing::Runs { .. } => continue,
            Standing::Anew => Event::LockLeased {
                token,
                lease: Some(Lease::new(now, lease.for_ms, None)),
            },
            Standing::Over => {
                release(tx, lock)?;
                ended.extend(lock.owner.session_id());
                continue;
            }
        };
        tx.append(Actor::System, lock.owner.session_id(), event)?;
    }
    Ok(ended)
}

/// With what was passed to it. What its owner passed on stays with whoever works with it.
fn release(tx: &mut Tx<'_>, lock: &Lock) -> Result<(), StoreError> {
    let reason = "its time was over";
    match lock.owner.session_id() {
        Some(owner) => release_all(tx, Actor::System, owner, reason),
        None => release_token(tx, Actor::System, None, lock.token, reason),
    }
}

fn is_at_work(tx: &Tx<'_>, lock: &Lock) -> Result<bool, StoreError> {
    match lock.holder.session_id() {
        Some(id) => command_runs(tx, id),
        None => Ok(false),
    }
}

/// In how many milliseconds the first of the locks may end by itself.
pub fn next_end_ms<'l>(locks: impl IntoIterator<Item = &'l Lock>, now: &Moment) -> Option<u64> {
    let leases = locks.into_iter().filter_map(|lock| lock.lease.as_ref());
    let left = leases.filter_map(|lease| match lease.standing(now, is_alive) {
        Standing::Runs { left_ms } => left_ms,
        Standing::Anew | Standing::Over => Some(0),
    });
    left.min()
}

/// From now on for so many milliseconds; without a number, without an end.
///
/// # Errors
/// The machine does not tell its time.
pub fn new_pause(keep_ms: Option<u64>) -> io::Result<Option<Lease>> {
    let Some(for_ms) = keep_ms else {
        return Ok(None);
    };
    Ok(Some(Lease::new(&moment()?, Some(for_ms), None)))
}

/// While a session is paused its lock has an end, after which others may have the files; without a
/// limit it has none.
///
/// # Errors
/// The store's refusal.
pub fn lease_of_pause(
    tx: &mut Tx<'_>,
    session: SessionId,
    lease: Option<Lease>,
) -> Result<(), StoreError> {
    let Some(lock) = tx.lock_of(session)?.filter(|lock| lock.lease != lease) else {
        return Ok(());
    };
    let token = lock.token;
    tx.append(
        Actor::System,
        Some(session),
        Event::LockLeased { token, lease },
    )?;
    Ok(())
}
