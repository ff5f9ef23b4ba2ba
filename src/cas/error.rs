//! What can go wrong, told apart by what a person can do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::code::Code;
use crate::model::ids::ContentHash;

/// Why an operation on the artifact store failed.
#[derive(Debug, thiserror::Error)]
pub enum CasError {
    /// The store is on a read-only file system, or its permissions forbid the operation.
    #[error("the artifact store does not allow access to {}: {source}", path.display())]
    ReadOnly { path: PathBuf, source: io::Error },
    /// No space, or no quota, is left.
    #[error("no space left for {}: {source}", path.display())]
    DiskFull { path: PathBuf, source: io::Error },
    /// Any other failure of the store's own files.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// The bytes to be stored could not be read.
    #[error("cannot read the input: {0}")]
    Input(io::Error),
    /// The reader of an object's bytes did not take them.
    #[error("cannot write the output: {0}")]
    Output(io::Error),
    /// There is no such object.
    #[error("there is no artifact {0}")]
    Unknown(ContentHash),
    /// The object's bytes do not match its name; they were put aside.
    #[error("artifact {hash} was found damaged; what is left of it is {}", file.display())]
    Damaged {
        hash: ContentHash,
        /// In `quarantine/`.
        file: PathBuf,
    },
}

impl CasError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::ReadOnly { .. } => Code::StoreReadOnly,
            Self::DiskFull { .. } => Code::DiskFull,
            Self::Io { source, .. } | Self::Input(source) | Self::Output(source) => {
                Code::of_system(source)
            }
            Self::Unknown(_) => Code::ArtifactUnknown,
            Self::Damaged { .. } => Code::ArtifactDamaged,
        }
    }

    /// Sorts a failure of the store's own files; for use with `map_err`.
    pub(super) fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { path, source }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { path, source }
            }
            _ => Self::Io {
                action,
                path,
                source,
            },
        }
    }
}
