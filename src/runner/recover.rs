//! What an earlier runner left: found, settled and recorded before new work is taken.

use std::time::Duration;

use super::error::RunnerError;
use super::groups::claim;
use super::serve::Runner;
use crate::landing::{Interrupted, end_orphaned_gates, settle};
use crate::merge::LandingLock;
use crate::model::event::{Actor, Event};
use crate::model::job::{JobKind, JobState};
use crate::model::recovery::{Action, settle as settle_job};
use crate::model::session::SessionState;
use crate::proc::{Attached, Ended, attach, boot_id, job_dir};
use crate::sessions::{close_lost, queue_again};
use crate::store::{JobRow, SessionRow};
use crate::workspace::discard;

impl Runner {
    /// Settles what an earlier runner left, and takes no new work.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub fn recover_only(&mut self) -> Result<(), RunnerError> {
        self.note_started()?;
        self.recover()?;
        self.note(Event::RunnerStopped {
            reason: "recovered".to_owned(),
        })
    }

    pub(super) fn recover(&mut self) -> Result<(), RunnerError> {
        self.settle_landing()?;
        for job in self.store.jobs_in(JobState::Running)? {
            if job.kind != JobKind::Gate {
                self.take_over(&job)?;
            }
        }
        for row in self.store.open_sessions()? {
            let under_way = self.active.contains_key(&row.id);
            if row.state != SessionState::Active || under_way {
                continue;
            }
            if !row.has_worktree() {
                self.clear_half_made(&row)?;
            }
        }
        self.sweep_secrets()
    }

    /// A landing whose process ended, in its gate or after the target had moved. As long as another
    /// process holds the lock, what there is may be its own.
    fn settle_landing(&mut self) -> Result<(), RunnerError> {
        let Ok(lock) = LandingLock::acquire(&self.repo.state_dir(), Duration::ZERO) else {
            return Ok(());
        };
        end_orphaned_gates(&mut self.store, &self.config.policy.jobs, &lock)?;
        match settle(&self.repo, &mut self.store, &lock) {
            Ok(Some(settled)) => {
                let Interrupted {
                    session, target, ..
                } = settled.landing;
                let what = format!("the landing of session {session} on {target}");
                self.recovered("reconciled", what)?;
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "an interrupted landing was not settled"),
        }
        Ok(())
    }

    fn take_over(&mut self, job: &JobRow) -> Result<(), RunnerError> {
        let dir = job_dir(&self.config.policy.jobs, job.id);
        let what = format!("job {} of session {}", job.id, job.session_id);
        let Some(row) = self.store.session(job.session_id)? else {
            return Ok(());
        };
        self.learn_secrets(&row)?;
        self.hold(row.id, claim(&row, job)?);
        if let Some(row) = self.store.session(job.session_id)? {
            // An older version held no locks. Whoever came first has the files; both run on.
            self.with_lock(&row, |_, _| Ok(()))?;
        }
        let attached = attach(&dir).unwrap_or_else(|error| {
            tracing::warn!(%error, job = %job.id, "how a job stands is not known");
            Attached::Lost
        });
        let begun_in = self.store.boot_of(job.session_id, job.id)?;
        let action = settle_job(attached.standing(), begun_in.as_deref() == Some(boot_id()?));
        self.recovered(action.name(), what)?;
        match attached {
            Attached::Running(supervisor) => {
                if let Some(active) = self.active.get(&row.id) {
                    active.held.send_replace(supervisor.is_held());
                }
                self.watch(&row, job.id, supervisor);
                Ok(())
            }
            Attached::Finished(exit) => self.ended(job.id, Ended::Finished(exit)),
            Attached::NotStarted if action == Action::Requeued => self.requeue(job),
            Attached::NotStarted | Attached::Lost => self.ended(job.id, Ended::Lost),
        }
    }

    /// The intent was written and nothing began, so running it now runs it once.
    fn requeue(&mut self, job: &JobRow) -> Result<(), RunnerError> {
        self.free(job.session_id);
        let wanted = self
            .store
            .session(job.session_id)?
            .is_some_and(|row| !row.state.is_terminal());
        self.store.write(|tx| {
            close_lost(tx, job, "it had not begun when the runner ended")?;
            if wanted {
                queue_again(tx, Actor::System, job, job.attempt, 0)
            } else {
                Ok(())
            }
        })?;
        Ok(())
    }

    /// The runner ended while the worktree was being made: what there is holds no work. Whether the
    /// session can go on; one that cannot fails, and the others do go on.
    pub(super) fn clear_half_made(&mut self, row: &SessionRow) -> Result<bool, RunnerError> {
        if row.worktree_path.is_some() {
            return Ok(true);
        }
        let id = format!("{}-{}", row.name, row.id.short());
        let path = self.config.policy.worktrees.join(&id);
        let linked = self.repo.common_dir().join("worktrees").join(&id);
        let has_branch = !matches!(self.repo.ref_target(&row.branch), Ok(None));
        if !has_branch && !path.exists() && !linked.exists() {
            return Ok(true);
        }
        let what = format!("half-made worktree {}", path.display());
        match discard(&self.repo, &path) {
            Ok(()) => {
                self.recovered("reconciled", what)?;
                Ok(true)
            }
            Err(error) => {
                self.fail(row.id, &format!("{what} cannot be cleared away: {error}"))?;
                Ok(false)
            }
        }
    }

    fn recovered(&mut self, action: &str, detail: String) -> Result<(), RunnerError> {
        tracing::info!(action, detail, "recovery");
        self.note(Event::Recovered {
            action: action.to_owned(),
            detail,
        })
    }
}
