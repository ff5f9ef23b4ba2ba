//! Giving a workspace back: saved first, then removed or kept in the pool.

use std::ffi::OsStr;
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
    if let (Some(root), Some(name)) = (ws.path.parent(), ws.path.file_name()) {
        discard(&ws.path, root, name)?;
    }
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
    match (git_dir.parent().and_then(Path::parent), git_dir.file_name()) {
        (Some(root), Some(id)) => {
            let mut name = id.to_owned();
            name.push(".git");
            discard(git_dir, root, &name)
        }
        _ => remove(git_dir),
    }
}

/// Takes a folder away in one step, then removes it: half of a tree would look as if a session had deleted the
/// other half, and nobody could say what half of a git directory had. What cannot be removed now is swept up later.
fn discard(path: &Path, root: &Path, name: &OsStr) -> Result<(), WorkspaceError> {
    if fs::symlink_metadata(path).is_err() {
        return Ok(());
    }
    let aside = pool::aside(root, name)?;
    fs::rename(path, &aside).map_err(WorkspaceError::io(path))?;
    if let Err(error) = remove(&aside) {
        tracing::warn!(%error, "what was given back is not removed yet");
    }
    Ok(())
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
