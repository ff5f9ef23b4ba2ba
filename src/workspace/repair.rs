//! Putting right what people did to worktrees by hand: moved folders, and removed ones.

use std::fs;
use std::path::{Path, PathBuf};

use super::bench::{Bench, tips};
use super::error::WorkspaceError;
use super::located::{Health, Located, PRIVATE, inspect, is_dir};
use super::private::{borrow_objects, plain, quoted, write};
use super::registration::{keep_record, listed_again, listed_in, registry_lock, unregister};
use super::release::remove_private;
use super::salvage::{Salvaged, Trees, save_tree};
use super::staged;
use super::stat::read_index;
use crate::git::{Repo, session_hooks};
use crate::model::ids::SessionId;

/// Whether paths of the workspace lead nowhere because the repository, the folder of the worktrees
/// at `root`, or both were moved, or git no longer lists it; and it can be put right.
pub fn is_moved(repo: &Repo, root: &Path, ws: &Located) -> bool {
    let (Some(now), Ok(record)) = (find(repo, root, ws), ws.record(repo)) else {
        return false;
    };
    listed_in(&record).is_ok_and(|linked| now != *ws || !is_dir(&linked))
}

/// Rewrites every path of the workspace to where things are now, and lists it in the repository
/// again. Nothing but paths changes. Gives what has to be recorded of it.
///
/// # Errors
/// When it is not to be found, or its files cannot be written.
pub fn repair(repo: &Repo, root: &Path, ws: &Located) -> Result<Located, WorkspaceError> {
    let _one_at_a_time = registry_lock(repo)?;
    let now = find(repo, root, ws)
        .ok_or_else(|| WorkspaceError::Unusable(format!("{} is gone", ws.path.display())))?;
    let record = now.record(repo)?;
    let linked = registration(repo, &record, &now)?;
    keep_record(&record, &linked)?;
    if !now.is_linked(repo) {
        for config in [record.join("config"), now.git_dir.join("config")] {
            move_config(&config, &session_hooks(&repo.state_dir()), ws, &now)?;
        }
        borrow_objects(&now.git_dir, &[&repo.common_dir().join("objects")])?;
    }
    let git_file = format!("gitdir: {}\n", plain(&now.git_dir)?);
    write(&now.path.join(".git"), &git_file)?;
    Ok(now)
}

/// Where the parts are now: where they were, or where a new session of that name would have them.
fn find(repo: &Repo, root: &Path, ws: &Located) -> Option<Located> {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let id = ws.id().ok()?;
    let there = |path: &Path, other: PathBuf| {
        let found = [path.to_owned(), other];
        found.into_iter().find(|path| is_dir(path))
    };
    let linked_name = ws
        .git_dir
        .parent()
        .is_some_and(|p| p.ends_with("worktrees"));
    let git_dir = match ws.git_dir.file_name() {
        Some(name) if linked_name => repo.common_dir().join("worktrees").join(name),
        _ => there(&ws.git_dir, root.join(PRIVATE).join(id))?,
    };
    Some(Located {
        path: there(&ws.path, root.join(id))?,
        git_dir: is_dir(&git_dir).then_some(git_dir)?,
        branch: ws.branch.clone(),
        base: ws.base.clone(),
    })
}

/// The folder by which the repository lists the worktree, which points to where it is now.
fn registration(repo: &Repo, record: &Path, ws: &Located) -> Result<PathBuf, WorkspaceError> {
    let said = listed_in(record)?;
    let name = said
        .file_name()
        .ok_or_else(|| WorkspaceError::Unusable("its record is damaged".to_owned()))?;
    listed_again(repo, name, ws)
}

/// The session's own settings beside the paths stay.
fn move_config(
    config: &Path,
    shared_hooks: &Path,
    from: &Located,
    to: &Located,
) -> Result<(), WorkspaceError> {
    let text = fs::read_to_string(config).map_err(WorkspaceError::io(config))?;
    let (old, new) = (plain(&from.path)?, plain(&to.path)?);
    let worktree = |path: &str| format!("worktree = \"{}\"", quoted(path));
    let text = text.replace(&worktree(old), &worktree(new));
    let hooks = |git_dir: &Path| -> Result<String, WorkspaceError> {
        let path = quoted(plain(&git_dir.join("hooks"))?);
        Ok(format!("hooksPath = \"{path}\""))
    };
    let text = text.replace(&hooks(&from.git_dir)?, &hooks(&to.git_dir)?);
    let shared = format!("hooksPath = \"{}\"", quoted(plain(shared_hooks)?));
    let moved = |line: &str| match line.trim_start().starts_with("hooksPath = ")
        && line.trim_end().ends_with("/treeyard/hooks/session\"")
    {
        true => format!("\t{shared}\n"),
        false => line.to_owned(),
    };
    write(
        config,
        &text.split_inclusive('\n').map(moved).collect::<String>(),
    )
}

/// Gives up a workspace whose worktree somebody removed: commits and staged files that only its git
/// directory has are saved, then the git directory, the registration and the record are removed.
///
/// # Errors
/// When the worktree is still there, or something cannot be saved; nothing is removed then. Neither is
/// anything when the folder of all worktrees is gone: a disk that is not mounted comes back.
pub fn forget(
    repo: &Repo,
    ws: &Located,
    session: &SessionId,
) -> Result<Option<Salvaged>, WorkspaceError> {
    if fs::symlink_metadata(&ws.path).is_ok() {
        let there = format!("{} is still there", ws.path.display());
        return Err(WorkspaceError::Unusable(there));
    }
    if inspect(repo, ws)? == Health::RootMissing {
        let root = ws.path.parent().unwrap_or(&ws.path);
        return Err(WorkspaceError::RootMissing(root.to_owned()));
    }
    let salvaged = if is_dir(&ws.git_dir) {
        let bench = Bench::set_up(repo, ws)?;
        let found = tips(repo, ws)?;
        let index = ws.git_dir.join("index");
        let work = match index.is_file() {
            true => staged::tree(&bench, read_index(&index)?)?,
            false => bench.tree_of(&found.head)?,
        };
        let trees = Trees { work, staged: None };
        save_tree(repo, ws, session, &bench, &found, &trees)?
    } else {
        None
    };
    let record = ws.record(repo)?;
    if !ws.is_linked(repo) {
        remove_private(&ws.git_dir)?;
    }
    unregister(repo, &record)?;
    Ok(salvaged)
}
