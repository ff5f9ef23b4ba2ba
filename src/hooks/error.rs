//! Why a hook cannot decide.

use crate::git::GitError;
use crate::model::scope::InvalidScope;
use crate::store::StoreError;

/// Why a hook cannot decide.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The repository, or what git told of its change, cannot be read.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A scope cannot be read.
    #[error(transparent)]
    Scope(#[from] InvalidScope),
    /// The guard of the session is missing or not for this program.
    #[error("{0}")]
    Guard(String),
    /// Git told it something that it does not understand.
    #[error("git told {0:?}, which is not understood")]
    Input(String),
    /// Its arguments are not those that the installed script gives.
    #[error("it was not started as a hook")]
    Arguments,
}

impl HookError {
    /// Wraps an error of the git library with what was tried.
    pub(super) fn library<E>(doing: &str) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let wrap = GitError::library(doing);
        move |source| Self::Git(wrap(source))
    }
}
