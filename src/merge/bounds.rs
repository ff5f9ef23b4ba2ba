//! That a session lands what it claimed, proved from its commits.

use std::sync::Arc;

use gix::ObjectId;
use gix::bstr::{BStr, ByteSlice};

use super::entries::changes;
use super::error::{MergeError, git};
use super::prepare::{commit_id, oid, range};
use crate::git::{Standard, changed_by, unsound_commit};
use crate::model::ids::CommitId;
use crate::model::scope::ScopeLanguage;

/// What a session may change, and what becomes of the rest.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// The files it claimed.
    pub scope: Arc<ScopeLanguage>,
    /// Where its own commits begin.
    pub base: CommitId,
    /// What else it changed.
    pub beyond: Beyond,
}

/// What becomes of changes outside the scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beyond {
    /// Nothing lands.
    Refuse,
    /// They stay out: the rest lands as one commit.
    LeaveOut,
}

/// Looks for what must not land from anybody, whatever is claimed, and however the commits came into
/// the repository: a linked worktree has them there without an import.
///
/// # Errors
/// [`MergeError::Unsound`] with the first such entry of the oldest such commit.
pub fn check_sound(
    repo: &gix::Repository,
    known: &[CommitId],
    tip: &CommitId,
) -> Result<(), MergeError> {
    let known: Vec<_> = known.iter().map(oid).collect::<Result<_, _>>()?;
    refuse_unsound(repo, &range(repo, &known, oid(tip)?)?, Standard::Landable)
}

pub(super) fn refuse_unsound(
    repo: &gix::Repository,
    range: &[ObjectId],
    standard: Standard,
) -> Result<(), MergeError> {
    for commit in range {
        if let Some(unsound) = unsound_commit(repo, *commit, standard).map_err(git)? {
            return Err(unsound.into());
        }
    }
    Ok(())
}

/// Looks at every commit of the session, not only at the end state: with a merge each one enters the
/// target's history.
///
/// # Errors
/// [`MergeError::OutOfScope`] with the first file of the oldest such commit.
pub fn check_commits(
    repo: &gix::Repository,
    bounds: &Bounds,
    target: &CommitId,
    tip: &CommitId,
) -> Result<(), MergeError> {
    let known = [oid(target)?, oid(&bounds.base)?];
    for commit in range(repo, &known, oid(tip)?)? {
        for path in changed_by(repo, commit).map_err(git)? {
            if !bounds.scope.contains(&path) {
                return Err(beyond(path.as_bstr(), Some(commit_id(commit)?)));
            }
        }
    }
    Ok(())
}

/// Looks at what would change on the target: merging can bring back what is in no commit.
pub(super) fn check_result(
    repo: &gix::Repository,
    bounds: &Bounds,
    target: ObjectId,
    merged: ObjectId,
) -> Result<(), MergeError> {
    for change in changes(repo, Some(target), Some(merged))? {
        if !bounds.scope.contains(&change.path) {
            return Err(beyond(change.path.as_bstr(), None));
        }
    }
    Ok(())
}

/// The target's tree with those changes that are in scope.
pub(super) fn within(
    repo: &gix::Repository,
    bounds: &Bounds,
    target: ObjectId,
    merged: ObjectId,
) -> Result<ObjectId, MergeError> {
    let mut tree = repo.edit_tree(target).map_err(git)?;
    for change in changes(repo, Some(target), Some(merged))? {
        if !bounds.scope.contains(&change.path) {
            continue;
        }
        match change.new {
            Some((mode, id)) => tree.upsert(change.path.as_bstr(), mode.kind(), id),
            None => tree.remove(change.path.as_bstr()),
        }
        .map_err(git)?;
    }
    Ok(tree.write().map_err(git)?.detach())
}

fn beyond(path: &BStr, commit: Option<CommitId>) -> MergeError {
    MergeError::OutOfScope {
        path: path.to_string(),
        commit,
    }
}
