//! What a session's model waits for.

use crate::model::ids::{JobId, SessionId};
use crate::model::job::JobKind;
use crate::model::run::Stop;
use crate::model::session::SessionState;
use crate::store::{JobRow, SessionRow, StoreError, Tx};

/// The job whose model stopped last, of a session's jobs in their order. None of a session that is at work, is over or has no model.
///
/// # Errors
/// What the session is about cannot be read.
pub fn last_run(session: &SessionRow, jobs: &[JobRow]) -> Result<Option<JobId>, StoreError> {
    if !matches!(session.state, SessionState::Blocked | SessionState::Paused)
        || session.spec()?.run.model().is_none()
    {
        return Ok(None);
    }
    let models = jobs.iter().filter(|job| job.kind == JobKind::ModelRun);
    // By their order, since a clock may have been set back between them.
    let mut begun = models.filter(|job| job.started_ms.is_some());
    Ok(begun.next_back().map(|job| job.id))
}

/// Why the model of a session that waits has stopped, as it is in this transaction: what a person was shown may be
/// over.
///
/// # Errors
/// Those of the database.
pub fn awaited(tx: &Tx<'_>, session: SessionId) -> Result<Option<Stop>, StoreError> {
    let Some(row) = tx.session(session)? else {
        return Ok(None);
    };
    match last_run(&row, &tx.jobs_of(session)?)? {
        Some(job) => tx.stop_of(session, job),
        None => Ok(None),
    }
}
