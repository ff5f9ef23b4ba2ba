//! The one step that moves the target.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::time::Duration;

use fs2::FileExt;
use gix::refs::Target;
use gix::refs::transaction::{Change, LogChange, PreviousValue, RefEdit};

use super::error::{MergeError, git};
use super::message::one_line;
use super::prepare::{Candidate, oid};
use crate::git::retry;

/// Proof that this process is the only one landing in the repository. Only [`LandingLock::acquire`]
/// makes one; dropping it lets the next landing go.
#[derive(Debug)]
pub struct LandingLock {
    _file: File,
}

impl LandingLock {
    /// Waits up to `limit` for `landing.lock` in `state_dir`, which must exist.
    ///
    /// # Errors
    /// [`MergeError::LockTimeout`], or [`MergeError::Io`] when the file cannot be opened or locked.
    pub fn acquire(state_dir: &Path, limit: Duration) -> Result<Self, MergeError> {
        let path = state_dir.join("landing.lock");
        let io = |source| MergeError::Io {
            path: path.clone(),
            source,
        };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(io)?;
        let is_held = |error: &std::io::Error| error.kind() == fs2::lock_contended_error().kind();
        let lock = || FileExt::try_lock_exclusive(&file);
        match retry(limit, lock, |locked| locked.as_ref().is_err_and(is_held)) {
            Ok(()) => Ok(Self { _file: file }),
            Err(error) if is_held(&error) => Err(MergeError::LockTimeout {
                seconds: limit.as_secs(),
            }),
            Err(error) => Err(io(error)),
        }
    }
}

/// Moves `target_ref` (`refs/heads/…`) from `candidate.onto` to `candidate.commit`, or not at all.
///
/// # Errors
/// [`MergeError::TargetMoved`] when the ref is elsewhere by now, [`MergeError::Git`] otherwise.
pub fn publish(
    repo: &gix::Repository,
    _proof: &LandingLock,
    target_ref: &str,
    candidate: &Candidate,
    message: &str,
) -> Result<(), MergeError> {
    let onto = oid(&candidate.onto)?;
    let name: gix::refs::FullName = target_ref.try_into().map_err(git)?;
    if !target_ref.starts_with("refs/heads/") {
        return Err(MergeError::Git(format!("{target_ref} is not a branch")));
    }
    let edit = RefEdit {
        change: Change::Update {
            log: LogChange {
                message: one_line(message).into(),
                ..LogChange::default()
            },
            expected: PreviousValue::MustExistAndMatch(Target::Object(onto)),
            new: Target::Object(oid(&candidate.commit)?),
        },
        name,
        deref: false,
    };
    let commit = repo.find_commit(oid(&candidate.commit)?).map_err(git)?;
    let committer = commit.committer().map_err(git)?;
    match repo.edit_references_as([edit], Some(committer)) {
        Ok(_) => Ok(()),
        Err(error) if is_at(repo, target_ref, onto) => Err(git(error)),
        Err(_) => Err(MergeError::TargetMoved {
            target: target_ref.to_owned(),
            expected: candidate.onto.clone(),
        }),
    }
}

fn is_at(repo: &gix::Repository, name: &str, id: gix::ObjectId) -> bool {
    let found = repo.try_find_reference(name).ok().flatten();
    found.is_some_and(|found| found.target().try_id() == Some(id.as_ref()))
}
