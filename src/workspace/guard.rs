//! What a session's hooks decide from, brought up to what the session holds now.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use super::error::WorkspaceError;
use super::located::{Located, located};
use super::registration::keep_record;
use super::take_in::refuse_changed;
use crate::git::{GitError, Repo};
use crate::model::guard::{GUARD_FILE, Guard};
use crate::model::identity::RoleExecutionIdentity;
use crate::model::ids::SessionId;
use crate::model::lock::Lock;
use crate::store::Store;

/// Brings a session's guard up to what the store says that it holds. One without a worktree has none.
///
/// # Errors
/// When the store cannot be read or the guard not be written.
pub fn refresh_guard(repo: &Repo, store: &Store, session: SessionId) -> Result<(), WorkspaceError> {
    let Some(row) = store.session(session)? else {
        return Ok(());
    };
    let lock = store.lock_of(session)?;
    match located(&row) {
        Some(place) => update_guard(repo, &place, lock.as_ref()),
        None => Ok(()),
    }
}

/// Writes the lock into the session's guard; `None` says that it has lost it. A session without a
/// guard has no hooks.
///
/// # Errors
/// When the guard cannot be read or written.
pub fn update_guard(repo: &Repo, ws: &Located, lock: Option<&Lock>) -> Result<(), WorkspaceError> {
    change_guard(repo, ws, |guard| {
        guard.lost = lock.is_none();
        if let Some(lock) = lock {
            guard.scope = lock.scope.clone();
            guard.lock_token = Some(lock.token);
            guard.lease.clone_from(&lock.lease);
        }
    })
}

/// Writes into the session's guard who works in it from now on, so that its commits say so.
///
/// # Errors
/// When the guard cannot be read or written.
pub fn sign_guard(
    repo: &Repo,
    ws: &Located,
    identity: &RoleExecutionIdentity,
) -> Result<(), WorkspaceError> {
    change_guard(repo, ws, |guard| guard.identity = Some(identity.clone()))
}

fn change_guard(
    repo: &Repo,
    ws: &Located,
    change: impl FnOnce(&mut Guard),
) -> Result<(), WorkspaceError> {
    let path = ws.record(repo)?.join(GUARD_FILE);
    let text = match fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        read => read.map_err(WorkspaceError::io(&path))?,
    };
    let before: Guard =
        serde_json::from_slice(&text).map_err(GitError::library("read the guard"))?;
    let mut guard = before.clone();
    change(&mut guard);
    if guard == before {
        return Ok(());
    }
    write_guard(&path, &guard)
}

/// Gives a worktree that was there before a guard, by which hooks know it for a session's.
///
/// # Errors
/// When it cannot be written.
pub fn adopt(repo: &Repo, ws: &Located, guard: &Guard) -> Result<(), WorkspaceError> {
    let record = ws.record(repo)?;
    // A linked worktree is listed by its own git directory.
    keep_record(&record, &ws.git_dir)?;
    refuse_changed(repo, ws)?;
    write_guard(&record.join(GUARD_FILE), guard)
}

/// Writes a guard. A hook that reads it meanwhile sees all of the old one or all of the new one.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write_guard(path: &Path, guard: &Guard) -> Result<(), WorkspaceError> {
    let text = serde_json::to_vec(guard).map_err(GitError::library("write the guard"))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let failed = || WorkspaceError::io(path);
    let mut draft = tempfile::NamedTempFile::new_in(folder).map_err(failed())?;
    draft.write_all(&text).map_err(failed())?;
    draft.persist(path).map_err(|error| failed()(error.error))?;
    Ok(())
}
