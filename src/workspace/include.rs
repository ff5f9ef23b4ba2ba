//! `.worktreeinclude`: ignored files that a build needs come along.

use std::fs;
use std::path::Path;

use gix::bstr::ByteSlice;

use super::error::WorkspaceError;
use crate::git::{Git, Repo};

/// Copies the files of the main worktree that `.worktreeinclude` names and git ignores.
/// Tracked files never match, and files that are there already stay.
pub(super) fn copy(repo: &Repo, to: &Path) -> Result<(), WorkspaceError> {
    let root = repo.main_root();
    let list = root.join(".worktreeinclude");
    if repo.is_bare() || !list.is_file() {
        return Ok(());
    }
    let (wanted, error) = ignore::gitignore::Gitignore::new(&list);
    if let Some(error) = error {
        return Err(WorkspaceError::Unusable(format!(
            "{}: {error}",
            list.display()
        )));
    }
    let ignored = Git::new(root)
        .git_dir(repo.common_dir())
        .work_tree(root)
        .args([
            "ls-files",
            "-z",
            "--others",
            "--ignored",
            "--exclude-standard",
        ])
        .run()?;
    for name in ignored.stdout.split(|b| *b == 0).filter(|n| !n.is_empty()) {
        let Ok(relative) = name.to_path() else {
            continue;
        };
        let from = root.join(relative);
        let is_file = fs::symlink_metadata(&from).is_ok_and(|m| m.is_file());
        if is_file
            && wanted
                .matched_path_or_any_parents(relative, false)
                .is_ignore()
        {
            copy_file(&from, &to.join(relative))?;
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<(), WorkspaceError> {
    if fs::symlink_metadata(to).is_ok() {
        return Ok(());
    }
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).map_err(WorkspaceError::io(parent))?;
    }
    reflink_copy::reflink_or_copy(from, to)
        .map(drop)
        .map_err(WorkspaceError::io(to))
}
