//! When there is nothing left to do for a submission.

use std::collections::{HashMap, HashSet};

use crate::model::ids::{PlanId, SessionId};
use crate::model::lock::Party;
use crate::model::session::SessionState;
use crate::store::{Holder, SessionRow, Store, StoreError};

/// Whether no runner can bring any task of this submission on: each is over, or it waits for a
/// person, itself, by what it comes after, or by who holds its files. `waits` says whom those wait
/// for that could start but for a lock.
pub fn is_at_rest(
    store: &Store,
    plan: PlanId,
    waits: &HashMap<SessionId, Party>,
) -> Result<bool, StoreError> {
    are_at_rest(store, store.plan_sessions(plan)?, waits)
}

/// The same of one session, whatever it was submitted with.
pub fn is_session_at_rest(
    store: &Store,
    session: SessionId,
    waits: &HashMap<SessionId, Party>,
) -> Result<bool, StoreError> {
    are_at_rest(store, store.session(session)?.into_iter().collect(), waits)
}

fn are_at_rest(
    store: &Store,
    mut left: Vec<SessionRow>,
    waits: &HashMap<SessionId, Party>,
) -> Result<bool, StoreError> {
    left.retain(|row| !is_over(row) && !waits_for_a_person(row.state));
    let mut held = HashSet::new();
    let holders = store.holders()?;
    // A plan may name a task before those it comes after: again, as long as that holds more.
    loop {
        let before = left.len();
        let mut still = Vec::new();
        for row in left {
            let by_lock = waits
                .get(&row.id)
                .is_some_and(|holder| rests(holder, &holders, &held));
            if by_lock || is_held(store, &row, &held)? {
                held.insert(row.id);
            } else {
                still.push(row);
            }
        }
        if still.is_empty() || still.len() == before {
            return Ok(still.is_empty());
        }
        left = still;
    }
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

/// Whether files are given back only when a person does something.
fn rests(holder: &Party, holders: &HashMap<SessionId, Holder>, held: &HashSet<SessionId>) -> bool {
    match holder.session_id() {
        Some(id) => held.contains(&id) || holders.get(&id).is_some_and(|holder| holder.rests),
        None => true,
    }
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
