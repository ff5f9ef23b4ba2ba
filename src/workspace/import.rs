//! Bringing a session's commits into the repository, checked.

use gix::ObjectId;

use super::bench::{Bench, Tips};
use super::error::WorkspaceError;
use super::located::Located;
use super::pack::Pack;
use crate::git::{Expected, GitError, Repo, Standard, object_id, unsound_commit};
use crate::model::ids::CommitId;

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Where the session's branch was in the repository.
    pub old: CommitId,
    /// Where it is now.
    pub new: CommitId,
    /// Whether that is a difference.
    pub moved: bool,
}

impl Imported {
    pub(super) fn unmoved(at: CommitId) -> Self {
        Self {
            old: at.clone(),
            new: at,
            moved: false,
        }
    }
}

/// Brings the session's branch into the repository, or the commit that was `made` on top of it:
/// objects are packed, checked and stored, then the branch moves by
/// compare-and-swap. A branch that was rewritten is fine as long as it has an ancestor in common
/// with its base; one that somebody deleted in the repository is made again. A detached `HEAD`
/// counts as the branch when it descends from the base. Gives the pack too, while it is there.
///
/// # Errors
/// [`WorkspaceError::Refused`] when a check fails; no ref has moved then.
pub(super) fn import(
    repo: &Repo,
    ws: &Located,
    bench: &Bench,
    found: &Tips,
    made: Option<&CommitId>,
) -> Result<(Imported, Option<Pack>), WorkspaceError> {
    if ws.is_linked(repo) {
        check_ancestry(bench, ws, &found.head, false)?;
        return commit_in_place(repo, ws, bench, found, made);
    }
    if !found.on_branch && !found.detached {
        return Err(WorkspaceError::Refused(
            "another branch than its own is checked out there".to_owned(),
        ));
    }
    let there = repo.branch_tip(&ws.branch)?;
    let tip = made.unwrap_or(&found.head);
    if there.as_ref() == Some(tip) {
        return Ok((Imported::unmoved(tip.clone()), None));
    }
    check_ancestry(bench, ws, &found.head, found.detached)?;
    let old = there.clone().unwrap_or_else(|| ws.base.clone());
    let known = [ws.base.clone(), old.clone()];
    let pack = bench.pack(&revs(std::slice::from_ref(tip), &known))?;
    let _until_the_branch_has_it = pack.as_ref().map(|pack| pack.store(repo)).transpose()?;
    let expected = there.map_or(Expected::Absent, Expected::At);
    repo.update_ref(&ws.branch, tip, expected, "treeyard: import")?;
    let imported = Imported {
        moved: true,
        old,
        new: tip.clone(),
    };
    Ok((imported, pack))
}

/// A linked worktree has the repository's own branch: nothing is imported, and what was `made` goes
/// on top of what was found, unless somebody has committed meanwhile.
fn commit_in_place(
    repo: &Repo,
    ws: &Located,
    bench: &Bench,
    found: &Tips,
    made: Option<&CommitId>,
) -> Result<(Imported, Option<Pack>), WorkspaceError> {
    let Some(made) = made else {
        let gone = format!("{} is gone from the repository", ws.branch);
        let there = repo.branch_tip(&ws.branch)?;
        let there = there.ok_or(WorkspaceError::Refused(gone))?;
        return Ok((Imported::unmoved(there), None));
    };
    let head = std::slice::from_ref(&found.head);
    let pack = bench.pack(&revs(std::slice::from_ref(made), head))?;
    let _until_the_branch_has_it = pack.map(|pack| pack.store(repo)).transpose()?;
    let expected = Expected::At(found.head.clone());
    repo.update_ref(&ws.branch, made, expected, "treeyard: commit")?;
    Ok((Imported::unmoved(made.clone()), None))
}

/// The input of `pack-objects --revs`.
pub(super) fn revs(wanted: &[CommitId], known: &[CommitId]) -> String {
    let wanted = wanted.iter().map(|c| format!("{c}\n"));
    let known = known.iter().map(|c| format!("^{c}\n"));
    wanted.chain(known).collect()
}

fn check_ancestry(
    bench: &Bench,
    ws: &Located,
    head: &CommitId,
    detached: bool,
) -> Result<(), WorkspaceError> {
    if *head == ws.base {
        return Ok(());
    }
    let (base, objects) = (object_id(&ws.base)?, bench.objects()?);
    let common = objects
        .merge_bases_many(object_id(head)?, &[base])
        .unwrap_or_default();
    if common.is_empty() {
        let apart = format!("{head} has nothing in common with its base");
        return Err(WorkspaceError::Refused(apart));
    }
    if detached && common.iter().all(|common| common.detach() != base) {
        return Err(WorkspaceError::Refused(format!(
            "HEAD is detached at {head}, which does not descend from its base"
        )));
    }
    Ok(())
}

/// Looks at every commit that the repository does not have yet, before anything is stored. What it may
/// do on a target is asked when it is to land: also of what is in the repository already.
pub(super) fn check_commits(
    bench: &Bench,
    tip: &CommitId,
    known: &[CommitId],
) -> Result<(), WorkspaceError> {
    let objects = bench.objects()?;
    let known: Vec<ObjectId> = known.iter().map(object_id).collect::<Result<_, _>>()?;
    let walk = objects
        .rev_walk([object_id(tip)?])
        .with_hidden(known)
        .all()
        .map_err(GitError::library("list the session's commits"))?;
    for commit in walk {
        let commit = commit.map_err(GitError::library("list the session's commits"))?;
        if let Some(unsound) = unsound_commit(&objects, commit.id, Standard::Storable)? {
            return Err(unsound.into());
        }
    }
    Ok(())
}
