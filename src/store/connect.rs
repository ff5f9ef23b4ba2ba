//! Connections to the database file: to write, only to look, and alone.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error::StoreError;
use super::reserve::try_to_write;
use crate::raw::connect;

/// "TYRD", so that another program's database is not taken for ours.
pub(super) const APPLICATION_ID: i64 = 0x5459_5244;
/// How long a git hook waits for it.
const READ_BUSY: Duration = Duration::from_millis(500);
/// How long a command waits for another one's transaction.
const BUSY: Duration = Duration::from_secs(20);

/// Makes the file where there is none.
pub(super) fn connect_to_write(path: &Path) -> Result<Connection, StoreError> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // Not of one that is there: a full disk would refuse it, and SQLite only read it.
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, !path.exists());
    let connection = connect(path, flags)?;
    connection.busy_timeout(BUSY)?;
    refuse_foreign(&connection)?;
    keep_log_of_changes(&connection)?;
    Ok(connection)
}

/// Readers and a writer do not wait for one another then. Whether the file says so is only known when the statement is over:
/// it tells the mode before it writes it down.
fn keep_log_of_changes(connection: &Connection) -> Result<(), StoreError> {
    let mut statement = connection.prepare("PRAGMA journal_mode = WAL")?;
    let mut modes = statement.query([])?;
    while modes.next()?.is_some() {}
    Ok(())
}

/// Waits for nobody for long.
pub(super) fn connect_to_read(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = connect(path, flags)?;
    connection.busy_timeout(READ_BUSY)?;
    refuse_foreign(&connection)?;
    Ok(connection)
}

/// Without what writers share: where there are none, and none can be.
pub(super) fn connect_alone(path: &Path) -> Result<Connection, StoreError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let escaped = |c: char| match plain(c) {
        true => c.to_string(),
        false => c.to_string().bytes().map(|b| format!("%{b:02X}")).collect(),
    };
    let text: String = path.to_string_lossy().chars().map(escaped).collect();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = connect(format!("file:{text}?immutable=1"), flags)?;
    refuse_foreign(&connection)?;
    Ok(connection)
}

fn refuse_foreign(connection: &Connection) -> Result<(), StoreError> {
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if id == APPLICATION_ID || (id == 0 && tables == 0) {
        Ok(())
    } else {
        Err(StoreError::Foreign)
    }
}

/// A file that it cannot make is only not there for SQLite, and one that it cannot open for writing may only be read. Making
/// another one beside it tells why; where that goes well, so may the first one by now.
pub(super) fn with_its_reason<T>(
    state_dir: &Path,
    open: impl Fn() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let first = open();
    let is_unsaid = match &first {
        Err(StoreError::Io { source, .. }) => source.kind() == ErrorKind::NotFound,
        Err(StoreError::Sqlite(error)) => error.sqlite_error_code() == Some(ErrorCode::ReadOnly),
        _ => false,
    };
    if !is_unsaid {
        return first;
    }
    try_to_write(state_dir).map_err(|source| refused_in(state_dir, source))?;
    open()
}

/// With why nothing can be written there, where SQLite only knows that it could not.
pub(super) fn explained(error: StoreError, state_dir: &Path) -> StoreError {
    match &error {
        StoreError::Sqlite(failure)
            if failure.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) =>
        {
            let tried = try_to_write(state_dir).err();
            tried.map_or(error, |source| refused_in(state_dir, source))
        }
        _ => error,
    }
}

fn refused_in(state_dir: &Path, source: io::Error) -> StoreError {
    StoreError::Io {
        path: state_dir.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::code::Code;

    #[test]
    fn that_a_mode_was_not_written_down_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.db");
        let reader = connect(&file, OpenFlags::default()).unwrap();
        reader
            .execute_batch("CREATE TABLE a (b); BEGIN; SELECT * FROM a")
            .unwrap();
        let connection = connect(&file, OpenFlags::default()).unwrap();
        connection.busy_timeout(Duration::ZERO).unwrap();
        let refused = keep_log_of_changes(&connection).unwrap_err();
        assert_eq!(refused.code(), Code::StoreBusy);
        drop(reader);
        keep_log_of_changes(&connection).unwrap();
        let query = "PRAGMA journal_mode";
        let mode: String = connection.query_row(query, [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }
}
