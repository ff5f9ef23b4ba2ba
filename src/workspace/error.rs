//! Why a workspace operation failed.

use std::path::PathBuf;

use crate::git::{GitError, Unsound};
use crate::model::code::Code;
use crate::store::StoreError;

use super::located::Health;

/// Why a workspace operation failed.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// Git refused.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The database's refusal.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The worktree could not be made.
    #[error("{0}")]
    Unusable(String),
    /// What runs in it could not be held back as far as it has to be.
    #[error("not run without the sandbox: {0}")]
    Unconfinable(String),
    /// The worktree is not what was made.
    #[error("the worktree at {path} is not as it was made: {health}")]
    Changed {
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        health: Health,
    },
    /// The folder of all worktrees is gone, or an empty one stands in its place.
    #[error("{0}, the folder of the worktrees, is not there; is its disk mounted?")]
    RootMissing(PathBuf),
    /// Removing the worktree would lose work in another git repository inside it.
    #[error(
        "the git repository at {0:?} inside the worktree holds work that is nowhere else; push or \
         move it, or remove it there"
    )]
    NestedRepository(String),
    /// The session's commits did not pass the checks.
    #[error("the session's commits were refused: {0}")]
    Refused(String),
    /// An entry that no sound git would have written.
    #[error("the session's commits were refused: {0}")]
    Unsound(#[from] Unsound),
    /// Nothing is saved under that session.
    #[error("nothing is saved for session {0}")]
    SalvageUnknown(String),
}

impl WorkspaceError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Git(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Io { source, .. } if Code::of_system(source) == Code::DiskFull => Code::DiskFull,
            Self::Io { .. } | Self::Unusable(_) => Code::WorkspaceFailed,
            Self::Unconfinable(_) => Code::SandboxUnreached,
            Self::Changed { .. } | Self::RootMissing(_) | Self::NestedRepository(_) => {
                Code::WorkspaceChanged
            }
            Self::Refused(_) | Self::Unsound(_) => Code::ImportRefused,
            Self::SalvageUnknown(_) => Code::SalvageUnknown,
        }
    }

    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
