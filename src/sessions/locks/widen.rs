//! A session asks for more while it runs.
//!
//! It holds files and waits for others, which could make two sessions wait for each other for ever.
//! So a request that would close such a circle is refused at once and never queued; sessions that
//! wait for their first lock hold nothing.

use super::error::LockError;
use super::request::{Answer, Request, note_conflict, request};
use crate::git::Repo;
use crate::model::event::{Actor, Event};
use crate::model::ids::SessionId;
use crate::model::lock::{Conflict, Lock, LockTable, LockToken, Moment, Party};
use crate::model::scope::{Scope, Within, within};
use crate::proc::{Wake, moment};
use crate::store::{SessionRow, Store, StoreError, Tx};

/// Asks for `more` besides what the session holds, records what became of it, and wakes the runner. With
/// `queue` a request that is refused waits until the files are free.
///
/// # Errors
/// As [`widen`].
pub fn ask(
    store: &mut Store,
    repo: &Repo,
    session: &SessionRow,
    more: &Scope,
    queue: bool,
) -> Result<Answer, LockError> {
    let now = moment()?;
    let mut table = LockTable::new(repo.fold());
    let asked = store.write(|tx| {
        let granted = widen(tx, &mut table, &now, session, more)?;
        let word = match (&granted, queue) {
            (Answer::Granted(_), _) => "granted",
            (Answer::Refused(_), true) => "queued",
            (Answer::Refused(_), false) => "refused",
        };
        if let Answer::Refused(conflict) = &granted {
            note_conflict(tx, Actor::Agent, conflict)?;
        }
        match word {
            "queued" => self::queue(tx, session.id, more)?,
            _ => answer(tx, session, more, word)?,
        }
        Ok::<_, LockError>(granted)
    })?;
    Wake::notify(&repo.state_dir());
    Ok(asked)
}

/// The session's lock, when it has all of `more` in it.
///
/// # Errors
/// The store cannot be read.
pub fn held_already(
    store: &Store,
    repo: &Repo,
    id: SessionId,
    more: &Scope,
) -> Result<Option<LockToken>, LockError> {
    let table = LockTable::new(repo.fold());
    let Some(lock) = store.lock_of(id)? else {
        return Ok(None);
    };
    let has_all = within(&table.language(more)?, &table.language(&lock.scope)?);
    Ok((has_all == Within::Yes).then_some(lock.token))
}

/// Asks for `more` besides what the session holds. Its new lock has another token, and begins where
/// the old one did.
///
/// # Errors
/// It holds nothing, the result cannot be written as one scope, or [`request`]'s.
pub fn widen(
    tx: &mut Tx<'_>,
    table: &mut LockTable,
    now: &Moment,
    session: &SessionRow,
    more: &Scope,
) -> Result<Answer, LockError> {
    let party = Party::session(session.id);
    let own = tx.lock_of(session.id)?.filter(|lock| lock.holder == party);
    let Some(own) = own else {
        return Err(LockError::NotHeld(session.name.clone()));
    };
    let scope = own.scope.with(more).ok_or(LockError::NotOneScope)?;
    let asked = Request {
        party,
        name: session.name.clone(),
        scope,
        lease: own.lease.clone(),
        goes_on_from: None,
        replaces: Some(own),
    };
    let answer = request(tx, table, now, Actor::Agent, &asked)?;
    if let Answer::Refused(conflict) = &answer
        && closes_circle(tx, table, session, conflict)?
    {
        return Err(LockError::Circle(conflict.clone()));
    }
    Ok(answer)
}

/// Records what became of a request: `granted`, `queued` or `refused`.
///
/// # Errors
/// The store's refusal.
pub fn answer(
    tx: &mut Tx<'_>,
    session: &SessionRow,
    more: &Scope,
    answer: &str,
) -> Result<(), StoreError> {
    let event = Event::ScopeRequested {
        more: more.clone(),
        answer: answer.to_owned(),
    };
    tx.append(Actor::Agent, Some(session.id), event).map(drop)
}

/// Records that a session waits for `more`, besides what it waits for already: it gets all of it at once.
///
/// # Errors
/// The store's refusal, or both cannot be written as one scope.
pub fn queue(tx: &mut Tx<'_>, id: SessionId, more: &Scope) -> Result<(), LockError> {
    let Some(row) = tx.session(id)? else {
        return Ok(());
    };
    let all = match row.wants()? {
        Some(before) => before.with(more).ok_or(LockError::NotOneScope)?,
        None => more.clone(),
    };
    Ok(answer(tx, &row, &all, "queued")?)
}

/// Whether the holder waits, over however many others, for the session itself.
fn closes_circle(
    tx: &Tx<'_>,
    table: &LockTable,
    session: &SessionRow,
    conflict: &Conflict,
) -> Result<bool, LockError> {
    let own = Party::session(session.id);
    let mut seen = vec![own.clone()];
    let mut left = vec![conflict.holder.party.clone()];
    while let Some(party) = left.pop() {
        if party == own {
            return Ok(true);
        }
        if seen.contains(&party) {
            continue;
        }
        if let Some(id) = party.session_id()
            && let Some(row) = tx.session(id)?
            && let Some(more) = row.wants()?
        {
            let wanted = table.language(&more)?;
            let holders = table.meetings(&party, &wanted).map(|found| found.lock);
            left.extend(holders.map(|lock: &Lock| lock.holder.clone()));
        }
        seen.push(party);
    }
    Ok(false)
}
