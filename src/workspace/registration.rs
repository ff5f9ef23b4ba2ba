//! How the repository lists a worktree: a folder of four small files in `worktrees`, as
//! gitrepository-layout(5) has them. Written here and not by the library, which first opens every
//! other listed worktree with all its packs: some hundred of them took seconds.

use std::fs;
use std::io::ErrorKind::{AlreadyExists, DirectoryNotEmpty};
use std::path::{Path, PathBuf};

use super::error::WorkspaceError;
use super::located::Located;
use super::private::{plain, write};
use super::release::remove;
use crate::git::Repo;

const REASON: &str = "in use by treeyard; `treeyard gc` removes it";

/// Lists the worktree, locked. Gives the folder that lists it, which nobody had before. It is made in the
/// record and moved to its place whole: half of one would be nobody's.
pub(super) fn register(repo: &Repo, ws: &Located) -> Result<PathBuf, WorkspaceError> {
    let _one_at_a_time = registry_lock(repo)?;
    let all = worktrees(repo);
    fs::create_dir_all(&all).map_err(WorkspaceError::io(&all))?;
    let making = ws.record(repo)?.join("listing");
    remove(&making)?;
    fs::create_dir_all(&making).map_err(WorkspaceError::io(&making))?;
    describe(&making, ws)?;
    let linked = all.join(ws.id()?);
    match fs::rename(&making, &linked) {
        Err(error) if [AlreadyExists, DirectoryNotEmpty].contains(&error.kind()) => {
            let listed = format!("{} is listed already", linked.display());
            Err(WorkspaceError::Unusable(listed))
        }
        Err(error) => Err(WorkspaceError::io(&linked)(error)),
        Ok(()) => Ok(linked),
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
    write(&linked.join("locked"), REASON)?;
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
    let said = listed_in(record).ok();
    // Killed before it was written down, it is where a new one would be, and says whose it is.
    let unsaid = || {
        let linked = worktrees(repo).join(record.file_name()?);
        let reason = fs::read_to_string(linked.join("locked")).ok()?;
        (reason.trim_end() == REASON).then_some(linked)
    };
    if let Some(linked) = said.or_else(unsaid)
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
