//! What a transaction has to know to cancel a whole chain of sessions.

use rusqlite::OptionalExtension;

use super::error::StoreError;
use super::tx::Tx;
use crate::model::ids::{JobId, SessionId};
use crate::model::session::SessionState;

/// A session that still waits for its turn.
#[derive(Debug, Clone)]
pub struct WaitingSession {
    /// Its task's name.
    pub name: String,
    /// `CREATED` or `ACTIVE`.
    pub state: SessionState,
    /// Its jobs that nothing runs; never empty.
    pub jobs: Vec<JobId>,
}

impl Tx<'_> {
    /// The session, if it is one that a runner would dispatch from.
    pub fn waiting_session(&self, id: SessionId) -> Result<Option<WaitingSession>, StoreError> {
        let found: Option<(String, String)> = self
            .inner
            .prepare_cached(
                "SELECT name, state FROM sessions \
                 WHERE session_id = ?1 AND state IN ('CREATED', 'ACTIVE')",
            )?
            .query_row([id.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let jobs = self.ids(
            "SELECT job_id FROM jobs WHERE session_id = ?1 AND state IN ('queued', 'stalled')",
            id,
        )?;
        let Some((name, state)) = found.filter(|_| !jobs.is_empty()) else {
            return Ok(None);
        };
        let state = SessionState::from_name(&state)
            .ok_or_else(|| StoreError::Malformed(format!("the session state {state:?}")))?;
        Ok(Some(WaitingSession { name, state, jobs }))
    }

    /// The sessions that come right after `id`.
    pub fn followers(&self, id: SessionId) -> Result<Vec<SessionId>, StoreError> {
        self.ids(
            "SELECT session_id FROM session_after WHERE after_id = ?1",
            id,
        )
    }

    fn ids<T>(&self, query: &str, of: SessionId) -> Result<Vec<T>, StoreError>
    where
        T: std::str::FromStr,
        StoreError: From<T::Err>,
    {
        let mut statement = self.inner.prepare_cached(query)?;
        let rows = statement.query_map([of.to_string()], |row| row.get::<_, String>(0))?;
        rows.map(|id| Ok(id?.parse()?)).collect()
    }
}
