//! The short way for sessions that changed nothing: no git process, one look at each file's stat.

use std::path::Path;

use super::bench::tips;
use super::error::WorkspaceError;
use super::located::Located;
use super::staged::same;
use super::stat::read_index;
use super::untouched::matches;
use crate::git::Repo;

/// Whether a session left everything as it was made: no commit, branch, tag or stash of its own,
/// every file with the stat data recorded when it was written, no other file, not even an
/// ignored one, and nothing else staged. `false` also when that cannot be told cheaply.
pub(super) fn is_idle(repo: &Repo, ws: &Located) -> Result<bool, WorkspaceError> {
    if ws.is_linked(repo) {
        return Ok(false);
    }
    let found = tips(repo, ws)?;
    let at_base = found.on_branch && found.all == [ws.base.clone()];
    if !at_base || repo.branch_tip(&ws.branch)?.as_ref() != Some(&ws.base) {
        return Ok(false);
    }
    let path = ws.record(repo)?.join("index");
    if !path.exists() {
        return Ok(false);
    }
    let index = read_index(&path)?;
    let staged = read_index(&ws.git_dir.join("index"));
    let nothing_staged = staged.is_ok_and(|staged| same(&staged, &index));
    Ok(nothing_staged && tells_changes(&path, &index) && matches(&ws.path, &index))
}

/// A file that was written in the index's own second or after could have been changed since
/// without its times telling, so only files with an older time prove anything.
fn tells_changes(path: &Path, index: &gix::index::File) -> bool {
    let Ok(written) = std::fs::metadata(path).and_then(|meta| meta.modified()) else {
        return false;
    };
    let Ok(written) = written.duration_since(std::time::UNIX_EPOCH) else {
        return false;
    };
    let older = |entry: &gix::index::Entry| u64::from(entry.stat.mtime.secs) < written.as_secs();
    index.entries().iter().all(older)
}
