//! Permissions that were given and not used yet.

use std::collections::BTreeSet;

use super::error::StoreError;
use super::open::Store;
use super::query::records;
use super::tx::Tx;
use crate::model::event::Event;
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

fn left(db: &rusqlite::Connection) -> Result<Vec<Override>, StoreError> {
    let mut statement = db.prepare_cached(GIVEN_AND_USED)?;
    let (mut given, mut used) = (Vec::new(), BTreeSet::new());
    for record in records(statement.query([])?)? {
        match record.event {
            Event::HookOverridden { path, .. } => given.push(Override {
                granted: record.event_id,
                session: record.model_session_id,
                path,
            }),
            Event::HookOverrideUsed { granted, .. } => drop(used.insert(granted)),
            _ => {}
        }
    }
    given.retain(|one| !used.contains(&one.granted));
    Ok(given)
}
