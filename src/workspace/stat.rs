//! What an index records of a file, to know later that it is still the same.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gix::bstr::ByteSlice;
use gix::index::entry::{Stat, stat};

use super::error::WorkspaceError;
use crate::git::GitError;

/// A file's times move in steps of the kernel's clock, at most 10 ms long. What was changed twice
/// within one step is told by nothing.
const CLOCK_STEP: Duration = Duration::from_millis(20);

/// Whether what changes at `now` gets another time than `time`.
pub(super) fn is_over(time: stat::Time, now: SystemTime) -> bool {
    latest(time) + CLOCK_STEP < now
}

/// The time at the latest: some file systems count whole seconds.
fn latest(time: stat::Time) -> SystemTime {
    match time.nsecs {
        0 => UNIX_EPOCH + Duration::from_secs(u64::from(time.secs) + 1),
        nanos => UNIX_EPOCH + Duration::new(u64::from(time.secs), nanos),
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_seconds_count_to_their_end() {
        let at = |secs, nsecs| latest(stat::Time { secs, nsecs });
        assert_eq!(at(7, 5), UNIX_EPOCH + Duration::new(7, 5));
        assert_eq!(at(7, 0), UNIX_EPOCH + Duration::from_secs(8));
    }
}
