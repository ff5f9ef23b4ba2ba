//! Who holds what, as the locks say.

use std::path::PathBuf;

use crate::model::lock::{Lock, LockToken, Party, Standing};
use crate::model::scope::Scope;
use crate::model::session::SessionState;
use crate::proc::{is_alive, moment};
use crate::store::{SessionRow, Store, StoreError};

/// Somebody who holds files.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The lock.
    pub token: LockToken,
    /// Who works under it.
    pub party: Party,
    /// The task's or the person's name.
    pub name: String,
    /// Where its session stands; `None` for a person's claim.
    pub state: Option<SessionState>,
    /// What it holds.
    pub scope: Scope,
    /// Where it works.
    pub place: Option<PathBuf>,
}

/// Everybody who holds files, the first that was granted them first. This is the one place of the
/// hooks that says so. What ended by itself is held no more, also before anybody has written it down.
///
/// # Errors
/// When the store cannot be read.
pub fn holders(store: &Store) -> Result<Vec<Holder>, StoreError> {
    let mut found = Vec::new();
    for lock in store.locks()? {
        if is_over(&lock) {
            continue;
        }
        let session = match lock.holder.session_id() {
            Some(id) => store.session(id)?,
            None => None,
        };
        found.push(holder(lock, session));
    }
    Ok(found)
}

fn holder(lock: Lock, session: Option<SessionRow>) -> Holder {
    let place = match (&lock.holder, &session) {
        (Party::Place { path, .. }, _) => Some(path.clone()),
        (Party::Session { .. }, row) => row.as_ref().and_then(|row| row.worktree_path.clone()),
    };
    let name = lock
        .holder
        .named(session.as_ref().map(|row| row.name.as_str()));
    Holder {
        token: lock.token,
        party: lock.holder,
        name,
        state: session.map(|row| row.state),
        scope: lock.scope,
        place: place.map(PathBuf::from),
    }
}

/// A clock that cannot be read ends nothing.
fn is_over(lock: &Lock) -> bool {
    let (Some(lease), Ok(now)) = (&lock.lease, moment()) else {
        return false;
    };
    lease.standing(&now, is_alive) == Standing::Over
}
