//! Why a git operation failed.

use std::path::PathBuf;

use crate::model::code::Code;

/// Why a git operation failed.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// No repository there or above.
    #[error("{0} is not inside a git repository")]
    NotARepository(PathBuf),
    /// A format that is not supported.
    #[error("the repository at {path} uses {what}")]
    Unsupported {
        /// Its git directory.
        path: PathBuf,
        /// Which format.
        what: String,
    },
    /// No commit yet.
    #[error("the branch {0} has no commit yet")]
    Unborn(String),
    /// No branch is checked out.
    #[error("HEAD is detached")]
    Detached,
    /// A ref was not at the value it was expected to have.
    #[error("{name} is at {found}, and not where it was expected")]
    RefMoved {
        /// Its full name.
        name: String,
        /// A commit id, or `nothing`.
        found: String,
    },
    /// The git program is not installed.
    #[error("git was not found in PATH")]
    GitMissing,
    /// A spawned git ended with an error.
    #[error("git {action}: {stderr}")]
    Command {
        /// Its first arguments.
        action: String,
        /// What it said, without control characters.
        stderr: String,
    },
    /// The library refused.
    #[error("{doing}: {}", with_causes(source.as_ref()))]
    Library {
        /// What was tried.
        doing: String,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// The library puts the useful part last.
pub fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// Whether the text of a git or of the library, which is in English here, tells of a full disk.
pub fn says_full(text: &str) -> bool {
    [
        "No space left on device",
        "Disk quota exceeded",
        "Out of diskspace",
    ]
    .iter()
    .any(|said| text.contains(said))
}

impl GitError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::NotARepository(_) => Code::NotARepository,
            Self::Unsupported { .. } => Code::UnsupportedRepository,
            Self::Unborn(_) => Code::Unborn,
            Self::Detached => Code::NoTarget,
            Self::RefMoved { .. } => Code::TargetMoved,
            Self::GitMissing => Code::ProgramMissing,
            Self::Command { .. } | Self::Library { .. } if says_full(&self.to_string()) => {
                Code::DiskFull
            }
            Self::Command { .. } | Self::Library { .. } => Code::GitFailed,
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Code::FileMissing
            }
            Self::Io { source, .. } => Code::of_system(source),
        }
    }

    /// Wraps an error of the git library with what was tried.
    pub fn library<E>(doing: impl Into<String>) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let doing = doing.into();
        move |source| Self::Library {
            doing,
            source: source.into(),
        }
    }

    /// Wraps an error of the file system with the path.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
