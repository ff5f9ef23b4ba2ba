//! What comes after work that did not succeed.

use super::control::move_session;
use crate::model::event::{Actor, Event};
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
            let Some(waiting) = tx.waiting_session(id)? else {
                continue;
            };
            let reason = format!("comes after {before}, which did not succeed");
            let (from, to) = (waiting.state, SessionState::Cancelled);
            move_session(tx, Actor::System, id, from, to, &reason)?;
            for job_id in waiting.jobs {
                let reason = reason.clone();
                let event = Event::JobCancelled { job_id, reason };
                tx.append(Actor::System, Some(id), event)?;
            }
            let name = waiting.name;
            let followers = tx.followers(id)?.into_iter();
            left.extend(followers.map(|follower| (follower, name.clone())));
        }
        Ok(())
    })
}
