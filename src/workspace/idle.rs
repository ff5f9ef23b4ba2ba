//! The short way for sessions that changed nothing: no git process, one look at each file's stat.

use std::path::Path;

use super::bench::tips;
use super::error::WorkspaceError;
use super::located::Located;
use super::untouched::untouched;
use crate::git::{GitError, Repo};

/// Whether a session left everything as it was made: no commit, branch, tag or stash of its own,
/// every file with the stat data recorded when it was written, and no other file, not even an
/// ignored one. `false` also when that cannot be told cheaply.
pub(super) fn is_idle(repo: &Repo, ws: &Located) -> Result<bool, WorkspaceError> {
    if ws.is_linked(repo) {
        return Ok(false);
    }
    let found = tips(repo, ws)?;
    let at_base = found.on_branch && found.all == [ws.base.clone()];
    if !at_base || repo.branch_tip(&ws.branch)?.as_ref() != Some(&ws.base) {
        return Ok(false);
    }
    let index = ws.record(repo)?.join("index");
    Ok(tells_changes(&index)? && untouched(&ws.path, &index)?)
}

/// A file that was written in the index's own second or after could have been changed since
/// without its times telling, so only files with an older time prove anything.
fn tells_changes(index: &Path) -> Result<bool, WorkspaceError> {
    let Ok(written) = std::fs::metadata(index).and_then(|meta| meta.modified()) else {
        return Ok(false);
    };
    let Ok(written) = written.duration_since(std::time::UNIX_EPOCH) else {
        return Ok(false);
    };
    let options = gix::index::decode::Options::default();
    let file = gix::index::File::at(index, gix::hash::Kind::Sha1, false, options)
        .map_err(GitError::library("read the index"))?;
    let older = |entry: &gix::index::Entry| u64::from(entry.stat.mtime.secs) < written.as_secs();
    Ok(file.entries().iter().all(older))
}
