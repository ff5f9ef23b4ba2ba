//! What the runner has seen of a worktree with its own eyes: a commit that has all of it, and each
//! file's stat data then. As long as nothing differs from that, there is nothing to save, to commit
//! or to import, and no git process is needed to find out.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gix::index::entry::Stat;

use super::bench::tips;
use super::error::WorkspaceError;
use super::located::Located;
use super::private::{copy_if_there, write};
use super::staged::same;
use super::stat::read_index;
use super::untouched::matches;
use crate::git::Repo;
use crate::model::ids::CommitId;

/// A file's times move in steps of the kernel's clock, at most 10 ms long. What was changed twice
/// within one step is told by nothing.
const CLOCK_STEP: Duration = Duration::from_millis(20);

/// Writes down that commit `tip` has all that is in the worktree, with the stat data that `index`
/// holds.
pub(super) fn settle(
    repo: &Repo,
    ws: &Located,
    index: &Path,
    tip: &CommitId,
) -> Result<(), WorkspaceError> {
    let record = ws.record(repo)?;
    // A killed process leaves an index of which nothing is said, never one of another commit.
    match fs::remove_file(tip_of(&record)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(WorkspaceError::io(&record)(error));
        }
        _ => {}
    }
    copy_if_there(index, &record.join("index"))?;
    write(&tip_of(&record), tip.as_str())
}

/// The commit to which the recorded index belongs.
pub(super) fn recorded_tip(repo: &Repo, ws: &Located) -> Option<CommitId> {
    let record = ws.record(repo).ok()?;
    fs::read_to_string(tip_of(&record)).ok()?.parse().ok()
}

fn tip_of(record: &Path) -> PathBuf {
    record.join("tip")
}

/// The commit that has all of the worktree: its own branch and the repository's are there, it has
/// no other commit, branch, tag or stash of its own, every file has the stat data recorded, there is
/// no other file, not even an ignored one, and nothing else is staged. `None` also when that cannot
/// be told cheaply.
pub(super) fn settled_at(repo: &Repo, ws: &Located) -> Result<Option<CommitId>, WorkspaceError> {
    let Some(tip) = recorded_tip(repo, ws).filter(|_| !ws.is_linked(repo)) else {
        return Ok(None);
    };
    let found = tips(repo, ws)?;
    let is_there = found.on_branch && found.all == [tip.clone()];
    if !is_there || repo.branch_tip(&ws.branch)?.as_ref() != Some(&tip) {
        return Ok(None);
    }
    let path = ws.record(repo)?.join("index");
    let Ok(index) = read_index(&path) else {
        return Ok(None);
    };
    let staged = read_index(&ws.git_dir.join("index"));
    let nothing_staged = staged.is_ok_and(|staged| same(&staged, &index));
    let unchanged = nothing_staged && tells_changes(&path, &index) && matches(&ws.path, &index);
    Ok(unchanged.then_some(tip))
}

/// A file that was written as the index was, or after, could have been changed since without its
/// times telling, so only files with an older time prove anything.
fn tells_changes(path: &Path, index: &gix::index::File) -> bool {
    let Ok(written) = fs::metadata(path).and_then(|found| found.modified()) else {
        return false;
    };
    index.entries().iter().all(|entry| {
        let latest = latest(&entry.stat);
        latest + CLOCK_STEP < written
    })
}

/// When it was last changed, at the latest: some file systems count whole seconds.
fn latest(stat: &Stat) -> SystemTime {
    let time = |time: gix::index::entry::stat::Time| match time.nsecs {
        0 => UNIX_EPOCH + Duration::from_secs(u64::from(time.secs) + 1),
        nanos => UNIX_EPOCH + Duration::new(u64::from(time.secs), nanos),
    };
    time(stat.mtime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_seconds_count_to_their_end() {
        let at = |secs, nsecs| {
            let mtime = gix::index::entry::stat::Time { secs, nsecs };
            latest(&Stat {
                mtime,
                ..Stat::default()
            })
        };
        assert_eq!(at(7, 5), UNIX_EPOCH + Duration::new(7, 5));
        assert_eq!(at(7, 0), UNIX_EPOCH + Duration::from_secs(8));
    }
}
