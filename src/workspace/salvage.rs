//! Nothing is lost by cleaning up: work that no branch holds is saved under a ref.

use super::bench::{Bench, Tips, tips};
use super::error::WorkspaceError;
use super::import::{check_commits, revs};
use super::located::Located;
use super::nested::refuse_unsaved;
use super::staged;
use crate::git::{Expected, Repo};
use crate::model::ids::{CommitId, SessionId};

const IDENTITY: (&str, &str) = ("treeyard", "treeyard@localhost");
const PREFIX: &str = "refs/treeyard/salvage/";

/// Work that was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvaged {
    /// `refs/treeyard/salvage/<session id>`, in the main repository.
    pub reference: String,
    /// The commit with the files. Its first parent is what was checked out. When something else was
    /// staged, the second one is a commit of that, as `git stash` makes it. Further parents are other
    /// commits of the session that the repository does not have, such as a stash.
    pub commit: CommitId,
}

/// Saves uncommitted and untracked work (ignored files are not work) and every commit of the
/// session that the repository does not have. `None` when nothing would be lost.
///
/// # Errors
/// When it cannot be read or stored. [`WorkspaceError::NestedRepository`] when there is work in a
/// repository inside the worktree.
pub fn save(
    repo: &Repo,
    ws: &Located,
    session: &SessionId,
) -> Result<Option<Salvaged>, WorkspaceError> {
    let bench = Bench::set_up(repo, ws)?;
    save_with(repo, ws, session, &bench).map(|(salvaged, _)| salvaged)
}

/// Like [`save`], and says whether there are populated submodules.
pub(super) fn save_with(
    repo: &Repo,
    ws: &Located,
    session: &SessionId,
    bench: &Bench,
) -> Result<(Option<Salvaged>, bool), WorkspaceError> {
    let found = tips(repo, ws)?;
    let trees = Trees {
        work: bench.snapshot(&found.head)?,
        staged: staged::apart(bench, &found.head)?,
    };
    let populated = refuse_unsaved(repo, bench)?;
    let salvaged = save_tree(repo, ws, session, bench, &found, &trees)?;
    Ok((salvaged, populated))
}

/// What is to be saved beside commits.
pub(super) struct Trees {
    /// The files.
    pub work: String,
    /// What is staged, when it is neither that nor what is checked out.
    pub staged: Option<String>,
}

/// Saves trees on top of what is checked out, and every other commit.
pub(super) fn save_tree(
    repo: &Repo,
    ws: &Located,
    session: &SessionId,
    bench: &Bench,
    found: &Tips,
    trees: &Trees,
) -> Result<Option<Salvaged>, WorkspaceError> {
    let mut known = vec![ws.base.clone()];
    known.extend(repo.branch_tip(&ws.branch)?);
    let unmerged = unknown(bench, &found.all, &known)?;
    let at_head = bench.tree_of(&found.head)?;
    let staged = trees.staged.as_ref();
    let staged = staged.filter(|staged| **staged != at_head && **staged != trees.work);
    if unmerged.is_empty() && trees.work == at_head && staged.is_none() {
        return Ok(None);
    }
    let mut parents = vec![found.head.clone()];
    if let Some(staged) = staged {
        let message = format!("index on {}", ws.branch);
        let head = std::slice::from_ref(&found.head);
        parents.push(bench.commit(staged, head, IDENTITY, &message)?);
    }
    parents.extend(unmerged.into_iter().filter(|c| *c != found.head));
    let message = format!("treeyard: work saved from {}", ws.branch);
    let commit = bench.commit(&trees.work, &parents, IDENTITY, &message)?;
    check_commits(bench, &commit, &known)?;
    let pack = bench.pack(&revs(std::slice::from_ref(&commit), &known))?;
    let _until_a_ref_has_it = pack.map(|pack| pack.store(repo)).transpose()?;
    let reference = save_commit(repo, session, &commit)?;
    Ok(Some(Salvaged { reference, commit }))
}

/// What is saved, as session and commit.
///
/// # Errors
/// When refs cannot be read.
pub fn salvage_list(repo: &Repo) -> Result<Vec<(SessionId, Salvaged)>, WorkspaceError> {
    let refs = repo.refs_below(PREFIX)?;
    Ok(refs
        .into_iter()
        .filter_map(|(reference, commit)| {
            let text = reference.strip_prefix(PREFIX)?;
            let session = text.split('.').next()?.parse().ok()?;
            Some((session, Salvaged { reference, commit }))
        })
        .collect())
}

/// Makes a branch of what is saved for a session. The saved ref stays.
///
/// # Errors
/// When nothing is saved for it, or the branch exists.
pub fn salvage_restore(
    repo: &Repo,
    session: &SessionId,
    branch_name: &str,
) -> Result<CommitId, WorkspaceError> {
    let saved = repo
        .ref_target(&format!("{PREFIX}{session}"))?
        .ok_or_else(|| WorkspaceError::SalvageUnknown(session.to_string()))?;
    let branch = format!("refs/heads/{branch_name}");
    repo.update_ref(&branch, &saved, Expected::Absent, "treeyard: restored")?;
    Ok(saved)
}

fn unknown(
    bench: &Bench,
    tips: &[CommitId],
    known: &[CommitId],
) -> Result<Vec<CommitId>, WorkspaceError> {
    let mut lost = Vec::new();
    for tip in tips {
        let listed = bench
            .git()
            .args(["rev-list", "-n1", tip.as_str(), "--not"])
            .args(known.iter().map(CommitId::as_str))
            .run()?;
        if !listed.stdout.is_empty() {
            lost.push(tip.clone());
        }
    }
    Ok(lost)
}

/// Saves a commit of the repository for a session. An earlier save of it moves to a numbered ref, so
/// that neither is lost. Gives the ref.
///
/// # Errors
/// When refs cannot be written.
pub fn save_commit(
    repo: &Repo,
    session: &SessionId,
    commit: &CommitId,
) -> Result<String, WorkspaceError> {
    let reference = format!("{PREFIX}{session}");
    let earlier = repo.ref_target(&reference)?;
    if let Some(earlier) = &earlier {
        let numbered = format!("{reference}.{}", earlier.short());
        repo.update_ref(&numbered, earlier, Expected::Any, "treeyard: earlier save")?;
    }
    let expected = earlier.map_or(Expected::Absent, Expected::At);
    repo.update_ref(&reference, commit, expected, "treeyard: saved")?;
    Ok(reference)
}
