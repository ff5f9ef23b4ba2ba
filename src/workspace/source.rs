//! Taking files from the main checkout, where they are known to be what the base has: sharing the
//! blocks of a large one costs neither time nor space, and reading one that is in memory costs
//! less than unpacking its object.

use std::fs::File;
use std::io::IoSliceMut;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use gix::bstr::{BStr, ByteSlice};
use gix::index::Entry;
use gix::index::entry::{Mode, Stat};
use rustix::fd::OwnedFd;
use rustix::fs::{self, AtFlags, FileType, OFlags};
use rustix::io::ReadWriteFlags;

use super::convert;
use super::stat::stat_of;
use crate::git::{GitError, Repo};

/// Below this, writing a file costs no more than sharing its blocks.
const WORTH_SHARING: u32 = 64 * 1024;
/// When more files than these and one in four are not in memory, no more are asked for: the disk
/// has to look for each, while it reads the pack from one end to the other.
const FEW_COLD: usize = 16;

/// The main checkout, as its index describes it.
pub(super) struct Source {
    root: OwnedFd,
    index: gix::index::File,
    written: u32,
    shares: bool,
    shared: AtomicUsize,
    warm: AtomicUsize,
    cold: AtomicUsize,
}

impl Source {
    /// The checkout of `repo`, if it has one, for a worktree at `below`.
    pub(super) fn of(repo: &Repo, below: &Path) -> Result<Option<Self>, GitError> {
        let main = repo.gix();
        let index = main.index_path();
        let Some(root) = main.workdir() else {
            return Ok(None);
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let (Ok(written), Ok(root)) = (fs::stat(&index), fs::open(root, flags, fs::Mode::empty()))
        else {
            return Ok(None);
        };
        let index_file = main
            .open_index()
            .map_err(GitError::library("read the index"))?;
        // What was converted on its way out is not what is stored.
        if convert::is_possible(&main, &index_file) {
            return Ok(None);
        }
        Ok(Some(Self {
            root,
            written: stat_of(&written).mtime.secs,
            shares: can_share(&index, below),
            index: index_file,
            shared: AtomicUsize::new(0),
            warm: AtomicUsize::new(0),
            cold: AtomicUsize::new(0),
        }))
    }

    /// A folder of the checkout, to find files in. None where attributes apply that the index
    /// does not know of.
    pub(super) fn folder(&self, path: &BStr) -> Option<OwnedFd> {
        let mut above = Some(path);
        while let Some(folder) = above {
            let mut file = folder.to_vec();
            if !file.is_empty() {
                file.push(b'/');
            }
            file.extend_from_slice(b".gitattributes");
            if fs::statat(&self.root, file.as_slice(), AtFlags::SYMLINK_NOFOLLOW).is_ok() {
                return None;
            }
            above = match folder.rfind_byte(b'/') {
                Some(at) => Some(folder[..at].as_bstr()),
                None if folder.is_empty() => None,
                None => Some(BStr::new("")),
            };
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path: &[u8] = if path.is_empty() { b"." } else { path };
        fs::openat(&self.root, path, flags, fs::Mode::empty()).ok()
    }

    /// The file `name` of `folder`, which is `path`: the one of the checkout that had the content of `entry` when the index was written, and is
    /// older than that.
    pub(super) fn find(
        &self,
        entry: &Entry,
        path: &BStr,
        (folder, name): (&OwnedFd, &BStr),
    ) -> Option<Found<'_>> {
        let known = self.index.entry_by_path(path)?;
        let same = known.id == entry.id && known.mode == entry.mode && entry.mode != Mode::SYMLINK;
        let large = known.stat.size >= WORTH_SHARING && self.shares;
        if !same || known.stat.mtime.secs >= self.written || !(large || self.is_warm()) {
            return None;
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = fs::openat(folder, name.as_bytes(), flags, fs::Mode::empty()).ok()?;
        Some(Found {
            source: self,
            file,
            stat: known.stat,
            shared: large,
        })
    }

    fn is_warm(&self) -> bool {
        let (warm, cold) = (&self.warm, &self.cold);
        cold.load(Ordering::Relaxed) <= FEW_COLD + warm.load(Ordering::Relaxed) / 4
    }

    /// How many files were shared.
    pub(super) fn shared(&self) -> usize {
        self.shared.load(Ordering::Relaxed)
    }
}

/// Tried, because no list of file systems would be complete: with any file, into a nameless one.
fn can_share(file: &Path, below: &Path) -> bool {
    let probe = || -> std::io::Result<()> {
        let target = tempfile::tempfile_in(below)?;
        Ok(fs::ioctl_ficlone(target, File::open(file)?)?)
    };
    probe().is_ok()
}

/// An open file of the main checkout.
pub(super) struct Found<'a> {
    source: &'a Source,
    file: OwnedFd,
    stat: Stat,
    /// Whether its blocks are worth sharing.
    pub shared: bool,
}

impl Found<'_> {
    /// Makes the blocks of the file those of `target` too, which is empty. Whether it did, and the
    /// file is as the index has it.
    pub(super) fn share(&self, target: &File) -> bool {
        let shared = fs::ioctl_ficlone(target, &self.file).is_ok() && self.is_unchanged();
        if shared {
            self.source.shared.fetch_add(1, Ordering::Relaxed);
        }
        shared
    }

    /// Whether it is as large as what is stored: a file that something converted seldom is.
    pub(super) fn has_size(&self, stored: Option<u64>) -> bool {
        stored == Some(u64::from(self.stat.size))
    }

    /// Reads the file into `buffer` if it is in memory. Whether it did, and the file is as the
    /// index has it.
    pub(super) fn read(&self, buffer: &mut Vec<u8>) -> bool {
        let size = self.stat.size as usize;
        // One more, to see its end.
        buffer.resize(size + 1, 0);
        let (flags, into) = (ReadWriteFlags::NOWAIT, &mut [IoSliceMut::new(buffer)]);
        match rustix::io::preadv2(&self.file, into, 0, flags) {
            Ok(read) => {
                self.source.warm.fetch_add(1, Ordering::Relaxed);
                buffer.truncate(size);
                read == size && self.is_unchanged()
            }
            Err(_) => {
                self.source.cold.fetch_add(1, Ordering::Relaxed);
                false
            }
        }
    }

    /// By the rule that `git status` has. Asked after reading: what was changed before or while it
    /// was read has another time then.
    fn is_unchanged(&self) -> bool {
        fs::fstat(&self.file).is_ok_and(|found| {
            let kind = FileType::from_raw_mode(found.st_mode);
            kind.is_file() && stat_of(&found) == self.stat
        })
    }
}
