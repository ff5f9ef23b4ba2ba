//! Making a workspace.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::error::WorkspaceError;
use super::fill::{FillMethod, fill};
use super::guard::write_guard;
use super::include;
use super::located::{Located, PRIVATE, is_dir};
use super::private::{self, Layout, plain, write};
use super::registration::{keep_record, listed_in, register, unregister};
use super::release::remove_private;
use super::settled::settle;
use crate::git::{Expected, HookFolder, Repo};
use crate::model::guard::{GUARD_FILE, Guard};
use crate::model::ids::CommitId;

/// How far a session is kept apart from the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// A git directory of its own: refs, stash, configuration, hooks and new objects are private.
    Private,
    /// A plain linked worktree, which shares all of these.
    Linked,
}

/// What to make.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// The directory that holds the worktrees, outside the repository.
    pub root: &'a Path,
    /// The task's name.
    pub name: &'a str,
    /// The short form of the session's id.
    pub short_id: &'a str,
    /// Where it starts.
    pub base: &'a CommitId,
    /// How far it is kept apart.
    pub isolation: Isolation,
    /// Name and address of its author and committer.
    pub identity: (&'a str, &'a str),
    /// Whether the ignored files that `.worktreeinclude` names come along.
    pub include: bool,
    /// What its hooks enforce; without, it has none. Only private git directories have hooks.
    pub hooks: Option<Hooks<'a>>,
}

/// The hooks of a workspace.
#[derive(Clone, Copy)]
pub struct Hooks<'a> {
    /// Whose it is, and what may change there.
    pub guard: &'a Guard,
    /// The program that decides.
    pub program: &'a Path,
}

/// What was made.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The worktree.
    pub path: PathBuf,
    /// Its git directory.
    pub git_dir: PathBuf,
    /// `refs/heads/ty/<name>-<short>`.
    pub branch: String,
    /// Where it starts.
    pub base: CommitId,
    /// How it was filled.
    pub method: FillMethod,
    /// How long it took.
    pub took: Duration,
}

impl Workspace {
    /// Its durable description.
    pub fn located(&self) -> Located {
        Located {
            path: self.path.clone(),
            git_dir: self.git_dir.clone(),
            branch: self.branch.clone(),
            base: self.base.clone(),
        }
    }
}

/// Makes a branch, a worktree and its git directory, and fills it. Nothing is left behind when it
/// fails.
///
/// # Errors
/// When the branch or the directory exists already, something cannot be written, or the folder of the
/// worktrees is not the one that holds those which are recorded.
pub fn create(req: &Request<'_>) -> Result<Workspace, WorkspaceError> {
    let started = Instant::now();
    let id = format!("{}-{}", req.name, req.short_id);
    fs::create_dir_all(req.root).map_err(WorkspaceError::io(req.root))?;
    let root = req
        .root
        .canonicalize()
        .map_err(WorkspaceError::io(req.root))?;
    refuse_inside(req.repo, &root)?;
    let private = root.join(PRIVATE);
    refuse_unmounted(req.repo, &root, &private)?;
    fs::create_dir_all(&private).map_err(WorkspaceError::io(&private))?;
    let branch = format!("refs/heads/ty/{id}");
    let path = root.join(&id);
    plain(&path)?;
    if path.exists() {
        return Err(WorkspaceError::Unusable(format!(
            "{} exists already",
            path.display()
        )));
    }
    req.repo
        .update_ref(&branch, req.base, Expected::Absent, "treeyard: new session")?;
    let mut ws = Located {
        git_dir: private.join(&id),
        path,
        branch,
        base: req.base.clone(),
    };
    match build(req, &root, &mut ws) {
        Ok(method) => Ok(Workspace {
            path: ws.path,
            git_dir: ws.git_dir,
            branch: ws.branch,
            base: ws.base,
            method,
            took: started.elapsed(),
        }),
        Err(error) => {
            undo(req.repo, &ws);
            Err(error)
        }
    }
}

fn build(req: &Request<'_>, root: &Path, ws: &mut Located) -> Result<FillMethod, WorkspaceError> {
    let linked = register(req.repo, ws)?;
    fs::create_dir(&ws.path).map_err(WorkspaceError::io(&ws.path))?;
    let record = ws.record(req.repo)?;
    keep_record(&record, &linked)?;
    match req.isolation {
        Isolation::Linked => {
            write(
                &ws.path.join(".git"),
                &format!("gitdir: {}\n", plain(&linked)?),
            )?;
            ws.git_dir = linked;
            if let Some(hooks) = &req.hooks {
                // It has none of its own; those of the person's checkouts know it by this.
                write_guard(&record.join(GUARD_FILE), hooks.guard)?;
            }
        }
        Isolation::Private => make_private(req, ws, &record)?,
    }
    let method = fill(req.repo, root, &ws.path, &ws.git_dir, &ws.base)?;
    let index = ws.git_dir.join("index");
    settle(req.repo, ws, &index, &ws.base, SystemTime::now())?;
    if req.include {
        include::copy(req.repo, &ws.path)?;
    }
    Ok(method)
}

fn make_private(req: &Request<'_>, ws: &Located, record: &Path) -> Result<(), WorkspaceError> {
    let objects = req.repo.common_dir().join("objects");
    let layout = Layout {
        work_tree: &ws.path,
        head: format!("ref: {}", ws.branch),
        alternates: &[&objects],
        identity: req.identity,
    };
    let config = match &req.hooks {
        None => private::make(req.repo, &ws.git_dir, &layout)?,
        Some(hooks) => {
            let folder = keep_guard(req.repo, record, hooks)?;
            private::make_with_hooks(req.repo, &ws.git_dir, &layout, folder.path())?
        }
    };
    write(&record.join("config"), &config)?;
    let own = ws.git_dir.join(&ws.branch);
    let parent = ws.git_dir.join("refs/heads/ty");
    fs::create_dir_all(&parent).map_err(WorkspaceError::io(&parent))?;
    write(&own, &format!("{}\n", ws.base))?;
    write(
        &ws.path.join(".git"),
        &format!("gitdir: {}\n", plain(&ws.git_dir)?),
    )
}

/// The guard is in the runner's record, so that it is not the session's to change.
fn keep_guard(repo: &Repo, record: &Path, hooks: &Hooks<'_>) -> Result<HookFolder, WorkspaceError> {
    let folder = HookFolder::of_sessions(&repo.state_dir(), hooks.program);
    folder.put()?;
    write_guard(&record.join(GUARD_FILE), hooks.guard)?;
    Ok(folder)
}

fn refuse_inside(repo: &Repo, root: &Path) -> Result<(), WorkspaceError> {
    if root.starts_with(repo.main_root()) || root.starts_with(repo.common_dir()) {
        return Err(WorkspaceError::Unusable(format!(
            "{} is inside the repository; worktrees belong outside",
            root.display()
        )));
    }
    Ok(())
}

/// Worktrees that are recorded in a folder which holds none of them: their disk is missing, and what
/// was made here now would be out of reach as soon as it is back.
fn refuse_unmounted(repo: &Repo, root: &Path, private: &Path) -> Result<(), WorkspaceError> {
    if is_dir(private) {
        return Ok(());
    }
    let records = fs::read_dir(repo.state_dir().join("workspaces"));
    let is_lost = |record: fs::DirEntry| {
        let linked = listed_in(&record.path()).ok()?;
        let git_file = fs::read_to_string(linked.join("gitdir")).ok()?;
        let path = Path::new(git_file.trim_end()).parent()?;
        Some(path.parent() == Some(root) && !is_dir(path))
    };
    let mut records = records.into_iter().flatten().flatten();
    if records.any(|record| is_lost(record) == Some(true)) {
        return Err(WorkspaceError::RootMissing(root.to_owned()));
    }
    Ok(())
}

/// Takes back what [`build`] made. Each step may find nothing to do.
fn undo(repo: &Repo, ws: &Located) {
    let Ok(record) = ws.record(repo) else { return };
    let _maybe_absent = unregister(repo, &record);
    let _maybe_absent = fs::remove_dir_all(&ws.path);
    let _maybe_absent = remove_private(&ws.git_dir);
    let _stays_for_doctor = repo.delete_ref(&ws.branch, Expected::At(ws.base.clone()));
}
