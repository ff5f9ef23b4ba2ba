//! What the dispatcher looks at: one light row for each session that has something queued.

use rusqlite::{OptionalExtension, Row};

use super::error::StoreError;
use super::open::Store;
use super::rows::{Columns, session_state};
use super::tx::Tx;
use crate::model::ids::{JobId, SessionId};
use crate::model::limit::Claim;
use crate::model::lock::LockToken;
use crate::model::session::SessionState;
use crate::model::task::Lane;

/// The head of one session's queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueRow {
    /// The session.
    pub session: SessionId,
    /// `CREATED` or `ACTIVE`; no other session is dispatched.
    pub state: SessionState,
    /// Its next job.
    pub job: JobId,
    /// Whether one of its jobs runs now.
    pub busy: bool,
    /// Not before this time, in milliseconds since the epoch.
    pub not_before_ms: i64,
    /// When it entered the queue, in milliseconds since the epoch.
    pub queued_ms: i64,
    /// Which queue it belongs to.
    pub lane: Lane,
    /// 0 is the most urgent.
    pub priority: u8,
    /// What its next job takes a place of.
    pub claim: Claim,
    /// The order of submission.
    pub created_seq: u64,
    /// A task that it comes after and that is not done yet.
    pub waits_for: Option<String>,
    /// A task that it comes after and that failed or was cancelled.
    pub doomed_by: Option<String>,
    /// Whether it holds the lock that it needs.
    pub holds: bool,
    /// The files that it asks for, as it is stored: most rows are looked at for nothing else.
    pub scope: String,
    /// The one task that it comes after, from whose work it starts.
    pub goes_on_from: Option<SessionId>,
    /// The lock that it is on record as waiting for.
    pub waits_for_token: Option<LockToken>,
    /// How many locks were granted to others since it is on record as waiting.
    pub passed_by: u64,
}

/// A predecessor is done when it completed and, where it lands by itself, has landed: what comes
/// after it is to see its work.
pub(super) const QUEUE: &str = "
SELECT s.session_id, s.state, s.lane, s.priority, s.group_name,
       CASE j.kind WHEN 'model_run' THEN json_extract(j.command, '$.model') END AS model,
       CASE WHEN j.kind = 'model_run' AND json_extract(j.command, '$.execution_mode')
           <> 'MULTI_MODEL_PARALLEL' THEN s.plan_id END AS alone,
       s.created_seq, j.job_id, j.not_before_ms, j.queued_ms,
       EXISTS (SELECT 1 FROM jobs r WHERE r.session_id = s.session_id AND r.state = 'running'
           AND r.state IN ('queued', 'running', 'stalled')) AS busy,
       (SELECT p.name FROM session_after a JOIN sessions p ON p.session_id = a.after_id
         WHERE a.session_id = s.session_id AND NOT (p.state = 'COMPLETED'
           AND (p.auto_land = 0 OR p.landed_commit IS NOT NULL
                OR coalesce(p.landing_code, '') = 'TY-NOTHING-TO-LAND')) LIMIT 1) AS waits_for,
       (SELECT p.name FROM session_after a JOIN sessions p ON p.session_id = a.after_id
         WHERE a.session_id = s.session_id AND p.state IN ('FAILED', 'CANCELLED') LIMIT 1)
           AS doomed_by,
       EXISTS (SELECT 1 FROM locks l WHERE l.session_id = s.session_id
           AND l.holder_session_id = s.session_id) AS holds,
       s.scope,
       (SELECT min(a.after_id) FROM session_after a WHERE a.session_id = s.session_id
         HAVING count(*) = 1) AS goes_on_from,
       s.waits_for_token,
       coalesce((SELECT count FROM grants WHERE only_row = 1) - s.waits_since_grant, 0) AS passed_by
FROM sessions s
JOIN jobs j ON j.job_id = (SELECT q.job_id FROM jobs q
     WHERE q.session_id = s.session_id AND q.state = 'queued'
     ORDER BY q.position, q.queued_seq LIMIT 1)
WHERE s.state NOT IN ('COMPLETED', 'FAILED', 'CANCELLED') AND s.state IN ('CREATED', 'ACTIVE')
ORDER BY s.created_seq";

impl QueueRow {
    /// Whether its next attempt is still to wait. A clock that was set back to before the wait began tells nothing of
    /// how long it lasted, and must not hold it for years.
    pub fn is_early(&self, now_ms: i64) -> bool {
        (self.queued_ms..self.not_before_ms).contains(&now_ms)
    }

    fn from_sql(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut column = Columns::of(row);
        Ok(Self {
            session: column.text()?.parse()?,
            state: session_state(column.text()?)?,
            lane: serde_json::from_value(serde_json::Value::String(column.get()?))?,
            priority: column.get()?,
            claim: Claim {
                group: column.get()?,
                model: column.get()?,
                alone: column.parsed()?,
            },
            created_seq: column.get::<i64>()? as u64,
            job: column.text()?.parse()?,
            not_before_ms: column.get()?,
            queued_ms: column.get()?,
            busy: column.get()?,
            waits_for: column.get()?,
            doomed_by: column.get()?,
            holds: column.get()?,
            scope: column.get()?,
            goes_on_from: column.parsed()?,
            waits_for_token: column.token()?,
            passed_by: column.get::<i64>()?.max(0) as u64,
        })
    }
}

impl Store {
    /// The head of every dispatchable session's queue, in the order of submission.
    pub fn queue(&self) -> Result<Vec<QueueRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(QUEUE)?;
        let mut rows = statement.query([])?;
        let mut queue = Vec::new();
        while let Some(row) = rows.next()? {
            queue.push(QueueRow::from_sql(row)?);
        }
        Ok(queue)
    }
}

impl Tx<'_> {
    /// The session's next queued job.
    pub fn next_queued(&self, session: SessionId) -> Result<Option<JobId>, StoreError> {
        let found: Option<String> = self
            .inner
            .prepare_cached(
                "SELECT job_id FROM jobs WHERE session_id = ?1 AND state = 'queued' \
                 ORDER BY position, queued_seq LIMIT 1",
            )?
            .query_row([session.to_string()], |row| row.get(0))
            .optional()?;
        Ok(found.map(|id| id.parse()).transpose()?)
    }

    /// Whether any other session has something queued.
    pub fn others_wait(&self, session: SessionId) -> Result<bool, StoreError> {
        let found: Option<i64> = self
            .inner
            .prepare_cached(
                "SELECT 1 FROM jobs WHERE state = 'queued' AND session_id <> ?1 LIMIT 1",
            )?
            .query_row([session.to_string()], |row| row.get(0))
            .optional()?;
        Ok(found.is_some())
    }
}
