//! What a session's model waits for.

use super::failure::Failure;
use crate::model::job::JobKind;
use crate::model::run::Stop;
use crate::model::session::SessionState;
use crate::store::{SessionRow, Store};

/// Why the model of a session that waits has stopped. Nothing of a session that is at work, is over or has no model.
///
/// # Errors
/// The store cannot be read.
pub fn awaits(store: &Store, session: &SessionRow) -> Result<Option<Stop>, Failure> {
    if !matches!(session.state, SessionState::Blocked | SessionState::Paused)
        || session.spec()?.run.model().is_none()
    {
        return Ok(None);
    }
    let jobs = store.jobs_of(session.id)?;
    let models = jobs.iter().filter(|job| job.kind == JobKind::ModelRun);
    let begun = models.filter(|job| job.started_ms.is_some());
    match begun.max_by_key(|job| job.started_ms) {
        Some(last) => Ok(store.stop_of(session.id, last.id)?),
        None => Ok(None),
    }
}

/// The exact command by which a person lets it go on.
pub fn word_for(session: &SessionRow, stop: &Stop) -> String {
    let s = session.id.short();
    match stop {
        Stop::AwaitsApproval { .. } => format!("treeyard approvals show {s}"),
        Stop::AwaitsConsent => format!("treeyard consent show {s}"),
        Stop::Finished => format!("treeyard send {s} TEXT"),
        _ => format!("treeyard resume {s}"),
    }
}
