//! The chain of hashes over the event log: each row's hash covers its content and the hash of the
//! row before it, so an edited, missing or reordered row does not fit its neighbours.

use rusqlite::{Connection, params};
use serde::Serialize;

use super::error::StoreError;
use super::open::Store;
use crate::model::event::{Event, Record};

/// What stands before the first event ever.
const GENESIS: &str = "treeyard";

/// The end of the chain.
pub(super) struct Head {
    pub seq: u64,
    pub hash: String,
}

/// One event as its columns hold it.
pub(super) struct Row {
    pub seq: i64,
    pub event_id: String,
    pub at_ms: i64,
    pub actor: String,
    pub trace_id: String,
    pub session_id: Option<String>,
    pub job_id: Option<String>,
    pub event_type: String,
    pub data: String,
}

impl Row {
    pub fn from_record(record: &Record) -> Result<Self, StoreError> {
        let tagged = serde_json::to_value(&record.event)?;
        Ok(Self {
            seq: record.seq as i64,
            event_id: record.event_id.to_string(),
            at_ms: record.at_ms,
            actor: plain(&record.actor)?,
            trace_id: record.trace_id.to_string(),
            session_id: record.model_session_id.map(|id| id.to_string()),
            job_id: record.event.job_id().map(|id| id.to_string()),
            event_type: record.event.type_id().to_owned(),
            data: tagged["data"].to_string(),
        })
    }

    pub fn from_sql(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get("seq")?,
            event_id: row.get("event_id")?,
            at_ms: row.get("at_ms")?,
            actor: row.get("actor")?,
            trace_id: row.get("trace_id")?,
            session_id: row.get("session_id")?,
            job_id: row.get("job_id")?,
            event_type: row.get("event_type")?,
            data: row.get("data")?,
        })
    }

    /// The typed record; refuses what no version of the log has.
    pub fn into_record(self) -> Result<Record, StoreError> {
        let seq = self.seq as u64;
        let invalid = |reason: String| StoreError::InvalidEvent { seq, reason };
        let data: serde_json::Value =
            serde_json::from_str(&self.data).map_err(|error| invalid(error.to_string()))?;
        let event: Event = serde_json::from_value(
            serde_json::json!({ "event_type": self.event_type, "data": data }),
        )
        .map_err(|error| invalid(error.to_string()))?;
        let actor = serde_json::from_value(serde_json::Value::String(self.actor))
            .map_err(|error| invalid(error.to_string()))?;
        Ok(Record {
            seq,
            event_id: self.event_id.parse()?,
            at_ms: self.at_ms,
            actor,
            trace_id: self.trace_id.parse()?,
            model_session_id: self.session_id.map(|id| id.parse()).transpose()?,
            event,
        })
    }

    /// BLAKE3 over the previous hash and every column, each preceded by its length, so that no
    /// two different rows have the same input.
    pub fn hash(&self, previous: &str) -> String {
        let mut hasher = blake3::Hasher::new();
        let seq = self.seq.to_string();
        let at_ms = self.at_ms.to_string();
        for part in [
            Some(previous),
            Some(&seq),
            Some(&self.event_id),
            Some(&at_ms),
            Some(&self.actor),
            Some(&self.trace_id),
            self.session_id.as_deref(),
            self.job_id.as_deref(),
            Some(&self.event_type),
            Some(&self.data),
        ] {
            match part {
                Some(text) => {
                    hasher.update(&(text.len() as u64 + 1).to_le_bytes());
                    hasher.update(text.as_bytes());
                }
                None => {
                    hasher.update(&0u64.to_le_bytes());
                }
            }
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// The text of a value that serialises to a string.
pub(super) fn plain<T: Serialize>(value: &T) -> Result<String, StoreError> {
    match serde_json::to_value(value)? {
        serde_json::Value::String(text) => Ok(text),
        other => Err(StoreError::Malformed(format!("{other}, which is no name"))),
    }
}

pub(super) fn start(connection: &Connection) -> Result<(), StoreError> {
    let genesis = blake3::hash(GENESIS.as_bytes()).to_hex().to_string();
    connection.execute(
        "INSERT INTO chain (only_row, first_seq, first_hash, head_seq, head_hash) \
         VALUES (1, 0, ?1, 0, ?1)",
        params![genesis],
    )?;
    Ok(())
}

pub(super) fn head(connection: &Connection) -> Result<Head, StoreError> {
    let head = connection
        .prepare_cached("SELECT head_seq, head_hash FROM chain")?
        .query_row([], |row| {
            Ok(Head {
                seq: row.get::<_, i64>(0)? as u64,
                hash: row.get(1)?,
            })
        })?;
    Ok(head)
}

pub(super) fn store_head(connection: &Connection, head: &Head) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE chain SET head_seq = ?1, head_hash = ?2")?
        .execute(params![head.seq as i64, head.hash])?;
    Ok(())
}

/// What a walk over the whole log found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChainReport {
    /// Events that were checked.
    pub events: u64,
    /// The last sequence number that retention removed; 0 when nothing was.
    pub pruned_through: u64,
    /// The hash of the last event.
    pub head: String,
}

impl Store {
    /// Walks the log from where it begins and checks every link and every shape.
    ///
    /// # Errors
    /// [`StoreError::ChainBroken`] or [`StoreError::InvalidEvent`] for the first wrong event.
    pub fn verify_chain(&self) -> Result<ChainReport, StoreError> {
        // Others may write meanwhile: the log and its end are read as they are at one moment.
        let _moment = self.connection.unchecked_transaction()?;
        let (first_seq, mut hash, head_seq, head_hash) = self.connection.query_row(
            "SELECT first_seq, first_hash, head_seq, head_hash FROM chain",
            [],
            |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, i64>(2)?,
                    row.get::<_, String>(3)?,
                ))
            },
        )?;
        let mut statement = self
            .connection
            .prepare("SELECT * FROM events ORDER BY seq")?;
        let mut rows = statement.query([])?;
        let mut seq = first_seq;
        while let Some(sql) = rows.next()? {
            let stored: String = sql.get("hash")?;
            let row = Row::from_sql(sql)?;
            if row.seq != seq + 1 {
                return Err(broken(seq + 1, "it is missing"));
            }
            seq = row.seq;
            hash = row.hash(&hash);
            if hash != stored {
                return Err(broken(seq, "its content or its hash was changed"));
            }
            row.into_record()?;
        }
        if seq != head_seq || hash != head_hash {
            return Err(broken(seq + 1, "the log ends before its recorded head"));
        }
        Ok(ChainReport {
            events: (seq - first_seq) as u64,
            pruned_through: first_seq as u64,
            head: hash,
        })
    }
}

fn broken(seq: i64, reason: &str) -> StoreError {
    StoreError::ChainBroken {
        seq: seq as u64,
        reason: reason.to_owned(),
    }
}
