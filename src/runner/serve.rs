//! The loop: look at the rows, decide, act, sleep until a notice or a deadline.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::admission::{Admission, Verdicts};
use super::collect::Collected;
use super::context::Config;
use super::dispatch::{Held, Lanes, Scene, Slot, Wait, decide};
use super::drift::Looks;
use super::error::RunnerError;
use super::groups::buckets;
use super::looks::Sight;
use super::passing::Fetched;
use super::shortage::shortage;
use crate::cas::Cas;
use crate::fault::{self, Point};
use crate::git::Repo;
use crate::landing::LandError;
use crate::model::code::Code;
use crate::model::event::{Actor, Event};
use crate::model::ids::{JobId, PlanId, SessionId};
use crate::model::limit::Claim;
use crate::model::lock::{LockTable, Party};
use crate::model::session::SessionState;
use crate::proc::{Ended, Launcher, ProcError, RunnerLock, Supervisor, WakeListener, boot_id};
use crate::sessions::{self, move_session};
use crate::store::Store;
use crate::workspace::{Changed, Workspace, WorkspaceError};

/// How long a runner serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Until it is told to stop.
    Stopped,
    /// Until nothing of this submission is left to do.
    Done(PlanId),
    /// Until this session is over, or waits for somebody.
    Rests(SessionId),
}

/// What comes back from work that is not done on the runner's own thread.
pub(super) enum Notice {
    Prepared(SessionId, Result<Workspace, WorkspaceError>),
    Looked(SessionId, Changed),
    Fetched(SessionId, JobId, Fetched),
    Ended(SessionId, JobId, Result<Ended, ProcError>),
    Collected(SessionId, Result<Collected, LandError>),
    Landed(SessionId, Result<(), LandError>),
    Panicked(SessionId),
}

/// What a session holds while something of it is under way.
pub(super) struct Active {
    pub claim: Claim,
    pub supervisor: Option<Arc<Supervisor>>,
    pub sight: Sight,
    /// Whether its command is stopped where it is. Then it keeps no slot from others.
    pub held: watch::Sender<bool>,
    pub cancelled: bool,
}

impl Active {
    pub(super) fn is_held(&self) -> bool {
        *self.held.borrow()
    }
}

/// The one process that acts in a repository.
pub struct Runner {
    pub(super) repo: Repo,
    pub(super) config: Config,
    pub(super) store: Store,
    pub(super) cas: Cas,
    pub(super) launcher: Launcher,
    pub(super) active: HashMap<SessionId, Active>,
    pub(super) notices: UnboundedSender<Notice>,
    inbox: UnboundedReceiver<Notice>,
    lanes: Lanes,
    /// Waiting jobs of which the log says what holds them, with the event that says it.
    held: HashSet<(JobId, &'static str)>,
    /// The scopes of the locks that are held, read once each.
    pub(super) locks: LockTable,
    verdicts: Verdicts,
    /// Whom those sessions wait for that could start but for a lock, at the last look.
    pub(super) waits: HashMap<SessionId, Party>,
    /// Whether a session waits for more than it has.
    pub(super) wanted: bool,
    pub(super) looks: Looks,
    pub(super) landing: bool,
    /// Checkpoints that are being recorded.
    pub(super) recording: Vec<JoinHandle<()>>,
    _lock: RunnerLock,
}

impl Runner {
    /// Takes the repository's lock.
    ///
    /// # Errors
    /// Another runner has it, or the lock file cannot be written.
    pub fn start(repo: Repo, config: Config, store: Store, cas: Cas) -> Result<Self, RunnerError> {
        let lock = RunnerLock::acquire(&repo.state_dir())?;
        let fold = repo.fold();
        let (notices, inbox) = unbounded_channel();
        Ok(Self {
            repo,
            config,
            store,
            cas,
            launcher: Launcher::current(),
            active: HashMap::new(),
            notices,
            inbox,
            lanes: Lanes::default(),
            held: HashSet::new(),
            locks: LockTable::new(fold),
            verdicts: Verdicts::default(),
            waits: HashMap::new(),
            wanted: false,
            looks: Looks::default(),
            landing: false,
            recording: Vec::new(),
            _lock: lock,
        })
    }

    /// Recovers what an earlier runner left, then works until the end or until `stop` resolves.
    /// Stopping leaves running jobs to their supervisors; the next runner finds them.
    ///
    /// # Errors
    /// What makes going on impossible: the store, the wake-up pipe.
    pub async fn serve(
        &mut self,
        until: Until,
        stop: impl Future<Output = &'static str>,
    ) -> Result<(), RunnerError> {
        let mut wake = WakeListener::open(&self.repo.state_dir())?;
        self.note_started()?;
        self.recover()?;
        let mut stop = std::pin::pin!(stop);
        let reason = loop {
            let look_again = self.tick()?;
            if self.is_done(until)? {
                break "done";
            }
            tokio::select! {
                biased;
                reason = &mut stop => break reason,
                notices = self.news() => notices?,
                woken = wake.notified() => woken?,
                () = sleep_until(look_again) => {}
            }
        };
        self.finish_recording().await;
        let reason = reason.to_owned();
        match self.note(Event::RunnerStopped { reason }) {
            // It has ended all the same.
            Err(error) if error.code() == Code::DiskFull => {
                tracing::warn!(%error, "that it ended is not on record");
                Ok(())
            }
            noted => noted,
        }
    }

    pub(super) fn note_started(&mut self) -> Result<(), RunnerError> {
        self.note(Event::RunnerStarted {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            boot_id: Some(boot_id()?.to_owned()),
        })
    }

    /// Looks, decides and acts. The answer is when to look again at the latest.
    fn tick(&mut self) -> Result<Option<i64>, RunnerError> {
        self.obey()?;
        self.grant_wanted()?;
        let look_again = self.fill_slots()?;
        self.collect_finished()?;
        self.land_next()?;
        let lease_end = self.next_lease_end()?;
        Ok(look_again.into_iter().chain(lease_end).min())
    }

    /// Starts what may start. Without a free slot nothing may: the session that frees one brings the
    /// loop back here.
    fn fill_slots(&mut self) -> Result<Option<i64>, RunnerError> {
        while self.at_work() < self.config.limits.sessions {
            let queue = self.store.queue()?;
            let slots: Vec<Slot> = self.slots();
            let now_ms = jiff::Timestamp::now().as_millisecond();
            self.look_at_locks()?;
            let limits = &self.config.limits;
            let buckets = buckets(&self.store, &limits.groups, &queue, now_ms)?;
            let store = &self.store;
            let holders = || store.holders();
            let mut admission = Admission::new(&self.locks, &holders, &mut self.verdicts);
            let lanes = &mut self.lanes;
            let scene = Scene {
                queue: &queue,
                slots: &slots,
                shortage: shortage(&queue, limits, &self.config.policy.worktrees),
                now_ms,
            };
            let decision = decide(scene, limits, buckets, lanes, &mut admission);
            self.note_held(&decision.held)?;
            self.note_waiting(&queue, &decision.waiting)?;
            for (session, job) in decision.start {
                self.begin(session, job)?;
            }
            if decision.doomed.is_empty() {
                return Ok(decision.look_again_ms);
            }
            // What comes after these is doomed in turn: look again at once.
            sessions::cancel_doomed(&mut self.store, decision.doomed)?;
        }
        Ok(None)
    }

    /// How many sessions have something under way.
    pub(super) fn at_work(&self) -> usize {
        let moving = self.active.values().filter(|active| !active.is_held());
        moving.count()
    }

    fn slots(&self) -> Vec<Slot> {
        self.active
            .iter()
            .filter(|(_, active)| !active.is_held())
            .map(|(session, active)| Slot {
                session: *session,
                claim: active.claim.clone(),
                starting: active.supervisor.is_none(),
            })
            .collect()
    }

    /// Says once of each job that a rate or the machine holds it, also across restarts.
    fn note_held(&mut self, held: &[Held]) -> Result<(), RunnerError> {
        for held in held {
            let (session, job) = (held.session, held.job);
            let event = match &held.why {
                Wait::Rate { group, next_ms } => Event::RateLimited {
                    job_id: job,
                    group: Some(group.clone()),
                    provider: None,
                    next_ms: *next_ms,
                },
                Wait::Machine { shortage, .. } => Event::MachineShort {
                    job_id: job,
                    reason: shortage.to_string(),
                },
                _ => continue,
            };
            if !self.held.insert((job, event.type_id())) {
                continue;
            }
            if !self.store.has_event(session, job, event.type_id())? {
                self.store
                    .write(|tx| tx.append(Actor::System, Some(session), event).map(drop))?;
            }
        }
        Ok(())
    }

    /// Takes notices until one calls for a look at the queue.
    async fn news(&mut self) -> Result<(), RunnerError> {
        loop {
            let Some(first) = self.inbox.recv().await else {
                return std::future::pending().await;
            };
            let mut look = self.take(first)?;
            while let Ok(next) = self.inbox.try_recv() {
                look |= self.take(next)?;
            }
            if look {
                return Ok(());
            }
        }
    }

    /// Whether it may have changed what others can do: not when the session runs on in its slot.
    fn take(&mut self, notice: Notice) -> Result<bool, RunnerError> {
        let session = match notice {
            Notice::Prepared(session, made) => {
                self.prepared(session, made)?;
                session
            }
            Notice::Looked(session, changed) => {
                self.looked(session, changed)?;
                session
            }
            Notice::Fetched(session, job, fetched) => {
                self.fetched(session, job, fetched)?;
                session
            }
            Notice::Ended(session, job, ended) => {
                let ended = known_end(job, ended);
                if fault::again(Point::JobEnded)? {
                    self.ended(job, ended.clone())?;
                }
                self.ended(job, ended)?;
                session
            }
            Notice::Collected(session, collected) => {
                self.collected(session, collected)?;
                session
            }
            Notice::Landed(session, result) => {
                self.landing = false;
                self.landed(session, result)?;
                session
            }
            Notice::Panicked(session) => {
                self.panicked(session)?;
                session
            }
        };
        let active = self.active.get(&session);
        Ok(active.is_none_or(|active| active.supervisor.is_none() || active.is_held()))
    }

    fn is_done(&self, until: Until) -> Result<bool, RunnerError> {
        let may_be_left = self.at_work() == 0 && !self.landing;
        Ok(match until {
            Until::Done(plan) if may_be_left => {
                sessions::is_at_rest(&self.store, plan, &self.waits)?
            }
            // Others go on without this runner.
            Until::Rests(session) if !self.landing && !self.active.contains_key(&session) => {
                sessions::is_session_at_rest(&self.store, session, &self.waits)?
            }
            _ => false,
        })
    }

    /// Does slow work for a session beside the loop.
    pub(super) fn elsewhere(
        &self,
        session: SessionId,
        work: impl FnOnce() -> Notice + Send + 'static,
    ) {
        let notices = self.notices.clone();
        tokio::task::spawn_blocking(move || {
            let done = catch_unwind(AssertUnwindSafe(work));
            let _ = notices.send(done.unwrap_or(Notice::Panicked(session)));
        });
    }

    /// A fault of this program's own ends one session, and holds no slot for ever.
    fn panicked(&mut self, session: SessionId) -> Result<(), RunnerError> {
        let reason = "an internal error; the runner's log has it";
        if self.active.contains_key(&session) {
            return self.fail(session, reason);
        }
        self.landing = false;
        let (from, to) = (SessionState::Completed, SessionState::Blocked);
        self.move_from(session, from, to, reason)
    }

    /// Moves a session on, unless somebody else has moved it in the meantime.
    pub(super) fn move_from(
        &mut self,
        session: SessionId,
        from: SessionState,
        to: SessionState,
        reason: &str,
    ) -> Result<(), RunnerError> {
        self.store.write(|tx| match tx.session(session)? {
            Some(row) if row.state == from => {
                move_session(tx, Actor::System, session, from, to, reason)
            }
            _ => Ok(()),
        })?;
        Ok(())
    }

    pub(super) fn note(&mut self, event: Event) -> Result<(), RunnerError> {
        self.store
            .write(|tx| tx.append(Actor::System, None, event).map(drop))?;
        Ok(())
    }
}

/// A supervisor that cannot be watched any more, or whose record cannot be read, is a lost one.
fn known_end(job: JobId, ended: Result<Ended, ProcError>) -> Ended {
    ended.unwrap_or_else(|error| {
        tracing::warn!(%error, %job, "how a job ended is not known");
        Ended::unknown(&error)
    })
}

/// A clock that is set and a machine that sleeps make a time come sooner or later than it was to: after this long it is
/// looked at again.
const LONGEST_SLEEP_MS: i64 = 60_000;

async fn sleep_until(at_ms: Option<i64>) {
    match at_ms {
        Some(at_ms) => {
            let now_ms = jiff::Timestamp::now().as_millisecond();
            tokio::time::sleep(until(at_ms, now_ms)).await;
        }
        None => std::future::pending().await,
    }
}

fn until(at_ms: i64, now_ms: i64) -> Duration {
    let wait_ms = at_ms.saturating_sub(now_ms).clamp(1, LONGEST_SLEEP_MS);
    Duration::from_millis(wait_ms.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_clock_makes_the_loop_sleep_for_long() {
        for (at_ms, now_ms, expected) in [
            (1_500, 1_000, 500),
            (1_000, 1_500, 1),
            (i64::MAX, i64::MIN, 60_000),
            (i64::MIN, i64::MAX, 1),
        ] {
            assert_eq!(until(at_ms, now_ms), Duration::from_millis(expected));
        }
    }
}
