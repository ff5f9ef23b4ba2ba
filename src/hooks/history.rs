//! Which commits are new, and which paths they change.

use std::collections::BTreeSet;

use gix::ObjectId;
use gix::bstr::BString;
use gix::diff::tree::Recorder;
use gix::diff::tree::recorder::Change;
use gix::objs::TreeRefIter;

use super::error::HookError;

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

/// The commits that it follows.
pub(super) fn parents(repo: &gix::Repository, id: ObjectId) -> Result<Vec<ObjectId>, HookError> {
    let commit = repo
        .find_commit(id)
        .map_err(HookError::library("read a commit"))?;
    Ok(commit.parent_ids().map(gix::Id::detach).collect())
}

/// What a commit changes. A merge changes what none of its parents has like that.
pub(super) fn changed_by(repo: &gix::Repository, id: ObjectId) -> Result<Paths, HookError> {
    let parents = parents(repo, id)?;
    match parents.as_slice() {
        [] => between(repo, None, id),
        all => common_change(repo, all, id),
    }
}

/// The paths in which `id` differs from each of `others`.
pub(super) fn common_change(
    repo: &gix::Repository,
    others: &[ObjectId],
    id: ObjectId,
) -> Result<Paths, HookError> {
    let mut common: Option<Paths> = None;
    for other in others {
        let differs = between(repo, Some(*other), id)?;
        common = Some(match common {
            None => differs,
            Some(common) => common.intersection(&differs).cloned().collect(),
        });
    }
    Ok(common.unwrap_or_default())
}

/// The paths that differ between two commits, or that a first one has.
pub(super) fn between(
    repo: &gix::Repository,
    old: Option<ObjectId>,
    new: ObjectId,
) -> Result<Paths, HookError> {
    let old = old.map(|id| tree_of(repo, id)).transpose()?;
    between_trees(repo, old, tree_of(repo, new)?)
}

/// The paths that differ between two trees. A rename is a deletion and an addition.
pub(super) fn between_trees(
    repo: &gix::Repository,
    old: Option<ObjectId>,
    new: ObjectId,
) -> Result<Paths, HookError> {
    // A commit without parents changes all that it has.
    let old = old.unwrap_or(ObjectId::empty_tree(new.kind()));
    let read = |id: ObjectId| {
        repo.find_tree(id)
            .map_err(HookError::library("read a tree"))
    };
    let (old, new) = (read(old)?, read(new)?);
    // Not the repository's own comparison: that reads the whole index for attributes.
    let mut seen = Recorder::default();
    gix::diff::tree(
        TreeRefIter::from_bytes(&old.data, old.id.kind()),
        TreeRefIter::from_bytes(&new.data, new.id.kind()),
        gix::diff::tree::State::default(),
        &repo.objects,
        &mut seen,
    )
    .map_err(HookError::library("compare two trees"))?;
    let file = |change: Change| match change {
        Change::Addition {
            entry_mode, path, ..
        }
        | Change::Deletion {
            entry_mode, path, ..
        } => (!entry_mode.is_tree()).then_some(path),
        Change::Modification {
            previous_entry_mode: before,
            entry_mode: after,
            path,
            ..
        } => (!before.is_tree() || !after.is_tree()).then_some(path),
    };
    Ok(seen.records.into_iter().filter_map(file).collect())
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

pub(super) fn tree_of(repo: &gix::Repository, id: ObjectId) -> Result<ObjectId, HookError> {
    let commit = repo
        .find_commit(id)
        .map_err(HookError::library("read a commit"))?;
    let tree = commit
        .tree_id()
        .map_err(HookError::library("read a commit"))?;
    Ok(tree.detach())
}
