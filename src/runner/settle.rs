//! Writing down what ended, and what follows from it.

use std::path::{Path, PathBuf};

use super::error::RunnerError;
use super::finish::{Next, after};
use super::serve::Runner;
use crate::model::event::{Actor, Event};
use crate::model::ids::{JobId, SessionId};
use crate::model::job::{JobKind, JobState, Outcome};
use crate::model::redact::Findings;
use crate::model::run::Stop;
use crate::model::secret::SecretName;
use crate::model::session::SessionState;
use crate::proc::{Ended, ProcError, job_dir, sweep};
use crate::secrets::{KeptOutput, keep_output};
use crate::sessions::{JobEnd, move_session, queue_attempt, record_end, take_out};
use crate::store::{JobRow, SessionRow, StoreError, Tx};

impl Runner {
    /// A supervisor is gone: with an exit record, or without one.
    pub(super) fn ended(&mut self, job: JobId, ended: Ended) -> Result<(), RunnerError> {
        // An end that is told twice is recorded once.
        let job = self.store.job(job)?;
        let Some(job) = job.filter(|job| job.state == JobState::Running) else {
            return Ok(());
        };
        if ended.is_lost() {
            let swept = sweep(&job_dir(&self.config.policy.jobs, job.id));
            self.pause_unswept(&job, swept)?;
        }
        self.settle(&job, &ended.outcome(), ended.duration_ms())
    }

    /// It is not run again beside itself, whatever its task says of crashes; others go on.
    pub(super) fn pause_unswept(
        &mut self,
        job: &JobRow,
        swept: Result<(), ProcError>,
    ) -> Result<(), RunnerError> {
        let Err(error) = swept else {
            return Ok(());
        };
        tracing::warn!(%error, job = %job.id, "a lost job left processes");
        let reason = format!("processes of its last command may still run: {error}");
        let (from, to) = (SessionState::Active, SessionState::Paused);
        self.move_from(job.session_id, from, to, &reason)
    }

    /// Records the outcome and what follows in one transaction, then acts on it.
    pub(super) fn settle(
        &mut self,
        job: &JobRow,
        outcome: &Outcome,
        duration_ms: u64,
    ) -> Result<(), RunnerError> {
        let ending = self.ending(job.clone(), outcome.clone(), duration_ms)?;
        let room = self.may_keep_slot(job.session_id);
        let followed = self.store.write(|tx| ending.record(tx, room))?;
        self.act_on(ending, followed)
    }

    /// What there is to record of a job that is over. What it printed is stored by that.
    pub(super) fn ending(
        &self,
        job: JobRow,
        outcome: Outcome,
        duration_ms: u64,
    ) -> Result<Ending, RunnerError> {
        let dir = job_dir(&self.config.policy.jobs, job.id);
        let row = self.store.session(job.session_id)?;
        let secrets = row
            .as_ref()
            .map_or(Ok(Vec::new()), |row| row.spec().map(|spec| spec.secrets))?;
        let (output, kept) = self.keep_output(&dir, &secrets);
        let stop = match job.kind {
            JobKind::ModelRun => self.store.stop_of(job.session_id, job.id)?,
            _ => None,
        };
        Ok(Ending {
            job,
            outcome,
            duration_ms,
            stop,
            output,
            kept,
            with_secrets: row.filter(|_| !secrets.is_empty()),
            dir,
        })
    }

    /// Does what follows, once it is on record.
    pub(super) fn act_on(&mut self, ending: Ending, then: Followed) -> Result<(), RunnerError> {
        let Ending { job, dir, kept, .. } = ending;
        if let Some(row) = ending.with_secrets {
            self.take_secrets_back(&row, &dir, kept);
        }
        match then {
            Followed::GoesOn { row, job } => self.spawn(&row, &job)?,
            Followed::HasEnded(row) => self.collect(&row)?,
            Followed::Waits => {
                self.free(job.session_id);
                let is_command = matches!(job.kind, JobKind::Setup | JobKind::Command);
                if is_command && self.config.checkpoints.is_on {
                    self.record_ended(job.session_id);
                }
            }
        }
        // Output that the store could not take is only there.
        if kept {
            tokio::task::spawn_blocking(move || std::fs::remove_dir_all(dir));
        }
        Ok(())
    }

    /// Whether the session may go on in its slot, as far as the limits are concerned.
    fn may_keep_slot(&self, session: SessionId) -> bool {
        let limits = &self.config.limits;
        let group = self
            .active
            .get(&session)
            .and_then(|active| active.claim.group.as_ref());
        let limit = group.and_then(|name| limits.groups.get(name));
        // Only the next look at the queue knows whether its group has a start left.
        let has_rate = limit.is_some_and(|limit| limit.rate.is_some());
        self.at_work() <= limits.sessions && !has_rate
    }

    /// What was stored, without secrets, and whether the folder has nothing else. A store that cannot take the output
    /// does not change how the job ended.
    fn keep_output(&self, dir: &Path, secrets: &[SecretName]) -> (Option<KeptOutput>, bool) {
        // Most jobs that are short print nothing.
        let redactor = || self.config.policy.secrets.redactor(secrets);
        match keep_output(&self.cas, dir, redactor) {
            Ok(kept) => (kept, true),
            Err(error) => {
                tracing::warn!(%error, path = %dir.display(), "the output was not stored");
                (None, false)
            }
        }
    }

    /// Ends a session that cannot even begin.
    pub(super) fn fail(&mut self, session: SessionId, reason: &str) -> Result<(), RunnerError> {
        self.free(session);
        self.store.write(|tx| match tx.session(session)? {
            Some(row) if !row.state.is_terminal() => fail(tx, &row, reason),
            _ => Ok(()),
        })?;
        Ok(())
    }
}

/// A job that is over, as it is to be recorded.
pub(super) struct Ending {
    pub job: JobRow,
    pub outcome: Outcome,
    pub duration_ms: u64,
    pub stop: Option<Stop>,
    pub output: Option<KeptOutput>,
    /// Whether its folder has nothing that is not stored.
    pub kept: bool,
    /// Its session, when it has secrets in files.
    pub with_secrets: Option<SessionRow>,
    pub dir: PathBuf,
}

impl Ending {
    /// Writes down how it ended and what follows. Without `room` the session does not go on at once.
    pub(super) fn record(&self, tx: &mut Tx<'_>, room: bool) -> Result<Followed, StoreError> {
        let end = JobEnd {
            outcome: &self.outcome,
            duration_ms: self.duration_ms,
            output: self.output.as_ref().map(|kept| (&kept.stored, "output")),
            redacted: self
                .output
                .as_ref()
                .map_or_else(Findings::default, |kept| kept.redacted.clone()),
        };
        let ended_ms = record_end(tx, self.job.session_id, self.job.id, &end)?;
        let how = (&self.outcome, self.stop.as_ref());
        follow(tx, &self.job, how, ended_ms, room)
    }
}

/// What became of a session when its job ended.
pub(super) enum Followed {
    /// It keeps its slot, and its next job is dispatched already: a long queue of short jobs does
    /// not pay for a look at every other session, nor for a transaction of its own.
    GoesOn { row: SessionRow, job: JobRow },
    /// Nothing of it is left to run.
    HasEnded(SessionRow),
    /// It waits for its turn, for a time, or for a person; or it is over.
    Waits,
}

fn follow(
    tx: &mut Tx<'_>,
    job: &JobRow,
    how: (&Outcome, Option<&Stop>),
    ended_ms: i64,
    room: bool,
) -> Result<Followed, StoreError> {
    let Some(row) = tx.session(job.session_id)? else {
        return Ok(Followed::Waits);
    };
    match after(job, how, row.state, &row.spec()?) {
        Next::Rest => {}
        Next::GoOn => return go_on(tx, row, room),
        Next::Retry { wait_ms } => {
            queue_attempt(tx, Actor::System, job, ended_ms + wait_ms as i64)?;
        }
        Next::RunAgain => {
            let reason = "run again after its supervisor vanished";
            take_out(tx, Actor::System, job, reason)?;
            queue_attempt(tx, Actor::System, job, 0)?;
        }
        Next::Pause(_) if row.state == SessionState::Paused => {}
        Next::Pause(reason) => {
            let to = SessionState::Paused;
            move_session(tx, Actor::System, row.id, row.state, to, &reason)?;
        }
        Next::Fail(reason) => fail(tx, &row, &reason)?,
    }
    Ok(Followed::Waits)
}

fn go_on(tx: &mut Tx<'_>, row: SessionRow, room: bool) -> Result<Followed, StoreError> {
    if row.state != SessionState::Active {
        return Ok(Followed::Waits);
    }
    let Some(job_id) = tx.next_queued(row.id)? else {
        return Ok(Followed::HasEnded(row));
    };
    let holds = tx
        .held_by(row.id)?
        .iter()
        .any(|lock| lock.owner == lock.holder);
    if !holds || !room || tx.others_wait(row.id)? {
        return Ok(Followed::Waits);
    }
    // Only the next look at the queue knows whether its model has room for one more.
    let job = tx.job(job_id)?;
    let Some(job) = job.filter(|job| job.kind != JobKind::ModelRun) else {
        return Ok(Followed::Waits);
    };
    let event = Event::JobDispatched { job_id };
    tx.append(Actor::System, Some(row.id), event)?;
    Ok(Followed::GoesOn { row, job })
}

/// Ends the session, and takes out what was still to run.
pub(super) fn fail(tx: &mut Tx<'_>, row: &SessionRow, reason: &str) -> Result<(), StoreError> {
    let jobs = tx.jobs_of(row.id)?;
    let is_open = |job: &&JobRow| matches!(job.state, JobState::Queued | JobState::Stalled);
    for job in jobs.iter().filter(is_open) {
        take_out(tx, Actor::System, job, "an earlier job failed")?;
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
