//! What the files of two commits come to together.

use gix::ObjectId;
use gix::merge::tree::Outcome;

use super::conflict::{ConflictPath, unresolved};
use super::durable::persist;
use super::error::{MergeError, git};
use super::prepare::oid;
use crate::model::ids::CommitId;

/// Merged files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// The tree that has them.
    Clean(ObjectId),
    /// Where both sides changed the same.
    Conflict(Vec<ConflictPath>),
}

/// The files of both commits, in a tree that no commit has yet. It is stored only when it is clean, and on the disk when
/// this returns.
///
/// # Errors
/// As of [`preview_files`]; [`MergeError::Io`].
pub fn merge_files(
    repo: &gix::Repository,
    target: &CommitId,
    session: &CommitId,
) -> Result<Merged, MergeError> {
    let mut memory = repo.clone().with_object_memory();
    let merged = merged(&memory, oid(target)?, oid(session)?)?;
    if matches!(merged, Merged::Clean(_)) {
        persist(repo, &mut memory)?;
    }
    Ok(merged)
}

/// The same without storing anything.
///
/// # Errors
/// [`MergeError::Git`] when they have no common history, or an object is missing or damaged.
pub fn preview_files(
    repo: &gix::Repository,
    target: &CommitId,
    session: &CommitId,
) -> Result<Merged, MergeError> {
    let memory = repo.clone().with_object_memory();
    merged(&memory, oid(target)?, oid(session)?)
}

pub(super) fn merged(
    repo: &gix::Repository,
    target: ObjectId,
    session: ObjectId,
) -> Result<Merged, MergeError> {
    let options = repo.tree_merge_options().map_err(git)?;
    let outcome = repo.merge_commits(target, session, Default::default(), options.into());
    settled(repo, outcome.map_err(git)?.tree_merge)
}

pub(super) fn settled(
    repo: &gix::Repository,
    mut outcome: Outcome<'_>,
) -> Result<Merged, MergeError> {
    let tree = outcome.tree.write().map_err(git)?.detach();
    let paths = unresolved(repo, &outcome, tree)?;
    Ok(match paths.is_empty() {
        true => Merged::Clean(tree),
        false => Merged::Conflict(paths),
    })
}
