//! What recovery would do, found without doing any of it.

use std::path::Path;

use serde::Serialize;

use super::error::RunnerError;
use super::finish::{Next, after};
use crate::git::Repo;
use crate::landing::interrupted;
use crate::model::ids::SessionId;
use crate::model::job::{JobKind, JobState, Outcome};
use crate::model::recovery::{Action, settle};
use crate::model::session::SessionState;
use crate::proc::{boot_id, job_dir, standing};
use crate::store::{JobRow, SessionRow, Store};

/// One thing that recovery would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Whose it is.
    pub session_id: SessionId,
    /// Its task's name.
    pub name: String,
    /// What was found, for a person.
    pub found: String,
    /// The stable word of the event that it would be.
    pub action: &'static str,
    /// What follows, for a person.
    pub then: String,
}

/// What a runner would do here before it takes new work. `jobs` is the folder of supervisors' folders.
///
/// # Errors
/// When the store or the repository cannot be read.
pub fn recovery_plan(repo: &Repo, store: &Store, jobs: &Path) -> Result<Vec<Step>, RunnerError> {
    let mut steps = Vec::new();
    for landing in interrupted(repo, store)? {
        if let Some(row) = store.session(landing.session)? {
            let found = format!(
                "{} moved to {}, and its landing did not end",
                landing.target,
                landing.to.short()
            );
            steps.push(step(
                &row,
                found,
                "reconciled",
                "the landing is completed and recorded",
            ));
        }
    }
    for job in store.jobs_in(JobState::Running)? {
        if job.kind == JobKind::Gate {
            continue;
        }
        if let Some(row) = store.session(job.session_id)? {
            steps.push(of_job(store, jobs, &row, &job)?);
        }
    }
    for row in store.open_sessions()? {
        if row.state == SessionState::Active && row.worktree_path.is_none() {
            let found = "its worktree was being made".to_owned();
            steps.push(step(
                &row,
                found,
                "reconciled",
                "what is there is cleared away, and it is made anew",
            ));
        }
    }
    Ok(steps)
}

fn step(row: &SessionRow, found: String, action: &'static str, then: impl Into<String>) -> Step {
    Step {
        session_id: row.id,
        name: row.name.clone(),
        found,
        action,
        then: then.into(),
    }
}

fn of_job(store: &Store, jobs: &Path, row: &SessionRow, job: &JobRow) -> Result<Step, RunnerError> {
    let stands = standing(&job_dir(jobs, job.id))?;
    let begun_in = store.boot_of(row.id, job.id)?;
    let action = settle(stands, begun_in.as_deref() == Some(boot_id()?));
    let (found, then) = match action {
        Action::Reattached => (
            "its job runs under its supervisor",
            "it is watched again".to_owned(),
        ),
        Action::Adopted => (
            "its job ended meanwhile",
            "how it ended is recorded".to_owned(),
        ),
        Action::Requeued => ("its job never began", "it is queued again".to_owned()),
        Action::Stalled => (
            "its job vanished, and nobody knows how it went",
            stalled(row, job)?,
        ),
    };
    Ok(step(row, found.to_owned(), action.name(), then))
}

/// As its task says.
fn stalled(row: &SessionRow, job: &JobRow) -> Result<String, RunnerError> {
    let next = after(job, (&Outcome::LOST, None), row.state, &row.spec()?);
    Ok(match next {
        Next::RunAgain if job.kind == JobKind::ModelRun => {
            "its model goes on where it was (on_crash = \"resume\")".to_owned()
        }
        Next::RunAgain => "it runs again in the same worktree (on_crash = \"resume\")".to_owned(),
        Next::Pause(_) => {
            "the session is paused until you resume or cancel it (on_crash = \"ask\")".to_owned()
        }
        Next::Fail(_) => "the session fails (on_crash = \"fail\")".to_owned(),
        Next::Rest | Next::GoOn | Next::Retry { .. } => "it is recorded as lost".to_owned(),
    })
}
