//! Other git repositories inside a worktree: populated submodules, and what a session cloned.
//!
//! Saving a session's work does not reach into them, so a worktree whose submodules hold anything
//! that is nowhere else, or that holds a repository of its own, is not given back. Ignored
//! directories are not looked into: what is ignored is not work.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gix::bstr::{BStr, ByteSlice};
use gix::index::entry::Mode;

use super::bench::{Bench, parse};
use super::error::WorkspaceError;
use super::stat::read_index;
use crate::git::{GitError, Repo};
use crate::model::ids::CommitId;

/// Looks for repositories inside the worktree of `bench`, whose index holds all that is not
/// ignored. Returns whether there are any; all of them are submodules then, with nothing to lose.
///
/// # Errors
/// [`WorkspaceError::NestedRepository`] when removing one would lose something.
pub(super) fn refuse_unsaved(repo: &Repo, bench: &Bench) -> Result<bool, WorkspaceError> {
    let found = nested(bench)?;
    for (path, pinned) in &found {
        let refused = || WorkspaceError::NestedRepository(path.display().to_string());
        let Some(pinned) = pinned else {
            return Err(refused());
        };
        let known = bench.pinned_at_base(path)?.filter(|known| known == pinned);
        match unsaved(repo, &bench.work_tree().join(path), pinned, known) {
            Ok(false) => {}
            Ok(true) | Err(_) => return Err(refused()),
        }
    }
    Ok(!found.is_empty())
}

/// Directories with a `.git` of their own, and the commit that a submodule is pinned to.
fn nested(bench: &Bench) -> Result<Vec<(PathBuf, Option<CommitId>)>, WorkspaceError> {
    let index = read_index(&bench.path().join("index"))?;
    let has_git = |path: &Path| {
        let inside = bench.work_tree().join(path).join(".git");
        std::fs::symlink_metadata(inside).is_ok()
    };
    let mut found = Vec::new();
    let mut directories = BTreeSet::new();
    for entry in index.entries() {
        let path = entry.path(&index);
        add_parents(path, &mut directories);
        if entry.mode == Mode::COMMIT {
            let path = path.to_path_lossy().into_owned();
            if has_git(&path) {
                found.push((path, Some(parse(&entry.id.to_string())?)));
            }
        }
    }
    let inner = directories.iter().map(|d| d.to_path_lossy().into_owned());
    found.extend(inner.filter(|d| has_git(d)).map(|d| (d, None)));
    Ok(found)
}

/// Entries are sorted, so the nearest parent is known already most of the time.
fn add_parents<'i>(path: &'i BStr, into: &mut BTreeSet<&'i BStr>) {
    let mut rest = path;
    while let Some(at) = rest.rfind_byte(b'/') {
        rest = rest[..at].as_bstr();
        if !into.insert(rest) {
            return;
        }
    }
}

/// Whether a submodule has another commit checked out than the one it is pinned to, files that
/// differ, or commits that neither its remotes nor the base have (`known`).
fn unsaved(
    repo: &Repo,
    path: &Path,
    pinned: &CommitId,
    known: Option<CommitId>,
) -> Result<bool, WorkspaceError> {
    let own = gix::open_opts(path, gix::open::Options::isolated())
        .map_err(GitError::library("open a submodule"))?;
    let head = own
        .head_id()
        .map_err(GitError::library("read a submodule's HEAD"))?;
    if parse(&head.to_string())? != *pinned {
        return Ok(true);
    }
    let objects = own.common_dir().join("objects");
    let objects = objects
        .canonicalize()
        .map_err(WorkspaceError::io(&objects))?;
    let bench = Bench::over(repo, path, pinned, &[&objects])?;
    if bench.snapshot(pinned)? != bench.tree_of(pinned)? {
        return Ok(true);
    }
    refuse_unsaved(repo, &bench)?;
    has_own_commits(&own, &bench, pinned, known)
}

fn has_own_commits(
    own: &gix::Repository,
    bench: &Bench,
    head: &CommitId,
    known: Option<CommitId>,
) -> Result<bool, WorkspaceError> {
    let unreadable = "list a submodule's refs";
    let refs = own.references().map_err(GitError::library(unreadable))?;
    let refs = refs.all().map_err(GitError::library(unreadable))?;
    let mut wanted = vec![head.to_string()];
    let mut known: Vec<String> = known.iter().map(CommitId::to_string).collect();
    for reference in refs {
        let mut reference = reference.map_err(GitError::library(unreadable))?;
        let remote = reference.name().as_bstr().starts_with(b"refs/remotes/");
        let commit = reference
            .peel_to_commit()
            .map_err(GitError::library(unreadable))?;
        let side = if remote { &mut known } else { &mut wanted };
        side.push(commit.id.to_string());
    }
    if wanted.is_empty() {
        return Ok(false);
    }
    let listed = bench
        .git()
        .args(["rev-list", "-n1"])
        .args(wanted)
        .arg("--not")
        .args(known)
        .run()?;
    Ok(!listed.stdout.is_empty())
}
