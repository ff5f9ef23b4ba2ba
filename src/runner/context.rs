//! What a session's jobs are started with.

use super::dispatch::Limits;
use super::drift::DriftPolicy;
use crate::git::{GitError, Repo};
use crate::landing::Policy;
use crate::model::guard::{GUARD_VERSION, Guard};
use crate::model::ids::CommitId;
use crate::model::lock::Lock;
use crate::proc::own_program;
use crate::store::{SessionRow, Store, StoreError};
use crate::workspace::{Hooks, Isolation, Request, Workspace, WorkspaceError, create};

/// What configuration says of running.
#[derive(Debug, Clone)]
pub struct Config {
    /// How much may run at once.
    pub limits: Limits,
    /// How far sessions are kept apart from the repository.
    pub isolation: Isolation,
    /// Whether ignored files that `.worktreeinclude` names come along.
    pub include: bool,
    /// Whether points that sessions can be put back to are recorded.
    pub checkpoints: bool,
    /// What is done about sessions that change what is not theirs.
    pub drift: DriftPolicy,
    /// Settings of the command line, which models' own processes are told too.
    pub flags: Vec<(String, String)>,
    /// Variables that models' own processes get besides the allow-list: where keys are, and proxies.
    pub model_variables: Vec<String>,
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
        identity: None,
        lock_token: Some(lock.token),
        lost: false,
        lease: lock.lease.clone(),
    })
}
