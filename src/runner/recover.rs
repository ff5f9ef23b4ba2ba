//! What an earlier runner left: found, settled and recorded before new work is taken.

use std::time::Duration;

use super::error::RunnerError;
use super::groups::claim;
use super::serve::Runner;
use super::settle::{Ending, Followed};
use crate::landing::{Interrupted, end_orphaned_gates, settle};
use crate::merge::LandingLock;
use crate::model::event::{Actor, Event};
use crate::model::job::{JobKind, JobState};
use crate::model::recovery::{Action, settle as settle_job};
use crate::model::session::SessionState;
use crate::proc::{Attached, Ended, attach, boot_id, job_dir, sweep_all};
use crate::sessions::{close_lost, queue_again};
use crate::store::{JobRow, SessionRow, StoreError, Tx};
use crate::workspace::discard;

/// How many jobs are settled in one transaction. Others can write in between.
const AT_ONCE: usize = 256;

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
        let mut left = Vec::new();
        for job in self.store.jobs_in(JobState::Running)? {
            if job.kind != JobKind::Gate {
                left.extend(self.take_over(job)?);
            }
        }
        self.sweep_lost(&left)?;
        while !left.is_empty() {
            let rest = left.split_off(left.len().min(AT_ONCE));
            self.settle_left(std::mem::replace(&mut left, rest))?;
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

    /// Watches a job again that has its supervisor. One that has none is left to be settled.
    fn take_over(&mut self, job: JobRow) -> Result<Option<Left>, RunnerError> {
        let dir = job_dir(&self.config.policy.jobs, job.id);
        let Some(row) = self.store.session(job.session_id)? else {
            return Ok(None);
        };
        self.learn_secrets(&row)?;
        // An older version held no locks. Whoever came first has the files; both run on.
        self.with_lock(&row, |_, _| Ok(()))?;
        let attached = attach(&dir).unwrap_or_else(|error| {
            tracing::warn!(%error, job = %job.id, "how a job stands is not known");
            Attached::Lost
        });
        let begun_in = self.store.boot_of(job.session_id, job.id)?;
        let action = settle_job(attached.standing(), begun_in.as_deref() == Some(boot_id()?));
        let ended = match attached {
            Attached::Running(supervisor) => {
                self.recovered(action.name(), concerned(&job))?;
                self.hold(row.id, claim(&row, &job)?);
                if let Some(active) = self.active.get(&row.id) {
                    active.held.send_replace(supervisor.is_held());
                }
                self.watch(&row, job.id, supervisor);
                return Ok(None);
            }
            Attached::Finished(exit) => Some(Ended::Finished(exit)),
            Attached::NotStarted if action == Action::Requeued => None,
            Attached::NotStarted | Attached::Lost => Some(Ended::lost(&dir)),
        };
        Ok(Some(Left { job, action, ended }))
    }

    /// Ends what is left of jobs that lost their supervisors.
    fn sweep_lost(&mut self, left: &[Left]) -> Result<(), RunnerError> {
        let is_lost = |left: &&Left| left.ended.as_ref().is_some_and(Ended::is_lost);
        let lost: Vec<&JobRow> = left.iter().filter(is_lost).map(|left| &left.job).collect();
        let dirs = lost
            .iter()
            .map(|job| job_dir(&self.config.policy.jobs, job.id));
        for (job, swept) in lost.iter().zip(sweep_all(&dirs.collect::<Vec<_>>())) {
            self.pause_unswept(job, swept)?;
        }
        Ok(())
    }

    /// Records what became of these in one transaction, since each one has to wait for the disk; then acts on it. A
    /// session with more to do waits for the next look at the queue.
    fn settle_left(&mut self, left: Vec<Left>) -> Result<(), RunnerError> {
        let mut settled = Vec::new();
        for Left { job, action, ended } in left {
            let ending = match &ended {
                Some(ended) => Ok(self.ending(job, ended.outcome(), ended.duration_ms())?),
                None => Err(job),
            };
            settled.push((action, ending));
        }
        let followed = self.store.write(|tx| record_left(tx, &settled))?;
        for ((_, ending), followed) in settled.into_iter().zip(followed) {
            if let (Ok(ending), Some(followed)) = (ending, followed) {
                self.act_on(ending, followed)?;
            }
        }
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
        self.note(recovered(action, detail))
    }
}

/// A job that an earlier runner left, and that has no supervisor any more.
struct Left {
    job: JobRow,
    action: Action,
    /// How it ended; `None` when it never began.
    ended: Option<Ended>,
}

/// Writes down what became of jobs, each with what was done about it, and what follows: nothing for one that never began
/// and is queued again.
pub(super) fn record_left(
    tx: &mut Tx<'_>,
    settled: &[(Action, Result<Ending, JobRow>)],
) -> Result<Vec<Option<Followed>>, StoreError> {
    let mut followed = Vec::new();
    for (action, ending) in settled {
        let job = ending.as_ref().map_or_else(|job| job, |ending| &ending.job);
        let event = recovered(action.name(), concerned(job));
        tx.append(Actor::System, None, event)?;
        followed.push(match ending {
            Ok(ending) => Some(ending.record(tx, false)?),
            Err(job) => requeue(tx, job).map(|()| None)?,
        });
    }
    Ok(followed)
}

fn concerned(job: &JobRow) -> String {
    format!("job {} of session {}", job.id, job.session_id)
}

pub(super) fn recovered(action: &str, detail: String) -> Event {
    tracing::info!(action, detail, "recovery");
    Event::Recovered {
        action: action.to_owned(),
        detail,
    }
}

/// The intent was written and nothing began, so running it now runs it once.
fn requeue(tx: &mut Tx<'_>, job: &JobRow) -> Result<(), StoreError> {
    close_lost(tx, job, "it had not begun when the runner ended")?;
    match tx.session(job.session_id)? {
        Some(row) if !row.state.is_terminal() => {
            queue_again(tx, Actor::System, job, job.attempt, 0)
        }
        _ => Ok(()),
    }
}
