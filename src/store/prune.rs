//! Retention: old events leave from the front of the log, and the chain goes on from the hash of
//! the last one removed. A session that is kept keeps its events, and all that came after them.

use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use super::open::Store;
use crate::model::ids::ContentHash;

impl Store {
    /// The largest sequence number up to which no event is younger than `events_ms`, and each
    /// speaks only of sessions that ended, that did not change after `sessions_ms`, whose worktree
    /// is gone, and whose every event lies in that range. Grants of locks that are held stay. Both are milliseconds since the epoch.
    /// 0 when nothing can go.
    pub fn prunable(&self, events_ms: i64, sessions_ms: i64) -> Result<u64, StoreError> {
        let first_recent: Option<i64> = self
            .connection
            .query_row(
                "SELECT min(seq) FROM events WHERE at_ms > ?1",
                [events_ms],
                |row| row.get(0),
            )
            .optional()?
            .flatten();
        let first_kept: Option<i64> = self.connection.query_row(
            "SELECT min(created_seq) FROM sessions \
             WHERE state NOT IN ('COMPLETED', 'FAILED', 'CANCELLED') \
                OR (worktree_path IS NOT NULL AND released = 0) OR updated_ms > ?1",
            [sessions_ms],
            |row| row.get(0),
        )?;
        let head: i64 = self
            .connection
            .query_row("SELECT head_seq FROM chain", [], |row| row.get(0))?;
        let first_held: Option<i64> =
            self.connection
                .query_row("SELECT min(token) FROM locks", [], |row| row.get(0))?;
        let mut bound = [
            first_held.map(|token| token - 1),
            first_recent.map(|seq| seq - 1),
            first_kept.map(|seq| seq - 1),
            Some(head),
        ]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(0);
        // A session that began inside the range and went on after it keeps its whole evidence.
        loop {
            let straddling: Option<i64> = self.connection.query_row(
                "SELECT min(s.created_seq) FROM sessions s WHERE s.created_seq <= ?1 AND EXISTS \
                 (SELECT 1 FROM events e WHERE e.session_id = s.session_id AND e.seq > ?1)",
                [bound],
                |row| row.get(0),
            )?;
            match straddling {
                Some(created) => bound = created - 1,
                None => return Ok(bound.max(0) as u64),
            }
        }
    }
}

pub(super) fn remove_through(db: &Connection, through: u64) -> Result<ContentHash, StoreError> {
    let hash: String = db.query_row(
        "SELECT hash FROM events WHERE seq = ?1",
        [through as i64],
        |row| row.get(0),
    )?;
    db.execute("DELETE FROM events WHERE seq <= ?1", [through as i64])?;
    db.execute(
        "UPDATE chain SET first_seq = ?1, first_hash = ?2",
        params![through as i64, hash],
    )?;
    Ok(ContentHash::from_hex(&hash)?)
}
