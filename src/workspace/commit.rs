//! Committing what a session left uncommitted.

use std::fs;

use super::bench::{Bench, tips};
use super::error::WorkspaceError;
use super::idle::is_idle;
use super::import::revs;
use super::located::{Health, Located, inspect};
use crate::git::{Expected, Git, Repo};
use crate::model::ids::CommitId;

/// Whether the worktree differs from what its `HEAD` points to; ignored files do not count.
///
/// # Errors
/// When it cannot be read.
pub fn dirty(repo: &Repo, ws: &Located) -> Result<bool, WorkspaceError> {
    let head = tips(repo, ws)?.head;
    let bench = Bench::set_up(repo, ws)?;
    Ok(bench.snapshot(&head)? != bench.tree_of(&head)?)
}

/// Commits uncommitted work on the session's branch. `None` when there is none.
///
/// # Errors
/// When `HEAD` is not on the session's branch, or its git directory was tampered with.
pub fn commit_all(
    repo: &Repo,
    ws: &Located,
    message: &str,
) -> Result<Option<CommitId>, WorkspaceError> {
    refuse_changed(repo, ws)?;
    if is_idle(repo, ws)? {
        return Ok(None);
    }
    let found = tips(repo, ws)?;
    let bench = Bench::set_up(repo, ws)?;
    let tree = bench.snapshot(&found.head)?;
    if tree == bench.tree_of(&found.head)? {
        return Ok(None);
    }
    if !found.on_branch {
        return Err(WorkspaceError::Refused(format!(
            "there is uncommitted work, and HEAD is not on {}",
            ws.branch
        )));
    }
    let (name, email) = identity(repo, ws);
    let commit = bench.commit(
        &tree,
        std::slice::from_ref(&found.head),
        (&name, &email),
        message,
    )?;
    let wanted = revs(
        std::slice::from_ref(&commit),
        std::slice::from_ref(&found.head),
    );
    if ws.is_linked(repo) {
        bench.send_to_main(repo, &wanted)?;
        repo.update_ref(&ws.branch, &commit, Expected::At(found.head), message)?;
    } else {
        let own = Git::new(bench.path())
            .git_dir(bench.path())
            .env("GIT_OBJECT_DIRECTORY", ws.git_dir.join("objects"));
        bench.send(&wanted, own)?;
        move_own_branch(ws, &found.head, &commit)?;
    }
    adopt_index(&bench, ws)?;
    Ok(Some(commit))
}

/// A private git directory is the session's own: what it configures there, and the hooks it adds,
/// stay there. Nothing of either is read or run from here, and neither outlives the directory. A
/// `.git` file or links that lead elsewhere are another matter.
pub(super) fn refuse_changed(repo: &Repo, ws: &Located) -> Result<(), WorkspaceError> {
    match inspect(repo, ws)? {
        Health::Ok | Health::ConfigChanged | Health::HooksChanged => Ok(()),
        health => Err(WorkspaceError::Changed {
            path: ws.path.clone(),
            health,
        }),
    }
}

/// The index now matches the commit; the session's own would show the work as undone.
fn adopt_index(bench: &Bench, ws: &Located) -> Result<(), WorkspaceError> {
    let index = ws.git_dir.join("index");
    let fresh = ws.git_dir.join("index.treeyard");
    let _absent_is_fine = fs::remove_file(&fresh);
    fs::copy(bench.path().join("index"), &fresh).map_err(WorkspaceError::io(&fresh))?;
    fs::rename(&fresh, &index).map_err(WorkspaceError::io(&index))
}

/// The ref store of the session is used as files only: its configuration is not read.
fn move_own_branch(ws: &Located, from: &CommitId, to: &CommitId) -> Result<(), WorkspaceError> {
    Git::new(&ws.git_dir)
        .git_dir(&ws.git_dir)
        .args(["update-ref", "-m", "treeyard: commit"])
        .args([ws.branch.as_str(), to.as_str(), from.as_str()])
        .run()?;
    Ok(())
}

fn identity(repo: &Repo, ws: &Located) -> (String, String) {
    let recorded = ws
        .record(repo)
        .ok()
        .and_then(|record| fs::read(record.join("config")).ok())
        .and_then(|bytes| {
            let meta = gix::config::file::Metadata::api();
            gix::config::File::from_bytes_no_includes(&bytes, meta, Default::default()).ok()
        });
    let value = |key: &str| {
        recorded
            .as_ref()
            .and_then(|config| config.string(key))
            .map(|v| v.to_string())
    };
    (
        value("user.name").unwrap_or_else(|| "treeyard".to_owned()),
        value("user.email").unwrap_or_else(|| "treeyard@localhost".to_owned()),
    )
}
