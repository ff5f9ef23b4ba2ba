//! The durable description of a workspace, and whether what it describes is still there.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::elsewhere::leads_elsewhere;
use super::error::WorkspaceError;
use crate::git::Repo;
use crate::model::ids::CommitId;
use crate::store::SessionRow;

/// The folder of private git directories. It is made with the first worktree and never removed, so
/// a folder of worktrees without it is none.
pub(super) const PRIVATE: &str = ".git-private";

/// Where a session's home and its temporary files are. Beside its git directory and not in it: what it may
/// replace by a link could lead the runner elsewhere.
pub(super) fn own_folder(git_dir: &Path) -> PathBuf {
    let id = git_dir.file_name().unwrap_or_default();
    let root = git_dir.parent().and_then(Path::parent).unwrap_or(git_dir);
    root.join(".homes").join(id)
}

/// Whether a git directory is a session's own.
pub fn is_private(git_dir: &Path) -> bool {
    git_dir.parent().and_then(Path::file_name) == Some(OsStr::new(PRIVATE))
}

/// How the branches of sessions begin that treeyard made a worktree for.
pub const OWN: &str = "refs/heads/ty/";

/// Where a workspace is. All of it comes back from the database as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The worktree.
    pub path: PathBuf,
    /// Its git directory, private or linked.
    pub git_dir: PathBuf,
    /// `refs/heads/ty/<name>-<short>`; another one in a worktree that treeyard did not make.
    pub branch: String,
    /// The commit it started from.
    pub base: CommitId,
}

/// Where the session's files are, if it has a worktree.
pub fn located(session: &SessionRow) -> Option<Located> {
    if !session.has_worktree() {
        return None;
    }
    Some(Located {
        path: PathBuf::from(session.worktree_path.as_ref()?),
        git_dir: PathBuf::from(session.git_dir.as_ref()?),
        branch: session.branch.clone(),
        base: session.base.clone()?,
    })
}

impl Located {
    /// Whether it was there before treeyard knew of it, and stays when its session ends.
    pub fn is_adopted(&self) -> bool {
        !self.branch.starts_with(OWN)
    }

    /// `<name>-<short>`, which also names its directories; of an adopted one the name by which the
    /// repository lists it.
    pub(super) fn id(&self) -> Result<&str, WorkspaceError> {
        let listed = || self.git_dir.file_name()?.to_str();
        self.branch
            .strip_prefix(OWN)
            .or_else(listed)
            .filter(|id| !id.is_empty() && !id.contains('/') && !id.starts_with('.'))
            .ok_or_else(|| {
                WorkspaceError::Unusable(format!("{:?} is not a session's branch", self.branch))
            })
    }

    /// What the runner recorded about it, out of the session's reach.
    pub(super) fn record(&self, repo: &Repo) -> Result<PathBuf, WorkspaceError> {
        Ok(repo.state_dir().join("workspaces").join(self.id()?))
    }

    /// Whether its git directory is one of the repository's own (`isolation = "linked"`).
    pub(super) fn is_linked(&self, repo: &Repo) -> bool {
        self.git_dir
            .starts_with(repo.common_dir().join("worktrees"))
    }
}

/// Whether a workspace is as it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It is.
    Ok,
    /// The worktree is gone.
    Missing,
    /// The folder of all worktrees is gone, or an empty one stands in its place.
    RootMissing,
    /// Its git directory is gone.
    GitDirMissing,
    /// Nothing was recorded when it was made, or the record is gone.
    Unrecorded,
    /// The repository no longer lists it.
    Unregistered,
    /// Its `.git` file points elsewhere.
    GitFileChanged,
    /// The configuration of its private git directory was changed.
    ConfigChanged,
    /// Hooks were planted in its private git directory.
    HooksChanged,
    /// Its git directory has links or pipes where there should be files, or objects of another store.
    Redirected,
}

impl std::fmt::Display for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ok => "nothing is wrong",
            Self::Missing => "the worktree is gone",
            Self::RootMissing => "the folder of the worktrees is not there; is its disk mounted?",
            Self::GitDirMissing => "its git directory is gone",
            Self::Unrecorded => "there is no record of it",
            Self::Unregistered => "the repository does not list it",
            Self::GitFileChanged => "its .git file points elsewhere",
            Self::ConfigChanged => "its git configuration was changed",
            Self::HooksChanged => "hooks were added to its git directory",
            Self::Redirected => "its git directory has links that lead elsewhere",
        })
    }
}

/// Compares a workspace with what was recorded when it was made.
///
/// # Errors
/// When its branch is not a session's.
pub fn inspect(repo: &Repo, ws: &Located) -> Result<Health, WorkspaceError> {
    let record = ws.record(repo)?;
    if !is_dir(&ws.path) {
        let root = ws.path.parent().map(|root| root.join(PRIVATE));
        return Ok(match root.is_some_and(|private| is_dir(&private)) {
            true => Health::Missing,
            false => Health::RootMissing,
        });
    }
    if !is_dir(&ws.git_dir) {
        return Ok(Health::GitDirMissing);
    }
    let Ok(linked) = fs::read_to_string(record.join("linked")) else {
        return Ok(Health::Unrecorded);
    };
    let git_file = ws.path.join(".git");
    let said = match is_file(&git_file) {
        true => fs::read_to_string(&git_file).unwrap_or_default(),
        false => String::new(),
    };
    if said.trim_end() != format!("gitdir: {}", ws.git_dir.display()) {
        return Ok(Health::GitFileChanged);
    }
    if !is_dir(Path::new(linked.trim_end())) {
        return Ok(Health::Unregistered);
    }
    if ws.is_linked(repo) {
        return Ok(Health::Ok);
    }
    if leads_elsewhere(repo, ws) {
        return Ok(Health::Redirected);
    }
    let config = |dir: &Path| fs::read(dir.join("config")).ok();
    if config(&ws.git_dir) != config(&record) || ws.git_dir.join("config.worktree").exists() {
        return Ok(Health::ConfigChanged);
    }
    let hooks = fs::read_dir(ws.git_dir.join("hooks")).map_or(0, Iterator::count);
    Ok(if hooks == 0 {
        Health::Ok
    } else {
        Health::HooksChanged
    })
}

pub(super) fn is_dir(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|m| m.is_dir())
}

fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|m| m.is_file())
}
