//! Filling a new worktree with the files of its base.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use gix::worktree::stack::state::attributes::Source;

use super::direct;
use super::error::WorkspaceError;
use super::pool;
use crate::git::{Git, GitError, Repo, with_causes};
use crate::model::ids::CommitId;

/// How a worktree was filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FillMethod {
    /// The files of a finished worktree, brought to the base.
    Pool,
    /// Written from the objects, in parallel.
    Checkout,
    /// By git itself, because the main repository's checkout is sparse.
    Sparse,
}

impl FillMethod {
    /// Its name in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::Checkout => "checkout",
            Self::Sparse => "sparse",
        }
    }
}

/// Fills `path`, which holds nothing but `.git`, and writes the index of `git_dir`.
pub(super) fn fill(
    repo: &Repo,
    root: &Path,
    path: &Path,
    git_dir: &Path,
    base: &CommitId,
) -> Result<FillMethod, WorkspaceError> {
    let sparse = repo.gix().config_snapshot().boolean("core.sparseCheckout") == Some(true);
    if sparse {
        read_tree(path, git_dir, base)?;
        return Ok(FillMethod::Sparse);
    }
    if let Some(at) = pool::take(root, path, git_dir)? {
        if at != base.as_str() || !direct::untouched(path, &git_dir.join("index"))? {
            reset(path, git_dir, base)?;
        }
        return Ok(FillMethod::Pool);
    }
    checkout(repo, path, git_dir, base)?;
    Ok(FillMethod::Checkout)
}

/// Brings a worktree's files and index to `commit` and removes all else, ignored files too.
pub(super) fn reset(path: &Path, git_dir: &Path, commit: &CommitId) -> Result<(), GitError> {
    let git = || Git::new(path).git_dir(git_dir).work_tree(path);
    git()
        .args(["read-tree", "--reset", "-u", commit.as_str()])
        .run()?;
    git().args(["clean", "-ffdxq"]).run()?;
    git().args(["update-index", "-q", "--refresh"]).run()?;
    Ok(())
}

fn read_tree(path: &Path, git_dir: &Path, base: &CommitId) -> Result<(), GitError> {
    Git::new(path)
        .git_dir(git_dir)
        .work_tree(path)
        .args(["read-tree", "-m", "-u", base.as_str()])
        .run()
        .map(drop)
}

fn checkout(
    repo: &Repo,
    path: &Path,
    git_dir: &Path,
    base: &CommitId,
) -> Result<(), WorkspaceError> {
    let tree = repo.tree_of(base)?;
    let main = repo.gix();
    let mut index = main
        .index_from_tree(&tree)
        .map_err(GitError::library("read the files of the base"))?;
    if direct::fits(repo, &index) {
        direct::write_files(repo, &mut index, path)?;
    } else {
        check_out_converted(&main, &mut index, path)?;
    }
    let target = git_dir.join("index");
    index.set_path(&target);
    index
        .write(gix::index::write::Options::default())
        .map_err(GitError::library("write the index"))?;
    fs::metadata(&target)
        .map(drop)
        .map_err(WorkspaceError::io(&target))
}

/// By the library, which knows attributes and line endings.
fn check_out_converted(
    main: &gix::Repository,
    index: &mut gix::index::File,
    path: &Path,
) -> Result<(), WorkspaceError> {
    let mut options = main
        .checkout_options(Source::IdMapping)
        .map_err(GitError::library("read the checkout settings"))?;
    options.destination_is_initially_empty = true;
    options.thread_limit = None;
    let objects = main
        .objects
        .clone()
        .into_arc()
        .map_err(GitError::library("open the objects"))?;
    let progress = gix::progress::Discard;
    let outcome = gix::worktree::state::checkout(
        index,
        path,
        objects,
        &progress,
        &progress,
        &AtomicBool::new(false),
        options,
    )
    .map_err(GitError::library("write the files of the base"))?;
    if let Some(failed) = outcome.collisions.first() {
        return Err(WorkspaceError::Unusable(format!(
            "two files of the base have the same name here: {}",
            failed.path
        )));
    }
    if let Some(failed) = outcome.errors.first() {
        return Err(WorkspaceError::Unusable(format!(
            "{} could not be written: {}",
            failed.path,
            with_causes(&failed.error)
        )));
    }
    Ok(())
}
