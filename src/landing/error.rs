//! Why a landing did not happen.

use crate::cas::CasError;
use crate::git::GitError;
use crate::merge::MergeError;
use crate::model::code::Code;
use crate::model::ids::{CommitId, ContentHash};
use crate::model::lock::{Conflict, LockToken};
use crate::model::scope::InvalidScope;
use crate::proc::ProcError;
use crate::sessions::locks::LockError;
use crate::store::StoreError;
use crate::workspace::WorkspaceError;

/// A landing that moved nothing, but for [`LandError::CheckoutBehind`] and [`LandError::FurtherWork`].
#[derive(Debug, thiserror::Error)]
pub enum LandError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The repository.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The worktree.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The merge engine.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// The artifact store.
    #[error(transparent)]
    Cas(#[from] CasError),
    /// A gate's process.
    #[error(transparent)]
    Proc(#[from] ProcError),
    /// The scope on record cannot be read.
    #[error(transparent)]
    Scope(#[from] InvalidScope),
    /// Somebody else holds files that it changed, and it does not any more.
    #[error("{name} needs {}, which {} holds", .conflict.meeting_place(), .conflict.holder.describe())]
    Held {
        /// The task's name.
        name: String,
        /// Who holds what.
        conflict: Box<Conflict>,
    },
    /// Work of a time when it held the files under a grant that it has lost since.
    #[error(
        "commit {} of {name} {}; others may have changed the same files since", .commit.short(),
        made_under(*.token)
    )]
    Stale {
        /// The task's name.
        name: String,
        /// The commit.
        commit: CommitId,
        /// The grant that the commit names; `None` when it names none.
        token: Option<LockToken>,
    },
    /// Its lock went while it landed.
    #[error("{name} lost its lock while it landed")]
    LockLost {
        /// The task's name.
        name: String,
    },
    /// The lock cannot be asked for.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Its work is not complete.
    #[error("{name} is {state}; only completed work lands")]
    NotComplete {
        /// The task's name.
        name: String,
        /// Where it stands.
        state: &'static str,
    },
    /// It has no commit that the target lacks.
    #[error("{name} changed nothing that {target} does not have")]
    Nothing {
        /// The task's name.
        name: String,
        /// The branch.
        target: String,
    },
    /// Uncommitted work, and the configuration says to refuse it.
    #[error("{name} has uncommitted work")]
    Uncommitted {
        /// The task's name.
        name: String,
    },
    /// The target branch is gone.
    #[error("there is no branch {0:?} to land on")]
    NoTarget(String),
    /// Both sides changed the same.
    #[error("{name} conflicts with {target} in {}", .paths.join(", "))]
    Conflict {
        /// The task's name.
        name: String,
        /// The branch.
        target: String,
        /// Where.
        paths: Vec<String>,
        /// The report in the artifact store.
        report: ContentHash,
    },
    /// The target moved, but a checkout of it still has the files from before.
    #[error(
        "{name} landed on {target} as {}, but a checkout of it was not updated: {source}; \
         `treeyard doctor --fix` completes it", .to.short()
    )]
    CheckoutBehind {
        /// The task's name.
        name: String,
        /// The branch.
        target: String,
        /// Where it is.
        to: CommitId,
        /// Why not.
        source: Box<MergeError>,
    },
    /// It had landed already when its process was killed, and somebody worked on since.
    #[error(
        "{name} had landed on {target} as {}, without what was done in its worktree since; that is \
         still there, see `treeyard open {name}`", .to.short()
    )]
    FurtherWork {
        /// The task's name.
        name: String,
        /// The branch.
        target: String,
        /// Where the landing moved it.
        to: CommitId,
    },
    /// A gate command failed on the merged tree.
    #[error("gate `{command}` {how}")]
    Gate {
        /// The command.
        command: String,
        /// How it ended.
        how: String,
        /// What it printed.
        output: Option<ContentHash>,
    },
}

impl LandError {
    /// Whether it is about what the session's commits are, which only other commits put right.
    pub fn is_proof(&self) -> bool {
        matches!(
            self.code(),
            Code::OutOfScope | Code::ImportRefused | Code::LockLost
        )
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::Git(error) => error.code(),
            Self::Workspace(error) => error.code(),
            Self::Merge(error) => error.code(),
            Self::Cas(error) => error.code(),
            Self::Proc(error) => error.code(),
            Self::Scope(_) => Code::OutOfScope,
            Self::Held { .. } => Code::ScopeConflict,
            Self::Stale { .. } | Self::LockLost { .. } => Code::LockLost,
            Self::Lock(error) => error.code(),
            Self::NotComplete { .. } => Code::SessionState,
            Self::Nothing { .. } => Code::NothingToLand,
            Self::Uncommitted { .. } | Self::FurtherWork { .. } => Code::Uncommitted,
            Self::NoTarget(_) => Code::NoTarget,
            Self::Conflict { .. } => Code::MergeConflict,
            Self::CheckoutBehind { source, .. } => source.code(),
            Self::Gate { .. } => Code::GateFailed,
        }
    }
}

fn made_under(token: Option<LockToken>) -> String {
    match token {
        Some(token) => format!("was made under lock {token}, which it lost"),
        None => "does not say under which of its locks it was made, and it lost one".to_owned(),
    }
}
