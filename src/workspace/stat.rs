//! What an index records of a file, to know later that it is still the same.

use std::path::Path;

use gix::bstr::ByteSlice;
use gix::index::entry::{Stat, stat};

use super::error::WorkspaceError;
use crate::git::GitError;

/// What the index holds is cut to 32 bits, as git does it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(super) fn stat_of(found: &rustix::fs::Stat) -> Stat {
    Stat {
        mtime: stat::Time {
            secs: found.st_mtime as u32,
            nsecs: found.st_mtime_nsec as u32,
        },
        ctime: stat::Time {
            secs: found.st_ctime as u32,
            nsecs: found.st_ctime_nsec as u32,
        },
        dev: found.st_dev as u32,
        ino: found.st_ino as u32,
        uid: found.st_uid,
        gid: found.st_gid,
        size: found.st_size as u32,
    }
}

/// An index file, without any of the repository around it.
pub(super) fn read_index(path: &Path) -> Result<gix::index::File, GitError> {
    let options = gix::index::decode::Options::default();
    gix::index::File::at(path, gix::hash::Kind::Sha1, false, options)
        .map_err(GitError::library("read the index"))
}

/// Git compares whole seconds. A file that was changed in the second in which it was written, and
/// given its old time and size back, would look untouched to it; here the recorded stat data of such
/// files are taken out of the index, so that git reads them.
pub(super) fn distrust_hidden(
    root: &Path,
    mut index: gix::index::File,
) -> Result<(), WorkspaceError> {
    let mut hidden = false;
    for (entry, name) in index.entries_mut_with_paths() {
        let Ok(found) = rustix::fs::lstat(root.join(name.to_path_lossy())) else {
            continue;
        };
        let found = stat_of(&found);
        if found != entry.stat && whole_seconds(found) == whole_seconds(entry.stat) {
            entry.stat = Stat::default();
            hidden = true;
        }
    }
    if hidden {
        index
            .write(gix::index::write::Options::default())
            .map_err(GitError::library("write the index"))?;
    }
    Ok(())
}

fn whole_seconds(mut stat: Stat) -> Stat {
    stat.mtime.nsecs = 0;
    stat.ctime.nsecs = 0;
    stat
}
