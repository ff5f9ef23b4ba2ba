//! When jobs were started, and what was said of those that wait: the memory of rate limits. It is
//! in the store alone, so that a restarted runner goes on as the one before it would have.

use rusqlite::{OptionalExtension, params};

use super::calls::made_here;
use super::error::StoreError;
use super::open::Store;
use super::tx::Tx;
use crate::model::ids::{JobId, SessionId};
use crate::model::tool::CallId;

// What a clock that was set back says is to come would hold others until it comes.
const STARTS: &str = "
SELECT j.started_ms, s.group_name FROM jobs j JOIN sessions s ON s.session_id = j.session_id
WHERE j.started_ms IS NOT NULL AND j.started_ms <= ?1 AND j.kind <> 'gate' AND ";

const MODEL_CALLS: &str = "
SELECT started_ms, coalesce(tokens, reserved_tokens), provider FROM model_calls
WHERE started_ms <= ?1 AND ";

// The plus keeps the database from walking through the session's events.
pub(super) const BOOT: &str = "
SELECT json_extract(data, '$.boot_id') FROM events
WHERE event_type = 'FR-EVT-RUNNER-001' AND seq < (
    SELECT max(seq) FROM events WHERE +session_id = ?1 AND job_id = ?2
    AND event_type = 'FR-EVT-SESS-SCHED-002')
ORDER BY seq DESC LIMIT 1";

impl Tx<'_> {
    /// When the newest calls of a provider's models began, in milliseconds since the epoch, with the tokens that each took or has
    /// reserved: from `now_ms` back to the first pause of at least `pause_ms`, and at most `most`.
    pub fn recent_calls(
        &self,
        provider: &str,
        now_ms: i64,
        pause_ms: i64,
        most: usize,
    ) -> Result<Vec<(i64, u64)>, StoreError> {
        let newest_first = format!("{MODEL_CALLS} {} ORDER BY started_ms DESC", made_here());
        let mut statement = self.inner.prepare_cached(&newest_first)?;
        let mut rows = statement.query([now_ms])?;
        let mut calls = Vec::new();
        let mut later = now_ms;
        while let Some(row) = rows.next()? {
            let start: i64 = row.get(0)?;
            if later.saturating_sub(start) >= pause_ms || calls.len() == most {
                break;
            }
            if row.get_ref(2)?.as_str().is_ok_and(|of| of == provider) {
                calls.push((start, row.get::<_, i64>(1)?.max(0) as u64));
                later = start;
            }
        }
        Ok(calls)
    }
}

impl Store {
    /// When the newest jobs of `group` were started, gates left out, in milliseconds since the
    /// epoch: from `now_ms` back to the first pause of at least `pause_ms`, and at most `most`.
    pub fn recent_starts(
        &self,
        group: &str,
        now_ms: i64,
        pause_ms: i64,
        most: usize,
    ) -> Result<Vec<i64>, StoreError> {
        let newest_first = format!("{STARTS} j.{} ORDER BY j.started_ms DESC", made_here());
        let mut statement = self.connection.prepare_cached(&newest_first)?;
        let mut rows = statement.query([now_ms])?;
        let mut starts = Vec::new();
        let mut later = now_ms;
        while let Some(row) = rows.next()? {
            let start: i64 = row.get(0)?;
            if later.saturating_sub(start) >= pause_ms || starts.len() == most {
                break;
            }
            let of: Option<String> = row.get(1)?;
            if of.as_deref() == Some(group) {
                starts.push(start);
                later = start;
            }
        }
        Ok(starts)
    }

    /// The boot of the machine in which the runner served that dispatched the job. `None` when the
    /// log does not say, or not any more.
    pub fn boot_of(&self, session: SessionId, job: JobId) -> Result<Option<String>, StoreError> {
        let found: Option<Option<String>> = self
            .connection
            .prepare_cached(BOOT)?
            .query_row(params![session.to_string(), job.to_string()], |row| {
                row.get(0)
            })
            .optional()?;
        Ok(found.flatten())
    }

    /// The boot of the machine in which the runner served that ran when a tool was about to run. `None` when the log does not
    /// say, or not any more.
    pub fn boot_of_call(
        &self,
        session: SessionId,
        call: &CallId,
    ) -> Result<Option<String>, StoreError> {
        let found: Option<Option<String>> = self
            .connection
            .prepare_cached(
                "SELECT json_extract(r.data, '$.boot_id') FROM events r \
                 WHERE r.event_type = 'FR-EVT-RUNNER-001' AND r.seq < \
                 (SELECT seq FROM messages WHERE session_id = ?1 \
                  AND json_extract(record, '$.role') = 'TOOL_CALL' \
                  AND json_extract(record, '$.tool_call_id') = ?2) \
                 ORDER BY r.seq DESC LIMIT 1",
            )?
            .query_row([session.to_string(), call.to_string()], |row| row.get(0))
            .optional()?;
        Ok(found.flatten())
    }

    /// Whether the log has an event of this type about the job.
    pub fn has_event(
        &self,
        session: SessionId,
        job: JobId,
        type_id: &str,
    ) -> Result<bool, StoreError> {
        let found: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT 1 FROM events WHERE session_id = ?1 AND job_id = ?2 \
                 AND event_type = ?3 LIMIT 1",
            )?
            .query_row(
                params![session.to_string(), job.to_string(), type_id],
                |row| row.get(0),
            )
            .optional()?;
        Ok(found.is_some())
    }
}
