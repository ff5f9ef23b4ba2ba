//! Agreements that something is sent to others.

use rusqlite::{Connection, params};

use super::error::StoreError;
use super::open::Store;
use super::query::records;
use super::tx::Tx;
use crate::model::chat::Usage;
use crate::model::consent::{ConsentReceipt, ProjectionPlan};
use crate::model::event::{Event, Record};
use crate::model::ids::{EventId, SessionId};
use crate::model::run::{CallEnd, CallIntent, CallOutcome};

/// An agreement that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// The event that gave it.
    pub granted: EventId,
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// The agreement.
    pub receipt: ConsentReceipt,
}

const HOLDING: &str =
    "SELECT granted, at_ms, receipt FROM consents WHERE over = 0 AND until_ms > ?1 ORDER BY seq";
const ASKED: &str = "SELECT * FROM events WHERE session_id = ?1 \
     AND event_type = 'FR-EVT-CLOUD-001' ORDER BY seq DESC LIMIT 1";

impl Store {
    /// The agreements that hold at a time, in milliseconds since the epoch; the oldest first.
    pub fn consents(&self, now_ms: i64) -> Result<Vec<Consent>, StoreError> {
        consents(&self.connection, now_ms)
    }

    /// What a session last asked to send.
    pub fn asked_consent(&self, session: SessionId) -> Result<Option<ProjectionPlan>, StoreError> {
        asked(&self.connection, session)
    }
}

impl Tx<'_> {
    /// The agreements that hold at a time, in milliseconds since the epoch; the oldest first.
    pub fn consents(&self, now_ms: i64) -> Result<Vec<Consent>, StoreError> {
        consents(&self.inner, now_ms)
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

fn consents(db: &Connection, now_ms: i64) -> Result<Vec<Consent>, StoreError> {
    let mut statement = db.prepare_cached(HOLDING)?;
    let rows = statement.query_and_then([now_ms], |row| {
        Ok(Consent {
            granted: row.get::<_, String>(0)?.parse()?,
            at_ms: row.get(1)?,
            receipt: serde_json::from_str(&row.get::<_, String>(2)?)?,
        })
    })?;
    rows.collect()
}

/// Agreements follow what is said of them. One for a single call is used up when that is made, unless its provider
/// refused it without taking anything.
pub(super) fn fold(db: &Connection, record: &Record) -> Result<(), StoreError> {
    match &record.event {
        Event::ConsentGiven { receipt } => {
            db.prepare_cached(
                "INSERT INTO consents (granted, seq, at_ms, until_ms, single, receipt) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                record.event_id.to_string(),
                record.seq as i64,
                record.at_ms,
                receipt.until_ms,
                receipt.plan.scope.is_single(),
                serde_json::to_string(receipt)?,
            ])?;
            Ok(())
        }
        Event::ModelCallStarted { call } => match &call.consent {
            Some(granted) => begun(db, granted, call),
            None => Ok(()),
        },
        Event::ModelCallEnded { call } => ended(db, call),
        // Older versions told only this of a call that was made.
        Event::CloudCalled { receipt, .. } => over(db, receipt, " AND single"),
        Event::ConsentRevoked { receipt, .. } => over(db, receipt, ""),
        Event::EventsPruned { through, .. } => {
            db.execute("DELETE FROM consents WHERE seq <= ?1", [*through as i64])?;
            Ok(())
        }
        _ => Ok(()),
    }
}

fn over(db: &Connection, receipt: &EventId, which: &str) -> Result<(), StoreError> {
    let sql = format!("UPDATE consents SET over = 1 WHERE granted = ?1{which}");
    db.prepare_cached(&sql)?.execute([receipt.to_string()])?;
    Ok(())
}

fn begun(db: &Connection, granted: &EventId, call: &CallIntent) -> Result<(), StoreError> {
    let granted = granted.to_string();
    db.prepare_cached("UPDATE model_calls SET consent = ?2 WHERE call_id = ?1")?
        .execute([&call.call_id.to_string(), &granted])?;
    db.prepare_cached("UPDATE consents SET over = 2 WHERE granted = ?1 AND single AND over = 0")?
        .execute([&granted])?;
    Ok(())
}

fn ended(db: &Connection, call: &CallOutcome) -> Result<(), StoreError> {
    let refused = matches!(call.end, CallEnd::Failed { .. }) && call.usage == Usage::default();
    db.prepare_cached(
        "UPDATE consents SET over = ?2 WHERE over = 2 AND granted = \
         (SELECT consent FROM model_calls WHERE call_id = ?1)",
    )?
    .execute(params![call.call_id.to_string(), !refused])?;
    Ok(())
}
