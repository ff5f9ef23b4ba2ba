//! Whether a session's git directory leads whoever reads it elsewhere. The runner reads it with more rights
//! than the session has: objects that a link or another store brings in would become the repository's, and
//! at a pipe it would wait for ever.

use std::ffi::OsStr;
use std::fs::{self, FileType};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::error::WorkspaceError;
use super::located::{Health, Located};
use super::private::borrowed;
use crate::git::Repo;

/// What is read of it. Hooks are only counted.
const READ: [&str; 11] = [
    "HEAD",
    "config",
    "config.worktree",
    "hooks",
    "index",
    "info",
    "logs",
    "objects",
    "packed-refs",
    "refs",
    "shallow",
];
const NOT_BELOW: &str = "hooks";

/// Whether it does. A linked one is the repository's own.
pub(super) fn leads_elsewhere(repo: &Repo, ws: &Located) -> bool {
    if ws.is_linked(repo) {
        return false;
    }
    let parts = || READ.iter().map(|part| ws.git_dir.join(part));
    parts().any(|part| is_odd_below(&part))
        || ws.git_dir.join("commondir").exists()
        || borrows_elsewhere(repo, ws)
}

/// # Errors
/// [`WorkspaceError::Changed`] when it does.
pub(super) fn refuse_led_elsewhere(repo: &Repo, ws: &Located) -> Result<(), WorkspaceError> {
    match leads_elsewhere(repo, ws) {
        false => Ok(()),
        true => Err(WorkspaceError::Changed {
            path: ws.path.clone(),
            health: Health::Redirected,
        }),
    }
}

/// Neither a file nor a folder, but something that has to be followed or waited for.
fn is_odd(kind: FileType) -> bool {
    kind.is_symlink() || kind.is_fifo() || kind.is_char_device() || kind.is_block_device()
}

/// A pipe in a worktree under a name that git reads, such as `.gitignore`, or in another repository.
pub(super) fn pipe_for_git(work_tree: &Path) -> Option<PathBuf> {
    let mut folders = vec![(work_tree.to_owned(), false)];
    while let Some((folder, is_read)) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let is_read = is_read || is_for_git(&entry.file_name());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push((entry.path(), is_read)),
                Ok(kind) if kind.is_fifo() && is_read => return Some(entry.path()),
                _ => {}
            }
        }
    }
    None
}

fn is_for_git(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".git")
}

fn is_odd_below(path: &Path) -> bool {
    let Ok(found) = fs::symlink_metadata(path) else {
        return false;
    };
    if is_odd(found.file_type()) {
        return true;
    }
    let mut folders = Vec::new();
    if found.is_dir() && !path.ends_with(NOT_BELOW) {
        folders.push(path.to_owned());
    }
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if is_odd(kind) => return true,
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ => {}
            }
        }
    }
    false
}

/// Whether it has objects from a store that is neither its own nor one of the repository's.
fn borrows_elsewhere(repo: &Repo, ws: &Located) -> bool {
    let objects = repo.common_dir().join("objects");
    let (Ok(stores), Ok(of_repository)) =
        (borrowed(&ws.git_dir.join("objects")), borrowed(&objects))
    else {
        return true;
    };
    let real = |path: &PathBuf| path.canonicalize().ok();
    let known: Vec<PathBuf> = of_repository
        .iter()
        .chain([&objects])
        .flat_map(real)
        .collect();
    let own = ws.git_dir.canonicalize();
    let is_own = |store: &PathBuf| {
        own.as_ref().is_ok_and(|own| store.starts_with(own)) && !is_odd_below(store)
    };
    // What is not there brings nothing in.
    let mut there = stores.iter().flat_map(real);
    there.any(|store| !known.contains(&store) && !is_own(&store))
}
