//! Which names in a session's worktree count. What is ignored is told by the `.gitignore` files of its base
//! and by the ignore files of the repository and its owner: a session that edits its own would hide what
//! it adds.

use gix::bstr::BStr;
use gix::index::entry::Mode;
use gix::worktree::Stack;
use gix::worktree::stack::state::ignore::Source;
use rustix::fs::{AtFlags, Dir, FileType, statat};
use rustix::io::Errno;

use super::untouched::Opened;
use crate::git::GitError;

/// The rules of a session's base.
pub(super) struct Names {
    excludes: Stack,
}

impl Names {
    /// The rules that the `.gitignore` files in `index` have, and those of the repository.
    pub(super) fn of(
        objects: &gix::Repository,
        index: &gix::index::State,
    ) -> Result<Self, GitError> {
        let excludes = objects
            .excludes(index, None, Source::IdMapping)
            .map_err(GitError::library("read the ignore files"))?
            .detach();
        Ok(Self { excludes })
    }

    /// Whether what is at `path` is work that the base does not have, where `base` is what it has there.
    pub(super) fn is_new(
        &mut self,
        objects: &gix::Repository,
        path: &BStr,
        kind: FileType,
        base: Option<Mode>,
    ) -> bool {
        let is_known = match base {
            None => false,
            Some(Mode::COMMIT) => true,
            Some(_) => !kind.is_dir(),
        };
        is_work(kind) && !is_known && !self.is_ignored(objects, path, kind.is_dir())
    }

    pub(super) fn is_ignored(
        &mut self,
        objects: &gix::Repository,
        path: &BStr,
        is_folder: bool,
    ) -> bool {
        let mode = if is_folder { Mode::DIR } else { Mode::FILE };
        let rules = self.excludes.at_entry(path, Some(mode), &objects.objects);
        rules.is_ok_and(|rules| rules.is_excluded())
    }
}

/// Git has no pipes, sockets and devices.
pub(super) fn is_work(kind: FileType) -> bool {
    kind.is_dir() || kind.is_file() || kind.is_symlink()
}

/// The names in a folder, and what each is, until one is told to be the last.
pub(super) fn each_in(
    open: &Opened,
    mut told: impl FnMut(&[u8], FileType) -> bool,
) -> Result<(), Errno> {
    for found in Dir::read_from(&open.folder)? {
        let found = found?;
        let name = found.file_name().to_bytes();
        if matches!(name, b"." | b"..") {
            continue;
        }
        let kind = match found.file_type() {
            FileType::Unknown => kind_of(open, name),
            kind => kind,
        };
        if !told(name, kind) {
            break;
        }
    }
    Ok(())
}

/// For file systems that do not tell it with the name.
fn kind_of(open: &Opened, name: &[u8]) -> FileType {
    let found = statat(&open.folder, name, AtFlags::SYMLINK_NOFOLLOW);
    found.map_or(FileType::Unknown, |found| {
        FileType::from_raw_mode(found.st_mode)
    })
}
