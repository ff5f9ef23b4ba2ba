//! What killed processes left behind.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::create::registry_lock;
use super::error::WorkspaceError;
use super::release::remove;
use crate::git::{Expected, Git, Repo};

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Git directories that the runner made for one use.
    pub benches: usize,
    /// Pool entries that were being put in or taken out.
    pub pool: usize,
    /// Worktrees that were never handed to a session, and records of removed ones.
    pub worktrees: usize,
}

/// Removes what killed processes left behind: the runner's own git directories, half-moved pool
/// entries, and worktrees whose making never ended. A finished worktree is never touched, whatever
/// its state. `older_than` must be longer than the making of a worktree can take; what changed
/// within that time is left alone. Registrations cannot come or go meanwhile.
///
/// # Errors
/// When something cannot be read or removed.
pub fn sweep(repo: &Repo, root: &Path, older_than: Duration) -> Result<Swept, WorkspaceError> {
    let _no_registration_changes = registry_lock(repo)?;
    let old = |path: &PathBuf| is_older(path, older_than);
    let mut swept = Swept::default();
    for bench in entries(&repo.state_dir(), &["bench-"]).filter(old) {
        remove(&bench)?;
        swept.benches += 1;
    }
    for entry in entries(&root.join(".pool"), &[".taken-", ".making-"]).filter(old) {
        remove(&entry)?;
        swept.pool += 1;
    }
    for linked in entries(&repo.common_dir().join("worktrees"), &[""]).filter(old) {
        swept.worktrees += usize::from(sweep_registration(repo, root, &linked)?);
    }
    for record in entries(&repo.state_dir().join("workspaces"), &[""]).filter(old) {
        swept.worktrees += usize::from(sweep_record(root, &record)?);
    }
    Ok(swept)
}

/// The record's index is the last thing that making a worktree needs: without it, no session has
/// ever seen the worktree.
fn sweep_registration(repo: &Repo, root: &Path, linked: &Path) -> Result<bool, WorkspaceError> {
    let Some(id) = session_id(linked) else {
        return Ok(false);
    };
    let path = fs::read_to_string(linked.join("gitdir")).unwrap_or_default();
    let Some(path) = Path::new(path.trim_end()).parent().map(Path::to_owned) else {
        return Ok(false);
    };
    let record = repo.state_dir().join("workspaces").join(&id);
    let root = root.canonicalize().map_err(WorkspaceError::io(root))?;
    if path != root.join(&id) || record.join("index").exists() {
        return Ok(false);
    }
    remove(&path)?;
    remove(&root.join(".git-private").join(&id))?;
    remove(&record)?;
    remove(linked)?;
    drop_unused_branch(repo, &format!("refs/heads/ty/{id}"))?;
    Ok(true)
}

/// A record whose worktree and registration are both gone: its release was cut short at the end.
fn sweep_record(root: &Path, record: &Path) -> Result<bool, WorkspaceError> {
    let linked = fs::read_to_string(record.join("linked")).unwrap_or_default();
    let Some(id) = record.file_name() else {
        return Ok(false);
    };
    let registered = !linked.is_empty() && Path::new(linked.trim_end()).exists();
    if registered || fs::symlink_metadata(root.join(id)).is_ok() {
        return Ok(false);
    }
    let private = root.join(".git-private").join(id);
    if fs::symlink_metadata(&private).is_ok() {
        return Ok(false); // it may hold commits that were never imported
    }
    remove(record)?;
    Ok(true)
}

/// `<name>-<short>` of the session's branch that a registration has checked out.
fn session_id(linked: &Path) -> Option<String> {
    let head = fs::read_to_string(linked.join("HEAD")).ok()?;
    let id = head.trim_end().strip_prefix("ref: refs/heads/ty/")?;
    let sound = !id.is_empty() && !id.contains('/') && !id.starts_with('.');
    sound.then(|| id.to_owned())
}

/// Removes a branch that holds nothing of its own.
fn drop_unused_branch(repo: &Repo, branch: &str) -> Result<(), WorkspaceError> {
    let Some(tip) = repo.branch_tip(branch)? else {
        return Ok(());
    };
    let own = Git::new(repo.common_dir())
        .git_dir(repo.common_dir())
        .args(["rev-list", "-n1", branch, "--not"])
        .arg(format!("--exclude={branch}"))
        .arg("--all")
        .run()?;
    if own.stdout.is_empty() {
        repo.delete_ref(branch, Expected::At(tip))?;
    }
    Ok(())
}

fn entries(dir: &Path, prefixes: &'static [&'static str]) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            prefixes.iter().any(|prefix| name.starts_with(prefix))
        })
        .map(|entry| entry.path())
}

/// By the time of the last change of its inode, which also a rename sets, and of the index inside.
fn is_older(path: &Path, than: Duration) -> bool {
    let changed = |path: &Path| {
        let meta = fs::symlink_metadata(path).ok()?;
        let since = Duration::from_secs(u64::try_from(meta.ctime()).ok()?);
        Some(since + Duration::from_nanos(u64::try_from(meta.ctime_nsec()).ok()?))
    };
    let Some(at) = changed(path) else {
        return false;
    };
    let at = changed(&path.join("index")).map_or(at, |index| index.max(at));
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.is_ok_and(|now| now.saturating_sub(at) >= than)
}
