//! The tables once more, from the log alone: what they say has to be what they said.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, params};

use super::chain::{self, Row};
use super::error::StoreError;
use super::open::{Store, in_memory};
use super::{project, tx};
use crate::model::event::Event;

/// A table, the order of its rows, and the column with the event that a row is from where rows outlive the events that
/// retention removes.
const TABLES: [(&str, &str, Option<&str>); 10] = [
    ("sessions", "session_id", None),
    ("session_after", "session_id, after_id", None),
    ("jobs", "job_id", None),
    ("artifacts", "seq", Some("seq")),
    ("locks", "token", None),
    ("grants", "only_row", None),
    ("messages", "seq", None),
    ("model_calls", "call_id", None),
    ("consents", "granted", Some("seq")),
    ("checkpoints", "checkpoint_id", None),
];

impl Store {
    /// The tables that say something else than the log does, in memory and for all of it: a damaged or edited file may
    /// have a sound log and other tables.
    ///
    /// # Errors
    /// The log cannot be read, or no tables follow from it.
    pub fn unlike_log(&self) -> Result<Vec<&'static str>, StoreError> {
        // Others may write meanwhile: log and tables are read as they are at one moment.
        let _moment = self.connection.unchecked_transaction()?;
        let rebuilt = in_memory()?;
        let first = self.fold_into(&rebuilt, None)?;
        let mut unlike = Vec::new();
        for (table, order, seq) in TABLES {
            // How many grants there were is not known when some were removed.
            if table == "grants" && first > 0 {
                continue;
            }
            let only = seq.map_or(String::new(), |seq| format!("WHERE {seq} > {first}"));
            let query = format!("SELECT * FROM {table} {only} ORDER BY {order}");
            if !is_alike(&self.connection, &rebuilt, &query)? {
                unlike.push(table);
            }
        }
        Ok(unlike)
    }

    /// The same as an error.
    ///
    /// # Errors
    /// [`StoreError::UnlikeLog`], and as above.
    pub fn verify_tables(&self) -> Result<(), StoreError> {
        match self.unlike_log()? {
            unlike if unlike.is_empty() => Ok(()),
            unlike => Err(StoreError::UnlikeLog(unlike)),
        }
    }

    /// Another store in a folder, with this one's log up to an event and the tables that follow from it.
    ///
    /// # Errors
    /// The log cannot be read or the other store not be written.
    pub fn copy_through(&self, folder: &Path, through: u64) -> Result<Self, StoreError> {
        let mut copy = Self::open(folder)?;
        let to = copy.connection.transaction()?;
        self.fold_into(&to, Some(through))?;
        to.commit()?;
        Ok(copy)
    }

    /// Where the log begins.
    fn fold_into(&self, to: &Connection, through: Option<u64>) -> Result<i64, StoreError> {
        let (first, first_hash): (i64, String) =
            self.connection
                .query_row("SELECT first_seq, first_hash FROM chain", [], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
        to.execute(
            "UPDATE chain SET first_seq = ?1, first_hash = ?2",
            params![first, first_hash],
        )?;
        let through = through.map_or(i64::MAX, |through| through as i64);
        let mut statement = self
            .connection
            .prepare("SELECT * FROM events WHERE seq <= ?1 ORDER BY seq")?;
        let mut rows = statement.query([through])?;
        let mut head = chain::Head {
            seq: first as u64,
            hash: first_hash,
        };
        while let Some(sql) = rows.next()? {
            let record = Row::from_sql(sql)?.into_record()?;
            head = tx::store(to, &head, &record)?;
            match project::fold(to, &record) {
                // Its grant was removed when nobody held it any more.
                Err(_) if is_about_lock_until(&record.event, first as u64) => {}
                folded => folded?,
            }
        }
        chain::store_head(to, &head)?;
        Ok(first)
    }
}

fn is_about_lock_until(event: &Event, last: u64) -> bool {
    match event {
        Event::LockReleased { token, .. }
        | Event::LockNarrowed { token, .. }
        | Event::LockPassed { token, .. }
        | Event::LockLeased { token, .. } => token.0 <= last,
        _ => false,
    }
}

fn is_alike(one: &Connection, other: &Connection, query: &str) -> Result<bool, StoreError> {
    let (mut one, mut other) = (one.prepare(query)?, other.prepare(query)?);
    let columns = one.column_count();
    if columns != other.column_count() {
        return Ok(false);
    }
    let (mut rows, mut others) = (one.query([])?, other.query([])?);
    loop {
        match (rows.next()?, others.next()?) {
            (None, None) => return Ok(true),
            (Some(row), Some(other)) => {
                for column in 0..columns {
                    if row.get::<_, Value>(column)? != other.get::<_, Value>(column)? {
                        return Ok(false);
                    }
                }
            }
            _ => return Ok(false),
        }
    }
}
