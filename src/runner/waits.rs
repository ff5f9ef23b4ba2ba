//! What the runner does about locks that stand in the way of what could start.

use std::time::Duration;

use super::dispatch::Wait;
use super::error::RunnerError;
use super::serve::Runner;
use crate::model::event::Actor;
use crate::model::ids::SessionId;
use crate::model::lock::{Claimant, Conflict, LockToken, Party};
use crate::proc::moment;
use crate::sessions::locks::{claimant, next_end_ms, note_conflict, settle_leases};
use crate::store::{QueueRow, StoreError};

/// The end of a process is seen only by looking.
const LOOK_AT_PROCESSES: Duration = Duration::from_secs(5);
/// So many files of a conflict are on record.
const FILES: usize = 20;

impl Runner {
    /// Reads who holds what. In how many milliseconds the first lock may end by itself.
    pub(super) fn look_at_locks(&mut self) -> Result<Option<i64>, RunnerError> {
        let mut locks = self.store.locks()?;
        let mut left = None;
        if locks.iter().any(|lock| lock.lease.is_some()) {
            let now = moment()?;
            if next_end_ms(&locks, &now) == Some(0) {
                self.store.write(|tx| settle_leases(tx, &now))?;
                locks = self.store.locks()?;
            }
            let of_processes = locks.iter().filter_map(|lock| lock.lease.as_ref()?.process);
            let processes = of_processes.map(|_| LOOK_AT_PROCESSES.as_millis() as u64);
            left = processes.chain(next_end_ms(&locks, &now)).min();
        }
        let read = self.locks.sync(locks);
        read.map_err(|error| StoreError::Malformed(error.to_string()))?;
        Ok(left.map(|left| left as i64))
    }

    /// Says once, each time that a session has to wait for files, who is in its way.
    pub(super) fn note_waiting(
        &mut self,
        queue: &[QueueRow],
        waiting: &[(SessionId, Wait)],
    ) -> Result<(), RunnerError> {
        self.waits.clear();
        let mut new = Vec::new();
        for (session, wait) in waiting {
            let Wait::Lock(wait) = wait else { continue };
            self.waits.insert(*session, wait.holder.clone());
            let row = queue.iter().find(|row| row.session == *session);
            let unsaid = row.is_some_and(|row| row.waits_for_token.is_none());
            if let Some(token) = wait.token.filter(|_| unsaid) {
                new.push((*session, token, wait.witness.clone()));
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let mut conflicts = Vec::new();
        for (session, token, witness) in new {
            conflicts.extend(self.conflict(session, token, witness)?);
        }
        self.store.write(|tx| {
            conflicts.iter_mut().try_for_each(|conflict| {
                let holder = &mut conflict.holder;
                *holder = claimant(tx, &holder.party, &holder.scope)?;
                note_conflict(tx, Actor::System, conflict)
            })
        })?;
        Ok(())
    }

    fn conflict(
        &self,
        session: SessionId,
        token: LockToken,
        witness: Option<String>,
    ) -> Result<Option<Conflict>, RunnerError> {
        let (Some(row), Some(lock)) = (self.store.session(session)?, self.locks.get(token)) else {
            return Ok(None);
        };
        let scope = row.scope()?;
        Ok(Some(Conflict {
            waiter: Claimant {
                party: Party::session(session),
                name: row.name,
                scope,
            },
            holder: Claimant {
                party: lock.holder.clone(),
                name: String::new(),
                scope: lock.scope.clone(),
            },
            token,
            witness,
            paths: Vec::new(),
        }))
    }
}
