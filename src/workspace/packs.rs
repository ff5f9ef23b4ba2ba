//! Keeping the repository's packs few. Each import adds a small one, and whoever looks for an
//! object asks them all: after some hundred imports that was most of a session's time. Git rolls
//! packs up in `gc --auto`, which nothing but a person's own commands calls.

use std::fs::{self, File};
use std::path::Path;

use crate::git::{Git, GitError, Repo};

/// Git's own limit, from git-config(1), `gc.autoPackLimit`.
const MOST_PACKS: i64 = 50;

/// Rolls small packs up into larger ones when there are too many, unless somebody else is at it.
/// Every object stays, reachable or not, so whoever reads meanwhile finds what it looks for.
///
/// # Errors
/// When git fails; the packs are as they were then, or more of them are rolled up already.
pub(super) fn roll_up(repo: &Repo) -> Result<(), GitError> {
    let Some(most) = limit(repo) else {
        return Ok(());
    };
    let dir = repo.common_dir().join("objects/pack");
    if count(&dir) <= most {
        return Ok(());
    }
    let one_at_a_time = File::open(&dir).map_err(GitError::io(&dir))?;
    if fs2::FileExt::try_lock_exclusive(&one_at_a_time).is_err() {
        return Ok(());
    }
    Git::new(repo.common_dir())
        .git_dir(repo.common_dir())
        .args(["repack", "--geometric=2", "-d", "-l", "-q"])
        .run()
        .map(drop)
}

/// How many packs a person allows; `None` when nothing is to be done by itself. In a partial clone
/// some packs stand for objects that are elsewhere, which older versions of git mix up with others.
fn limit(repo: &Repo) -> Option<usize> {
    let repo = repo.gix();
    let settings = repo.config_snapshot();
    let off = settings.integer("gc.auto").is_some_and(|auto| auto <= 0);
    if off || settings.string("extensions.partialClone").is_some() {
        return None;
    }
    let most = settings.integer("gc.autoPackLimit").unwrap_or(MOST_PACKS);
    usize::try_from(most).ok().filter(|most| *most > 0)
}

pub(super) fn count(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter(|entry| Path::new(&entry.file_name()).extension() == Some("pack".as_ref()))
        .count()
}
