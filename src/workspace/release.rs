//! Giving a workspace back: saved first, then removed or kept in the pool.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::bench::Bench;
use super::error::WorkspaceError;
use super::fill::reset;
use super::located::{Located, own_folder};
use super::pool;
use super::registration::unregister;
use super::salvage::{Salvaged, save_with};
use super::settled::settled_at;
use super::take_in::refuse_changed;
use super::unlock::unlock;
use crate::git::Repo;
use crate::model::event::Event;
use crate::model::ids::SessionId;
use crate::proc::is_anybody_in;

/// What becomes of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// They wait for another session while the pool has fewer than `max` entries, unless a process
    /// stands in them.
    Pool {
        /// How many entries the pool may have.
        max: usize,
    },
    /// They are removed.
    Remove,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released {
    /// Work that no branch held.
    pub salvaged: Option<Salvaged>,
    /// Whether the files are kept for reuse.
    pub pooled: bool,
}

impl Released {
    /// What the log says of it.
    pub fn events(&self) -> impl Iterator<Item = Event> + use<> {
        let saved = self.salvaged.clone().map(|saved| Event::WorkspaceSalvaged {
            reference: saved.reference,
            commit: saved.commit,
        });
        let pooled = self.pooled;
        saved
            .into_iter()
            .chain([Event::WorkspaceReleased { pooled }])
    }
}

/// Saves what would be lost, then removes the worktree, its git directory and its registration.
/// The branch stays. An adopted worktree stays as it is.
///
/// # Errors
/// [`WorkspaceError::Changed`] when it is not what was made, [`WorkspaceError::NestedRepository`]
/// when a repository inside it holds work: nothing is removed then.
pub fn release(
    repo: &Repo,
    ws: &Located,
    session: &SessionId,
    keep: Keep,
) -> Result<Released, WorkspaceError> {
    if ws.is_adopted() {
        // Its files are not treeyard's to take away.
        remove(&ws.record(repo)?)?;
        return Ok(Released {
            salvaged: None,
            pooled: false,
        });
    }
    refuse_changed(repo, ws)?;
    let root = match (keep, ws.path.parent()) {
        // A shell that stands in it would go with the folder into the next session.
        (Keep::Pool { max }, Some(root)) if pool::len(root) < max && !is_anybody_in(&ws.path) => {
            Some(root)
        }
        _ => None,
    };
    let (salvaged, pooled) = if let Some(tip) = settled_at(repo, ws)? {
        let index = ws.record(repo)?.join("index");
        let put = |root| pool::put(root, ws.id()?, &ws.path, &index, &tip);
        (None, root.is_some_and(|root| put(root).is_ok()))
    } else {
        let bench = Bench::set_up(repo, ws)?;
        let (salvaged, populated) = save_with(repo, ws, session, &bench)?;
        let root = root.filter(|_| !populated);
        (
            salvaged,
            root.is_some_and(|root| into_pool(&bench, root, ws).is_ok()),
        )
    };
    let record = ws.record(repo)?;
    // The files first: as long as the record and the registration are there, a removal that was
    // cut short is found again.
    discard(&ws.path)?;
    if !ws.is_linked(repo) {
        remove_private(&ws.git_dir)?;
    }
    unregister(repo, &record)?;
    Ok(Released { salvaged, pooled })
}

/// Cleans the files with the runner's own git directory and index, and moves them into the pool.
fn into_pool(bench: &Bench, root: &Path, ws: &Located) -> Result<(), WorkspaceError> {
    reset(&ws.path, bench.path(), &ws.base)?;
    pool::put(
        root,
        ws.id()?,
        &ws.path,
        &bench.path().join("index"),
        &ws.base,
    )
}

/// Removes a session's git directory, and its home and temporary files before that: as long as the git
/// directory is there, a removal that was cut short is found again.
pub(super) fn remove_private(git_dir: &Path) -> Result<(), WorkspaceError> {
    remove(&own_folder(git_dir))?;
    remove(git_dir)
}

/// Takes a worktree's files away in one step, then removes them: half of a tree would look as if a
/// session had deleted the other half. What cannot be removed now is swept up later.
fn discard(path: &Path) -> Result<(), WorkspaceError> {
    let Some((root, name)) = path.parent().zip(path.file_name()) else {
        return remove(path);
    };
    let aside = pool::aside(root, name)?;
    match fs::rename(path, &aside) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        Err(e) => Err(WorkspaceError::io(path)(e)),
        Ok(()) => {
            if let Err(error) = remove(&aside) {
                tracing::warn!(%error, "a worktree that was given back is not removed yet");
            }
            Ok(())
        }
    }
}

pub(super) fn remove(path: &Path) -> Result<(), WorkspaceError> {
    let removed = match fs::remove_dir_all(path) {
        Err(e) if e.kind() == ErrorKind::PermissionDenied => {
            unlock(path);
            fs::remove_dir_all(path)
        }
        other => other,
    };
    match removed {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(WorkspaceError::io(path)(e)),
        _ => Ok(()),
    }
}
