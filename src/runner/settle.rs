//! Writing down what ended, and what follows from it.

use super::context::job_dir;
use super::error::RunnerError;
use super::finish::{Next, after};
use super::serve::{Collected, Notice, Runner};
use crate::cas::Stored;
use crate::landing::located;
use crate::model::event::{Actor, Event};
use crate::model::ids::{JobId, SessionId};
use crate::model::job::{JobState, Outcome};
use crate::model::session::SessionState;
use crate::proc::{Ended, OUTPUT_FILE, sweep};
use crate::sessions::{move_session, queue_attempt};
use crate::store::{JobRow, SessionRow, StoreError, Tx};
use crate::workspace::{self, Keep, WorkspaceError};

impl Runner {
    /// A supervisor is gone: with an exit record, or without one.
    pub(super) fn ended(&mut self, job: JobId, ended: Ended) -> Result<(), RunnerError> {
        let Some(job) = self.store.job(job)? else {
            return Ok(());
        };
        let duration_ms = match &ended {
            Ended::Finished(exit) => (exit.ended_ms - exit.started_ms).max(0) as u64,
            Ended::Lost => {
                sweep(&job_dir(&self.config.policy.jobs, job.id))?;
                0
            }
        };
        self.settle(&job, &ended.outcome(), duration_ms)
    }

    /// Records the outcome and what follows in one transaction, then acts on it.
    pub(super) fn settle(
        &mut self,
        job: &JobRow,
        outcome: &Outcome,
        duration_ms: u64,
    ) -> Result<(), RunnerError> {
        let Some(row) = self.store.session(job.session_id)? else {
            return Ok(());
        };
        let next = after(job, outcome, row.state, &row.spec()?);
        let dir = job_dir(&self.config.policy.jobs, job.id);
        let (stored, kept) = self.keep_output(&dir);
        let waiting = match next {
            Next::Fail(_) => self.store.jobs_of(row.id)?,
            _ => Vec::new(),
        };
        let now_ms = jiff::Timestamp::now().as_millisecond();
        self.store.write(|tx| {
            record_end(tx, job, outcome, duration_ms, stored.as_ref())?;
            follow(tx, &row, job, &next, &waiting, now_ms)
        })?;
        // Output that the store could not take is only there.
        if kept {
            let _ = std::fs::remove_dir_all(&dir);
        }
        self.active.remove(&row.id);
        match next {
            Next::GoOn => self.next_or_collect(&row),
            _ => Ok(()),
        }
    }

    /// What was stored, and whether the folder has nothing else. A store that cannot take the output
    /// does not change how the job ended.
    fn keep_output(&self, dir: &std::path::Path) -> (Option<Stored>, bool) {
        let path = dir.join(OUTPUT_FILE);
        if std::fs::metadata(&path).map_or(0, |found| found.len()) == 0 {
            return (None, true);
        }
        match self.cas.put_file(&path) {
            Ok(stored) => (Some(stored), true),
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "the output was not stored");
                (None, false)
            }
        }
    }

    fn next_or_collect(&mut self, row: &SessionRow) -> Result<(), RunnerError> {
        if row.state != SessionState::Active {
            return Ok(());
        }
        match self.store.next_queued(row.id)? {
            // The session keeps its slot from job to job, so that a long queue of short jobs
            // does not pay for a look at every other session.
            Some(job) if self.keeps_slot(row)? => self.launch(row, job),
            Some(_) => Ok(()),
            None => self.collect(row),
        }
    }

    /// Whether nothing else waits for a slot.
    fn keeps_slot(&mut self, row: &SessionRow) -> Result<bool, RunnerError> {
        if self.active.len() >= self.config.limits.sessions || self.store.others_wait(row.id)? {
            return Ok(false);
        }
        let group = row.spec()?.group;
        self.active.insert(
            row.id,
            super::serve::Active {
                group,
                supervisor: None,
                cancelled: false,
            },
        );
        Ok(true)
    }

    /// Brings the finished work into the repository, off this thread. A worktree that holds no
    /// work is given back at once.
    pub(super) fn collect(&mut self, row: &SessionRow) -> Result<(), RunnerError> {
        let Some(place) = located(row) else {
            return Ok(());
        };
        self.active.insert(
            row.id,
            super::serve::Active {
                group: None,
                supervisor: None,
                cancelled: false,
            },
        );
        let (repo, id, name) = (self.repo.clone(), row.id, row.name.clone());
        let commit = self.config.policy.commit_uncommitted;
        let keep = Keep::Pool {
            max: self.config.policy.pool,
        };
        self.elsewhere(move || {
            let work = || -> Result<Collected, WorkspaceError> {
                if commit {
                    let message =
                        format!("{name}\n\nTreeyard-Session: {id}\nTreeyard-Task: {name}");
                    workspace::commit_all(&repo, &place, &message)?;
                }
                let imported = workspace::import(&repo, &place)?;
                let idle = commit && imported.new == place.base;
                let released = match idle {
                    true => Some(workspace::release(&repo, &place, &id, keep)?.pooled),
                    false => None,
                };
                Ok(Collected {
                    tip: imported.new,
                    moved: imported.moved,
                    released,
                })
            };
            Notice::Collected(id, work())
        });
        Ok(())
    }

    pub(super) fn collected(
        &mut self,
        session: SessionId,
        collected: Result<Collected, WorkspaceError>,
    ) -> Result<(), RunnerError> {
        self.active.remove(&session);
        let Some(row) = self.store.session(session)? else {
            return Ok(());
        };
        let collected = match collected {
            Ok(collected) => collected,
            Err(error) => return self.block(&row, &error),
        };
        self.store.write(|tx| {
            let mut append = |event| tx.append(Actor::System, Some(session), event).map(drop);
            if collected.moved {
                append(Event::WorkspaceImported {
                    tip: collected.tip.clone(),
                })?;
            }
            if let Some(pooled) = collected.released {
                append(Event::WorkspaceReleased { pooled })?;
            }
            if row.state == SessionState::Active {
                append(Event::SessionCompleted {
                    tip: Some(collected.tip.clone()),
                })?;
                let to = SessionState::Completed;
                move_session(
                    tx,
                    Actor::System,
                    session,
                    row.state,
                    to,
                    "every job succeeded",
                )?;
            }
            Ok::<_, StoreError>(())
        })?;
        Ok(())
    }

    /// The work is done but cannot be taken in: a person looks at the worktree.
    fn block(&mut self, row: &SessionRow, error: &WorkspaceError) -> Result<(), RunnerError> {
        if row.state != SessionState::Active {
            return Ok(());
        }
        let reason = format!("its work was not taken in ({}): {error}", error.code().id());
        self.store.write(|tx| {
            move_session(
                tx,
                Actor::System,
                row.id,
                row.state,
                SessionState::Blocked,
                &reason,
            )
        })?;
        Ok(())
    }

    /// Ends a session that cannot even begin.
    pub(super) fn fail(&mut self, row: &SessionRow, reason: &str) -> Result<(), RunnerError> {
        self.active.remove(&row.id);
        if row.state.is_terminal() {
            return Ok(());
        }
        let waiting = self.store.jobs_of(row.id)?;
        self.store.write(|tx| fail(tx, row, &waiting, reason))?;
        Ok(())
    }
}

fn record_end(
    tx: &mut Tx<'_>,
    job: &JobRow,
    outcome: &Outcome,
    duration_ms: u64,
    stored: Option<&Stored>,
) -> Result<(), StoreError> {
    if let Some(stored) = stored {
        let event = Event::ArtifactStored {
            hash: stored.hash.clone(),
            size: stored.size,
            kind: "output".to_owned(),
            media_type: "text/plain".to_owned(),
            job_id: Some(job.id),
        };
        tx.append(Actor::System, Some(job.session_id), event)?;
    }
    let event = Event::CommandExecuted {
        job_id: job.id,
        outcome: outcome.clone(),
        duration_ms,
        output: stored.map(|stored| stored.hash.clone()),
    };
    tx.append(Actor::System, Some(job.session_id), event)
        .map(drop)
}

fn follow(
    tx: &mut Tx<'_>,
    row: &SessionRow,
    job: &JobRow,
    next: &Next,
    waiting: &[JobRow],
    now_ms: i64,
) -> Result<(), StoreError> {
    match next {
        Next::Rest | Next::GoOn => Ok(()),
        Next::Retry { wait_ms } => queue_attempt(tx, Actor::System, job, now_ms + *wait_ms as i64),
        Next::RunAgain => {
            let reason = "run again after its supervisor vanished".to_owned();
            let event = Event::JobCancelled {
                job_id: job.id,
                reason,
            };
            tx.append(Actor::System, Some(row.id), event)?;
            queue_attempt(tx, Actor::System, job, 0)
        }
        Next::Pause(_) if row.state == SessionState::Paused => Ok(()),
        Next::Pause(reason) => move_session(
            tx,
            Actor::System,
            row.id,
            row.state,
            SessionState::Paused,
            reason,
        ),
        Next::Fail(reason) => fail(tx, row, waiting, reason),
    }
}

fn fail(
    tx: &mut Tx<'_>,
    row: &SessionRow,
    waiting: &[JobRow],
    reason: &str,
) -> Result<(), StoreError> {
    for job in waiting.iter().filter(|job| job.state == JobState::Queued) {
        let event = Event::JobCancelled {
            job_id: job.id,
            reason: "an earlier job failed".to_owned(),
        };
        tx.append(Actor::System, Some(row.id), event)?;
    }
    move_session(
        tx,
        Actor::System,
        row.id,
        row.state,
        SessionState::Failed,
        reason,
    )
}
