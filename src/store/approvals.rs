//! Commands that a session asked for, and those that a person allowed for one time.

use rusqlite::params;

use super::error::StoreError;
use super::open::Store;
use super::overrides::{Permission, unused};
use super::query::records;
use super::tx::Tx;
use crate::model::event::Event;
use crate::model::ids::{EventId, SessionId};

/// One run of exactly these words is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The event that gave it.
    pub granted: EventId,
    /// The program and its arguments.
    pub words: Vec<String>,
}

/// A command that was denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// The program and its arguments.
    pub words: Vec<String>,
    /// The stable word of the rule that it met.
    pub rule: String,
    /// Where it was to run.
    pub cwd: String,
}

const GIVEN_AND_USED: &str = "SELECT * FROM events WHERE session_id = ?1 \
     AND event_type IN ('FR-EVT-GUARD-006', 'FR-EVT-GUARD-007') ORDER BY seq";
const ASKED: &str = "SELECT * FROM events WHERE session_id = ?1 \
     AND event_type = 'FR-EVT-GUARD-005' AND at_ms >= ?2 ORDER BY seq";

impl Store {
    /// What a session is allowed and has not run yet, the oldest first.
    pub fn approvals(&self, session: SessionId) -> Result<Vec<Approval>, StoreError> {
        left(&self.connection, session)
    }

    /// What a session was denied, the oldest first.
    pub fn asked(&self, session: SessionId) -> Result<Vec<Asked>, StoreError> {
        asked(&self.connection, session, 0)
    }
}

impl Tx<'_> {
    /// What a session is allowed and has not run yet, the oldest first.
    pub fn approvals(&self, session: SessionId) -> Result<Vec<Approval>, StoreError> {
        left(&self.inner, session)
    }

    /// What a session was denied since a time, the oldest first.
    pub fn asked(&self, session: SessionId, since_ms: i64) -> Result<Vec<Asked>, StoreError> {
        asked(&self.inner, session, since_ms)
    }
}

fn left(db: &rusqlite::Connection, session: SessionId) -> Result<Vec<Approval>, StoreError> {
    let id = session.to_string();
    let given = unused(db, GIVEN_AND_USED, params![id], |record| {
        match record.event {
            Event::CommandApproved { words } => Some(Permission::Given(words)),
            Event::CommandApprovalUsed { granted, .. } => Some(Permission::Used(granted)),
            _ => None,
        }
    })?;
    let given = given.into_iter();
    Ok(given
        .map(|(granted, words)| Approval { granted, words })
        .collect())
}

fn asked(
    db: &rusqlite::Connection,
    session: SessionId,
    since_ms: i64,
) -> Result<Vec<Asked>, StoreError> {
    let mut statement = db.prepare_cached(ASKED)?;
    let found = records(statement.query(params![session.to_string(), since_ms])?)?;
    let asked = found.into_iter().filter_map(|record| match record.event {
        Event::CommandDenied { words, rule, cwd } => Some(Asked {
            at_ms: record.at_ms,
            words,
            rule,
            cwd,
        }),
        _ => None,
    });
    Ok(asked.collect())
}
