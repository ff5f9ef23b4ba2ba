//! Holding less, or asking for less.

use super::error::LockError;
use crate::model::event::{Actor, Event};
use crate::model::lock::LockTable;
use crate::model::scope::{Scope, Within, within};
use crate::store::{SessionRow, Tx};

/// Narrows what a session holds, or will ask for when its turn comes, to `scope`.
///
/// # Errors
/// The scope has what the session did not have before, or its work is over.
pub fn narrow(
    tx: &mut Tx<'_>,
    table: &LockTable,
    session: &SessionRow,
    scope: &Scope,
) -> Result<(), LockError> {
    let held = tx.lock_of(session.id)?;
    if held.is_none() && session.state.is_terminal() {
        return Err(LockError::Over(session.name.clone()));
    }
    let before = match &held {
        Some(lock) => lock.scope.clone(),
        None => session.scope()?,
    };
    let (less, more) = (table.language(scope)?, table.language(&before)?);
    let wrong = |what: &str| LockError::NotNarrower(session.name.clone(), what.to_owned());
    match within(&less, &more) {
        Within::Yes => {}
        Within::No(path) => return Err(wrong(&String::from_utf8_lossy(&path))),
        Within::Undecided => return Err(wrong("what nobody can tell")),
    }
    let scope = scope.clone();
    let event = match held {
        Some(lock) => Event::LockNarrowed {
            token: lock.token,
            scope,
        },
        None => Event::ScopeChanged { scope },
    };
    tx.append(Actor::Human, Some(session.id), event)?;
    Ok(())
}
