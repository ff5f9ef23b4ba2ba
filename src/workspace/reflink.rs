//! Sharing the blocks of large files with the main checkout, where the file system can: it costs
//! neither the reading of an object nor the space of a copy.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gix::bstr::{BStr, ByteSlice};
use gix::index::entry::Stat;

use super::direct::stat_of;
use crate::git::{GitError, Repo};

/// Below this, writing a file costs no more than sharing its blocks.
const WORTH_IT: u32 = 64 * 1024;

/// The files of the main checkout that are known to be as they are stored.
pub(super) struct Source {
    root: PathBuf,
    index: gix::index::File,
    written: u32,
    works: AtomicBool,
    shared: AtomicUsize,
}

impl Source {
    /// The checkout of `repo`, if it has one.
    pub(super) fn of(repo: &Repo) -> Result<Option<Self>, GitError> {
        let main = repo.gix();
        let Some(root) = main.workdir().map(Path::to_owned) else {
            return Ok(None);
        };
        let Ok(written) = fs::metadata(main.index_path()) else {
            return Ok(None);
        };
        let index = main
            .open_index()
            .map_err(GitError::library("read the index"))?;
        Ok(Some(Self {
            root,
            index,
            written: stat_of(&written).mtime.secs,
            works: AtomicBool::new(true),
            shared: AtomicUsize::new(0),
        }))
    }

    /// The file of the checkout that is `entry`, when sharing it is worth it and seems possible.
    pub(super) fn find(&self, entry: &gix::index::Entry, name: &BStr) -> Option<Found<'_>> {
        if !self.works.load(Ordering::Relaxed) {
            return None;
        }
        let known = self.index.entry_by_path(name)?;
        // One that is as young as the index may have been changed after its stat was taken.
        let old_enough = known.stat.mtime.secs < self.written;
        let usable = known.id == entry.id && known.mode == entry.mode && old_enough;
        let found = Found {
            source: self,
            path: self.root.join(name.to_path_lossy()),
            stat: known.stat,
        };
        (usable && known.stat.size >= WORTH_IT && found.is_unchanged()).then_some(found)
    }

    /// How many files were shared.
    pub(super) fn shared(&self) -> usize {
        self.shared.load(Ordering::Relaxed)
    }
}

/// A file of the main checkout that holds an object's bytes, by the rule that `git status` has.
pub(super) struct Found<'a> {
    source: &'a Source,
    path: PathBuf,
    stat: Stat,
}

impl Found<'_> {
    /// Makes the blocks of the file those of `target` too, which is empty. Whether it did.
    pub(super) fn share(&self, target: &File) -> bool {
        let Ok(file) = File::open(&self.path) else {
            return false;
        };
        if rustix::fs::ioctl_ficlone(target, &file).is_err() {
            // Another file system, or one that cannot: it is the same for all other files.
            self.source.works.store(false, Ordering::Relaxed);
            return false;
        }
        // What was changed in the meantime may have been shared in any state.
        if !self.is_unchanged() {
            return false;
        }
        self.source.shared.fetch_add(1, Ordering::Relaxed);
        true
    }

    fn is_unchanged(&self) -> bool {
        fs::symlink_metadata(&self.path)
            .is_ok_and(|found| found.is_file() && stat_of(&found) == self.stat)
    }
}
