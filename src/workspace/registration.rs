//! How the repository lists a worktree: a folder of four small files in `worktrees`, as
//! gitrepository-layout(5) has them. Written here and not by the library, which first opens every
//! other listed worktree with all its packs: some hundred of them took seconds.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::WorkspaceError;
use super::located::Located;
use super::private::{plain, write};
use super::release::remove;
use crate::git::Repo;

/// Lists the worktree, locked. Gives the folder that lists it, which nobody had before.
pub(super) fn register(repo: &Repo, ws: &Located) -> Result<PathBuf, WorkspaceError> {
    let _one_at_a_time = registry_lock(repo)?;
    let all = worktrees(repo);
    fs::create_dir_all(&all).map_err(WorkspaceError::io(&all))?;
    let linked = all.join(ws.id()?);
    match fs::create_dir(&linked) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let listed = format!("{} is listed already", linked.display());
            return Err(WorkspaceError::Unusable(listed));
        }
        made => made.map_err(WorkspaceError::io(&linked))?,
    }
    match describe(&linked, ws) {
        Ok(()) => Ok(linked),
        Err(error) => {
            let _half_made = fs::remove_dir_all(&linked);
            Err(error)
        }
    }
}

/// The folder that lists it, with `name`; made again when somebody removed it.
pub(super) fn listed_again(
    repo: &Repo,
    name: &std::ffi::OsStr,
    ws: &Located,
) -> Result<PathBuf, WorkspaceError> {
    let linked = worktrees(repo).join(name);
    if fs::symlink_metadata(&linked).is_ok_and(|found| found.is_dir()) {
        point_to(&linked, ws)?;
    } else {
        fs::create_dir_all(&linked).map_err(WorkspaceError::io(&linked))?;
        describe(&linked, ws)?;
    }
    Ok(linked)
}

/// The lock comes first: git prunes what looks half made, unless it is locked.
fn describe(linked: &Path, ws: &Located) -> Result<(), WorkspaceError> {
    let reason = "in use by treeyard; `treeyard gc` removes it";
    write(&linked.join("locked"), reason)?;
    write(&linked.join("commondir"), "../..\n")?;
    write(&linked.join("HEAD"), &format!("ref: {}\n", ws.branch))?;
    point_to(linked, ws)
}

fn point_to(linked: &Path, ws: &Located) -> Result<(), WorkspaceError> {
    let git_file = ws.path.join(".git");
    write(&linked.join("gitdir"), &format!("{}\n", plain(&git_file)?))
}

/// The folder that lists a worktree, as its record has it.
pub(super) fn listed_in(record: &Path) -> Result<PathBuf, WorkspaceError> {
    let path = record.join("linked");
    let said = fs::read_to_string(&path).map_err(WorkspaceError::io(path))?;
    Ok(said.trim_end().into())
}

/// Writes down which folder lists the worktree.
pub(super) fn keep_record(record: &Path, linked: &Path) -> Result<(), WorkspaceError> {
    fs::create_dir_all(record).map_err(WorkspaceError::io(record))?;
    write(&record.join("linked"), &format!("{}\n", plain(linked)?))
}

/// Takes the worktree off the list, and its record away: the last traces of it.
pub(super) fn unregister(repo: &Repo, record: &Path) -> Result<(), WorkspaceError> {
    let _one_at_a_time = registry_lock(repo)?;
    if let Ok(linked) = listed_in(record)
        && linked.parent() == Some(&worktrees(repo))
    {
        remove(&linked)?;
    }
    remove(record)
}

fn worktrees(repo: &Repo) -> PathBuf {
    repo.common_dir().join("worktrees")
}

/// Held while registrations are added or removed.
pub(super) fn registry_lock(repo: &Repo) -> Result<fs::File, WorkspaceError> {
    let state = repo.state_dir();
    fs::create_dir_all(&state).map_err(WorkspaceError::io(&state))?;
    let path = state.join("worktrees.lock");
    let file = fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(WorkspaceError::io(&path))?;
    fs2::FileExt::lock_exclusive(&file).map_err(WorkspaceError::io(&path))?;
    Ok(file)
}
