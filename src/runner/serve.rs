//! The loop: look at the rows, decide, act, sleep until a notice or a deadline.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::context::{Config, base_of, job_dir, job_spec, prepare};
use super::dispatch::{Lanes, Slot, decide};
use super::error::RunnerError;
use crate::cas::Cas;
use crate::git::Repo;
use crate::landing::{LandError, Landing};
use crate::model::event::{Actor, Event};
use crate::model::ids::{CommitId, JobId, PlanId, SessionId};
use crate::model::job::Outcome;
use crate::model::session::SessionState;
use crate::proc::{Ended, Launcher, ProcError, RunnerLock, Supervisor, WakeListener};
use crate::sessions::{self, move_session};
use crate::store::{SessionRow, Store, StoreError};
use crate::workspace::{Workspace, WorkspaceError};

/// How long a runner serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Until it is told to stop.
    Stopped,
    /// Until nothing of this submission is left to do.
    Done(PlanId),
}

/// What comes back from work that is not done on the runner's own thread.
pub(super) enum Notice {
    Prepared(SessionId, Result<Workspace, WorkspaceError>),
    Ended(JobId, Result<Ended, ProcError>),
    Collected(SessionId, Result<Collected, WorkspaceError>),
    Landed(SessionId, Result<(), LandError>),
}

/// A finished session's work as the repository has it.
pub(super) struct Collected {
    pub tip: CommitId,
    pub moved: bool,
    /// Whether the worktree was given back at once, because it held no work; and into the pool.
    pub released: Option<bool>,
}

/// What a session holds while something of it is under way.
pub(super) struct Active {
    pub group: Option<String>,
    pub supervisor: Option<Arc<Supervisor>>,
    pub cancelled: bool,
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
    landing: bool,
    _lock: RunnerLock,
}

impl Runner {
    /// Takes the repository's lock.
    ///
    /// # Errors
    /// Another runner has it, or the lock file cannot be written.
    pub fn start(repo: Repo, config: Config, store: Store, cas: Cas) -> Result<Self, RunnerError> {
        let lock = RunnerLock::acquire(&repo.state_dir())?;
        let (notices, inbox) = unbounded_channel();
        Ok(Self {
            repo,
            config,
            store,
            cas,
            launcher: Launcher::current()?,
            active: HashMap::new(),
            notices,
            inbox,
            lanes: Lanes::default(),
            landing: false,
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
        self.note(Event::RunnerStarted {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })?;
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
                Some(notice) = self.inbox.recv() => self.take(notice)?,
                woken = wake.notified() => woken?,
                () = sleep_until(look_again) => {}
            }
            while let Ok(notice) = self.inbox.try_recv() {
                self.take(notice)?;
            }
        };
        self.note(Event::RunnerStopped {
            reason: reason.to_owned(),
        })
    }

    /// Looks, decides and starts. The answer is when to look again at the latest.
    fn tick(&mut self) -> Result<Option<i64>, RunnerError> {
        self.kill_cancelled()?;
        loop {
            let queue = self.store.queue()?;
            let slots: Vec<Slot> = self.slots();
            let now_ms = jiff::Timestamp::now().as_millisecond();
            let decision = decide(&queue, &slots, &self.config.limits, &mut self.lanes, now_ms);
            for (session, job) in decision.start {
                self.begin(session, job)?;
            }
            if decision.doomed.is_empty() {
                self.collect_finished()?;
                self.land_next()?;
                return Ok(decision.look_again_ms);
            }
            // What comes after these is doomed in turn: look again at once.
            for (session, name) in decision.doomed {
                if let Some(row) = self.store.session(session)? {
                    let reason = format!("comes after {name}, which did not succeed");
                    sessions::cancel(&mut self.store, &row, Actor::System, &reason)?;
                }
            }
        }
    }

    /// Sessions that were paused while their last command ran, or whose runner died right after it.
    fn collect_finished(&mut self) -> Result<(), RunnerError> {
        for row in self.store.finished_but_active()? {
            if !self.active.contains_key(&row.id) {
                self.collect(&row)?;
            }
        }
        Ok(())
    }

    fn slots(&self) -> Vec<Slot> {
        self.active
            .iter()
            .map(|(session, active)| Slot {
                session: *session,
                group: active.group.clone(),
            })
            .collect()
    }

    fn kill_cancelled(&mut self) -> Result<(), RunnerError> {
        for (session, active) in &mut self.active {
            let Some(supervisor) = active.supervisor.as_ref().filter(|_| !active.cancelled) else {
                continue;
            };
            let row = self.store.session(*session)?;
            if row.is_some_and(|row| row.state == SessionState::Cancelled) {
                supervisor.cancel()?;
                active.cancelled = true;
            }
        }
        Ok(())
    }

    /// Gives the session a slot: its worktree is made, or its job starts in the one it has.
    fn begin(&mut self, session: SessionId, job: JobId) -> Result<(), RunnerError> {
        let Some(row) = self.store.session(session)? else {
            return Ok(());
        };
        let group = row.spec()?.group;
        self.active.insert(
            session,
            Active {
                group,
                supervisor: None,
                cancelled: false,
            },
        );
        if row.has_worktree() {
            return self.launch(&row, job);
        }
        let base = match base_of(&self.store, &self.repo, &row) {
            Ok(base) => base,
            Err(error) => return self.fail(&row, &error.to_string()),
        };
        if row.state == SessionState::Created {
            self.activate(&row, "at work")?;
        }
        let (repo, config) = (self.repo.clone(), self.config.clone());
        self.elsewhere(move || Notice::Prepared(session, prepare(&repo, &config, &row, &base)));
        Ok(())
    }

    /// Starts the job's supervisor. The intent is durable before the effect.
    pub(super) fn launch(&mut self, row: &SessionRow, job: JobId) -> Result<(), RunnerError> {
        let Some(job) = self.store.job(job)? else {
            return Ok(());
        };
        let created = row.state == SessionState::Created;
        self.store.write(|tx| {
            if created {
                let to = SessionState::Active;
                move_session(tx, Actor::System, row.id, row.state, to, "at work")?;
            }
            let event = Event::JobDispatched { job_id: job.id };
            tx.append(Actor::System, Some(row.id), event).map(drop)
        })?;
        let spec = job_spec(&self.config, row, &job, &self.repo.state_dir())?;
        match self
            .launcher
            .spawn(&job_dir(&self.config.policy.jobs, job.id), &spec)
        {
            Ok(supervisor) => self.watch(row.id, job.id, supervisor),
            Err(error) => {
                let outcome = Outcome::NotStarted {
                    error: error.to_string(),
                };
                self.settle(&job, &outcome, 0)
            }
        }
    }

    /// Waits for a supervisor without holding up the loop.
    pub(super) fn watch(
        &mut self,
        session: SessionId,
        job: JobId,
        supervisor: Supervisor,
    ) -> Result<(), RunnerError> {
        let supervisor = Arc::new(supervisor);
        if let Some(active) = self.active.get_mut(&session) {
            active.supervisor = Some(Arc::clone(&supervisor));
        }
        let notices = self.notices.clone();
        tokio::spawn(async move {
            let ended = supervisor.wait().await;
            // Nobody listens any more when the runner stops: the next one finds the exit record.
            let _ = notices.send(Notice::Ended(job, ended));
        });
        Ok(())
    }

    fn take(&mut self, notice: Notice) -> Result<(), RunnerError> {
        match notice {
            Notice::Prepared(session, made) => self.prepared(session, made),
            Notice::Ended(job, ended) => self.ended(job, ended?),
            Notice::Collected(session, collected) => self.collected(session, collected),
            Notice::Landed(session, result) => {
                self.landing = false;
                self.landed(session, result)
            }
        }
    }

    fn prepared(
        &mut self,
        session: SessionId,
        made: Result<Workspace, WorkspaceError>,
    ) -> Result<(), RunnerError> {
        let Some(row) = self.store.session(session)? else {
            return Ok(());
        };
        let made = match made {
            Ok(made) => made,
            Err(error) => {
                return self.fail(
                    &row,
                    &format!("no worktree ({}): {error}", error.code().id()),
                );
            }
        };
        let event = Event::WorkspaceReady {
            path: made.path.display().to_string(),
            git_dir: made.git_dir.display().to_string(),
            base: made.base.clone(),
            method: made.method.as_str().to_owned(),
            took_ms: made.took.as_millis() as u64,
        };
        self.store
            .write(|tx| tx.append(Actor::System, Some(session), event).map(drop))?;
        // The slot is free for the next look, which starts the job unless the session was paused
        // or cancelled in the meantime.
        self.active.remove(&session);
        Ok(())
    }

    /// One landing at a time; each is a turn of its own, off this thread.
    fn land_next(&mut self) -> Result<(), RunnerError> {
        if self.landing {
            return Ok(());
        }
        let Some(row) = self.store.awaiting_landing()?.into_iter().next() else {
            return Ok(());
        };
        self.landing = true;
        let (repo, cas, launcher) = (self.repo.clone(), self.cas.clone(), self.launcher.clone());
        let policy = self.config.policy.clone();
        self.elsewhere(move || {
            let land = || {
                let mut store = Store::open(&repo.state_dir())?;
                let mut landing = Landing {
                    repo: &repo,
                    store: &mut store,
                    cas: &cas,
                    launcher: &launcher,
                    policy: &policy,
                };
                landing.land(&row).map(drop)
            };
            Notice::Landed(row.id, land())
        });
        Ok(())
    }

    /// A landing that was refused waits for a person, and so does what comes after it.
    fn landed(&mut self, id: SessionId, result: Result<(), LandError>) -> Result<(), RunnerError> {
        let Err(error) = result else { return Ok(()) };
        if matches!(error, LandError::Nothing { .. }) {
            return Ok(());
        }
        if matches!(error, LandError::CheckoutBehind { .. }) {
            tracing::warn!(session = %id, %error, "a checkout is behind");
            return Ok(());
        }
        let Some(row) = self.store.session(id)? else {
            return Ok(());
        };
        if row.state != SessionState::Completed {
            return Ok(());
        }
        let reason = format!("not landed ({}): {error}", error.code().id());
        self.store.write(|tx| {
            move_session(
                tx,
                Actor::System,
                id,
                row.state,
                SessionState::Blocked,
                &reason,
            )
        })?;
        Ok(())
    }

    fn is_done(&self, until: Until) -> Result<bool, RunnerError> {
        let Until::Done(plan) = until else {
            return Ok(false);
        };
        if !self.active.is_empty() || self.landing {
            return Ok(false);
        }
        let resting = |row: &SessionRow| {
            row.state.is_terminal()
                || matches!(row.state, SessionState::Blocked | SessionState::Paused)
        };
        let sessions = self.store.plan_sessions(plan)?;
        Ok(sessions
            .iter()
            .all(|row| resting(row) || self.waits_for_a_person(row)))
    }

    /// Whether something that it comes after is blocked or paused: no runner can bring it on.
    fn waits_for_a_person(&self, row: &SessionRow) -> bool {
        row.state == SessionState::Created
            && self.store.predecessors(row.id).is_ok_and(|before| {
                before
                    .iter()
                    .any(|(_, state)| matches!(state, SessionState::Blocked | SessionState::Paused))
            })
    }

    pub(super) fn elsewhere(&self, work: impl FnOnce() -> Notice + Send + 'static) {
        let notices = self.notices.clone();
        tokio::task::spawn_blocking(move || {
            let _ = notices.send(work());
        });
    }

    pub(super) fn activate(&mut self, row: &SessionRow, reason: &str) -> Result<(), StoreError> {
        self.store.write(|tx| {
            move_session(
                tx,
                Actor::System,
                row.id,
                row.state,
                SessionState::Active,
                reason,
            )
        })
    }

    pub(super) fn note(&mut self, event: Event) -> Result<(), RunnerError> {
        self.store
            .write(|tx| tx.append(Actor::System, None, event).map(drop))?;
        Ok(())
    }
}

async fn sleep_until(at_ms: Option<i64>) {
    match at_ms {
        Some(at_ms) => {
            let wait = at_ms - jiff::Timestamp::now().as_millisecond();
            tokio::time::sleep(Duration::from_millis(wait.max(1) as u64)).await;
        }
        None => std::future::pending().await,
    }
}
