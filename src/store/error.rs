//! What can go wrong with the database, told apart by what a person can do about it.

use rusqlite::ErrorCode;

use crate::model::code::Code;
use crate::model::ids::InvalidId;
use crate::model::job::IllegalJobStep;
use crate::model::session::IllegalMove;
use crate::raw::refused;

/// A failed read or write of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite's own report.
    #[error("{0}")]
    Sqlite(rusqlite::Error),
    /// A file of the database, or beside it.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// `user_version` is above what this binary knows.
    #[error("the database has schema version {found}, this treeyard knows {known}")]
    Newer {
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The application id is not ours.
    #[error("the file is not a treeyard database")]
    Foreign,
    /// An event is of unknown type or wrong shape.
    #[error("event {seq} is invalid: {reason}")]
    InvalidEvent {
        /// Its position; 0 when it has none yet.
        seq: u64,
        /// What is wrong.
        reason: String,
    },
    /// The chain of hashes does not hold.
    #[error("event {seq} does not follow from the one before it: {reason}")]
    ChainBroken {
        /// The first event that is wrong.
        seq: u64,
        /// What is wrong.
        reason: String,
    },
    /// The state machine of sessions says no.
    #[error(transparent)]
    IllegalMove(#[from] IllegalMove),
    /// The state machine of jobs says no.
    #[error(transparent)]
    IllegalJobStep(#[from] IllegalJobStep),
    /// Tables that do not follow from the log.
    #[error("the log does not say what these tables hold: {}", .0.join(", "))]
    UnlikeLog(Vec<&'static str>),
    /// A row holds what no event put there.
    #[error("the database holds {0}")]
    Malformed(String),
}

impl StoreError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Sqlite(rusqlite::Error::SqliteFailure(failure, _)) => of_sqlite(*failure),
            Self::Sqlite(_) | Self::Foreign | Self::Malformed(_) | Self::UnlikeLog(_) => {
                Code::StoreDamaged
            }
            Self::Io { source, .. } => match source.kind() {
                std::io::ErrorKind::PermissionDenied
                | std::io::ErrorKind::ReadOnlyFilesystem
                | std::io::ErrorKind::NotFound
                | std::io::ErrorKind::NotADirectory
                | std::io::ErrorKind::IsADirectory => Code::StoreReadOnly,
                _ => Code::of_system(source),
            },
            Self::Newer { .. } => Code::StoreNewer,
            Self::InvalidEvent { .. } => Code::InvalidEvent,
            Self::ChainBroken { .. } => Code::ChainBroken,
            Self::IllegalMove(_) | Self::IllegalJobStep(_) => Code::SessionState,
        }
    }
}

/// The system's failures are not the file's: advice for a damaged database would lose a sound one.
fn of_sqlite(failure: rusqlite::ffi::Error) -> Code {
    use rusqlite::ffi;
    match (failure.code, failure.extended_code) {
        (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => Code::DiskFull,
        (ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied, _) => {
            Code::StoreReadOnly
        }
        (_, ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_CORRUPTFS) => Code::StoreDamaged,
        (ErrorCode::SystemIoFailure, _) => Code::Io,
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => Code::StoreBusy,
        _ => Code::StoreDamaged,
    }
}

/// With the system's reason, where SQLite told one.
impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let failed = error.sqlite_error().filter(|failure| {
            matches!(
                failure.code,
                ErrorCode::SystemIoFailure | ErrorCode::CannotOpen
            )
        });
        match failed.and_then(|failure| refused(failure.extended_code)) {
            Some((path, source)) => Self::Io { path, source },
            None => Self::Sqlite(error),
        }
    }
}

impl From<InvalidId> for StoreError {
    fn from(error: InvalidId) -> Self {
        Self::Malformed(error.to_string())
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn only_damage_is_called_damage() {
        for (result, code) in [
            (ffi::SQLITE_FULL, Code::DiskFull),
            (ffi::SQLITE_IOERR_SHMSIZE, Code::DiskFull),
            (ffi::SQLITE_IOERR_FSYNC, Code::Io),
            (ffi::SQLITE_IOERR_SHORT_READ, Code::StoreDamaged),
            (ffi::SQLITE_READONLY_DIRECTORY, Code::StoreReadOnly),
            (ffi::SQLITE_CANTOPEN, Code::StoreReadOnly),
            (ffi::SQLITE_BUSY_SNAPSHOT, Code::StoreBusy),
            (ffi::SQLITE_CORRUPT, Code::StoreDamaged),
            (ffi::SQLITE_NOTADB, Code::StoreDamaged),
        ] {
            let failure = rusqlite::Error::SqliteFailure(ffi::Error::new(result), None);
            assert_eq!(StoreError::from(failure).code(), code, "{result}");
        }
    }
}
