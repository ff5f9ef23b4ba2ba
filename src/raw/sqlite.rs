//! Connections to SQLite that say why a call of the system failed. Its error codes do not; its log does.

use std::cell::RefCell;
use std::ffi::c_int;
use std::io;
use std::path::Path;
use std::sync::Once;

use rusqlite::trace::config_log;
use rusqlite::{Connection, OpenFlags};

/// A call of the system that failed, as SQLite logs it.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    /// SQLite's own code, the extended one.
    code: c_int,
    errno: i32,
    path: String,
}

thread_local! {
    /// The last one in this thread.
    static LAST: RefCell<Option<Refusal>> = const { RefCell::new(None) };
}

/// Opens a database.
pub(crate) fn connect(path: impl AsRef<Path>, flags: OpenFlags) -> rusqlite::Result<Connection> {
    listen();
    Connection::open_with_flags(path, flags)
}

/// Makes one that is nowhere else.
pub(crate) fn connect_in_memory() -> rusqlite::Result<Connection> {
    listen();
    Connection::open_in_memory()
}

/// The file of the call that failed last in this thread, and why it did, if SQLite gave it this code. It is told once.
pub(crate) fn refused(code: c_int) -> Option<(String, io::Error)> {
    let last = LAST.with_borrow_mut(Option::take)?;
    let reason = io::Error::from_raw_os_error(last.errno);
    (last.code == code).then_some((last.path, reason))
}

fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: no other call of SQLite may be under way. All connections of this program are made in this module, and
        // wait for this to be done. What hears the log calls nothing of SQLite, and has only what is its thread's own.
        if let Err(error) = unsafe { config_log(Some(hear)) } {
            tracing::debug!(%error, "why calls of the database fail will not be known");
        }
    });
}

fn hear(code: c_int, line: &str) {
    if let Some(refusal) = read(code, line) {
        LAST.set(Some(refusal));
    }
}

/// `os_unix.c:123: (28) open(/path/of/file) - No space left on device`.
fn read(code: c_int, line: &str) -> Option<Refusal> {
    let (_, rest) = line.strip_prefix("os_unix.c:")?.split_once(": (")?;
    let (errno, rest) = rest.split_once(") ")?;
    let (call, _) = rest.rsplit_once(") - ")?;
    let (_, path) = call.split_once('(')?;
    Some(Refusal {
        code,
        errno: errno.parse().ok().filter(|errno| *errno > 0)?,
        path: path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_says_why_a_call_failed() {
        let line = "os_unix.c:47364: (28) open(/a (1)/b) - c.db-wal) - No space left on device";
        let expected = Refusal {
            code: 14,
            errno: 28,
            path: "/a (1)/b) - c.db-wal".to_owned(),
        };
        assert_eq!(read(14, line), Some(expected));
        for line in [
            "cannot open file at line 47364 of [88d55]",
            "os_unix.c:1: (0) close(/a) - ",
            "os_unix.c:1: (x) close(/a) - b",
            "os_unix.c:1: (5) close",
        ] {
            assert_eq!(read(14, line), None, "{line}");
        }
    }

    #[test]
    fn a_database_that_cannot_be_opened_is_told_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("none/a.db");
        let error = connect(&file, OpenFlags::default()).unwrap_err();
        let code = error.sqlite_error().unwrap().extended_code;
        let (path, reason) = refused(code).unwrap();
        assert_eq!(Path::new(&path), file);
        assert_eq!(reason.kind(), io::ErrorKind::NotFound);
        assert!(refused(code).is_none());
    }
}
