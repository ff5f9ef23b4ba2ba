//! Points in sessions' lives that one can go back to.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use super::open::Store;
use super::tx::Tx;
use crate::model::checkpoint::Checkpoint;
use crate::model::event::{Event, Record};
use crate::model::ids::{MessageId, SessionId};

/// A checkpoint with its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointRow {
    /// When it was taken, in milliseconds since the epoch.
    pub at_ms: i64,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
}

const OF_SESSION: &str =
    "SELECT at_ms, record FROM checkpoints WHERE session_id = ?1 ORDER BY number";
const LAST: &str =
    "SELECT at_ms, record FROM checkpoints WHERE session_id = ?1 ORDER BY number DESC LIMIT 1";

impl Store {
    /// A session's checkpoints, the oldest first.
    pub fn checkpoints(&self, session: SessionId) -> Result<Vec<CheckpointRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(OF_SESSION)?;
        statement
            .query_and_then([session.to_string()], row)?
            .collect()
    }

    /// A session's newest checkpoint.
    pub fn last_checkpoint(&self, session: SessionId) -> Result<Option<CheckpointRow>, StoreError> {
        last(&self.connection, session)
    }
}

impl Tx<'_> {
    /// A session's newest checkpoint.
    pub fn last_checkpoint(&self, session: SessionId) -> Result<Option<CheckpointRow>, StoreError> {
        last(&self.inner, session)
    }
}

fn last(db: &Connection, session: SessionId) -> Result<Option<CheckpointRow>, StoreError> {
    let mut statement = db.prepare_cached(LAST)?;
    let mut rows = statement.query_and_then([session.to_string()], row)?;
    rows.next().transpose()
}

fn row(row: &Row<'_>) -> Result<CheckpointRow, StoreError> {
    Ok(CheckpointRow {
        at_ms: row.get(0)?,
        checkpoint: serde_json::from_str(&row.get::<_, String>(1)?)?,
    })
}

pub(super) fn fold(db: &Connection, record: &Record, id: SessionId) -> Result<(), StoreError> {
    match &record.event {
        Event::CheckpointTaken { checkpoint } => take(db, record, id, checkpoint),
        Event::CheckpointsDropped { numbers } => {
            let sql = "DELETE FROM checkpoints WHERE session_id = ?1 AND number = ?2";
            let mut statement = db.prepare_cached(sql)?;
            for number in numbers {
                statement.execute(params![id.to_string(), *number as i64])?;
            }
            Ok(())
        }
        Event::ThreadTakenBack { to } => take_back(db, id, *to),
        _ => Ok(()),
    }
}

fn take(
    db: &Connection,
    record: &Record,
    id: SessionId,
    checkpoint: &Checkpoint,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO checkpoints (checkpoint_id, session_id, number, seq, at_ms, record) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        checkpoint.checkpoint_id.to_string(),
        id.to_string(),
        checkpoint.number as i64,
        record.seq as i64,
        record.at_ms,
        serde_json::to_string(checkpoint)?,
    ])?;
    Ok(())
}

/// Without a message the whole thread is taken back.
fn take_back(db: &Connection, id: SessionId, to: Option<MessageId>) -> Result<(), StoreError> {
    let last: Option<i64> = match to {
        None => Some(0),
        Some(to) => db
            .prepare_cached(
                "SELECT seq FROM messages WHERE session_id = ?1 \
                 AND json_extract(record, '$.message_id') = ?2",
            )?
            .query_row([id.to_string(), to.to_string()], |row| row.get(0))
            .optional()?,
    };
    if let Some(last) = last {
        db.prepare_cached("UPDATE messages SET taken_back = 1 WHERE session_id = ?1 AND seq > ?2")?
            .execute(params![id.to_string(), last])?;
    }
    Ok(())
}
