//! A person's word about sessions, and the runner told of it.

use super::bundle::refuse_elsewhere;
use super::explain::conflict_failure;
use super::failure::Failure;
use super::project::Project;
use super::setup::recording;
use crate::config::Settings;
use crate::landing::located;
use crate::model::checkpoint::Cause;
use crate::model::code::Code;
use crate::model::event::Actor;
use crate::model::ids::SessionId;
use crate::model::job::JobState;
use crate::model::lock::{Lease, LockTable};
use crate::model::session::SessionState;
use crate::proc::{Attached, ProcError, Supervisor, Wake, attach, job_dir, moment};
use crate::sessions;
use crate::sessions::locks::{Answer, LockError, hold, new_pause};
use crate::store::SessionRow;
use crate::workspace::{self, Keep, Point, checkpoint, refresh_guard};

/// What is to be done with a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Start nothing more of it.
    Pause,
    /// Go on.
    Resume,
    /// End it.
    Cancel,
    /// Start it again.
    Retry,
}

/// Refuses a session that has a job in one of these states.
///
/// # Errors
/// That it has.
pub(super) fn refuse_at_work(
    project: &Project,
    session: &SessionRow,
    states: &[JobState],
) -> Result<(), Failure> {
    let jobs = project.store.jobs_of(session.id)?;
    if jobs.iter().all(|job| !states.contains(&job.state)) {
        return Ok(());
    }
    let message = format!("{} is at work", session.name);
    Err(Failure::new(Code::SessionState, message).hint("wait until it rests, or pause it"))
}

/// Applies `word` to one session and returns it as it is then.
///
/// # Errors
/// An unknown session, or one whose state does not allow it.
pub fn apply(project: &mut Project, selector: &str, word: Word) -> Result<SessionRow, Failure> {
    let session = project.session(selector)?;
    if matches!(word, Word::Pause | Word::Cancel) {
        record_point(project, &session);
    }
    let store = &mut project.store;
    match word {
        Word::Pause => sessions::pause(store, &session, lease(&project.settings)?)?,
        Word::Resume => {
            if session.is_adopted() && session.state == SessionState::Paused {
                hold_again(project, &session)?;
            }
            sessions::resume(&mut project.store, &session)?;
        }
        Word::Cancel => {
            sessions::cancel(store, &session, Actor::Human, "cancelled by the operator")?
        }
        Word::Retry => {
            refuse_elsewhere(&session)?;
            sessions::retry(store, &session)?;
        }
    }
    if matches!(word, Word::Pause | Word::Resume) && session.has_worktree() {
        refresh_guard(&project.repo, &project.store, session.id)?;
    }
    if word == Word::Cancel && session.is_adopted() {
        give_back(project, &session)?;
    }
    Wake::notify(&project.repo.state_dir());
    if !Wake::is_heard(&project.repo.state_dir()) {
        match word {
            Word::Cancel => tell_orphaned_jobs(project, &session, Supervisor::cancel)?,
            Word::Resume => tell_orphaned_jobs(project, &session, Supervisor::go_on)?,
            Word::Pause | Word::Retry => {}
        }
    }
    project.session(&session.id.to_string())
}

/// Nothing is dispatched in an adopted worktree, so nothing else would ask for the files that it may
/// have lost while it was paused.
fn hold_again(project: &mut Project, session: &SessionRow) -> Result<(), Failure> {
    let now = moment().map_err(LockError::from)?;
    let mut table = LockTable::new(project.repo.fold());
    let held = project
        .store
        .write(|tx| hold(tx, &mut table, &now, session, None))?;
    match held {
        Answer::Granted(_) => Ok(refresh_guard(&project.repo, &project.store, session.id)?),
        Answer::Refused(conflict) => Err(conflict_failure(project, *conflict)?),
    }
}

/// An adopted worktree is nobody's again: its hooks let everything through, and it can be adopted.
fn give_back(project: &mut Project, session: &SessionRow) -> Result<(), Failure> {
    let Some(place) = located(session) else {
        return Ok(());
    };
    let released = workspace::release(&project.repo, &place, &session.id, Keep::Remove)?;
    project.store.write(|tx| {
        released
            .events()
            .try_for_each(|event| tx.append(Actor::Human, Some(session.id), event).map(drop))
    })?;
    Ok(())
}

/// For how long a session that is paused now keeps its files.
pub(super) fn lease(settings: &Settings) -> Result<Option<Lease>, Failure> {
    Ok(new_pause(settings.paused_keep_ms()).map_err(LockError::from)?)
}

/// Ends every session whose work is not over, and returns them. Those that treeyard did not start go
/// on.
///
/// # Errors
/// The store cannot be written.
pub fn cancel_open(project: &mut Project, reason: &str) -> Result<Vec<SessionRow>, Failure> {
    let open: Vec<SessionId> = project
        .store
        .open_sessions()?
        .iter()
        .filter(|session| !session.is_adopted())
        .map(|session| session.id)
        .collect();
    let ended = sessions::cancel_all(&mut project.store, &open, Actor::Human, reason)?;
    Wake::notify(&project.repo.state_dir());
    let alone = !Wake::is_heard(&project.repo.state_dir());
    let mut rows = Vec::new();
    for id in ended {
        let Some(session) = project.store.session(id)? else {
            continue;
        };
        if alone {
            tell_orphaned_jobs(project, &session, Supervisor::cancel)?;
        }
        rows.push(session);
    }
    Ok(rows)
}

/// So that a person can come back to how it was. What is not recorded is in the worktree still.
fn record_point(project: &mut Project, session: &SessionRow) {
    let is_own = session.has_worktree() && !session.is_adopted();
    let checkpoints = recording(&project.settings);
    if !is_own || !checkpoints.is_on {
        return;
    }
    let point = Point::new(Cause::Stopped, &checkpoints.ignored);
    if let Err(error) = checkpoint(&project.repo, &mut project.store, session, point) {
        tracing::warn!(%error, "no checkpoint was recorded");
    }
}

/// Without a runner that listens, nobody else would tell the supervisors: there is none, or it waits for space on a full disk.
/// The next one records their end.
fn tell_orphaned_jobs(
    project: &Project,
    session: &SessionRow,
    tell: fn(&Supervisor) -> Result<(), ProcError>,
) -> Result<(), Failure> {
    for job in project.store.jobs_of(session.id)? {
        if job.state != JobState::Running {
            continue;
        }
        if let Attached::Running(supervisor) = attach(&job_dir(&project.jobs_dir(), job.id))? {
            tell(&supervisor)?;
        }
    }
    Ok(())
}
