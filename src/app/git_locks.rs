//! Locks of git that a killed process left: git and landings wait for them in vain.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::doctor::{Check, Status, check};
use crate::git::Repo;

/// Git holds these for moments only.
const MOMENT: Duration = Duration::from_secs(60);

/// Says which are there, when there are any. Whose they are cannot be told, so none is removed.
pub(super) fn stale_locks(repo: &Repo) -> Option<Check> {
    let common = repo.common_dir();
    let single = ["HEAD.lock", "index.lock", "packed-refs.lock", "config.lock"];
    let mut found: Vec<PathBuf> = single.iter().map(|name| common.join(name)).collect();
    found.extend(below(&common.join("refs/heads")));
    found.retain(|path| is_older(path, MOMENT));
    let first = found.first()?;
    let more = match found.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let detail = format!("{}{more} is held by nobody, or for long", first.display());
    let advice = "if no git command is running, remove it";
    Some(check(Status::Warn, "locks", detail).advice(advice))
}

fn below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(below(&path));
        } else if path.extension().is_some_and(|end| end == "lock") {
            found.push(path);
        }
    }
    found
}

/// A time that cannot be read protects.
pub(super) fn is_older(path: &Path, than: Duration) -> bool {
    let modified = fs::symlink_metadata(path).and_then(|found| found.modified());
    modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > than))
}
