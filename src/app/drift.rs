//! What a session has changed that is not its own, as the runner last said it.

use super::failure::Failure;
use crate::model::drift::Drift;
use crate::model::session::SessionState;
use crate::store::{SessionRow, Store};

/// `None` when it is not at work, or nothing is to be said of it.
///
/// # Errors
/// The store cannot be read.
pub fn drift_of(store: &Store, session: &SessionRow) -> Result<Option<Drift>, Failure> {
    match session.state {
        SessionState::Active | SessionState::Paused => {
            let last = store.last_drift(session.id)?;
            Ok(last.filter(|drift| !drift.is_none()))
        }
        _ => Ok(None),
    }
}
