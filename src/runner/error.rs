//! Why the runner cannot go on.

use crate::cas::CasError;
use crate::git::GitError;
use crate::landing::LandError;
use crate::model::code::Code;
use crate::proc::{LockError, ProcError};
use crate::sessions::ControlError;
use crate::store::StoreError;
use crate::workspace::WorkspaceError;

/// What ends a runner. What goes wrong in one session only ends that session.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The artifact store.
    #[error(transparent)]
    Cas(#[from] CasError),
    /// The repository.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Another runner holds the lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Processes cannot be started or watched.
    #[error(transparent)]
    Proc(#[from] ProcError),
    /// What a command is started with.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// A landing that was cut short.
    #[error(transparent)]
    Landing(#[from] LandError),
    /// A state that the tables do not allow.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The system refused a pipe, a signal handler or a thread.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl RunnerError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::Cas(error) => error.code(),
            Self::Git(error) => error.code(),
            Self::Lock(error) => error.code(),
            Self::Proc(error) => error.code(),
            Self::Workspace(error) => error.code(),
            Self::Landing(error) => error.code(),
            Self::Control(error) => error.code(),
            Self::Io(error) => Code::of_system(error),
        }
    }
}
