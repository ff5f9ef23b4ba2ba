//! Why queued sessions wait, by the same function that the runner decides with.

use std::collections::HashMap;
use std::path::PathBuf;

use super::failure::Failure;
use super::project::Project;
use super::setup::{limits, root_of};
use crate::config::Settings;
use crate::git::Repo;
use crate::model::ids::SessionId;
use crate::model::job::JobState;
use crate::model::lock::{LockTable, Party};
use crate::model::scope::Fold;
use crate::proc::{Attached, attach, job_dir, runner_owner};
use crate::runner::dispatch::{Decision, Lanes, Scene, Slot, Wait, decide};
use crate::runner::{Admission, Limits, Verdicts, buckets, claim, shortage};
use crate::store::{Store, StoreError};

/// What a look at the queue needs besides the store.
#[derive(Debug, Clone)]
pub struct Outlook {
    limits: Limits,
    fold: Fold,
    worktrees: PathBuf,
}

impl Outlook {
    /// As a runner with these settings would look at it.
    pub fn new(repo: &Repo, settings: &Settings) -> Self {
        Self {
            limits: limits(settings),
            fold: repo.fold(),
            // A wrong place is told by whoever makes worktrees.
            worktrees: root_of(repo, settings).unwrap_or_else(|_| repo.main_root().to_owned()),
        }
    }

    /// What a runner would decide now.
    ///
    /// # Errors
    /// The store cannot be read.
    fn decide(&self, store: &Store, now_ms: i64) -> Result<Decision, StoreError> {
        let queue = store.queue()?;
        if queue.is_empty() {
            return Ok(Decision::default());
        }
        let mut slots: Vec<Slot> = Vec::new();
        for job in store.jobs_in(JobState::Running)? {
            if let Some(session) = store.session(job.session_id)?
                && slots.iter().all(|slot| slot.session != session.id)
            {
                slots.push(Slot {
                    session: session.id,
                    claim: claim(&session, &job)?,
                    starting: false,
                });
            }
        }
        let buckets = buckets(store, &self.limits.groups, &queue, now_ms)?;
        let mut table = LockTable::new(self.fold);
        store.read_locks(&mut table)?;
        let holders = || store.holders();
        let mut verdicts = Verdicts::default();
        let mut admission = Admission::new(&table, &holders, &mut verdicts);
        let mut lanes = Lanes::default();
        let (limits, admission) = (&self.limits, &mut admission);
        let scene = Scene {
            queue: &queue,
            slots: &slots,
            shortage: shortage(&queue, limits, &self.worktrees),
            now_ms,
        };
        Ok(decide(scene, limits, buckets, &mut lanes, admission))
    }

    /// Why each session waits that has something queued, for a person.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn reasons(&self, store: &Store) -> Result<HashMap<SessionId, String>, StoreError> {
        let now = now_ms();
        let waiting = self.decide(store, now)?.waiting.into_iter();
        Ok(waiting
            .map(|(session, wait)| (session, wait.describe(now)))
            .collect())
    }

    /// Whom those sessions wait for that could start but for a lock.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn waits_for_locks(&self, store: &Store) -> Result<HashMap<SessionId, Party>, StoreError> {
        let decision = self.decide(store, now_ms())?;
        let waits = decision.waiting.into_iter();
        let by_lock = waits.filter_map(|(session, wait)| match wait {
            Wait::Lock(wait) => Some((session, wait.holder.clone())),
            _ => None,
        });
        Ok(by_lock.collect())
    }
}

/// What each session that has something queued waits for, for a person.
///
/// # Errors
/// The store cannot be read.
pub fn reasons(project: &Project) -> Result<HashMap<SessionId, String>, Failure> {
    let now = now_ms();
    let outlook = Outlook::new(&project.repo, &project.settings);
    let decision = outlook.decide(&project.store, now)?;
    let start = match runner_owner(&project.repo.state_dir()) {
        Some(_) => "starts now",
        None => "no runner is active; start it with treeyard up",
    };
    let waiting = decision.waiting.into_iter();
    let waiting = waiting.map(|(session, wait)| (session, wait.describe(now)));
    let starting = decision.start.into_iter();
    let starting = starting.map(|(session, _)| (session, start.to_owned()));
    let doomed = decision.doomed.into_iter();
    let doomed = doomed.map(|(session, name)| (session, format!("{name} did not succeed")));
    Ok(waiting.chain(starting).chain(doomed).collect())
}

/// Whether anything of a session goes on, or will without anybody's word: by a runner, or by the supervisors that one left.
///
/// # Errors
/// The store cannot be read.
pub fn goes_on(project: &Project, session: SessionId) -> Result<bool, Failure> {
    if runner_owner(&project.repo.state_dir()).is_some() {
        return Ok(true);
    }
    let folder = project.jobs_dir();
    let jobs = project.store.jobs_of(session)?;
    let mut found = jobs.iter().map(|job| attach(&job_dir(&folder, job.id)));
    Ok(found.any(|found| matches!(found, Ok(Attached::Running(_)))))
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
