//! What a session's model waits for.

use super::failure::Failure;
use crate::model::run::Stop;
use crate::sessions::last_run;
use crate::store::{SessionRow, Store};

/// Why the model of a session that waits has stopped. Nothing of a session that is at work, is over or has no model.
///
/// # Errors
/// The store cannot be read.
pub fn awaits(store: &Store, session: &SessionRow) -> Result<Option<Stop>, Failure> {
    match last_run(session, &store.jobs_of(session.id)?)? {
        Some(job) => Ok(store.stop_of(session.id, job)?),
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
