//! Bringing a session's commits into the repository.

use super::bench::{Bench, tips};
use super::error::WorkspaceError;
use super::located::Located;
use super::packs::roll_up;
use crate::git::{Expected, Repo};
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

/// Brings the session's branch into the repository: objects are packed, checked and stored, every
/// new tree is looked at, then the branch moves by compare-and-swap. A branch that was rewritten
/// is fine as long as it has an ancestor in common with its base; one that somebody deleted in the
/// repository is made again. A detached `HEAD` counts as the
/// branch when it descends from the base.
///
/// # Errors
/// [`WorkspaceError::Refused`] or [`WorkspaceError::BadTree`] when a check fails; no ref has moved then.
pub fn import(repo: &Repo, ws: &Located) -> Result<Imported, WorkspaceError> {
    let there = repo.branch_tip(&ws.branch)?;
    let old = there.clone().unwrap_or_else(|| ws.base.clone());
    let unmoved = |at: CommitId| Imported {
        old: at.clone(),
        new: at,
        moved: false,
    };
    if ws.is_linked(repo) {
        let gone = format!("{} is gone from the repository", ws.branch);
        return there.map(unmoved).ok_or(WorkspaceError::Refused(gone));
    }
    let found = tips(repo, ws)?;
    if !found.on_branch && !found.detached {
        return Err(WorkspaceError::Refused(
            "another branch than its own is checked out there".to_owned(),
        ));
    }
    if there.as_ref() == Some(&found.head) {
        return Ok(unmoved(old));
    }
    let bench = Bench::set_up(repo, ws)?;
    check_ancestry(&bench, ws, &found.head, found.detached)?;
    let known = [ws.base.clone(), old.clone()];
    check_trees(&bench, repo, &found.head, &known)?;
    bench.send_to_main(repo, &revs(std::slice::from_ref(&found.head), &known))?;
    repo.update_ref(
        &ws.branch,
        &found.head,
        there.map_or(Expected::Absent, Expected::At),
        "treeyard: import",
    )?;
    if let Err(error) = roll_up(repo) {
        tracing::warn!(%error, "the repository's packs were not rolled up");
    }
    Ok(Imported {
        moved: true,
        old,
        new: found.head,
    })
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
    tip: &CommitId,
    detached: bool,
) -> Result<(), WorkspaceError> {
    let common = bench
        .git()
        .args(["merge-base", ws.base.as_str(), tip.as_str()])
        .run()
        .map_err(|_| {
            WorkspaceError::Refused(format!("{tip} has nothing in common with its base"))
        })?;
    if detached && common.text() != ws.base.as_str() {
        return Err(WorkspaceError::Refused(format!(
            "HEAD is detached at {tip}, which does not descend from its base"
        )));
    }
    Ok(())
}

/// Looks at every tree that the repository does not have yet, before anything is stored.
pub(super) fn check_trees(
    bench: &Bench,
    repo: &Repo,
    tip: &CommitId,
    known: &[CommitId],
) -> Result<(), WorkspaceError> {
    let mut git = bench
        .git()
        .args(["rev-list", "--objects", "--no-object-names"])
        .arg("--filter=blob:none")
        .arg(tip.as_str())
        .arg("--not");
    git = git.args(known.iter().map(CommitId::as_str));
    let listed = git.run()?.text();
    let kinds = bench
        .git()
        .args(["cat-file", "--batch-check=%(objectname) %(objecttype)"])
        .stdin(format!("{listed}\n"))
        .run()?
        .text();
    let options = gix::open::Options::isolated().open_path_as_is(true);
    let objects = gix::open_opts(bench.path(), options)
        .map_err(crate::git::GitError::library("open the session's objects"))?;
    let trees = kinds.lines().filter_map(|l| l.strip_suffix(" tree"));
    for tree in trees {
        if let Some(problem) = repo.tree_problem_in(&objects, tree)? {
            return Err(problem.into());
        }
    }
    Ok(())
}
