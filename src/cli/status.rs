//! `HSK_STATUS` lines as the work goes on.

use std::collections::HashMap;

use super::format::clean;
use crate::model::code::Code;
use crate::model::event::{Event, Record};
use crate::model::ids::{JobId, SessionId};
use crate::model::job::JobKind;
use crate::model::status::StatusLine;
use crate::store::SessionRow;

/// How the sessions of a submission stand.
pub struct StatusLines {
    known: HashMap<SessionId, StatusLine>,
    kinds: HashMap<JobId, JobKind>,
}

impl StatusLines {
    /// For these sessions.
    pub fn new(sessions: &[SessionRow]) -> Self {
        let known = sessions.iter().map(|row| (row.id, status_of(row)));
        Self {
            known: known.collect(),
            kinds: HashMap::new(),
        }
    }

    /// The line that follows from an event, when it changes anything.
    pub fn take(&mut self, record: &Record) -> Option<String> {
        let session = record.model_session_id?;
        let status = self.known.get_mut(&session)?;
        let before = status.clone();
        match &record.event {
            Event::SessionMoved { to, .. } => status.state = *to,
            Event::JobQueued { job_id, kind, .. } => {
                self.kinds.insert(*job_id, *kind);
            }
            Event::JobDispatched { job_id } => status.job = self.kinds.get(job_id).copied(),
            Event::LandingStarted { .. } => {
                (status.landing, status.gate_failed, status.code) = (true, false, None);
            }
            Event::Landed { .. } => (status.landing, status.landed) = (false, true),
            Event::LandingConflicted { .. } => status.landing = false,
            Event::LandingRefused { code, .. } => {
                status.landing = false;
                status.gate_failed = code == Code::GateFailed.id();
                status.code = Code::of_id(code);
            }
            Event::LockConflicted { conflict } => {
                status.conflict |= conflict.waiter.party.session_id() == Some(session);
            }
            Event::LockGranted { .. } => status.conflict = false,
            _ => return None,
        }
        (*status != before).then(|| status.to_string())
    }
}

/// How a session stands, as it is on record.
pub fn status_of(session: &SessionRow) -> StatusLine {
    StatusLine {
        work: clean(&session.name),
        state: session.state,
        job: None,
        landing: false,
        landed: session.landed_commit.is_some(),
        conflict: session.waits_for.is_some() || session.is_asking(),
        gate_failed: session.landing_code.as_deref() == Some(Code::GateFailed.id()),
        code: session.landing_code.as_deref().and_then(Code::of_id),
        identity: None,
    }
}
