//! A person's word about sessions, and the runner told of it.

use super::failure::Failure;
use super::project::Project;
use crate::config::Settings;
use crate::model::event::Actor;
use crate::model::ids::SessionId;
use crate::model::job::JobState;
use crate::model::lock::Lease;
use crate::proc::{Attached, ProcError, Supervisor, Wake, attach, job_dir, moment, runner_owner};
use crate::sessions;
use crate::store::SessionRow;

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

/// Applies `word` to one session and returns it as it is then.
///
/// # Errors
/// An unknown session, or one whose state does not allow it.
pub fn apply(project: &mut Project, selector: &str, word: Word) -> Result<SessionRow, Failure> {
    let session = project.session(selector)?;
    let store = &mut project.store;
    match word {
        Word::Pause => sessions::pause(store, &session, lease(&project.settings)?)?,
        Word::Resume => sessions::resume(store, &session)?,
        Word::Cancel => {
            sessions::cancel(store, &session, Actor::Human, "cancelled by the operator")?
        }
        Word::Retry => sessions::retry(store, &session)?,
    }
    Wake::notify(&project.repo.state_dir());
    if runner_owner(&project.repo.state_dir()).is_none() {
        match word {
            Word::Cancel => tell_orphaned_jobs(project, &session, Supervisor::cancel)?,
            Word::Resume => tell_orphaned_jobs(project, &session, Supervisor::go_on)?,
            Word::Pause | Word::Retry => {}
        }
    }
    project.session(&session.id.to_string())
}

/// For how long a session that is paused now keeps its files.
fn lease(settings: &Settings) -> Result<Option<Lease>, Failure> {
    let Some(for_ms) = settings.paused_keep_ms() else {
        return Ok(None);
    };
    let now = moment().map_err(sessions::locks::LockError::from)?;
    Ok(Some(Lease::new(&now, Some(for_ms), None)))
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
    let alone = runner_owner(&project.repo.state_dir()).is_none();
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

/// Without a runner nobody else would tell the supervisors. The next runner records their end.
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
