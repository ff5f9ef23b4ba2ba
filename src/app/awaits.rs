//! What a session's model waits for.

use super::failure::Failure;
use crate::model::run::Stop;
use crate::sessions::last_run;
use crate::store::{SessionRow, Store};

/// Why the model of a session that waits has stopped. Nothing of a session that is at work, is over or has no model, or whose
/// finished work could not land: that is not its model's to settle.
///
/// # Errors
/// The store cannot be read.
pub fn awaits(store: &Store, session: &SessionRow) -> Result<Option<Stop>, Failure> {
    match last_run(session, &store.jobs_of(session.id)?)? {
        Some(job) => {
            let stop = store.stop_of(session.id, job)?;
            let is_refused = session.landing_code.is_some();
            Ok(stop.filter(|stop| *stop != Stop::Finished || !is_refused))
        }
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
