//! When there is nothing left to do for a submission.

use std::collections::HashSet;

use crate::model::ids::{PlanId, SessionId};
use crate::model::session::SessionState;
use crate::store::{SessionRow, Store, StoreError};

/// Whether no runner can bring any task of this submission on: each is over, or it waits for a
/// person, itself or by what it comes after.
pub fn is_at_rest(store: &Store, plan: PlanId) -> Result<bool, StoreError> {
    // In the order of submission, so that each comes after those it waits for.
    let mut held = HashSet::new();
    for row in &store.plan_sessions(plan)? {
        if is_over(row) || waits_for_a_person(row.state) {
            continue;
        }
        if !is_held(store, row, &held)? {
            return Ok(false);
        }
        held.insert(row.id);
    }
    Ok(true)
}

fn is_over(row: &SessionRow) -> bool {
    match row.state {
        SessionState::Completed => {
            !row.auto_land || row.landed_commit.is_some() || row.landing_code.is_some()
        }
        state => state.is_terminal(),
    }
}

fn waits_for_a_person(state: SessionState) -> bool {
    matches!(state, SessionState::Blocked | SessionState::Paused)
}

/// Whether it comes after something that waits for a person, or that is `held` itself.
fn is_held(store: &Store, row: &SessionRow, held: &HashSet<SessionId>) -> Result<bool, StoreError> {
    if row.state != SessionState::Created {
        return Ok(false);
    }
    let before = store.predecessor_sessions(row.id)?;
    Ok(before
        .iter()
        .any(|before| waits_for_a_person(before.state) || held.contains(&before.id)))
}
