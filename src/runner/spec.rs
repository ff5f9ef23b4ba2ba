//! What the supervisors of a session's jobs are told.

use std::collections::BTreeMap;
use std::path::Path;

use super::context::Config;
use super::error::RunnerError;
use crate::agent::MODEL_RUN_VERB;
use crate::git::Repo;
use crate::landing::located;
use crate::model::job::JobKind;
use crate::model::work::Work;
use crate::proc::{Budget, Door, JobSpec, OWN_PROGRAM, WORKTREE_VARIABLE, job_env};
use crate::store::{JobRow, SessionRow, StoreError};
use crate::workspace::{Bounds, Equipment, Located, WorkspaceError, equip};

/// What a supervisor is told.
pub(super) fn job_spec(
    config: &Config,
    session: &SessionRow,
    job: &JobRow,
    repo: &Repo,
) -> Result<JobSpec, RunnerError> {
    let command = match &job.command {
        Work::Command(command) => command,
        Work::Model(_) => return Ok(model_spec(config, session, job, repo)?),
    };
    let Ground {
        place,
        equipment,
        door,
    } = ground(config, session, job.kind, repo)?;
    Ok(JobSpec {
        argv: command.argv(),
        cwd: place.path,
        confinement: equipment.confinement,
        budget: equipment.budget,
        env: equipment.env,
        timeout_ms: session.spec()?.timeout_ms,
        grace_ms: config.policy.grace_ms,
        runner_dir: Some(repo.state_dir()),
        door,
    })
}

/// What a command of a session stands on.
pub struct Ground {
    /// Its worktree.
    pub place: Located,
    /// With what it is started, and what it is held to.
    pub equipment: Equipment,
    /// Where it asks for what is out of its reach.
    pub door: Option<Door>,
}

/// What a session's commands stand on. The environment is an allow-list, the person's identity, the task's
/// own variables, and what tells a program in the session where it is; a later one wins.
///
/// # Errors
/// When it has no worktree, or cannot be held back as far as it has to be.
pub fn ground(
    config: &Config,
    session: &SessionRow,
    kind: JobKind,
    repo: &Repo,
) -> Result<Ground, RunnerError> {
    let task = session.spec()?;
    let (name, email) = &config.policy.identity;
    let mut extra = BTreeMap::new();
    for (key, value) in [
        ("GIT_AUTHOR_NAME", name),
        ("GIT_AUTHOR_EMAIL", email),
        ("GIT_COMMITTER_NAME", name),
        ("GIT_COMMITTER_EMAIL", email),
    ] {
        extra.insert(key.to_owned(), value.clone());
    }
    extra.extend(task.env.clone());
    let scope = session.scope()?;
    for (key, value) in [
        ("TREEYARD_SESSION", session.id.to_string()),
        ("TREEYARD_TASK", session.name.clone()),
        ("TREEYARD_SCOPE", scope.patterns().join("\n")),
    ] {
        extra.insert(key.to_owned(), value);
    }
    let place =
        located(session).ok_or(WorkspaceError::Unusable("it has no worktree".to_owned()))?;
    let worktree = place.path.display().to_string();
    extra.insert(WORKTREE_VARIABLE.to_owned(), worktree);
    let bounds = Bounds {
        unconfined: task.unconfined.as_deref(),
        // What is set up may be anywhere, such as dependencies.
        scope: Some(&scope).filter(|_| kind != JobKind::Setup),
    };
    let mut equipment = equip(repo, &place, &config.policy.sharing, extra, bounds)?;
    equipment.put_shims_first(&repo.state_dir());
    Ok(Ground {
        place,
        equipment,
        door: door(session, &repo.state_dir()),
    })
}

/// A model's own process stands outside of its session, and only its tools' commands are held to it: it has to reach
/// the model, and to write down what comes of it.
fn model_spec(
    config: &Config,
    session: &SessionRow,
    job: &JobRow,
    repo: &Repo,
) -> Result<JobSpec, StoreError> {
    let task = session.spec()?;
    let state_dir = repo.state_dir();
    let words = [
        OWN_PROGRAM.to_owned(),
        MODEL_RUN_VERB.to_owned(),
        repo.main_root().display().to_string(),
        session.id.to_string(),
        job.id.to_string(),
    ];
    let flags = config.flags.iter();
    let flags = flags.map(|(key, value)| format!("{key}={value}"));
    Ok(JobSpec {
        argv: words.into_iter().chain(flags).collect(),
        cwd: state_dir.clone(),
        confinement: None,
        budget: Budget::default(),
        env: job_env(&config.model_variables, &BTreeMap::new()),
        timeout_ms: task.timeout_ms,
        grace_ms: config.policy.grace_ms,
        runner_dir: Some(state_dir),
        door: None,
    })
}

fn door(session: &SessionRow, state_dir: &Path) -> Option<Door> {
    let git_dir = Path::new(session.git_dir.as_deref()?);
    Some(Door {
        socket: git_dir.join("treeyard/door"),
        session: session.id,
        repository: state_dir.parent()?.to_owned(),
        env: job_env(&[], &BTreeMap::new()),
    })
}
