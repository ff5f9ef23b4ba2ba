//! Which commits are new, and which paths they change.

use std::collections::BTreeSet;

use gix::ObjectId;
use gix::bstr::BString;

use super::error::HookError;
use crate::git::{differing, parents, root_tree};

/// Paths as git stores them, relative to the root.
pub(super) type Paths = BTreeSet<BString>;

/// The commits that `tip` has and none of `known` has. A commit-graph is not asked: it is a file
/// that anybody may have written.
pub(super) fn new_commits(
    repo: &gix::Repository,
    tip: ObjectId,
    known: &[ObjectId],
) -> Result<Vec<ObjectId>, HookError> {
    if let Some(few) = at_once(repo, tip, known)? {
        return Ok(few);
    }
    let there = known.iter().filter(|id| repo.has_object(**id)).copied();
    let walk = repo
        .rev_walk([tip])
        .with_hidden(there)
        .use_commit_graph(false)
        .all()
        .map_err(HookError::library("walk the new commits"))?;
    walk.map(|found| {
        Ok(found
            .map_err(HookError::library("walk the new commits"))?
            .id)
    })
    .collect()
}

/// The usual case: nothing new, or one commit on top of what is known.
pub(super) fn at_once(
    repo: &gix::Repository,
    tip: ObjectId,
    known: &[ObjectId],
) -> Result<Option<Vec<ObjectId>>, HookError> {
    if known.contains(&tip) {
        return Ok(Some(Vec::new()));
    }
    let parents = parents(repo, tip)?;
    let is_next = !parents.is_empty() && parents.iter().all(|id| known.contains(id));
    Ok(is_next.then(|| vec![tip]))
}

/// The paths in which `id` differs from each of `others`.
pub(super) fn common_change(
    repo: &gix::Repository,
    others: &[ObjectId],
    id: ObjectId,
) -> Result<Paths, HookError> {
    let others = others.iter().map(|other| root_tree(repo, *other));
    let others: Vec<ObjectId> = others.collect::<Result<_, _>>()?;
    Ok(differing(repo, root_tree(repo, id)?, &others)?)
}

/// The best common ancestor of two commits.
pub(super) fn merge_base(
    repo: &gix::Repository,
    one: ObjectId,
    other: ObjectId,
) -> Result<Option<ObjectId>, HookError> {
    let bases = repo
        .merge_bases_many(one, &[other])
        .map_err(HookError::library("find a common ancestor"))?;
    Ok(bases.first().map(|id| id.detach()))
}
