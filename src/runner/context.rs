//! What a session's jobs are started with.

use std::collections::BTreeMap;
use std::path::Path;

use super::dispatch::Limits;
use super::drift::DriftPolicy;
use crate::git::{GitError, Repo};
use crate::landing::{Policy, located};
use crate::model::guard::{GUARD_VERSION, Guard};
use crate::model::ids::CommitId;
use crate::model::job::JobKind;
use crate::model::lock::Lock;
use crate::proc::{Door, JobSpec, WORKTREE_VARIABLE, job_env, own_program};
use crate::store::{JobRow, SessionRow, Store, StoreError};
use crate::workspace::{
    Bounds, Hooks, Isolation, Request, Workspace, WorkspaceError, create, equip,
};

/// What configuration says of running.
#[derive(Debug, Clone)]
pub struct Config {
    /// How much may run at once.
    pub limits: Limits,
    /// How far sessions are kept apart from the repository.
    pub isolation: Isolation,
    /// Whether ignored files that `.worktreeinclude` names come along.
    pub include: bool,
    /// What is done about sessions that change what is not theirs.
    pub drift: DriftPolicy,
    /// Landing, and what it shares with running.
    pub policy: Policy,
}

/// Where a session starts: on the target, or on the work of the one task it comes after when that
/// has not landed, so that it sees that work.
pub(super) fn base_of(
    store: &Store,
    repo: &Repo,
    session: &SessionRow,
) -> Result<CommitId, super::RunnerError> {
    let before = store.predecessor_sessions(session.id)?;
    if let [only] = before.as_slice()
        && only.landed_commit.is_none()
        && let Some(tip) = &only.tip
    {
        return Ok(tip.clone());
    }
    let tip = repo.branch_tip(&session.target)?;
    Ok(tip.ok_or_else(|| GitError::Unborn(session.target.clone()))?)
}

/// Makes the session's worktree. Slow; not on the runner's own thread.
pub(super) fn prepare(
    repo: &Repo,
    config: &Config,
    session: &SessionRow,
    base: &CommitId,
    lock: &Lock,
) -> Result<Workspace, WorkspaceError> {
    let guard = guard(repo, session, base, lock).map_err(|error| {
        WorkspaceError::Unusable(format!("what its hooks enforce is not known: {error}"))
    })?;
    let program = own_program()
        .map_err(|error| WorkspaceError::Unusable(format!("where this program is: {error}")))?;
    create(&Request {
        repo,
        root: &config.policy.worktrees,
        name: &session.name,
        short_id: &session.id.short(),
        base,
        isolation: config.isolation,
        identity: (&config.policy.identity.0, &config.policy.identity.1),
        include: config.include,
        hooks: Some(Hooks {
            guard: &guard,
            program: &program,
        }),
    })
}

fn guard(
    repo: &Repo,
    session: &SessionRow,
    base: &CommitId,
    lock: &Lock,
) -> Result<Guard, StoreError> {
    let fold = repo.fold();
    Ok(Guard {
        version: GUARD_VERSION,
        session: session.id,
        task: session.name.clone(),
        scope: lock.scope.clone(),
        branch: session.branch.clone(),
        target: session.target.clone(),
        base: base.clone(),
        ignore_case: fold.ignore_case,
        precompose: fold.precompose,
        role: None,
        model: None,
        lock_token: Some(lock.token),
        lost: false,
        lease: lock.lease.clone(),
    })
}

/// What a supervisor is told. The environment is an allow-list, the person's identity, the task's
/// own variables, and what tells a program in the session where it is; a later one wins.
pub(super) fn job_spec(
    config: &Config,
    session: &SessionRow,
    job: &JobRow,
    repo: &Repo,
) -> Result<JobSpec, super::RunnerError> {
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
    for (key, value) in [
        ("TREEYARD_SESSION", session.id.to_string()),
        ("TREEYARD_TASK", session.name.clone()),
        ("TREEYARD_SCOPE", session.scope()?.patterns().join("\n")),
    ] {
        extra.insert(key.to_owned(), value);
    }
    let place =
        located(session).ok_or(WorkspaceError::Unusable("it has no worktree".to_owned()))?;
    let worktree = place.path.display().to_string();
    extra.insert(WORKTREE_VARIABLE.to_owned(), worktree);
    let scope = session.scope()?;
    let bounds = Bounds {
        unconfined: task.unconfined.as_deref(),
        // What is set up may be anywhere, such as dependencies.
        scope: Some(&scope).filter(|_| job.kind == JobKind::Command),
    };
    let mut equipment = equip(repo, &place, &config.policy.sharing, extra, bounds)?;
    equipment.put_shims_first(&repo.state_dir());
    Ok(JobSpec {
        argv: job.command.argv(),
        cwd: place.path,
        confinement: equipment.confinement,
        budget: equipment.budget,
        env: equipment.env,
        timeout_ms: task.timeout_ms,
        grace_ms: config.policy.grace_ms,
        runner_dir: Some(repo.state_dir()),
        door: door(session, &repo.state_dir()),
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
