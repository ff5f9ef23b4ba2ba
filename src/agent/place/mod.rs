//! A session's worktree, as tools see it. Every file that a tool opens is opened here: by a descriptor of the
//! worktree's root, below it, and through no symbolic link, so that nothing that is swapped in meanwhile
//! leads anywhere else.
//!
//! Links are followed by name first, for reading only (`settle`); what comes of it has no link in it, and is
//! what the gate judges and what is opened then.

mod change;
mod error;
mod links;
mod open;
mod read;
mod stage;

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

use rustix::fs::{Mode, OFlags, open};

pub use change::Change;
pub use error::PlaceError;
pub use read::{Found, Kind, Stamp};

use super::path::RelPath;
use crate::model::scope::ScopeLanguage;
use crate::workspace::has_openat2;

/// A worktree, and what of it may be changed.
#[derive(Debug)]
pub struct Place {
    root: OwnedFd,
    /// Whether the kernel keeps paths below the root by itself.
    has_openat2: bool,
    /// It grows while the session works.
    scope: RwLock<ScopeLanguage>,
}

impl Place {
    /// The worktree at `root`, of which the files of `scope` may be changed.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn open(root: &Path, scope: ScopeLanguage) -> std::io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = open(root, flags, Mode::empty())?;
        let has_openat2 = has_openat2(&root);
        Ok(Self {
            root,
            has_openat2,
            scope: RwLock::new(scope),
        })
    }

    /// Gives it another scope, as after a session was granted more.
    pub(in crate::agent) fn set_scope(&self, scope: ScopeLanguage) {
        *self.scope.write().unwrap_or_else(PoisonError::into_inner) = scope;
    }

    /// As on a kernel that lacks the call.
    #[cfg(test)]
    pub fn without_openat2(self) -> Self {
        Self {
            has_openat2: false,
            ..self
        }
    }

    /// Whether a file may be changed.
    ///
    /// # Errors
    /// When it may not.
    pub fn check_scope(&self, path: &RelPath) -> Result<(), PlaceError> {
        let scope = self.scope.read().unwrap_or_else(PoisonError::into_inner);
        match scope.contains(path.as_str().as_bytes()) {
            true => Ok(()),
            false => Err(PlaceError::OutOfScope(path.clone())),
        }
    }
}
