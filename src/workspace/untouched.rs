//! Whether a worktree still is what was written into it: one look at each file's stat data, on all
//! cores, without reading a file.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::entry::Mode;
use rustix::fs::{self, AtFlags, Dir, FileType, OFlags, Stat};
use rustix::io::Errno;

use super::stat::{read_index, stat_of};
use super::unlock::is_open;
use crate::git::GitError;

/// Few folders are looked through sooner than a thread starts.
const FOLDERS_A_THREAD: usize = 16;
const MOST_THREADS: usize = 8;

/// [`matches`] for the index at `index`.
pub(super) fn untouched(root: &Path, index: &Path) -> Result<bool, GitError> {
    Ok(matches(root, &read_index(index)?))
}

/// Whether `root` holds the files of `index`, each with the stat data recorded there, and nothing
/// else but `.git`; and no folder is shut.
pub(super) fn matches(root: &Path, index: &gix::index::File) -> bool {
    let is_file = |entry: &&gix::index::Entry| entry.mode != Mode::COMMIT;
    let files = index.entries().iter().filter(is_file).count();
    let folders = folders(index);
    let list: Vec<&BStr> = folders.iter().copied().collect();
    let taken = AtomicUsize::new(0);
    // How many files were found as they were, or nothing as soon as anything is different.
    let work = || -> Option<usize> {
        let mut same = 0;
        while let Some(folder) = list.get(taken.fetch_add(1, Ordering::Relaxed)) {
            let found = same_in(root, folder, index, &folders);
            if found.is_none() {
                taken.store(list.len(), Ordering::Relaxed);
            }
            same += found?;
        }
        Some(same)
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads
        .min(MOST_THREADS)
        .min(1 + list.len() / FOLDERS_A_THREAD);
    let same = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mine = work();
        others.into_iter().fold(mine, |so_far, other| {
            Some(so_far? + other.join().unwrap_or_default()?)
        })
    });
    same == Some(files)
}

/// The root, every folder that holds a file of the index, and those of submodules, which are empty.
pub(super) fn folders(index: &gix::index::State) -> BTreeSet<&BStr> {
    let mut folders = BTreeSet::from([BStr::new("")]);
    for entry in index.entries() {
        let mut path = entry.path(index);
        if entry.mode == Mode::COMMIT {
            folders.insert(path);
        }
        while let Some(at) = path.rfind_byte(b'/') {
            path = path[..at].as_bstr();
            if !folders.insert(path) {
                break;
            }
        }
    }
    folders
}

/// How many files of one folder are as the index has them; `None` when anything in it is not.
fn same_in(
    root: &Path,
    folder: &BStr,
    index: &gix::index::File,
    folders: &BTreeSet<&BStr>,
) -> Option<usize> {
    let mut same = 0;
    let open = open_folder(root, folder).ok()?;
    if !is_open(open.stat.st_mode) {
        return None;
    }
    for found in Dir::read_from(&open.folder).ok()? {
        let found = found.ok()?;
        let name = found.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        let path = below(folder, name);
        if path == ".git" {
            continue;
        }
        let stat = fs::statat(&open.folder, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        if FileType::from_raw_mode(stat.st_mode).is_dir() {
            folders.get(path.as_bstr())?;
            continue;
        }
        if stat_of(&stat) != index.entry_by_path(path.as_bstr())?.stat {
            return None;
        }
        same += 1;
    }
    Some(same)
}

/// A folder to look into, and its stat data before that.
pub(super) struct Opened {
    pub folder: OwnedFd,
    pub stat: Stat,
}

/// Opens a folder that is one, and no link to one. It is the root when `folder` is empty.
pub(super) fn open_folder(root: &Path, folder: &BStr) -> Result<Opened, Errno> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = match folder.is_empty() {
        true => fs::open(root, flags, fs::Mode::empty())?,
        false => {
            let path = root.join(OsStr::from_bytes(folder));
            fs::open(path, flags, fs::Mode::empty())?
        }
    };
    let stat = fs::fstat(&folder)?;
    Ok(Opened { folder, stat })
}

/// The path of what is called `name` in `folder`, which is empty for the root.
pub(super) fn below(folder: &BStr, name: &[u8]) -> BString {
    let mut path = BString::from(folder.to_vec());
    if !folder.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    use super::super::tests::{git, put};
    use super::*;

    /// Enough folders for several threads, and a link; and the index, which lies in `.git`.
    fn tree() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        git(dir.path(), &["init", "-q"]);
        for n in 0..40 {
            put(dir.path().join(format!("d{n}/deep/a.txt")), "one\n");
        }
        symlink("d1", dir.path().join("link")).unwrap();
        git(dir.path(), &["add", "-A"]);
        let index = dir.path().join(".git/index");
        (dir, index)
    }

    #[test]
    fn every_difference_is_seen() {
        type Change = fn(&Path);
        let changes: [(&str, Change); 10] = [
            ("other bytes", |d| put(d.join("d7/deep/a.txt"), "two\n")),
            ("a file more", |d| put(d.join("d7/deep/b.txt"), "")),
            ("an ignored place", |d| put(d.join("d7/.git"), "")),
            ("a folder more", |d| {
                fs::create_dir(d.join("d7/empty")).unwrap()
            }),
            ("a file less", |d| {
                fs::remove_file(d.join("d39/deep/a.txt")).unwrap()
            }),
            ("a folder less", |d| {
                fs::remove_dir_all(d.join("d39")).unwrap()
            }),
            ("another link", |d| {
                fs::remove_file(d.join("link")).unwrap();
                symlink("d2", d.join("link")).unwrap();
            }),
            ("a link for a folder", |d| {
                fs::rename(d.join("d7"), d.join(".git/d7")).unwrap();
                symlink(".git/d7", d.join("d7")).unwrap();
            }),
            ("a folder that is shut", |d| {
                let mode = fs::Permissions::from_mode(0o555);
                fs::set_permissions(d.join("d7/deep"), mode).unwrap();
            }),
            ("another mode", |d| {
                let mode = fs::Permissions::from_mode(0o755);
                fs::set_permissions(d.join("d7/deep/a.txt"), mode).unwrap();
            }),
        ];
        for (what, change) in changes {
            let (dir, index) = tree();
            assert!(untouched(dir.path(), &index).unwrap());
            change(dir.path());
            assert!(!untouched(dir.path(), &index).unwrap(), "{what}");
        }
    }
}
