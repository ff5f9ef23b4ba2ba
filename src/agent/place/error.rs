//! Why a tool did not get at a file.

use rustix::io::Errno;

use crate::agent::path::RelPath;
use crate::model::code::Code;
use crate::model::tool::{ErrorKind, ToolError};

/// Why a tool did not get at a file.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Nothing is there.
    #[error("{0} is not there; `file.list` and `file.glob` tell what is")]
    Missing(RelPath),
    /// A link where none is followed: on the way to something that is changed, or one that appeared
    /// after it had been looked at.
    #[error("{path} is a symbolic link{to}; name the file that it leads to")]
    Link {
        /// The link.
        path: RelPath,
        /// Where it leads, as ` to …`.
        to: String,
    },
    /// A link that leads out of the worktree, into a git directory, or in a circle.
    #[error("{path} is a symbolic link that is not followed: {why}")]
    LeavingLink {
        /// The link.
        path: RelPath,
        /// Why not.
        why: String,
    },
    /// A folder where a file is wanted.
    #[error("{0} is a folder; `file.list` tells what is in it")]
    IsFolder(RelPath),
    /// Something else where a folder is wanted.
    #[error("{0} is not a folder")]
    NoFolder(RelPath),
    /// A pipe, a socket or a device.
    #[error("{0} is neither a file nor a folder, and no tool opens it")]
    Special(RelPath),
    /// Something is there, and nothing was expected.
    #[error("{0} is there already")]
    Exists(RelPath),
    /// Somebody else changed it between reading and writing.
    #[error(
        "{0} was changed by somebody else in the meantime; read it again, then repeat the edit"
    )]
    Changed(RelPath),
    /// More bytes than tools take.
    #[error("{path} has {size} bytes, more than the {limit} that this tool takes")]
    TooLarge {
        /// The file.
        path: RelPath,
        /// How many it has.
        size: u64,
        /// How many would do.
        limit: u64,
    },
    /// The session may not change it.
    #[error(
        "{0} is not in the scope of this session; ask for it with `scope.request`, or do without"
    )]
    OutOfScope(RelPath),
    /// The system's own words.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: RelPath,
        /// What.
        source: std::io::Error,
    },
}

impl PlaceError {
    /// What the system said of a path.
    pub(super) fn of(path: &RelPath, errno: impl Into<std::io::Error>) -> Self {
        let (path, source) = (path.clone(), errno.into());
        match Errno::from_io_error(&source) {
            Some(Errno::NOENT) => Self::Missing(path),
            Some(Errno::EXIST) => Self::Exists(path),
            Some(Errno::NOTDIR) => Self::NoFolder(path),
            Some(Errno::ISDIR) => Self::IsFolder(path),
            _ => Self::Io { path, source },
        }
    }
}

impl From<PlaceError> for ToolError {
    fn from(error: PlaceError) -> Self {
        use PlaceError::*;
        let message = error.to_string();
        let new = |code, kind| Self::new(code, kind, message.clone());
        match &error {
            Missing(_) => new(Code::FileMissing, ErrorKind::Tool),
            Link { .. } | LeavingLink { .. } => new(Code::PathRefused, ErrorKind::Policy),
            OutOfScope(_) => new(Code::OutOfScope, ErrorKind::Policy),
            Changed(_) => new(Code::FileUnsuitable, ErrorKind::Tool).retryable(),
            Io { source, .. } => match Code::of_system(source) {
                Code::DiskFull => new(Code::DiskFull, ErrorKind::Tool).retryable(),
                code => new(code, ErrorKind::Tool),
            },
            IsFolder(_) | NoFolder(_) | Special(_) | Exists(_) | TooLarge { .. } => {
                new(Code::FileUnsuitable, ErrorKind::Tool)
            }
        }
    }
}
