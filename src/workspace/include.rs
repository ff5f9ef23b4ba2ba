//! `.worktreeinclude`: ignored files that a build needs come along.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use gix::bstr::ByteSlice;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

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
            copy_file(&from, to, relative)?;
        }
    }
    Ok(())
}

/// The base may track a link where the main worktree has a directory by now: each step is opened
/// without following, so that nothing is written outside the new worktree.
fn copy_file(from: &Path, tree: &Path, relative: &Path) -> Result<(), WorkspaceError> {
    let to = tree.join(relative);
    let io = |source: std::io::Error| WorkspaceError::io(&to)(source);
    let (Some(name), Some(parents)) = (relative.file_name(), relative.parent()) else {
        return Ok(());
    };
    let parent = open_parents(tree, parents).map_err(|errno| match errno {
        Errno::NOTDIR | Errno::LOOP => WorkspaceError::Unusable(format!(
            "{} cannot come along: a directory above it is a link or a file in the base",
            relative.display()
        )),
        other => io(other.into()),
    })?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut target = match rustix::fs::openat(&parent, name, flags, Mode::from_raw_mode(0o600)) {
        Ok(fd) => File::from(fd),
        Err(Errno::EXIST) => return Ok(()),
        Err(errno) => return Err(io(errno.into())),
    };
    let mut source = File::open(from).map_err(WorkspaceError::io(from))?;
    if rustix::fs::ioctl_ficlone(&target, &source).is_err() {
        std::io::copy(&mut source, &mut target).map_err(io)?;
    }
    let mode = source.metadata().map_err(WorkspaceError::io(from))?;
    target.set_permissions(mode.permissions()).map_err(io)
}

fn open_parents(tree: &Path, parents: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = |at: &OwnedFd, name: &OsStr| rustix::fs::openat(at, name, flags, Mode::empty());
    let mut at = rustix::fs::openat(CWD, tree, flags, Mode::empty())?;
    for part in parents.components() {
        let Component::Normal(name) = part else {
            return Err(Errno::NOTDIR);
        };
        at = match open(&at, name) {
            Err(Errno::NOENT) => {
                rustix::fs::mkdirat(&at, name, Mode::from_raw_mode(0o777))?;
                open(&at, name)?
            }
            other => other?,
        };
    }
    Ok(at)
}
