//! The pool: files of finished worktrees, cleaned, waiting to be used again.
//!
//! An entry is `<root>/.pool/<id>/` with `tree`, `index` and `commit`. Taking one is one rename, so two
//! sessions never get the same. The index was written by the runner, never by a session.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::WorkspaceError;
use super::private::write;
use crate::model::ids::CommitId;

fn directory(root: &Path) -> PathBuf {
    root.join(".pool")
}

/// Where a tree named `name` goes that nobody uses any more; `sweep` knows the place. Nothing but what
/// an earlier removal of the same tree left is ever there: whoever takes an entry has other names.
pub(super) fn aside(root: &Path, name: &OsStr) -> Result<PathBuf, WorkspaceError> {
    let pool = directory(root);
    fs::create_dir_all(&pool).map_err(WorkspaceError::io(&pool))?;
    let aside = pool.join(format!(".gone-{}", name.to_string_lossy()));
    super::release::remove(&aside)?;
    Ok(aside)
}

/// How many entries are waiting.
pub(super) fn len(root: &Path) -> usize {
    fs::read_dir(directory(root)).map_or(0, |entries| {
        entries
            .flatten()
            .filter(|e| !e.file_name().to_string_lossy().starts_with('.'))
            .count()
    })
}

/// Moves a cleaned tree and its index in. The tree leaves its place before anything of it is taken away: a worktree
/// without its `.git` would look as if somebody had tampered with it.
pub(super) fn put(
    root: &Path,
    id: &str,
    tree: &Path,
    index: &Path,
    commit: &CommitId,
) -> Result<(), WorkspaceError> {
    let pool = directory(root);
    let making = pool.join(format!(".making-{id}"));
    let (entry, made) = (pool.join(id), making.join("tree"));
    fs::create_dir_all(&making).map_err(WorkspaceError::io(&making))?;
    fs::copy(index, making.join("index")).map_err(WorkspaceError::io(index))?;
    write(&making.join("commit"), commit.as_str())?;
    fs::rename(tree, &made).map_err(WorkspaceError::io(tree))?;
    let git_file = made.join(".git");
    fs::remove_file(&git_file).map_err(WorkspaceError::io(&git_file))?;
    fs::rename(&making, &entry).map_err(WorkspaceError::io(&entry))
}

/// Moves the files of an entry into `path`, which holds nothing but `.git`, and its index into
/// `git_dir`. Returns the commit that they are at, as text, `None` when the pool is empty.
pub(super) fn take(
    root: &Path,
    path: &Path,
    git_dir: &Path,
) -> Result<Option<String>, WorkspaceError> {
    let Ok(entries) = fs::read_dir(directory(root)) else {
        return Ok(None);
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let mine = directory(root).join(format!(".taken-{name}"));
        if fs::rename(entry.path(), &mine).is_err() {
            continue; // another session was faster
        }
        let git_file = path.join(".git");
        if !mine.join("index").is_file() || !mine.join("tree").is_dir() {
            continue; // damaged; `sweep` removes it
        }
        let kept = fs::read(&git_file).map_err(WorkspaceError::io(&git_file))?;
        fs::copy(mine.join("index"), git_dir.join("index")).map_err(WorkspaceError::io(&mine))?;
        fs::remove_file(&git_file).map_err(WorkspaceError::io(&git_file))?;
        fs::remove_dir(path).map_err(WorkspaceError::io(path))?;
        fs::rename(mine.join("tree"), path).map_err(WorkspaceError::io(path))?;
        fs::write(&git_file, kept).map_err(WorkspaceError::io(&git_file))?;
        let at = fs::read_to_string(mine.join("commit")).unwrap_or_default();
        fs::remove_dir_all(&mine).map_err(WorkspaceError::io(&mine))?;
        return Ok(Some(at));
    }
    Ok(None)
}
