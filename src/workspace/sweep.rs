//! What killed processes left behind.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use super::error::WorkspaceError;
use super::located::PRIVATE;
use super::pack::left_marks;
use super::registration::{listed_in, registry_lock, unregister};
use super::release::{remove, remove_private};
use crate::git::{Expected, Git, Repo};

/// The name of worktrees in which gates run; no task can have it.
pub const GATE: &str = "+gate";
/// How folders in the state folder begin in which something is put together that is nowhere else yet.
const SCRATCH: &str = "scratch-";

/// Makes a folder that goes with the value, or by [`sweep`] where its process was killed.
///
/// # Errors
/// When it cannot be made.
pub fn scratch(repo: &Repo) -> Result<TempDir, WorkspaceError> {
    let state = repo.state_dir();
    let made = tempfile::Builder::new().prefix(SCRATCH).tempdir_in(&state);
    made.map_err(WorkspaceError::io(&state))
}

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Git directories that the runner made for one use, and marks of packs on their way.
    pub benches: usize,
    /// Pool entries that were being put in or taken out.
    pub pool: usize,
    /// Worktrees that were never handed to a session, and records of removed ones.
    pub worktrees: usize,
}

/// Something that a killed process left.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Leftover {
    Bench(PathBuf),
    Pool(PathBuf),
    /// A registration of a worktree whose making never ended, and the worktree's id.
    Unmade(PathBuf, String),
    Record(PathBuf),
    /// What keeps git from collecting a pack that was being taken in.
    Mark(PathBuf),
}

impl Leftover {
    fn path(&self) -> &Path {
        match self {
            Self::Bench(path)
            | Self::Pool(path)
            | Self::Unmade(path, _)
            | Self::Record(path)
            | Self::Mark(path) => path,
        }
    }
}

/// What [`sweep`] would remove.
///
/// # Errors
/// When the repository's state cannot be locked.
pub fn leftovers(
    repo: &Repo,
    root: &Path,
    older_than: Duration,
) -> Result<Vec<PathBuf>, WorkspaceError> {
    let _no_registration_changes = registry_lock(repo)?;
    let found = find(repo, root, older_than);
    Ok(found.iter().map(|l| l.path().to_owned()).collect())
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
    let mut swept = Swept::default();
    for leftover in find(repo, root, older_than) {
        match &leftover {
            Leftover::Mark(path) => {
                fs::remove_file(path).map_err(WorkspaceError::io(path))?;
                swept.benches += 1;
                continue;
            }
            Leftover::Bench(_) => swept.benches += 1,
            Leftover::Pool(_) => swept.pool += 1,
            Leftover::Record(_) => swept.worktrees += 1,
            Leftover::Unmade(_, id) => {
                remove(&root.join(id))?;
                remove_private(&root.join(PRIVATE).join(id))?;
                remove(&repo.state_dir().join("workspaces").join(id))?;
                swept.worktrees += 1;
            }
        }
        remove(leftover.path())?;
        if let Leftover::Unmade(_, id) = &leftover {
            drop_unused_branch(repo, &format!("refs/heads/ty/{id}"))?;
        }
    }
    Ok(swept)
}

/// Gates' worktrees, also those of which only the git directory is left. Whether one is in use is for
/// the caller to know: gates run during landings only.
pub fn gates(root: &Path) -> Vec<PathBuf> {
    const PREFIX: &[&str] = &["+gate-"];
    let private = entries(&root.join(PRIVATE), PREFIX);
    let ids: BTreeSet<_> = entries(root, PREFIX)
        .chain(private)
        .filter_map(|path| Some(path.file_name()?.to_owned()))
        .collect();
    ids.into_iter().map(|id| root.join(id)).collect()
}

/// Removes a worktree with all that belongs to it: one that a gate ran in, or that no session ever
/// saw. Nothing in it is anybody's work.
///
/// # Errors
/// When something cannot be removed.
pub fn discard(repo: &Repo, path: &Path) -> Result<(), WorkspaceError> {
    let (Some(root), Some(id)) = (path.parent(), path.file_name()) else {
        return Ok(());
    };
    remove(path)?;
    remove_private(&root.join(PRIVATE).join(id))?;
    unregister(repo, &repo.state_dir().join("workspaces").join(id))?;
    let branch = format!("refs/heads/ty/{}", id.to_string_lossy());
    if repo.branch_tip(&branch)?.is_some() {
        repo.delete_ref(&branch, Expected::Any)?;
    }
    Ok(())
}

fn find(repo: &Repo, root: &Path, older_than: Duration) -> Vec<Leftover> {
    let state = repo.state_dir();
    let benches = entries(&state, &["bench-", SCRATCH]).map(Leftover::Bench);
    let pool = entries(&root.join(".pool"), &[".taken-", ".making-", ".gone-"]).map(Leftover::Pool);
    let unmade = entries(&repo.common_dir().join("worktrees"), &[""]).filter_map(|linked| {
        let id = unmade_id(repo, root, &linked)?;
        Some(Leftover::Unmade(linked, id))
    });
    let records = entries(&state.join("workspaces"), &[""])
        .filter(|record| is_forgotten(root, record))
        .map(Leftover::Record);
    let marks = left_marks(repo).into_iter().map(Leftover::Mark);
    let all = benches
        .chain(pool)
        .chain(unmade)
        .chain(records)
        .chain(marks);
    all.filter(|found| is_older(found.path(), older_than))
        .collect()
}

/// The id of a worktree that was never finished. Writing the index is the last thing that filling
/// one does, so where there is none, no session has ever seen it. The record may be gone for another
/// reason: somebody moved a damaged store away.
fn unmade_id(repo: &Repo, root: &Path, linked: &Path) -> Option<String> {
    let id = session_id(linked)?;
    let path = fs::read_to_string(linked.join("gitdir")).ok()?;
    let is_ours = Path::new(path.trim_end()).parent() == Some(&root.canonicalize().ok()?.join(&id));
    let record = repo.state_dir().join("workspaces").join(&id);
    let private = root.join(PRIVATE).join(&id);
    let filled = |dir: &Path| fs::symlink_metadata(dir.join("index")).is_ok();
    (is_ours && ![&record, &private, linked].into_iter().any(filled)).then_some(id)
}

/// A record whose worktree, registration and git directory are all gone: its release was cut short
/// at the end. A git directory may hold commits that were never imported.
fn is_forgotten(root: &Path, record: &Path) -> bool {
    let registered = listed_in(record).is_ok_and(|linked| linked.exists());
    let there = |path: PathBuf| fs::symlink_metadata(path).is_ok();
    record.file_name().is_some_and(|id| {
        !registered && !there(root.join(id)) && !there(root.join(PRIVATE).join(id))
    })
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

fn entries(dir: &Path, prefixes: &'static [&'static str]) -> impl Iterator<Item = PathBuf> + use<> {
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
