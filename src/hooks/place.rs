//! The repository that a hook was started in.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::state::InProgress;

use super::error::HookError;

/// Opens it quickly: of all configuration only its own is read, and replaced objects count as what
/// they were.
pub(super) fn open() -> Result<gix::Repository, HookError> {
    let options = gix::open::Options::isolated().config_overrides(["core.useReplaceRefs=false"]);
    gix::open_opts(git_dir()?, options).map_err(HookError::library("open the repository"))
}

/// The git directory of the repository.
pub(super) fn common_dir() -> Result<PathBuf, HookError> {
    match main_dir()? {
        Some(dir) => Ok(dir),
        None => Ok(open()?.common_dir().to_owned()),
    }
}

/// The same without opening anything, as long as this is not one of its linked worktrees and nothing has
/// to be followed.
pub(super) fn main_dir() -> Result<Option<PathBuf>, HookError> {
    let dir = git_dir()?;
    let is_main = |dir: &PathBuf| dir.join("HEAD").is_file() && !dir.join("commondir").exists();
    Ok([dir.join(".git"), dir].into_iter().find(is_main))
}

/// Git says where it is, or starts the hook at the root of the worktree.
fn git_dir() -> Result<PathBuf, HookError> {
    if let Some(dir) = env::var_os("GIT_DIR").filter(|dir| !dir.is_empty()) {
        return Ok(dir.into());
    }
    let here = env::current_dir().map_err(HookError::library("find the current folder"))?;
    let found = here.ancestors().find(|dir| dir.join(".git").exists());
    // A bare repository is its own.
    Ok(found.map_or(here.clone(), Path::to_owned))
}

/// The index that is about to be committed; a partial commit has one of its own.
pub(super) fn index_path(repo: &gix::Repository) -> PathBuf {
    match env::var_os("GIT_INDEX_FILE").filter(|path| !path.is_empty()) {
        Some(path) => path.into(),
        None => repo.index_path(),
    }
}

/// What is being merged: while it goes on git keeps it in a file, and before that in the names of
/// variables.
pub(super) fn merge_heads(repo: &gix::Repository) -> Vec<ObjectId> {
    let file = fs::read_to_string(repo.git_dir().join("MERGE_HEAD")).unwrap_or_default();
    let said = env::vars_os()
        .filter_map(|(key, _)| Some(key.to_str()?.strip_prefix("GITHEAD_")?.to_owned()));
    let all = file.lines().map(str::to_owned).chain(said);
    all.filter_map(|hex| ObjectId::from_hex(hex.trim().as_bytes()).ok())
        .collect()
}

/// Whether a rebase makes a commit again. Where it has stopped for a person, or runs a command, commits are
/// new.
pub(super) fn is_replaying(repo: &gix::Repository) -> bool {
    let Some(InProgress::Rebase | InProgress::RebaseInteractive) = repo.state() else {
        return false;
    };
    let dir = repo.git_dir().join("rebase-merge");
    let done = fs::read_to_string(dir.join("done")).unwrap_or_default();
    let last = done.lines().rev().find(|line| !line.trim().is_empty());
    let word = last.and_then(|line| line.split_whitespace().next());
    let is_new = matches!(word, Some("exec" | "x" | "break" | "b"));
    !is_new && !dir.join("amend").exists()
}

/// Where a ref is, and `None` when it is nowhere or points to no commit.
pub(super) fn tip(repo: &gix::Repository, name: &str) -> Option<ObjectId> {
    let mut found = repo.try_find_reference(name).ok()??;
    Some(found.peel_to_commit().ok()?.id)
}

/// Where a branch of another repository is, by its files alone.
pub(super) fn branch_of(common_dir: &Path, branch: &str) -> Option<ObjectId> {
    let name = format!("refs/heads/{branch}");
    let loose = fs::read_to_string(common_dir.join(&name)).ok();
    let loose = loose.and_then(|text| ObjectId::from_hex(text.trim().as_bytes()).ok());
    loose.or_else(|| {
        let packed = fs::read_to_string(common_dir.join("packed-refs")).ok()?;
        let of = |line: &str| {
            let (hex, found) = line.split_once(' ')?;
            (found == name).then(|| ObjectId::from_hex(hex.as_bytes()).ok())?
        };
        packed.lines().find_map(of)
    })
}
