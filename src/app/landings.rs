//! The part of `doctor` that looks at landings which were cut short.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::doctor::{Check, Mode, Status, check, failed};
use super::failure::Failure;
use crate::git::{Git, Repo};
use crate::landing::{Interrupted, complete, interrupted};
use crate::merge::{LandingLock, MergeError, checkouts_of};
use crate::model::ids::CommitId;
use crate::store::Store;

const NAME: &str = "checkout";
const FIX: &str = "`treeyard doctor --fix` completes it";

/// Landings that the record does not know of, and checkouts that still have the files from before.
pub(super) fn landings(repo: &Repo, store: &mut Store, mode: Mode) -> Vec<Check> {
    // Only while none goes on is one without an end an interrupted one.
    let lock = match LandingLock::acquire(&repo.state_dir(), Duration::ZERO) {
        Ok(lock) => lock,
        Err(MergeError::LockTimeout { .. }) => {
            return vec![check(Status::Ok, NAME, "a landing is going on")];
        }
        Err(error) => return vec![failed(NAME, error)],
    };
    let cut_short = match interrupted(repo, store) {
        Ok(found) => found,
        Err(error) => return vec![failed(NAME, error)],
    };
    let mut found = Vec::new();
    for landing in cut_short {
        let looked = look(repo, store, &lock, landing, mode);
        found.extend(looked.unwrap_or_else(|failure| Some(failed(NAME, failure))));
    }
    if found.is_empty() {
        found.push(check(Status::Ok, NAME, "no landing was cut short"));
    }
    found
}

fn look(
    repo: &Repo,
    store: &mut Store,
    lock: &LandingLock,
    landing: Interrupted,
    mode: Mode,
) -> Result<Option<Check>, Failure> {
    let behind = behind(repo, &landing)?;
    if landing.recorded && behind.is_empty() {
        if mode == Mode::Fix {
            complete(repo, store, lock, landing)?;
        }
        return Ok(None);
    }
    let row = store.session(landing.session)?;
    let name = row.map_or_else(|| landing.session.short(), |row| row.name);
    let on = format!("{} as {}", landing.target, landing.to.short());
    let mut what = Vec::new();
    if !landing.recorded {
        what.push(format!(
            "the landing of {name} on {on} was cut short before it was recorded"
        ));
    }
    what.extend(behind.iter().map(|path| {
        let place = path.display();
        format!("{place} still has the files from before {name} landed on {on}")
    }));
    let what = what.join("; ");
    if mode == Mode::Look {
        return Ok(Some(check(Status::Warn, NAME, what).advice(FIX)));
    }
    let settled = complete(repo, store, lock, landing)?;
    match settled.behind {
        Some(error) => Err(error.into()),
        None => Ok(Some(check(Status::Fixed, NAME, what).advice("completed"))),
    }
}

/// Checkouts that are as an update leaves them which never began: the new commit, the old index.
fn behind(repo: &Repo, landing: &Interrupted) -> Result<Vec<PathBuf>, Failure> {
    let branch = format!("refs/heads/{}", landing.target);
    let mut found = checkouts_of(&repo.gix(), &branch)?;
    found.retain(|path| {
        has_index_of(path, &landing.from)
            && !has_index_of(path, &landing.to)
            && is_at(path, &landing.to)
    });
    Ok(found)
}

fn has_index_of(checkout: &Path, commit: &CommitId) -> bool {
    let args = ["diff-index", "--cached", "--quiet", commit.as_str()];
    Git::new(checkout).args(args).run().is_ok()
}

fn is_at(checkout: &Path, commit: &CommitId) -> bool {
    let head = Git::new(checkout).args(["rev-parse", "HEAD"]).run();
    head.is_ok_and(|output| output.text().trim() == commit.as_str())
}
