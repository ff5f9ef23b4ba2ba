//! Applying a session's commits again, one by one, on top of the target.

use gix::ObjectId;

use super::error::{MergeError, git};
use super::files::{Merged, settled};
use super::message::with_trailers;
use super::prepare::{Built, LandingPlan, commit_id, committer, tree_of, write_commit};

/// Applies `range` (oldest first) onto `target`. Commits that change nothing there are dropped.
pub(super) fn build(
    repo: &gix::Repository,
    plan: &LandingPlan,
    target: ObjectId,
    range: &[ObjectId],
) -> Result<Built, MergeError> {
    refuse_merges(repo, range)?;
    let mut tip = target;
    let mut tip_tree = tree_of(repo, target)?;
    for id in range {
        let commit = repo.find_commit(*id).map_err(git)?;
        let Some(parent) = commit.parent_ids().next() else {
            return Err(MergeError::MergeInRange(commit_id(*id)?));
        };
        let options = repo.tree_merge_options().map_err(git)?;
        let (before, after) = (tree_of(repo, parent.detach())?, tree_of(repo, *id)?);
        let outcome = repo.merge_trees(before, tip_tree, after, Default::default(), options);
        let tree = match settled(repo, outcome.map_err(git)?)? {
            Merged::Clean(tree) => tree,
            Merged::Conflict(paths) => {
                return Ok(Built::Conflict(paths, Some(commit_id(*id)?)));
            }
        };
        if tree != tip_tree {
            tip = write_again(repo, plan, &commit, tree, tip)?;
            tip_tree = tree;
        }
    }
    Ok(if tip == target {
        Built::Nothing
    } else {
        Built::Commit(tip)
    })
}

fn refuse_merges(repo: &gix::Repository, range: &[ObjectId]) -> Result<(), MergeError> {
    for id in range {
        if repo.find_commit(*id).map_err(git)?.parent_ids().count() > 1 {
            return Err(MergeError::MergeInRange(commit_id(*id)?));
        }
    }
    Ok(())
}

/// The author, message and encoding stay; a signature cannot, since the content is another.
fn write_again(
    repo: &gix::Repository,
    plan: &LandingPlan,
    commit: &gix::Commit<'_>,
    tree: ObjectId,
    onto: ObjectId,
) -> Result<ObjectId, MergeError> {
    let old = commit.decode().map_err(git)?;
    let author = old.author().map_err(git)?.to_owned().map_err(git)?;
    let message = with_trailers(old.message, &plan.provenance);
    let encoding = old.encoding.map(ToOwned::to_owned);
    write_commit(
        repo,
        tree,
        vec![onto],
        author,
        committer(plan),
        message,
        encoding,
    )
}
