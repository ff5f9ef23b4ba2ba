//! What the runner has seen of a worktree with its own eyes: a commit that has all of it, and each
//! file's stat data then. As long as nothing differs from that, there is nothing to save, to commit
//! or to import, and no git process is needed to find out.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use gix::index::Entry;

use super::bench::tips;
use super::error::WorkspaceError;
use super::located::Located;
use super::private::write;
use super::staged::same;
use super::stat::{distrust_hidden, is_over, read_index};
use super::untouched::matches;
use crate::git::Repo;
use crate::model::ids::CommitId;

/// Writes down that commit `tip` had all that was in the worktree when it was `looked` at, with the
/// stat data that `index` holds. A killed process leaves a whole index, and of one that belongs to
/// no commit nothing is said.
pub(super) fn settle(
    repo: &Repo,
    ws: &Located,
    index: &Path,
    tip: &CommitId,
    looked: SystemTime,
) -> Result<(), WorkspaceError> {
    let record = ws.record(repo)?;
    let failed = || WorkspaceError::io(record.as_path());
    match fs::remove_file(tip_of(&record)) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed()(error)),
        _ => {}
    }
    let mut draft = tempfile::NamedTempFile::new_in(&record).map_err(failed())?;
    match fs::File::open(index) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(WorkspaceError::io(index)(error)),
        Ok(mut index) => std::io::copy(&mut index, &mut draft).map_err(failed())?,
    };
    // Git and `tells_changes` compare with this time.
    draft.as_file().set_modified(looked).map_err(failed())?;
    let index = record.join("index");
    draft
        .persist(index)
        .map_err(|error| failed()(error.error))?;
    write(&tip_of(&record), tip.as_str())
}

/// Copies the recorded index to `target`, with its time, by which git tells what may have changed
/// since. The commit that it belongs to; `None` when there is no index that can be read.
pub(super) fn copy_index(
    repo: &Repo,
    ws: &Located,
    target: &Path,
) -> Result<Option<CommitId>, WorkspaceError> {
    let path = ws.record(repo)?.join("index");
    let Ok(mut index) = read_index(&path) else {
        return Ok(None);
    };
    fs::copy(&path, target).map_err(WorkspaceError::io(target))?;
    index.set_path(target);
    distrust_hidden(&ws.path, index)?;
    let written = fs::metadata(&path).and_then(|found| found.modified());
    let copy = fs::File::options().write(true).open(target);
    written
        .and_then(|written| copy?.set_modified(written))
        .map_err(WorkspaceError::io(target))?;
    Ok(recorded_tip(repo, ws))
}

/// The commit to which the recorded index belongs.
fn recorded_tip(repo: &Repo, ws: &Located) -> Option<CommitId> {
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
    let Some(recorded) = Recorded::read(repo, ws)? else {
        return Ok(None);
    };
    let index = &recorded.index;
    let staged = read_index(&ws.git_dir.join("index"));
    let nothing_staged = staged.is_ok_and(|staged| same(&staged, index));
    let tells_changes = |entry| recorded.tells_changes(entry);
    let unchanged =
        nothing_staged && index.entries().iter().all(tells_changes) && matches(&ws.path, index);
    Ok(unchanged.then_some(tip))
}

/// What the runner recorded last, to compare single files with.
pub(super) struct Recorded {
    pub index: gix::index::File,
    /// When it looked at the files.
    looked: SystemTime,
}

impl Recorded {
    /// `None` when there is no record that can be read.
    pub(super) fn read(repo: &Repo, ws: &Located) -> Result<Option<Self>, WorkspaceError> {
        let path = ws.record(repo)?.join("index");
        let looked = fs::metadata(&path).and_then(|found| found.modified());
        let (Ok(index), Ok(looked)) = (read_index(&path), looked) else {
            return Ok(None);
        };
        Ok(Some(Self { index, looked }))
    }

    /// A file that was written when the runner looked, or after, could have been changed since
    /// without its times telling, so only files with an older time prove anything.
    pub(super) fn tells_changes(&self, entry: &Entry) -> bool {
        is_over(entry.stat.mtime, self.looked)
    }
}
