//! Permissions that were given and not used yet.

use std::collections::BTreeSet;

use rusqlite::{Connection, Params};

use super::error::StoreError;
use super::open::Store;
use super::query::records;
use super::tx::Tx;
use crate::model::event::{Event, Record};
use crate::model::ids::{EventId, SessionId};

/// One commit of a held path is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The event that gave it.
    pub granted: EventId,
    /// The session that holds the path; `None` when a person claimed it.
    pub session: Option<SessionId>,
    /// The path, relative to the root.
    pub path: String,
}

/// Asked for only when a commit is about to be refused.
const GIVEN_AND_USED: &str =
    "SELECT * FROM events WHERE event_type IN ('FR-EVT-HOOK-001', 'FR-EVT-HOOK-002') ORDER BY seq";

impl Store {
    /// The permissions that are left, the oldest first.
    pub fn overrides(&self) -> Result<Vec<Override>, StoreError> {
        left(&self.connection)
    }
}

impl Tx<'_> {
    /// The permissions that are left, the oldest first.
    pub fn overrides(&self) -> Result<Vec<Override>, StoreError> {
        left(&self.inner)
    }
}

fn left(db: &Connection) -> Result<Vec<Override>, StoreError> {
    let given = unused(db, GIVEN_AND_USED, [], |record| match record.event {
        Event::HookOverridden { path, .. } => Some(Permission::Given(Override {
            granted: record.event_id,
            session: record.model_session_id,
            path,
        })),
        Event::HookOverrideUsed { granted, .. } => Some(Permission::Used(granted)),
        _ => None,
    })?;
    Ok(given.into_iter().map(|(_, one)| one).collect())
}

/// What an event says of permissions of one kind.
pub(super) enum Permission<T> {
    Given(T),
    Used(EventId),
}

/// The permissions that are given in the rows of a query and not used in one of them, with the events
/// that gave them.
pub(super) fn unused<T>(
    db: &Connection,
    query: &str,
    params: impl Params,
    read: impl Fn(Record) -> Option<Permission<T>>,
) -> Result<Vec<(EventId, T)>, StoreError> {
    let mut statement = db.prepare_cached(query)?;
    let (mut given, mut used) = (Vec::new(), BTreeSet::new());
    for record in records(statement.query(params)?)? {
        let by = record.event_id;
        match read(record) {
            Some(Permission::Given(one)) => given.push((by, one)),
            Some(Permission::Used(granted)) => drop(used.insert(granted)),
            None => {}
        }
    }
    given.retain(|(by, _)| !used.contains(by));
    Ok(given)
}
