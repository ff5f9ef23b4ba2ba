//! Giving a session a slot, and starting what runs in it.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use super::context::{prepare, start_of};
use super::error::RunnerError;
use super::groups::claim;
use super::looks::Sight;
use super::serve::{Active, Notice, Runner};
use super::spec::job_spec;
use crate::fault::{self, Point};
use crate::model::code::Code;
use crate::model::event::{Actor, Event};
use crate::model::ids::{JobId, SessionId};
use crate::model::job::{JobState, Outcome};
use crate::model::limit::Claim;
use crate::model::lock::{Lock, LockTable, Moment};
use crate::model::session::SessionState;
use crate::proc::{Supervisor, job_dir, moment};
use crate::secrets;
use crate::sessions::locks::{Answer, LockError, hold};
use crate::sessions::move_session;
use crate::store::{JobRow, SessionRow, StoreError, Tx, keep_reserve};
use crate::workspace::{Workspace, WorkspaceError};

const AT_WORK: &str = "at work";

impl Runner {
    /// Gives the session a slot: its worktree is made, or its job starts in the one it has.
    pub(super) fn begin(&mut self, session: SessionId, job: JobId) -> Result<(), RunnerError> {
        let Some(row) = self.store.session(session)? else {
            return Ok(());
        };
        // It was resumed a moment ago, and its command is still to be told.
        if self.active.contains_key(&session) {
            return Ok(());
        }
        let Some(next) = self.store.job(job)? else {
            return Ok(());
        };
        self.hold(session, claim(&row, &next)?);
        if row.has_worktree() {
            let begun = self.with_lock(&row, |tx, lock| {
                Ok((lock.token, dispatch(tx, session, job)?))
            })?;
            let Some((token, dispatched)) = begun else {
                self.free(session);
                return Ok(());
            };
            if row.last_lock != Some(token) {
                self.refresh_guard(session)?;
            }
            return self.start_or_free(session, dispatched);
        }
        // A session that was paused or cancelled while its worktree was made may have left half.
        if !self.clear_half_made(&row)? {
            return Ok(());
        }
        // Durable before the effect: recovery looks for what sessions at work have half made.
        let lock = self.with_lock(&row, |tx, lock| {
            to_work(tx, session)?;
            Ok(lock)
        })?;
        let Some(lock) = lock else {
            self.free(session);
            return Ok(());
        };
        // Only now: what others held until a moment ago has landed.
        let start = match start_of(&self.store, &self.repo, &row) {
            Ok(start) => start,
            Err(error) => return self.fail(session, &error.to_string()),
        };
        let (repo, config) = (self.repo.clone(), self.config.clone());
        self.elsewhere(session, move || {
            if let Err(error) = keep_reserve(&repo.state_dir()) {
                tracing::warn!(%error, "no room was put aside for a full disk");
            }
            Notice::Prepared(session, prepare(&repo, &config, &row, &start, &lock))
        });
        Ok(())
    }

    /// Takes the files that the session asks for, and does `then` in the same transaction. `None`
    /// when somebody else got some of them first: the next look at the queue says who. A session
    /// whose request cannot be read fails.
    pub(super) fn with_lock<T>(
        &mut self,
        session: &SessionRow,
        then: impl FnOnce(&mut Tx<'_>, Lock) -> Result<T, StoreError>,
    ) -> Result<Option<T>, RunnerError> {
        let now = moment()?;
        let before = self.store.predecessor_sessions(session.id)?;
        let goes_on_from = match before.as_slice() {
            [only] => Some(only.id),
            _ => None,
        };
        let table = &mut self.locks;
        let taken = |tx: &mut Tx<'_>| take_lock(tx, table, &now, (session.id, goes_on_from), then);
        let done = self.store.write(taken);
        if done.is_err() {
            self.locks.distrust();
        }
        match done {
            Ok(done) => Ok(done),
            Err(LockError::Store(error)) => Err(error.into()),
            Err(error) => {
                self.fail(session.id, &error.to_string())?;
                Ok(None)
            }
        }
    }

    /// The worktree is there: the first job starts, unless the session was paused or cancelled in
    /// the meantime.
    pub(super) fn prepared(
        &mut self,
        session: SessionId,
        made: Result<Workspace, WorkspaceError>,
    ) -> Result<(), RunnerError> {
        let made = match made {
            Ok(made) => made,
            Err(error) => {
                let reason = format!("no worktree ({}): {error}", error.code().id());
                return self.fail(session, &reason);
            }
        };
        let dispatched = self.store.write(|tx| go_into(tx, session, ready(&made)))?;
        self.start_or_free(session, dispatched)
    }

    fn start_or_free(
        &mut self,
        session: SessionId,
        dispatched: Option<(SessionRow, JobRow)>,
    ) -> Result<(), RunnerError> {
        match dispatched {
            Some((row, job)) => self.spawn(&row, &job),
            None => {
                self.free(session);
                Ok(())
            }
        }
    }

    /// Starts the supervisor of a dispatched job in the slot that its session holds.
    pub(super) fn spawn(&mut self, row: &SessionRow, job: &JobRow) -> Result<(), RunnerError> {
        let secrets = row.spec()?.secrets;
        if secrets.is_empty() {
            return self.launch(row, job, None);
        }
        self.fetch_secrets(row.id, job.id, secrets);
        Ok(())
    }

    /// Starts it, once its secrets are in their folder.
    pub(super) fn launch(
        &mut self,
        row: &SessionRow,
        job: &JobRow,
        secrets: Option<&Path>,
    ) -> Result<(), RunnerError> {
        let mut spec = match job_spec(&self.config, row, job, &self.repo) {
            Ok(spec) => spec,
            // Nothing runs that cannot be held back.
            Err(RunnerError::Workspace(error)) => {
                return self.not_started(job, (error.code(), &error));
            }
            Err(error) => return Err(error),
        };
        if let Some(folder) = secrets {
            let folder = folder.display().to_string();
            spec.env.insert(secrets::VARIABLE.to_owned(), folder);
        }
        if let Err(error) = fault::at(Point::JobDispatched) {
            return self.not_started(job, (Code::of_system(&error), &error));
        }
        let dir = job_dir(&self.config.policy.jobs, job.id);
        match self.launcher.spawn(&dir, &spec) {
            Ok(supervisor) => {
                self.watch(row, job.id, supervisor);
                Ok(())
            }
            Err(error) => self.not_started(job, (error.code(), &error)),
        }
    }

    /// The reason begins with the stable code.
    pub(super) fn not_started(
        &mut self,
        job: &JobRow,
        (code, error): (Code, &impl Display),
    ) -> Result<(), RunnerError> {
        let error = format!("{}: {error}", code.id());
        self.settle(job, &Outcome::NotStarted { error }, 0)
    }

    /// Waits for a supervisor without holding up the loop, and looks at what the session changes
    /// meanwhile.
    pub(super) fn watch(&mut self, row: &SessionRow, job: JobId, supervisor: Supervisor) {
        let (session, supervisor) = (row.id, Arc::new(supervisor));
        let looker = self.looker(row);
        if let Some(active) = self.active.get_mut(&session) {
            active.supervisor = Some(Arc::clone(&supervisor));
        }
        let notices = self.notices.clone();
        tokio::spawn(async move {
            let looks = async {
                let tell = |changed| drop(notices.send(Notice::Looked(session, changed)));
                match looker {
                    Some(looker) => looker.look_on(tell).await,
                    None => std::future::pending().await,
                }
            };
            let ended = tokio::select! {
                ended = supervisor.wait() => ended,
                never = looks => match never {},
            };
            // Nobody listens any more when the runner stops: the next one finds the exit record.
            let _ = notices.send(Notice::Ended(session, job, ended));
        });
    }

    /// Does to running commands what a person said of their sessions: one that was cancelled ends,
    /// one that was held and resumed goes on.
    pub(super) fn obey(&mut self) -> Result<(), RunnerError> {
        for (session, active) in &mut self.active {
            let Some(supervisor) = active.supervisor.as_ref().filter(|_| !active.cancelled) else {
                continue;
            };
            let told = match self.store.session(*session)?.map(|row| row.state) {
                Some(SessionState::Cancelled) => {
                    active.cancelled = true;
                    active.held.send_replace(false);
                    supervisor.cancel()
                }
                Some(SessionState::Active) if active.is_held() => {
                    active.held.send_replace(false);
                    supervisor.go_on()
                }
                _ => Ok(()),
            };
            if let Err(error) = told {
                tracing::warn!(%error, %session, "its command was not told to end or to go on");
            }
        }
        Ok(())
    }

    /// Takes a slot for the session.
    pub(super) fn hold(&mut self, session: SessionId, claim: Claim) {
        let active = Active {
            claim,
            supervisor: None,
            sight: Sight::default(),
            held: tokio::sync::watch::Sender::new(false),
            cancelled: false,
        };
        self.active.insert(session, active);
    }

    /// Gives its slot to others.
    pub(super) fn free(&mut self, session: SessionId) {
        self.active.remove(&session);
    }
}

/// Takes the files that a session asks for and does `then`, unless somebody else has some of them, or its work is over.
pub(super) fn take_lock<T>(
    tx: &mut Tx<'_>,
    table: &mut LockTable,
    now: &Moment,
    (session, goes_on_from): (SessionId, Option<SessionId>),
    then: impl FnOnce(&mut Tx<'_>, Lock) -> Result<T, StoreError>,
) -> Result<Option<T>, LockError> {
    // A person's word may have come between: what was cancelled holds nothing.
    let row = tx.session(session)?;
    let may_begin =
        |row: &SessionRow| matches!(row.state, SessionState::Created | SessionState::Active);
    let Some(row) = row.filter(may_begin) else {
        return Ok(None);
    };
    if let Answer::Refused(_) = hold(tx, table, now, &row, goes_on_from)? {
        return Ok(None);
    }
    match tx.lock_of(session)? {
        Some(lock) => Ok(Some(then(tx, lock)?)),
        None => Ok(None),
    }
}

/// Its worktree is about to be made.
pub(super) fn to_work(tx: &mut Tx<'_>, session: SessionId) -> Result<(), StoreError> {
    let (from, to) = (SessionState::Created, SessionState::Active);
    match tx.session(session)? {
        Some(now) if now.state == from => {
            move_session(tx, Actor::System, session, from, to, AT_WORK)
        }
        _ => Ok(()),
    }
}

/// Its worktree is there, as the event says, and its first job starts in it.
pub(super) fn go_into(
    tx: &mut Tx<'_>,
    session: SessionId,
    ready: Event,
) -> Result<Option<(SessionRow, JobRow)>, StoreError> {
    tx.append(Actor::System, Some(session), ready)?;
    // Without its lock, which a person may have taken away meanwhile, it waits for its turn.
    let holds = tx.lock_of(session)?.is_some();
    match tx.next_queued(session)?.filter(|_| holds) {
        Some(job) => dispatch(tx, session, job),
        None => Ok(None),
    }
}

/// Writes down that the job starts now, unless something came between: a person's word is taken
/// at any moment.
pub(super) fn dispatch(
    tx: &mut Tx<'_>,
    session: SessionId,
    job: JobId,
) -> Result<Option<(SessionRow, JobRow)>, StoreError> {
    let (Some(row), Some(job)) = (tx.session(session)?, tx.job(job)?) else {
        return Ok(None);
    };
    if job.state != JobState::Queued {
        return Ok(None);
    }
    match row.state {
        SessionState::Active => {}
        SessionState::Created => {
            let to = SessionState::Active;
            move_session(tx, Actor::System, session, row.state, to, AT_WORK)?;
        }
        _ => return Ok(None),
    }
    let event = Event::JobDispatched { job_id: job.id };
    tx.append(Actor::System, Some(session), event)?;
    Ok(Some((row, job)))
}

fn ready(made: &Workspace) -> Event {
    Event::WorkspaceReady {
        path: made.path.display().to_string(),
        git_dir: made.git_dir.display().to_string(),
        base: made.base.clone(),
        method: made.method.as_str().to_owned(),
        took_ms: made.took.as_millis() as u64,
    }
}
