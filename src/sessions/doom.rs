//! What comes after work that did not succeed.

use super::control::{end, waits};
use crate::model::event::Actor;
use crate::model::ids::SessionId;
use crate::model::session::SessionState;
use crate::store::{Store, StoreError};

/// Cancels each of these sessions, with the name of the task that did not succeed and that it
/// comes after, and everything that comes after it in turn. One transaction, however long the
/// chain; sessions that do not wait any more are left alone.
pub fn cancel_doomed(
    store: &mut Store,
    doomed: Vec<(SessionId, String)>,
) -> Result<(), StoreError> {
    store.write(|tx| {
        let mut left = doomed;
        while let Some((id, before)) = left.pop() {
            let Some(session) = tx.session(id)? else {
                continue;
            };
            let startable = [SessionState::Created, SessionState::Active];
            let queued = startable.contains(&session.state) && tx.jobs_of(id)?.iter().any(waits);
            if !queued {
                continue;
            }
            let reason = format!("comes after {before}, which did not succeed");
            end(tx, &session, Actor::System, &reason)?;
            let name = session.name;
            let followers = tx.followers(id)?.into_iter();
            left.extend(followers.map(|follower| (follower, name.clone())));
        }
        Ok(())
    })
}
