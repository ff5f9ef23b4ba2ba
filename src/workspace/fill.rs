//! Filling a new worktree with the files of its base.

use std::path::Path;

use gix::bstr::BString;

use super::direct;
use super::error::WorkspaceError;
use super::pool;
use super::untouched::untouched;
use crate::git::{Git, GitError, Repo};
use crate::model::ids::CommitId;

/// How a worktree was filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FillMethod {
    /// The files of a finished worktree, brought to the base.
    Pool,
    /// Written from the objects, in parallel.
    Checkout,
    /// The same, but large files share their blocks with the main checkout.
    Reflink,
    /// By git itself, because the main repository's checkout is sparse.
    Sparse,
}

impl FillMethod {
    /// Its name in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::Checkout => "checkout",
            Self::Reflink => "reflink",
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
        if at != base.as_str() || !untouched(path, &git_dir.join("index"))? {
            reset(path, git_dir, base)?;
        }
        return Ok(FillMethod::Pool);
    }
    checkout(repo, path, git_dir, base)
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
) -> Result<FillMethod, WorkspaceError> {
    let tree = repo.tree_of(base)?;
    let main = repo.gix();
    let mut index = main
        .index_from_tree(&tree)
        .map_err(GitError::library("read the files of the base"))?;
    let written = direct::write_files(repo, &mut index, path)?;
    let target = git_dir.join("index");
    index.set_path(&target);
    index
        .write(gix::index::write::Options::default())
        .map_err(GitError::library("write the index"))?;
    if !written.left_to_git.is_empty() {
        check_out(path, git_dir, &written.left_to_git)?;
    }
    Ok(match written.shared {
        0 => FillMethod::Checkout,
        _ => FillMethod::Reflink,
    })
}

fn check_out(path: &Path, git_dir: &Path, names: &[BString]) -> Result<(), GitError> {
    Git::new(path)
        .git_dir(git_dir)
        .work_tree(path)
        .args(["checkout-index", "--force", "-u", "-z", "--stdin"])
        .stdin(gix::bstr::join("\0", names))
        .run()
        .map(drop)
}
