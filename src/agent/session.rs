//! What tools know of the session itself.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::git::Repo;
use crate::model::code::Code;
use crate::model::ids::{CommitId, SessionId};
use crate::model::lock::Party;
use crate::model::scope::Scope;
use crate::model::tool::{ErrorKind, ToolError};
use crate::store::{SessionRow, Store, StoreError};
use crate::workspace::refresh_guard;

/// A session, and where it is recorded.
pub struct SessionAccess {
    /// Events and tables.
    pub store: Mutex<Store>,
    /// The repository.
    pub repo: Repo,
    /// The session.
    pub id: SessionId,
}

impl fmt::Debug for SessionAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionAccess").field(&self.id).finish()
    }
}

impl SessionAccess {
    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As it is recorded now.
    pub(super) fn row(&self) -> Result<SessionRow, ToolError> {
        let row = self.store().session(self.id).map_err(failed)?;
        row.ok_or_else(|| unknown("this session is not recorded"))
    }

    /// What it holds now.
    pub(super) fn held(&self) -> Result<Option<Scope>, ToolError> {
        let lock = self.store().lock_of(self.id).map_err(failed)?;
        let lock = lock.filter(|lock| lock.holder == Party::session(self.id));
        Ok(lock.map(|lock| lock.scope))
    }

    /// Lets its hooks decide from what it holds now.
    pub(super) fn refresh_guard(&self) -> Result<(), ToolError> {
        let refreshed = refresh_guard(&self.repo, &self.store(), self.id);
        refreshed.map_err(|error| ToolError::new(error.code(), ErrorKind::Tool, error.to_string()))
    }

    /// The commit that it began from.
    pub(in crate::agent) fn base(&self) -> Result<CommitId, ToolError> {
        let base = self.row()?.base;
        base.ok_or_else(|| unknown("this session has no worktree yet"))
    }
}

/// What the store says.
pub(super) fn failed(error: StoreError) -> ToolError {
    ToolError::new(error.code(), ErrorKind::Tool, error.to_string())
}

fn unknown(message: &str) -> ToolError {
    ToolError::new(Code::SessionState, ErrorKind::Tool, message)
}
