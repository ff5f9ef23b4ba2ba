//! Asking for a scope. All of it is granted, or nothing; who asked first has it.

use super::error::LockError;
use super::leases::settle_leases;
use crate::model::event::{Actor, Event};
use crate::model::ids::SessionId;
use crate::model::lock::{
    Claimant, Conflict, Lease, Lock, LockTable, LockToken, Meeting, Moment, Party,
};
use crate::model::scope::{Overlap, Scope, ScopeLanguage, overlap};
use crate::model::session::SessionState;
use crate::store::{SessionRow, StoreError, Tx};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// By whom.
    pub party: Party,
    /// The task's or the person's name.
    pub name: String,
    /// The files.
    pub scope: Scope,
    /// When it is to end by itself.
    pub lease: Option<Lease>,
    /// The session from whose work this one goes on. What that one holds is passed on, once its own
    /// work is done.
    pub goes_on_from: Option<SessionId>,
    /// A lock of the same party that the new one takes the place of.
    pub replaces: Option<Lock>,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The files are the party's.
    Granted(LockToken),
    /// Somebody else has some of them.
    Refused(Box<Conflict>),
}

/// Asks in a transaction: nobody else is granted anything before it ends. Locks whose time is over
/// are released first.
///
/// # Errors
/// A pattern that cannot be read, the store, the clock. That it is refused is no error.
pub fn request(
    tx: &mut Tx<'_>,
    table: &mut LockTable,
    now: &Moment,
    actor: Actor,
    request: &Request,
) -> Result<Answer, LockError> {
    settle_leases(tx, table, now)?;
    tx.read_locks(table)?;
    let language = table.language(&request.scope)?;
    let mut before = None;
    for meeting in table.meetings(&request.party, &language) {
        before = passed_on_by(tx, meeting.lock, request.goes_on_from)?;
        if before.is_none() {
            return Ok(Answer::Refused(Box::new(conflict(tx, request, &meeting)?)));
        }
    }
    let owner = request.party.session_id();
    if let Some(before) = before {
        // All of it: what was passed to that one may overlap with its own.
        for lock in tx.held_by(before)? {
            let (token, to) = (lock.token, request.party.clone());
            tx.append(actor, owner, Event::LockPassed { token, to })?;
        }
    }
    let token = tx.next_token();
    let since = unbroken_since(tx, table, request, &language)?.unwrap_or(token);
    let granted = Event::LockGranted {
        token,
        owner: request.party.clone(),
        scope: request.scope.clone(),
        since,
        replaces: request.replaces.as_ref().map(|lock| lock.token),
        lease: request.lease.clone(),
    };
    tx.append(actor, owner, granted)?;
    Ok(Answer::Granted(token))
}

/// The lock under which a session may work: the one it has, or a new one for the files that it asks
/// for.
///
/// # Errors
/// As [`request`], and when the session failed or was cancelled: nobody would give it back.
pub fn hold(
    tx: &mut Tx<'_>,
    table: &mut LockTable,
    now: &Moment,
    session: &SessionRow,
    goes_on_from: Option<SessionId>,
) -> Result<Answer, LockError> {
    // What the caller has read may be older than a person's word.
    let now_row = tx.session(session.id)?;
    let session = now_row.as_ref().unwrap_or(session);
    if matches!(
        session.state,
        SessionState::Failed | SessionState::Cancelled
    ) {
        return Err(LockError::Over(session.name.clone()));
    }
    let party = Party::session(session.id);
    let own = tx.lock_of(session.id)?;
    if let Some(own) = own.as_ref().filter(|own| own.holder == party) {
        return Ok(Answer::Granted(own.token));
    }
    let asked = Request {
        party,
        name: session.name.clone(),
        scope: session.scope()?,
        lease: None,
        goes_on_from,
        replaces: own,
    };
    request(tx, table, now, Actor::System, &asked)
}

/// Records for both sides that a session has to wait. Once for each time that it waits, whoever
/// holds the files meanwhile.
///
/// # Errors
/// The store's refusal.
pub fn note_conflict(tx: &mut Tx<'_>, actor: Actor, conflict: &Conflict) -> Result<(), StoreError> {
    let sides = [&conflict.waiter.party, &conflict.holder.party];
    let mut sides = sides.map(Party::session_id).to_vec();
    // Two people's checkouts are in no session's log.
    sides.dedup();
    for side in sides {
        let event = Event::LockConflicted {
            conflict: Box::new(conflict.clone()),
        };
        tx.append(actor, side, event)?;
    }
    Ok(())
}

/// A party with its name and what it holds.
///
/// # Errors
/// The store's refusal.
pub fn claimant(tx: &Tx<'_>, party: &Party, scope: &Scope) -> Result<Claimant, StoreError> {
    let row = match party.session_id() {
        Some(id) => tx.session(id)?,
        None => None,
    };
    Ok(Claimant {
        party: party.clone(),
        name: party.named(row.as_ref().map(|row| row.name.as_str())),
        scope: scope.clone(),
    })
}

fn conflict(tx: &Tx<'_>, request: &Request, meeting: &Meeting<'_>) -> Result<Conflict, StoreError> {
    Ok(Conflict {
        waiter: Claimant {
            party: request.party.clone(),
            name: request.name.clone(),
            scope: request.scope.clone(),
        },
        holder: claimant(tx, &meeting.lock.holder, &meeting.lock.scope)?,
        token: meeting.lock.token,
        witness: meeting.witness(),
        paths: Vec::new(),
    })
}

/// The lock's holder, when it is done and the session that asks goes on from its work.
fn passed_on_by(
    tx: &Tx<'_>,
    lock: &Lock,
    goes_on_from: Option<SessionId>,
) -> Result<Option<SessionId>, StoreError> {
    let Some(before) = goes_on_from.filter(|id| lock.holder == Party::session(*id)) else {
        return Ok(None);
    };
    let row = tx.session(before)?;
    let is_done = row.is_some_and(|row| row.state == SessionState::Completed);
    Ok(is_done.then_some(before))
}

/// The first grant of the row that the new one goes on with; `None` when it begins one.
fn unbroken_since(
    tx: &Tx<'_>,
    table: &LockTable,
    request: &Request,
    language: &ScopeLanguage,
) -> Result<Option<LockToken>, LockError> {
    if let Some(replaced) = &request.replaces {
        return Ok(Some(replaced.since));
    }
    let Some(id) = request.party.session_id() else {
        return Ok(None);
    };
    let row = tx.session(id)?;
    let Some((last, since)) = row.and_then(|row| row.last_lock.zip(row.lock_since)) else {
        return Ok(None);
    };
    for (owner, scope) in tx.granted_after(last)? {
        let meets = overlap(language, &table.language(&scope)?) != Overlap::Disjoint;
        if meets && !owner.is(&request.party) {
            return Ok(None);
        }
    }
    Ok(Some(since))
}
