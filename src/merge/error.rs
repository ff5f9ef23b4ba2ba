//! What can go wrong while landing.

use std::path::PathBuf;

use crate::git::{Unsound, says_full, with_causes};
use crate::model::code::Code;
use crate::model::ids::CommitId;

/// Why a landing was refused or failed. Conflicts are no error: see [`super::Prepared::Conflict`].
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// The object database or the refs could not be read or written.
    #[error("git: {0}")]
    Git(String),
    /// A file could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    /// A tree has an entry that must not land.
    #[error(transparent)]
    Unsound(#[from] Unsound),
    /// A `shallow` file takes its parents from a commit of the session.
    #[error("history is cut off at {}: the repository's `shallow` file names it, and its parents are there", .0.short())]
    CutOff(CommitId),
    /// The two tips have no common ancestor.
    #[error("{} and {} have no common history", .session.short(), .target.short())]
    Unrelated { target: CommitId, session: CommitId },
    /// A rebase would have to linearise a merge commit.
    #[error("cannot rebase: {0} is a merge commit; land with `merge` or `squash`")]
    MergeInRange(CommitId),
    /// A file that the session did not claim.
    #[error("{} is outside its scope{}", .path, in_commit(.commit.as_ref()))]
    OutOfScope {
        path: String,
        /// The commit that changes it; `None` when merging did.
        commit: Option<CommitId>,
    },
    /// The target is not where the candidate was built on.
    #[error("{target} moved away from {expected}")]
    TargetMoved { target: String, expected: CommitId },
    /// A checkout of the target has changes that landing would overwrite.
    #[error("{} has changes in the way: {}", path.display(), files.join(", "))]
    TargetDirty { path: PathBuf, files: Vec<String> },
    /// Another landing held the lock until the deadline.
    #[error("another landing is still running after {seconds} s")]
    LockTimeout { seconds: u64 },
}

impl MergeError {
    /// The stable code of this failure.
    pub fn code(&self) -> Code {
        match self {
            Self::Git(text) if says_full(text) => Code::DiskFull,
            Self::Git(_) => Code::GitFailed,
            Self::Io { source, .. } => Code::of_system(source),
            Self::Unsound(_) | Self::CutOff(_) => Code::ImportRefused,
            Self::Unrelated { .. } | Self::MergeInRange(_) => Code::MergeConflict,
            Self::OutOfScope { .. } => Code::OutOfScope,
            Self::TargetMoved { .. } => Code::TargetMoved,
            Self::TargetDirty { .. } => Code::TargetDirty,
            Self::LockTimeout { .. } => Code::RunnerHeld,
        }
    }
}

fn in_commit(commit: Option<&CommitId>) -> String {
    commit.map_or(String::new(), |commit| {
        format!(" and changed by {}", commit.short())
    })
}

/// The text of a git failure with its causes.
pub(super) fn git(error: impl std::error::Error + 'static) -> MergeError {
    MergeError::Git(with_causes(&error))
}
