//! Taking a session's work into the repository: what is uncommitted is committed, what is new is
//! checked and stored, then the branches move.

use std::fs;
use std::time::SystemTime;

use gix::refs::Target;
use gix::refs::transaction::{Change, LogChange, PreviousValue, RefEdit, RefLog};

use super::bench::{Bench, Tips, open_own, tips};
use super::error::WorkspaceError;
use super::import::{Imported, check_commits, import};
use super::located::{Health, Located, inspect};
use super::packs::roll_up;
use super::settled::{settle, settled_at};
use crate::git::{GitError, Repo, object_id, outwait};
use crate::model::ids::CommitId;

/// What becomes of work that is not committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncommitted<'a> {
    /// It is committed on the session's branch, with this message.
    Commit(&'a str),
    /// It stays where it is.
    Leave,
}

/// Whether the worktree differs from what its `HEAD` points to; ignored files do not count.
///
/// # Errors
/// When it cannot be read.
pub fn dirty(repo: &Repo, ws: &Located) -> Result<bool, WorkspaceError> {
    if settled_at(repo, ws)?.is_some() {
        return Ok(false);
    }
    let head = tips(repo, ws)?.head;
    let bench = Bench::set_up(repo, ws)?;
    Ok(bench.snapshot(&head)? != bench.tree_of(&head)?)
}

/// Brings the session's work into the repository. The objects come first, then the repository's
/// branch moves, and the session's own last: a commit that only the repository knows is made again,
/// one that only the session's branch names could be gone when it is needed.
///
/// # Errors
/// When there is uncommitted work and `HEAD` is not on the session's branch, or its git directory
/// was tampered with. [`WorkspaceError::Refused`] or [`WorkspaceError::Unsound`] when a commit does
/// not pass the checks; no ref has moved then.
pub fn take_in(
    repo: &Repo,
    ws: &Located,
    uncommitted: Uncommitted<'_>,
) -> Result<Imported, WorkspaceError> {
    refuse_changed(repo, ws)?;
    if let Some(tip) = settled_at(repo, ws)? {
        return Ok(Imported::unmoved(tip));
    }
    let found = tips(repo, ws)?;
    if uncommitted == Uncommitted::Leave
        && repo.branch_tip(&ws.branch)?.as_ref() == Some(&found.head)
    {
        return Ok(Imported::unmoved(found.head));
    }
    let bench = Bench::set_up(repo, ws)?;
    check_found(repo, ws, &bench, &found.head)?;
    let looked = SystemTime::now();
    let committed = match uncommitted {
        Uncommitted::Commit(message) => commit(repo, ws, &bench, &found, message)?,
        Uncommitted::Leave => None,
    };
    let (imported, pack) = import(repo, ws, &bench, &found, committed.as_ref())?;
    if let Some(commit) = &committed {
        // With the old index, the new commit would look as if its work had been undone.
        adopt_index(&bench, ws)?;
        if !ws.is_linked(repo) {
            // It keeps what it points to: the repository may forget a branch that a person deletes.
            if let Some(pack) = pack {
                pack.hand_on(&ws.git_dir.join("objects"))?;
            }
            move_own_branch(ws, &found.head, commit)?;
        }
    }
    if uncommitted != Uncommitted::Leave && found.on_branch {
        let index = bench.path().join("index");
        settle(repo, ws, &index, &imported.new, looked)?;
    }
    if imported.moved
        && let Err(error) = roll_up(repo)
    {
        tracing::warn!(%error, "the repository's packs were not rolled up");
    }
    Ok(imported)
}

/// Before anything is made of what is checked out there. In a linked worktree, the branch that has it
/// is the repository's own already.
fn check_found(
    repo: &Repo,
    ws: &Located,
    bench: &Bench,
    head: &CommitId,
) -> Result<(), WorkspaceError> {
    let mut known = vec![ws.base.clone()];
    if !ws.is_linked(repo) {
        known.extend(repo.branch_tip(&ws.branch)?);
    }
    check_commits(bench, head, &known)
}

/// A commit of what is uncommitted, which no branch has yet. `None` when there is nothing.
fn commit(
    repo: &Repo,
    ws: &Located,
    bench: &Bench,
    found: &Tips,
    message: &str,
) -> Result<Option<CommitId>, WorkspaceError> {
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
    let parents = std::slice::from_ref(&found.head);
    bench
        .commit(&tree, parents, (&name, &email), message)
        .map(Some)
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

/// The session's own index gets what the commit has.
fn adopt_index(bench: &Bench, ws: &Located) -> Result<(), WorkspaceError> {
    let index = ws.git_dir.join("index");
    let fresh = ws.git_dir.join("index.treeyard");
    let _absent_is_fine = fs::remove_file(&fresh);
    fs::copy(bench.path().join("index"), &fresh).map_err(WorkspaceError::io(&fresh))?;
    fs::rename(&fresh, &index).map_err(WorkspaceError::io(&index))
}

/// By the library, which runs no hook. Without a line in the log, which could be a link to
/// elsewhere.
fn move_own_branch(ws: &Located, from: &CommitId, to: &CommitId) -> Result<(), WorkspaceError> {
    const WHAT: &str = "move the session's own branch";
    let edit = RefEdit {
        change: Change::Update {
            log: LogChange {
                mode: RefLog::AndReference,
                force_create_reflog: false,
                message: "treeyard: commit".into(),
            },
            expected: PreviousValue::MustExistAndMatch(Target::Object(object_id(from)?)),
            new: Target::Object(object_id(to)?),
        },
        name: ws
            .branch
            .as_str()
            .try_into()
            .map_err(GitError::library(WHAT))?,
        deref: false,
    };
    // None of its commands runs any more, and a person's git holds it for moments only.
    outwait(&ws.git_dir.join(format!("{}.lock", ws.branch)));
    let own = open_own(ws, &["core.logAllRefUpdates=false"])?;
    own.edit_reference(edit).map_err(GitError::library(WHAT))?;
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
