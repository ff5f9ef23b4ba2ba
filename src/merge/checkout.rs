//! Checkouts of the target: refused when anything there would be lost, updated after publishing.
//!
//! The ref moves first, the files second. A kill in between leaves HEAD at the new commit with index
//! and files at the old one, which looks like staged changes that undo the landing. Nothing is
//! lost: [`finish_checkout`] recognises that state (index equals the old tree) and completes it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::objs::tree::EntryMode;

use super::entries::{Change, changes};
use super::error::{MergeError, git};
use super::prepare::{Candidate, oid, tree_of};
use crate::git::{open_checkout, retry, says_full};
use crate::model::ids::CommitId;

/// Whoever writes the index holds this file beside it.
const INDEX_LOCK: &str = "index.lock";
/// How long somebody else may hold the index.
const PATIENCE: Duration = Duration::from_secs(2);

/// The one place that spawns git: a directory and arguments; the error is git's own message.
type RunGit<'a> = &'a dyn Fn(&Path, &[&str]) -> Result<(), String>;

/// Checkouts that were found clean and follow the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncPlan {
    pub checkouts: Vec<PathBuf>,
    pub old: CommitId,
    pub new: CommitId,
}

/// What [`finish_checkout`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// The index is at the new commit already.
    AlreadyDone,
    /// Index and files were brought to the new commit.
    Updated,
    /// The index is at neither commit; nothing was touched.
    NotInterrupted,
}

/// The worktrees, main and linked, whose HEAD is `branch` (`refs/heads/…`).
///
/// # Errors
/// [`MergeError::Git`] when the worktrees cannot be listed.
pub fn checkouts_of(repo: &gix::Repository, branch: &str) -> Result<Vec<PathBuf>, MergeError> {
    let main = repo.main_repo().map_err(git)?;
    let mut found = Vec::new();
    let head = main.head_name().map_err(git)?;
    if let (Some(head), Some(dir)) = (head, main.workdir())
        && head.as_bstr() == branch
    {
        found.push(dir.to_owned());
    }
    for linked in main.worktrees().map_err(git)? {
        // A worktree whose folder is gone has nothing to protect.
        if has_branch(linked.git_dir(), branch)
            && let Ok(base) = linked.base()
            && base.is_dir()
        {
            found.push(base);
        }
    }
    Ok(found)
}

/// Read as the text it is: to open hundreds of worktrees for it takes seconds.
fn has_branch(git_dir: &Path, branch: &str) -> bool {
    let head = std::fs::read_to_string(git_dir.join("HEAD")).unwrap_or_default();
    let name = head.strip_prefix("ref:").map(str::trim);
    name == Some(branch)
}

/// Checks every checkout of `target_ref` before publishing.
///
/// # Errors
/// [`MergeError::TargetDirty`] with the files in the way: uncommitted changes, or untracked files
/// (ignored or not) that the candidate would overwrite.
pub fn sync_plan(
    repo: &gix::Repository,
    target_ref: &str,
    candidate: &Candidate,
) -> Result<SyncPlan, MergeError> {
    let checkouts = checkouts_of(repo, target_ref)?;
    let old = tree_of(repo, oid(&candidate.onto)?)?;
    let new = tree_of(repo, oid(&candidate.commit)?)?;
    let changes = changes(repo, Some(old), Some(new))?;
    for path in &checkouts {
        let checkout = open_checkout(path).map_err(git)?;
        let mut files = in_progress(&checkout);
        files.extend(dirty(&checkout, old)?.iter().map(ToString::to_string));
        files.extend(in_the_way(&checkout, path, &changes)?);
        refuse(path, files)?;
    }
    Ok(SyncPlan {
        checkouts,
        old: candidate.onto.clone(),
        new: candidate.commit.clone(),
    })
}

/// Brings index and files of every checkout from old to new; call after publishing.
///
/// # Errors
/// [`MergeError::Git`] with git's message. The two-way merge refuses rather than overwrite changes
/// made since the check.
pub fn update_checkouts(plan: &SyncPlan, run_git: RunGit<'_>) -> Result<(), MergeError> {
    for path in &plan.checkouts {
        let args = [
            "read-tree",
            "-m",
            "-u",
            plan.old.as_str(),
            plan.new.as_str(),
        ];
        if let Err(first) = once_free(run_git, path, &args) {
            // Files that were only touched look changed to git until it has read them again.
            let _says_which_are_changed = run_git(path, &["update-index", "-q", "--refresh"]);
            // What the first one has written may be all that is in the way of the second.
            once_free(run_git, path, &args).map_err(|second| match says_full(&second) {
                true => MergeError::Git(second),
                false => MergeError::Git(first),
            })?;
        }
    }
    Ok(())
}

/// Completes an update that was interrupted. Idempotent.
///
/// # Errors
/// [`MergeError::TargetDirty`] when a file has neither its old nor its new content (a new file may be
/// missing or cut short, as on a full disk), or git's
/// message, for example about a stale `index.lock`.
pub fn finish_checkout(
    repo: &gix::Repository,
    checkout: &Path,
    old: &CommitId,
    new: &CommitId,
    run_git: RunGit<'_>,
) -> Result<Finish, MergeError> {
    let there = open_checkout(checkout).map_err(git)?;
    let (old, new_tree) = (tree_of(repo, oid(old)?)?, tree_of(repo, oid(new)?)?);
    if there.head_id().map_err(git)?.detach() != oid(new)? {
        return Ok(Finish::NotInterrupted);
    }
    if index_is(&there, new_tree)? {
        return Ok(Finish::AlreadyDone);
    }
    if !index_is(&there, old)? {
        return Ok(Finish::NotInterrupted);
    }
    let changes = changes(repo, Some(old), Some(new_tree))?;
    let landed = |path: &BString| {
        let change = changes.iter().find(|change| change.path == *path);
        change.is_some_and(|change| is_on_disk(&there, checkout, path.as_bstr(), change.new))
    };
    let mut files: Vec<BString> = dirty(&there, old)?;
    files.extend(
        in_the_way(&there, checkout, &changes)?
            .into_iter()
            .map(BString::from),
    );
    files.retain(|path| !landed(path));
    refuse(checkout, files.iter().map(ToString::to_string).collect())?;
    // Every file has old or new content, so a reset to the new tree overwrites nothing of anyone's.
    let args = ["read-tree", "--reset", "-u", new.as_str()];
    once_free(run_git, checkout, &args).map_err(MergeError::Git)?;
    Ok(Finish::Updated)
}

fn refuse(path: &Path, mut files: Vec<String>) -> Result<(), MergeError> {
    files.sort();
    files.dedup();
    if files.is_empty() {
        return Ok(());
    }
    Err(MergeError::TargetDirty {
        path: path.to_owned(),
        files,
    })
}

/// Runs git, which does not wait itself: a `git status` of a prompt or an editor holds the index for
/// moments.
fn once_free(run_git: RunGit<'_>, dir: &Path, args: &[&str]) -> Result<(), String> {
    let is_held = |done: &Result<(), String>| {
        let said = done.as_ref().err();
        said.is_some_and(|said| said.contains(INDEX_LOCK) && !says_full(said))
    };
    retry(PATIENCE, || run_git(dir, args), is_held)
}

fn in_progress(repo: &gix::Repository) -> Vec<String> {
    let lock = repo.git_dir().join(INDEX_LOCK);
    let mut found = Vec::new();
    if retry(PATIENCE, || lock.exists(), |held| *held) {
        found.push(lock.display().to_string());
    }
    if let Some(state) = repo.state() {
        found.push(format!("({state:?} in progress)"));
    }
    found
}

/// Tracked paths that differ between `tree`, the index and the files.
fn dirty(repo: &gix::Repository, tree: ObjectId) -> Result<Vec<BString>, MergeError> {
    use gix::status::{Item, UntrackedFiles, tree_index::TrackRenames};
    let items = repo
        .status(gix::progress::Discard)
        .map_err(git)?
        .head_tree(tree)
        .untracked_files(UntrackedFiles::None)
        .index_worktree_rewrites(None)
        .tree_index_track_renames(TrackRenames::Disabled)
        .into_iter(None)
        .map_err(git)?;
    let mut found = Vec::new();
    for item in items {
        let item = item.map_err(git)?;
        let stat_only = matches!(&item, Item::IndexWorktree(inner) if inner.summary().is_none());
        if !stat_only {
            found.push(item.location().to_owned());
        }
    }
    Ok(found)
}

/// Files on disk that the update would overwrite although the index does not vouch for them.
fn in_the_way(
    repo: &gix::Repository,
    root: &Path,
    changes: &[Change],
) -> Result<Vec<String>, MergeError> {
    use gix::index::entry::Flags;
    let index = repo.index_or_empty().map_err(git)?;
    // Entries git is told not to look at count as unknown: status would not show changes to them.
    let known: HashMap<&BStr, bool> = index
        .entries()
        .iter()
        .map(|e| {
            (
                e.path(&index),
                !e.flags
                    .intersects(Flags::ASSUME_VALID | Flags::SKIP_WORKTREE),
            )
        })
        .collect();
    let vouched = |path: &[u8]| known.get(path.as_bstr()).copied().unwrap_or(false);
    let mut found = Vec::new();
    for change in changes
        .iter()
        .filter(|c| c.new.is_some() || known.contains_key(c.path.as_bstr()))
    {
        // A file where a folder must be made is in the way, too.
        let ends = change.path.find_iter("/").chain([change.path.len()]);
        for end in ends {
            let part = &change.path[..end];
            let disk = root.join(gix::path::from_bstr(part.as_bstr()).map_err(git)?);
            let Ok(meta) = disk.symlink_metadata() else {
                break;
            };
            if !meta.is_dir() {
                if !vouched(part) {
                    found.push(part.as_bstr().to_string());
                }
                break;
            }
            // A submodule's folder stays as it is.
            let is_submodule = change.new.is_some_and(|(mode, _)| mode.is_commit());
            if end == change.path.len() && !is_submodule {
                unknown_below(root, &disk, &vouched, &mut found)?;
            }
        }
    }
    Ok(found)
}

/// A folder gives way to a file: whatever in it is not tracked would go with it.
fn unknown_below(
    root: &Path,
    dir: &Path,
    vouched: &dyn Fn(&[u8]) -> bool,
    found: &mut Vec<String>,
) -> Result<(), MergeError> {
    let io = |source| MergeError::Io {
        path: dir.to_owned(),
        source,
    };
    for entry in std::fs::read_dir(dir).map_err(io)? {
        let entry = entry.map_err(io)?;
        let path = entry.path();
        if entry.file_type().map_err(io)?.is_dir() {
            unknown_below(root, &path, vouched, found)?;
        } else if let Ok(relative) = path.strip_prefix(root)
            && !vouched(relative.as_os_str().as_encoded_bytes())
        {
            found.push(relative.display().to_string());
        }
    }
    Ok(())
}

fn index_is(repo: &gix::Repository, tree: ObjectId) -> Result<bool, MergeError> {
    let index = repo.open_index().map_err(git)?;
    let wanted = repo.index_from_tree(&tree).map_err(git)?;
    let list = |index: &gix::index::File| -> Vec<_> {
        let entries = index.entries().iter();
        entries
            .map(|e| (e.path(index).to_owned(), e.stage_raw(), e.mode, e.id))
            .collect()
    };
    Ok(list(&index) == list(&wanted))
}

/// Whether a file holds nothing but what landed: all of it, or its beginning.
fn is_on_disk(
    repo: &gix::Repository,
    root: &Path,
    path: &BStr,
    wanted: Option<(EntryMode, ObjectId)>,
) -> bool {
    let Ok(relative) = gix::path::from_bstr(path) else {
        return false;
    };
    let disk = root.join(relative);
    let Some((mode, id)) = wanted else {
        return disk.symlink_metadata().is_err();
    };
    // A link in place of a file is somebody's change, whatever it points to.
    let meta = match disk.symlink_metadata() {
        Ok(meta) => meta,
        Err(error) => return error.kind() == std::io::ErrorKind::NotFound,
    };
    if meta.is_symlink() != mode.is_link() {
        return false;
    }
    let bytes = if mode.is_link() {
        std::fs::read_link(&disk).map(|to| to.into_os_string().into_encoded_bytes())
    } else {
        std::fs::read(&disk)
    };
    let landed = repo.find_object(id);
    landed.is_ok_and(|landed| bytes.is_ok_and(|bytes| landed.data.starts_with(&bytes)))
}
