//! Agreements that something is sent to others.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::error::StoreError;
use super::open::Store;
use super::query::records;
use super::tx::Tx;
use crate::model::consent::{ConsentReceipt, ProjectionPlan};
use crate::model::event::Event;
use crate::model::ids::{EventId, SessionId};

/// An agreement, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// The event that gave it.
    pub granted: EventId,
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// The agreement.
    pub receipt: ConsentReceipt,
    /// Whether it was taken back, or was for one call and that was made.
    pub over: bool,
}

const SAID: &str = "SELECT * FROM events WHERE event_type IN \
     ('FR-EVT-CLOUD-002', 'FR-EVT-CLOUD-004', 'FR-EVT-CLOUD-005') ORDER BY seq";
const ASKED: &str = "SELECT * FROM events WHERE session_id = ?1 \
     AND event_type = 'FR-EVT-CLOUD-001' ORDER BY seq DESC LIMIT 1";

impl Store {
    /// Every agreement, the oldest first.
    pub fn consents(&self) -> Result<Vec<Consent>, StoreError> {
        consents(&self.connection)
    }

    /// What a session last asked to send.
    pub fn asked_consent(&self, session: SessionId) -> Result<Option<ProjectionPlan>, StoreError> {
        asked(&self.connection, session)
    }
}

impl Tx<'_> {
    /// Every agreement, the oldest first.
    pub fn consents(&self) -> Result<Vec<Consent>, StoreError> {
        consents(&self.inner)
    }

    /// What a session last asked to send.
    pub fn asked_consent(&self, session: SessionId) -> Result<Option<ProjectionPlan>, StoreError> {
        asked(&self.inner, session)
    }
}

fn asked(db: &Connection, session: SessionId) -> Result<Option<ProjectionPlan>, StoreError> {
    let mut statement = db.prepare_cached(ASKED)?;
    let found = records(statement.query([session.to_string()])?)?;
    Ok(found.into_iter().find_map(|record| match record.event {
        Event::ConsentRequested { plan } => Some(*plan),
        _ => None,
    }))
}

fn consents(db: &Connection) -> Result<Vec<Consent>, StoreError> {
    let mut statement = db.prepare_cached(SAID)?;
    let (mut given, mut revoked, mut used) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for record in records(statement.query([])?)? {
        match record.event {
            Event::ConsentGiven { receipt } => given.push(Consent {
                granted: record.event_id,
                at_ms: record.at_ms,
                receipt: *receipt,
                over: false,
            }),
            Event::ConsentRevoked { receipt, .. } => drop(revoked.insert(receipt)),
            Event::CloudCalled { receipt, .. } => drop(used.insert(receipt)),
            _ => {}
        }
    }
    for one in &mut given {
        let spent = one.receipt.plan.scope.is_single() && used.contains(&one.granted);
        one.over = spent || revoked.contains(&one.granted);
    }
    Ok(given)
}
