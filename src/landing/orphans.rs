//! Gates of landings that were killed. Their supervisors outlive them, but nobody waits for their
//! verdict any more: the next landing begins anew.

use std::path::Path;

use crate::merge::LandingLock;
use crate::model::event::{Actor, Event};
use crate::model::job::{JobKind, JobState};
use crate::proc::{Attached, ProcError, attach, job_dir, sweep};
use crate::sessions::close_lost;
use crate::store::{Store, StoreError};

/// Ends every gate that still runs. Only one landing goes on at a time, and the proof says that it
/// is the caller's: so these belong to none.
pub fn end_orphaned_gates(
    store: &mut Store,
    jobs: &Path,
    _proof: &LandingLock,
) -> Result<(), StoreError> {
    let running = store.jobs_in(JobState::Running)?;
    for gate in running.iter().filter(|job| job.kind == JobKind::Gate) {
        if let Err(error) = end(&job_dir(jobs, gate.id)) {
            tracing::warn!(%error, job = %gate.id, "the gate of a killed landing left processes");
        }
        let found = Event::Recovered {
            action: "reconciled".to_owned(),
            detail: format!("gate {} of an interrupted landing", gate.id),
        };
        store.write(|tx| {
            tx.append(Actor::System, None, found)?;
            close_lost(tx, gate, "its landing was interrupted")
        })?;
    }
    Ok(())
}

fn end(dir: &Path) -> Result<(), ProcError> {
    match attach(dir)? {
        Attached::Running(supervisor) => supervisor.cancel(),
        Attached::Lost => sweep(dir),
        Attached::Finished(_) | Attached::NotStarted => Ok(()),
    }
}
