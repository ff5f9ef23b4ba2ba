//! The files of a session's base, and which of them are something else in its worktree by now.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::OwnedFd;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use gix::bstr::{BStr, ByteSlice};
use gix::index::Entry;
use gix::index::entry::{Flags, Mode, Stat};
use gix::objs::Kind;
use rustix::fs::{self, AtFlags, FileType, OFlags};

use super::convert::Conversion;
use super::error::WorkspaceError;
use super::located::Located;
use super::settled::Recorded;
use super::stat::{is_over, stat_of};
use crate::git::{GitError, Repo};

const SHA1: gix::hash::Kind = gix::hash::Kind::Sha1;

/// What the files of the base are is read from the repository's objects. The runner's record of the
/// worktree only saves reading files: it has the stat data of contents that it knows.
pub(super) struct Reference {
    index: gix::index::File,
    known: Vec<Known>,
    conversion: Option<Conversion>,
    /// Whether the mode of a file tells that it is a program.
    has_modes: bool,
    /// Whether links are written as such.
    has_links: bool,
}

/// What is known of one file of the base.
#[derive(Clone, Copy, Default)]
struct Known {
    /// The stat data of the file when it was last judged, and whether it was something else.
    last: Option<(Stat, bool)>,
    /// A sparse checkout leaves it out.
    may_be_absent: bool,
}

impl Known {
    fn of(entry: &Entry, path: &BStr, recorded: &Recorded) -> Self {
        let Some(found) = recorded.index.entry_by_path(path) else {
            return Self::default();
        };
        let is_other = (found.id, found.mode) != (entry.id, entry.mode);
        let tells = recorded.tells_changes(found);
        Self {
            last: tells.then_some((found.stat, is_other)),
            may_be_absent: found.flags.contains(Flags::SKIP_WORKTREE),
        }
    }
}

impl Reference {
    pub(super) fn of(repo: &Repo, ws: &Located) -> Result<Self, WorkspaceError> {
        let objects = repo.gix();
        let index = objects
            .index_from_tree(&repo.tree_of(&ws.base)?)
            .map_err(GitError::library("read the files of the base"))?;
        let recorded = Recorded::read(repo, ws)?;
        let known = |entry: &Entry| {
            let known = |recorded| Known::of(entry, entry.path(&index), recorded);
            recorded.as_ref().map(known).unwrap_or_default()
        };
        let settings = objects.config_snapshot();
        Ok(Self {
            known: index.entries().iter().map(known).collect(),
            conversion: Conversion::of(&objects, &index)?,
            has_modes: settings.boolean("core.fileMode") != Some(false),
            has_links: settings.boolean("core.symlinks") != Some(false),
            index,
        })
    }

    pub(super) fn index(&self) -> &gix::index::File {
        &self.index
    }

    /// The path of the file that is number `at` of the base.
    pub(super) fn path(&self, at: usize) -> &BStr {
        self.index.entries()[at].path(&self.index)
    }

    /// Its mode, if the base has such a file.
    pub(super) fn mode(&self, path: &BStr) -> Option<Mode> {
        self.index.entry_by_path(path).map(|entry| entry.mode)
    }

    /// Whether a file that is not there has gone, and was not left out.
    pub(super) fn is_missed(&self, at: usize) -> bool {
        !self.known[at].may_be_absent
    }

    /// Whether its content need not be read again as long as its stat data stay.
    #[cfg(test)]
    pub(super) fn is_relied_on(&self, at: usize) -> bool {
        self.known[at].last.is_some()
    }

    /// Whether file number `at`, which belongs into `folder`, is something else there now. Its
    /// content is read only when its stat data are not those of the last time.
    ///
    /// # Errors
    /// When the base cannot be read. A file that cannot be read is something else.
    pub(super) fn is_changed(
        &mut self,
        objects: &gix::Repository,
        at: usize,
        folder: &OwnedFd,
    ) -> Result<bool, GitError> {
        let path: &[u8] = self.path(at);
        let name = &path[path.rfind_byte(b'/').map_or(0, |slash| slash + 1)..];
        let Ok(found) = fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) else {
            return Ok(self.is_missed(at));
        };
        let stat = stat_of(&found);
        if let Some((last, changed)) = self.known[at].last
            && last == stat
        {
            return Ok(changed);
        }
        // What is written after this has another time, unless it is too soon to tell.
        let now = SystemTime::now();
        let name = name.to_owned();
        let changed = !self.is_same(objects, at, folder, &name, &found)?;
        self.known[at].last = is_over(stat.ctime, now).then_some((stat, changed));
        Ok(changed)
    }

    fn is_same(
        &mut self,
        objects: &gix::Repository,
        at: usize,
        folder: &OwnedFd,
        name: &[u8],
        found: &fs::Stat,
    ) -> Result<bool, GitError> {
        let entry = &self.index.entries()[at];
        let kind = FileType::from_raw_mode(found.st_mode);
        let is_program = found.st_mode & 0o100 != 0;
        match entry.mode {
            // What it holds is another repository's.
            Mode::COMMIT => Ok(kind.is_dir()),
            Mode::SYMLINK if kind.is_symlink() => {
                let target = fs::readlinkat(folder, name, Vec::new()).unwrap_or_default();
                let id = gix::objs::compute_hash(SHA1, Kind::Blob, target.as_bytes());
                Ok(id.is_ok_and(|id| id == entry.id))
            }
            Mode::SYMLINK if self.has_links => Ok(false),
            mode if self.has_modes && is_program != (mode == Mode::FILE_EXECUTABLE) => Ok(false),
            _ => Ok(kind.is_file() && self.has_content(objects, at, folder, name)?),
        }
    }

    /// Whether a file has the bytes of the base, as they are stored or as git would write them into
    /// a worktree. All others count as changed, also those of which git would make the same again
    /// when they are added, as of mixed line endings, or what a filter program made.
    fn has_content(
        &mut self,
        objects: &gix::Repository,
        at: usize,
        folder: &OwnedFd,
        name: &[u8],
    ) -> Result<bool, GitError> {
        const WHAT: &str = "read a file of the base";
        let entry = &self.index.entries()[at];
        let Some((mut file, size)) = open_file(folder, name) else {
            return Ok(false);
        };
        let stored = objects
            .find_header(entry.id)
            .map_err(GitError::library(WHAT))?;
        if stored.size() == size && hash(&mut file, size) == Some(entry.id) {
            return Ok(true);
        }
        let Some(conversion) = &mut self.conversion else {
            return Ok(false);
        };
        let blob = objects
            .find_object(entry.id)
            .map_err(GitError::library(WHAT))?;
        let path = entry.path(&self.index);
        let written = conversion.apply(objects, &entry.id, path, &blob.data)?;
        Ok(written.is_some_and(|written| holds(&mut file, size, &written)))
    }
}

/// A file and its size. Neither does a link lead elsewhere nor a pipe block.
pub(super) fn open_file(folder: &OwnedFd, name: &[u8]) -> Option<(File, u64)> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(fs::openat(folder, name, flags, fs::Mode::empty()).ok()?);
    let found = file.metadata().ok()?;
    found.is_file().then_some((file, found.len()))
}

/// The id of the blob that it would be; without keeping it in memory. `None` when it cannot be read.
pub(super) fn hash(file: &mut File, size: u64) -> Option<gix::ObjectId> {
    let never = AtomicBool::new(false);
    let mut progress = gix::progress::Discard;
    gix::objs::compute_stream_hash(SHA1, Kind::Blob, file, size, &mut progress, &never).ok()
}

fn holds(file: &mut File, size: u64, bytes: &[u8]) -> bool {
    if size != bytes.len() as u64 || file.rewind().is_err() {
        return false;
    }
    let mut found = Vec::with_capacity(bytes.len());
    file.take(size).read_to_end(&mut found).is_ok() && found == bytes
}
