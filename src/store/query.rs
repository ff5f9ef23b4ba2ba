//! Reading: what the rest of the program asks of the tables.

use rusqlite::{Connection, params};

use super::chain;
use super::error::StoreError;
use super::open::Store;
use super::rows::{ArtifactRow, JobRow, SessionRow};
use super::tx::Tx;
use crate::model::drift::Drift;
use crate::model::event::Record;
use crate::model::ids::{JobId, PlanId, SessionId};
use crate::model::job::JobState;

/// Which events to read.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only those after this sequence number.
    pub after: u64,
    /// Only this session's.
    pub session: Option<SessionId>,
    /// At most so many, the first ones.
    pub limit: Option<u32>,
}

// The runner asks these at every look. They repeat the conditions of the partial indexes, so that
// what they cost does not grow with what is on record.
pub(super) const OPEN: &str =
    "WHERE state NOT IN ('COMPLETED', 'FAILED', 'CANCELLED') ORDER BY created_seq";
pub(super) const FINISHED: &str = "WHERE state NOT IN ('COMPLETED', 'FAILED', 'CANCELLED') \
     AND state = 'ACTIVE' AND worktree_path IS NOT NULL AND released = 0 \
     AND fill_method <> 'adopted' \
     AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.session_id = sessions.session_id \
     AND jobs.state IN ('queued', 'running', 'stalled')) ORDER BY created_seq";
pub(super) const TO_LAND: &str = "WHERE state = 'COMPLETED' AND auto_land = 1 \
     AND landed_commit IS NULL AND landing_code IS NULL ORDER BY created_seq";

pub(super) const MOVES: &str =
    "SELECT * FROM events WHERE event_type = 'FR-EVT-MERGE-005' ORDER BY seq DESC LIMIT ?1";

const DRIFT: &str = "SELECT * FROM events WHERE session_id = ?1 \
     AND event_type = 'FR-EVT-GUARD-001' ORDER BY seq DESC LIMIT 1";

impl Store {
    /// Sessions that are at work, and those that ended at `since_ms` or later, in milliseconds
    /// since the epoch; the newest first.
    pub fn sessions(&self, since_ms: i64) -> Result<Vec<SessionRow>, StoreError> {
        self.select_sessions(
            "WHERE updated_ms >= ?1 OR state NOT IN ('COMPLETED', 'FAILED', 'CANCELLED') \
             ORDER BY created_seq DESC",
            params![since_ms],
        )
    }

    /// Sessions whose work is not over, the oldest first.
    pub fn open_sessions(&self) -> Result<Vec<SessionRow>, StoreError> {
        self.select_sessions(OPEN, params![])
    }

    /// Sessions at work whose every job has ended.
    pub fn finished_but_active(&self) -> Result<Vec<SessionRow>, StoreError> {
        self.select_sessions(FINISHED, params![])
    }

    /// Completed sessions that are to land by themselves and have not, the oldest first.
    pub fn awaiting_landing(&self) -> Result<Vec<SessionRow>, StoreError> {
        self.select_sessions(TO_LAND, params![])
    }

    /// Sessions that asked for more than they have and wait for it, the oldest first.
    pub fn sessions_that_want(&self) -> Result<Vec<SessionRow>, StoreError> {
        self.select_sessions(
            "WHERE wants IS NOT NULL AND state NOT IN ('COMPLETED', 'FAILED', 'CANCELLED') \
             ORDER BY created_seq",
            params![],
        )
    }

    /// The sessions of one submission, in its order.
    pub fn plan_sessions(&self, plan: PlanId) -> Result<Vec<SessionRow>, StoreError> {
        self.select_sessions(
            "WHERE plan_id = ?1 ORDER BY created_seq",
            params![plan.to_string()],
        )
    }

    /// Sessions that still have a worktree.
    pub fn sessions_with_worktree(&self) -> Result<Vec<SessionRow>, StoreError> {
        self.select_sessions(
            "WHERE worktree_path IS NOT NULL AND released = 0 ORDER BY created_seq",
            params![],
        )
    }

    /// One session.
    pub fn session(&self, id: SessionId) -> Result<Option<SessionRow>, StoreError> {
        session(&self.connection, id)
    }

    /// Every session whose name is `text`, or whose id (or its short form) starts with it; the
    /// newest first.
    pub fn sessions_matching(&self, text: &str) -> Result<Vec<SessionRow>, StoreError> {
        let hex = !text.is_empty() && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        // Ranges instead of patterns, so that each part has its index; `g` is after every digit.
        let from = hex.then(|| text.to_ascii_lowercase());
        let to = from.as_ref().map(|from| format!("{from}g"));
        self.select_sessions(
            "WHERE name = ?1 OR (session_id >= ?2 AND session_id < ?3) \
             OR (substr(session_id, 29) >= ?2 AND substr(session_id, 29) < ?3) \
             ORDER BY +created_seq DESC",
            params![text, from, to],
        )
    }

    /// The sessions that `id` comes after.
    pub fn predecessor_sessions(&self, id: SessionId) -> Result<Vec<SessionRow>, StoreError> {
        self.select_sessions(
            "WHERE session_id IN (SELECT after_id FROM session_after WHERE session_id = ?1) \
             ORDER BY created_seq",
            params![id.to_string()],
        )
    }

    /// A session's jobs in the order they are to run.
    pub fn jobs_of(&self, session: SessionId) -> Result<Vec<JobRow>, StoreError> {
        jobs_of(&self.connection, session)
    }

    /// Jobs that are not over and in this state: queued, running or stalled.
    pub fn jobs_in(&self, state: JobState) -> Result<Vec<JobRow>, StoreError> {
        self.select_jobs(
            "WHERE state IN ('queued', 'running', 'stalled') AND state = ?1 ORDER BY +queued_seq",
            params![state.name()],
        )
    }

    /// Events in their order.
    pub fn events(&self, filter: &EventFilter) -> Result<Vec<Record>, StoreError> {
        let session = filter.session.map(|id| id.to_string());
        let limit = filter.limit.map_or(-1, i64::from);
        // Two texts: one that serves both cannot use the index on sessions.
        let only = match session {
            Some(_) => "session_id = ?2",
            None => "?2 IS NULL",
        };
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT * FROM events WHERE seq > ?1 AND {only} ORDER BY seq LIMIT ?3"
        ))?;
        records(statement.query(params![filter.after as i64, session, limit])?)
    }

    /// The newest landings that were about to move their target, at most `limit` of them, the
    /// newest first.
    pub fn moves(&self, limit: Option<u32>) -> Result<Vec<Record>, StoreError> {
        let mut statement = self.connection.prepare_cached(MOVES)?;
        records(statement.query([limit.map_or(-1, i64::from)])?)
    }

    /// What was last said of a session's changes that are not its own.
    pub fn last_drift(&self, session: SessionId) -> Result<Option<Drift>, StoreError> {
        let mut statement = self.connection.prepare_cached(DRIFT)?;
        let last = records(statement.query([session.to_string()])?)?.pop();
        Ok(last.and_then(|record| Drift::told_by(record.event)))
    }

    /// The sequence number of the last event.
    pub fn head_seq(&self) -> Result<u64, StoreError> {
        Ok(chain::head(&self.connection)?.seq)
    }

    /// Artifacts with their provenance, the newest first.
    pub fn artifacts(&self, session: Option<SessionId>) -> Result<Vec<ArtifactRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT * FROM artifacts WHERE ?1 IS NULL OR session_id = ?1 ORDER BY seq DESC",
        )?;
        let mut rows = statement.query([session.map(|id| id.to_string())])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(ArtifactRow::from_sql(row)?);
        }
        Ok(found)
    }

    fn select_sessions(
        &self,
        clause: &str,
        values: impl rusqlite::Params,
    ) -> Result<Vec<SessionRow>, StoreError> {
        select_sessions(&self.connection, clause, values)
    }

    fn select_jobs(
        &self,
        clause: &str,
        values: impl rusqlite::Params,
    ) -> Result<Vec<JobRow>, StoreError> {
        select_jobs(&self.connection, clause, values)
    }

    /// One job.
    pub fn job(&self, id: JobId) -> Result<Option<JobRow>, StoreError> {
        job(&self.connection, id)
    }
}

/// What holds at the moment: no other writer can change it before this transaction ends.
impl Tx<'_> {
    /// One session.
    pub fn session(&self, id: SessionId) -> Result<Option<SessionRow>, StoreError> {
        session(&self.inner, id)
    }

    /// One job.
    pub fn job(&self, id: JobId) -> Result<Option<JobRow>, StoreError> {
        job(&self.inner, id)
    }

    /// A session's jobs in the order they are to run.
    pub fn jobs_of(&self, session: SessionId) -> Result<Vec<JobRow>, StoreError> {
        jobs_of(&self.inner, session)
    }
}

pub(super) fn records(mut rows: rusqlite::Rows<'_>) -> Result<Vec<Record>, StoreError> {
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(chain::Row::from_sql(row)?.into_record()?);
    }
    Ok(records)
}

fn session(db: &Connection, id: SessionId) -> Result<Option<SessionRow>, StoreError> {
    let found = select_sessions(db, "WHERE session_id = ?1", params![id.to_string()])?;
    Ok(found.into_iter().next())
}

fn job(db: &Connection, id: JobId) -> Result<Option<JobRow>, StoreError> {
    let found = select_jobs(db, "WHERE job_id = ?1", params![id.to_string()])?;
    Ok(found.into_iter().next())
}

fn jobs_of(db: &Connection, session: SessionId) -> Result<Vec<JobRow>, StoreError> {
    let clause = "WHERE session_id = ?1 ORDER BY position, queued_seq";
    select_jobs(db, clause, params![session.to_string()])
}

fn select_sessions(
    db: &Connection,
    clause: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<SessionRow>, StoreError> {
    let columns = SessionRow::COLUMNS;
    let mut statement = db.prepare_cached(&format!("SELECT {columns} FROM sessions {clause}"))?;
    let rows = statement.query_and_then(values, SessionRow::from_sql)?;
    rows.collect()
}

fn select_jobs(
    db: &Connection,
    clause: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<JobRow>, StoreError> {
    let mut statement = db.prepare_cached(&format!("SELECT * FROM jobs {clause}"))?;
    let rows = statement.query_and_then(values, JobRow::from_sql)?;
    rows.collect()
}
