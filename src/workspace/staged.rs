//! What a session has staged: content that may be nowhere else.

use gix::index::entry::{Flags, Stage};
use gix::index::write::{Extensions, Options};
use gix::index::{Entry, File};

use super::bench::Bench;
use super::error::WorkspaceError;
use super::stat::read_index;
use crate::git::GitError;
use crate::model::ids::CommitId;

/// What is staged, as a tree; of what is in conflict, the session's own side. It is written through
/// an index of the runner's own with nothing but the entries: what else an index can say is not
/// believed.
pub(super) fn tree(bench: &Bench, mut index: File) -> Result<String, WorkspaceError> {
    index.remove_entries(|_, _, entry| !matches!(entry.stage(), Stage::Unconflicted | Stage::Ours));
    for entry in index.entries_mut() {
        entry.flags.remove(Flags::STAGE_MASK);
    }
    let path = bench.path().join("staged");
    index.set_path(&path);
    let options = Options {
        extensions: Extensions::None,
        skip_hash: false,
    };
    index
        .write(options)
        .map_err(GitError::library("write the index"))?;
    let git = bench.git().env("GIT_INDEX_FILE", &path);
    Ok(git.arg("write-tree").run()?.text())
}

/// What is staged, if it is neither what `tip` has nor what is in the worktree, which a snapshot of
/// the bench holds. No process is started when it is one of them, as it mostly is.
pub(super) fn apart(bench: &Bench, tip: &CommitId) -> Result<Option<String>, WorkspaceError> {
    let Some(Ok(staged)) = bench.theirs().map(read_index) else {
        return Ok(None);
    };
    let worktree = read_index(&bench.path().join("index"))?;
    if same(&staged, &worktree) || same(&staged, &bench.index_of(tip)?) {
        return Ok(None);
    }
    tree(bench, staged).map(Some)
}

/// Whether two indices have the same content staged.
pub(super) fn same(one: &File, two: &File) -> bool {
    let content = |index: &File, entry: &Entry| {
        (
            entry.path(index).to_owned(),
            entry.mode,
            entry.stage_raw(),
            entry.id,
        )
    };
    let is_staged = |entry: &&Entry| !entry.flags.contains(Flags::INTENT_TO_ADD);
    let one = one
        .entries()
        .iter()
        .filter(is_staged)
        .map(|e| content(one, e));
    let two = two
        .entries()
        .iter()
        .filter(is_staged)
        .map(|e| content(two, e));
    one.eq(two)
}
