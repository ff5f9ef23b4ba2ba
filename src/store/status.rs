//! The line for programs that says how a session stands: kept beside what it follows from.

use rusqlite::{OptionalExtension, params};

use super::error::StoreError;
use super::rows::SessionRow;
use super::tx::Tx;
use crate::model::code::Code;
use crate::model::event::{Actor, Event, Record};
use crate::model::ids::{JobId, SessionId};
use crate::model::job::JobKind;
use crate::model::status::StatusLine;

impl SessionRow {
    /// How it stands. What an older version left says less.
    ///
    /// # Errors
    /// What is stored cannot be read.
    pub fn status(&self) -> Result<StatusLine, StoreError> {
        if let Some(status) = &self.status {
            return Ok(serde_json::from_str(status)?);
        }
        let code = self.landing_code.as_deref();
        Ok(StatusLine {
            work: self.name.clone(),
            state: self.state,
            job: None,
            landing: false,
            landed: self.landed_commit.is_some(),
            conflict: self.waits_for.is_some() || self.is_asking(),
            gate_failed: code == Some(Code::GateFailed.id()),
            code: code.and_then(Code::of_id),
            identity: self.spec()?.run.model().map(|work| work.identity(self.id)),
        })
    }
}

impl Tx<'_> {
    /// Tells how the session stands now that this event was folded, if that is another line than before.
    pub(super) fn tell_status(&mut self, cause: &Record) -> Result<(), StoreError> {
        let Some(session) = cause.model_session_id else {
            return Ok(());
        };
        if !StatusLine::is_changed_by(&cause.event) {
            return Ok(());
        }
        let (before, mut status) = match self.last_status(session)? {
            Some(last) => (Some(last.to_string()), last),
            None => match self.session(session)? {
                Some(row) => (None, row.status()?),
                None => return Ok(()),
            },
        };
        let mut kind = Ok(None);
        status.follow(session, &cause.event, |job| {
            kind = self.kind_of(job);
            kind.as_ref().ok().copied().flatten()
        });
        kind?;
        let line = status.to_string();
        if before.as_ref() == Some(&line) {
            return Ok(());
        }
        let status = Box::new(status);
        let event = Event::StatusChanged { line, status };
        self.append(Actor::System, Some(session), event)?;
        Ok(())
    }

    fn last_status(&self, session: SessionId) -> Result<Option<StatusLine>, StoreError> {
        let found: Option<Option<String>> = self
            .inner
            .prepare_cached("SELECT status FROM sessions WHERE session_id = ?1")?
            .query_row([session.to_string()], |row| row.get(0))
            .optional()?;
        let text = found.flatten();
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    fn kind_of(&self, job: JobId) -> Result<Option<JobKind>, StoreError> {
        let found: Option<String> = self
            .inner
            .prepare_cached("SELECT kind FROM jobs WHERE job_id = ?1")?
            .query_row([job.to_string()], |row| row.get(0))
            .optional()?;
        let kind = found.map(|kind| serde_json::from_value(serde_json::Value::String(kind)));
        Ok(kind.transpose()?)
    }
}

/// The fold of what was told.
pub(super) fn keep(
    db: &rusqlite::Connection,
    id: SessionId,
    status: &StatusLine,
) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE sessions SET status = ?2 WHERE session_id = ?1")?
        .execute(params![id.to_string(), serde_json::to_string(status)?])?;
    Ok(())
}
