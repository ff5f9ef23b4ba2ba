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
use crate::workspace::snapshot::restore;
use crate::workspace::{
    Hooks, Isolation, Recording, Request, Workspace, WorkspaceError, create, discard,
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
    /// Whether points that sessions can be put back to are recorded, and what of them.
    pub checkpoints: Recording,
    /// What is done about sessions that change what is not theirs.
    pub drift: DriftPolicy,
    /// Settings of the command line, which models' own processes are told too.
    pub flags: Vec<(String, String)>,
    /// Variables that models' own processes get besides the allow-list: where keys are, and proxies.
    pub model_variables: Vec<String>,
    /// Landing, and what it shares with running.
    pub policy: Policy,
}

/// From what a session starts.
pub(super) struct Start {
    /// The commit that its own work comes after.
    pub base: CommitId,
    /// The checkpoint whose files it begins with, as changes that nobody has committed.
    pub files: Option<CommitId>,
}

/// Where a session starts: on the target, or on the work of the one task it comes after when that
/// has not landed, so that it sees that work. One that goes on from a checkpoint starts where that session did, and has its
/// changes as its own: only so are they all held against its scope when they land.
pub(super) fn start_of(
    store: &Store,
    repo: &Repo,
    session: &SessionRow,
) -> Result<Start, super::RunnerError> {
    let tip = || -> Result<CommitId, super::RunnerError> {
        let tip = repo.branch_tip(&session.target)?;
        Ok(tip.ok_or_else(|| GitError::Unborn(session.target.clone()))?)
    };
    if let Some(origin) = store.origin_of(session.id)? {
        let base = match origin.onto {
            Some(onto) => onto,
            None => {
                let known = store.base_of(origin.from)?;
                shared(repo, &origin.commit, (&tip()?, known))?
            }
        };
        return Ok(Start {
            base,
            files: Some(origin.commit),
        });
    }
    let before = store.predecessor_sessions(session.id)?;
    let base = match before.as_slice() {
        [only] if only.landed_commit.is_none() => only.tip.clone(),
        _ => None,
    };
    Ok(Start {
        base: base.map_or_else(tip, Ok)?,
        files: None,
    })
}

/// The last commit that a checkpoint has in common with the target: what the other session took in of it is nobody's change.
/// But not one before the `base` of that session, which may have gone on from work that has not landed.
fn shared(
    repo: &Repo,
    checkpoint: &CommitId,
    (target, base): (&CommitId, Option<CommitId>),
) -> Result<CommitId, GitError> {
    let shared = repo.merge_base(checkpoint, target)?;
    match (shared, base) {
        (Some(shared), Some(base)) => match repo.is_in_history(&shared, &base)? {
            true => Ok(shared),
            false => Ok(base),
        },
        (shared, base) => Ok(base.or(shared).unwrap_or_else(|| target.clone())),
    }
}

/// Makes the session's worktree. Slow; not on the runner's own thread.
pub(super) fn prepare(
    repo: &Repo,
    config: &Config,
    session: &SessionRow,
    start: &Start,
    lock: &Lock,
) -> Result<Workspace, WorkspaceError> {
    let guard = guard(repo, session, &start.base, lock).map_err(|error| {
        WorkspaceError::Unusable(format!("what its hooks enforce is not known: {error}"))
    })?;
    let program = own_program()
        .map_err(|error| WorkspaceError::Unusable(format!("where this program is: {error}")))?;
    let made = create(&Request {
        repo,
        root: &config.policy.worktrees,
        name: &session.name,
        short_id: &session.id.short(),
        base: &start.base,
        isolation: config.isolation,
        identity: (&config.policy.identity.0, &config.policy.identity.1),
        include: config.include,
        hooks: Some(Hooks {
            guard: &guard,
            program: &program,
        }),
    })?;
    if let Some(files) = &start.files
        && let Err(error) = fill(repo, session, &made, files)
    {
        discard(repo, &made.path)?;
        return Err(error);
    }
    Ok(made)
}

/// Puts the files of a checkpoint into a new worktree.
fn fill(
    repo: &Repo,
    session: &SessionRow,
    made: &Workspace,
    files: &CommitId,
) -> Result<(), WorkspaceError> {
    let done = restore(repo, &made.located(), files)?;
    for path in done.left {
        tracing::warn!(session = %session.id, %path, "a file of the checkpoint was not put back");
    }
    Ok(())
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
