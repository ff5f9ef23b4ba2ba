//! Points in sessions' lives that one can go back to.

use rusqlite::{Connection, Row, params};

use super::error::StoreError;
use super::open::Store;
use super::query::records;
use super::taken_back::take_back;
use super::tx::Tx;
use crate::model::checkpoint::Checkpoint;
use crate::model::event::{Event, Record};
use crate::model::ids::{CommitId, SessionId};

/// A checkpoint with its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointRow {
    /// When it was taken, in milliseconds since the epoch.
    pub at_ms: i64,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
}

/// From where a session went on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The other session.
    pub from: SessionId,
    /// Which of its checkpoints.
    pub number: u64,
    /// The commit that has it.
    pub commit: CommitId,
    /// The target's commit that it was put on top of, if it was.
    pub onto: Option<CommitId>,
}

const OF_SESSION: &str =
    "SELECT at_ms, record FROM checkpoints WHERE session_id = ?1 ORDER BY number";
const LAST: &str =
    "SELECT at_ms, record FROM checkpoints WHERE session_id = ?1 ORDER BY number DESC LIMIT 1";

const RESTORED: &str = "SELECT * FROM events WHERE session_id = ?1 \
     AND event_type = 'FR-EVT-CKPT-002' ORDER BY seq DESC LIMIT 1";
/// It is one of the first: those of the transaction in which the session was made.
const FORKED: &str = "SELECT * FROM (SELECT * FROM events WHERE session_id = ?1 ORDER BY seq LIMIT 8) \
     WHERE event_type = 'FR-EVT-CKPT-005'";

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
        let mut statement = self.connection.prepare_cached(LAST)?;
        let mut rows = statement.query_and_then([session.to_string()], row)?;
        rows.next().transpose()
    }

    /// The checkpoint with what there was before a session was last put back to another one.
    pub fn last_saved(&self, session: SessionId) -> Result<Option<u64>, StoreError> {
        let mut statement = self.connection.prepare_cached(RESTORED)?;
        let found = records(statement.query([session.to_string()])?)?;
        Ok(found.into_iter().find_map(|record| match record.event {
            Event::CheckpointRestored { saved, .. } => Some(saved),
            _ => None,
        }))
    }

    /// From where a session went on, if it is a fork.
    pub fn origin_of(&self, session: SessionId) -> Result<Option<Origin>, StoreError> {
        let mut statement = self.connection.prepare_cached(FORKED)?;
        let found = records(statement.query([session.to_string()])?)?;
        Ok(found.into_iter().find_map(|record| match record.event {
            Event::SessionForked {
                from,
                number,
                commit,
                onto,
            } => Some(Origin {
                from,
                number,
                commit,
                onto,
            }),
            _ => None,
        }))
    }

    /// The commit that a session's own work comes after; of a fork that waits for its turn, that which the other one has.
    pub fn base_of(&self, session: SessionId) -> Result<Option<CommitId>, StoreError> {
        let mut at = session;
        loop {
            let base = self.session(at)?.and_then(|row| row.base);
            match self.origin_of(at)? {
                Some(origin) if base.is_none() && origin.onto.is_none() => at = origin.from,
                origin => return Ok(base.or(origin.and_then(|origin| origin.onto))),
            }
        }
    }
}

impl Tx<'_> {
    /// The numbers of a session's checkpoints.
    pub fn checkpoint_numbers(&self, session: SessionId) -> Result<Vec<u64>, StoreError> {
        let mut statement = self.inner.prepare_cached(OF_SESSION)?;
        let rows = statement.query_and_then([session.to_string()], row)?;
        rows.map(|row| Ok(row?.checkpoint.number)).collect()
    }
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
        Event::ThreadTakenBack { to } => take_back(db, (record.seq, id), *to),
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
