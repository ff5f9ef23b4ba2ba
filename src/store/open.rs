//! Opening the database, and bringing an older one up to date.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use super::chain;
use super::connect::{
    APPLICATION_ID, connect_alone, connect_to_read, connect_to_write, explained, with_its_reason,
};
use super::error::StoreError;
use super::reserve;
use super::tx::Tx;
use crate::fault::{self, Point};
use crate::model::code::Code;
use crate::model::ids::EventId;
use crate::model::redact::Redactor;
use crate::raw::connect_in_memory;

/// The database's file name in the state folder.
pub const DATABASE: &str = "treeyard.db";
/// One entry a version; entry 0 makes version 1.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_first.sql"),
    include_str!("../../migrations/0002_moves.sql"),
    include_str!("../../migrations/0003_locks.sql"),
    include_str!("../../migrations/0004_models.sql"),
    include_str!("../../migrations/0005_status.sql"),
    include_str!("../../migrations/0006_consents.sql"),
    include_str!("../../migrations/0007_checkpoints.sql"),
    include_str!("../../migrations/0008_recovery.sql"),
];
/// The schema version this binary writes.
pub const SCHEMA_VERSION: i64 = MIGRATIONS.len() as i64;

/// An open database. One writer at a time, by `BEGIN IMMEDIATE`; readers are never blocked (WAL).
#[derive(Debug)]
pub struct Store {
    pub(super) connection: Connection,
    path: PathBuf,
    trace_id: EventId,
    redactor: Redactor,
    clock: Clock,
}

/// Tells the time, in milliseconds since the epoch.
pub(super) type Clock = fn() -> i64;

fn wall_clock() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

impl Store {
    /// Opens or makes the database in `state_dir`, and migrates an older one.
    ///
    /// # Errors
    /// A newer or foreign or damaged file, a full disk, a folder that cannot be written.
    pub fn open(state_dir: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(state_dir).map_err(|source| StoreError::Io {
            path: state_dir.display().to_string(),
            source,
        })?;
        reserve::make_room(state_dir);
        let path = state_dir.join(DATABASE);
        with_its_reason(state_dir, || Self::open_file(&path))
    }

    /// Opens the database only to look, without waiting long; `None` when there is none. A store that
    /// this user cannot write can be read too, and an older one is migrated.
    ///
    /// # Errors
    /// A damaged or foreign file, or one of another version.
    pub fn open_to_read(state_dir: &Path) -> Result<Option<Self>, StoreError> {
        let path = state_dir.join(DATABASE);
        if !path.exists() {
            return Ok(None);
        }
        let connection = with_its_reason(state_dir, || connect_to_read(&path));
        let connection = connection.or_else(|error| {
            // In a folder that cannot be written, SQLite cannot share it with writers. Without a log
            // of changes beside it, there are none, and the file alone is all there is.
            let log = state_dir.join(format!("{DATABASE}-wal"));
            match log.exists() {
                true => Err(error),
                false => connect_alone(&path),
            }
        })?;
        let found = user_version(&connection)?;
        if found < SCHEMA_VERSION {
            return Self::open_file(&path).map(Some);
        }
        if found > SCHEMA_VERSION {
            return Err(StoreError::Newer {
                found,
                known: SCHEMA_VERSION,
            });
        }
        Ok(Some(Self {
            connection,
            path,
            trace_id: EventId::new(),
            redactor: Redactor::patterns(),
            clock: wall_clock,
        }))
    }

    fn open_file(path: &Path) -> Result<Self, StoreError> {
        let mut connection = connect_to_write(path)?;
        connection.set_prepared_statement_cache_capacity(64);
        // NORMAL does not sync each commit in WAL mode; an acknowledged record must survive.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        migrate(&mut connection)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            trace_id: EventId::new(),
            redactor: Redactor::patterns(),
            clock: wall_clock,
        })
    }

    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What takes secrets out of messages from now on; the patterns do so always.
    pub fn redact_with(&mut self, redactor: Redactor) {
        self.redactor = redactor;
    }

    /// Takes the time from elsewhere.
    #[cfg(test)]
    pub(crate) fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    /// Runs `work` in one transaction: all of it happens, durably, or none.
    pub fn write<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let (trace_id, clock) = (self.trace_id, self.clock);
        let state_dir = self.path.parent().unwrap_or(&self.path);
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| explained(error.into(), state_dir))?;
        let mut tx = Tx::begin(transaction, (trace_id, clock), &self.redactor)?;
        let value = work(&mut tx)?;
        fault::at(Point::Committing).map_err(|source| StoreError::Io {
            path: self.path.display().to_string(),
            source,
        })?;
        reserve::make_room(state_dir);
        let committed = tx.commit().map_err(|error| explained(error, state_dir));
        committed.inspect_err(|error| {
            // Not every lack of space shows in what is free.
            if error.code() == Code::DiskFull {
                reserve::give_way(state_dir);
            }
        })?;
        Ok(value)
    }

    /// SQLite's own check of the file.
    pub fn integrity_check(&self) -> Result<Vec<String>, StoreError> {
        let mut statement = self.connection.prepare("PRAGMA integrity_check")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        let lines: Vec<String> = rows.collect::<Result<_, _>>()?;
        Ok(lines.into_iter().filter(|line| line != "ok").collect())
    }

    /// Changes whenever another connection has committed; cheap to ask.
    pub fn data_version(&self) -> Result<i64, StoreError> {
        Ok(self
            .connection
            .pragma_query_value(None, "data_version", |row| row.get(0))?)
    }
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    if user_version(connection)? == SCHEMA_VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read again under the lock: another process may have migrated in between.
    let found = user_version(&transaction)?;
    if found > SCHEMA_VERSION {
        return Err(StoreError::Newer {
            found,
            known: SCHEMA_VERSION,
        });
    }
    let done = usize::try_from(found).map_err(|_| StoreError::Foreign)?;
    for migration in &MIGRATIONS[done..] {
        transaction.execute_batch(migration)?;
    }
    if found == 0 {
        chain::start(&transaction)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()?;
    Ok(())
}

fn user_version(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// An empty database in memory, of the newest version.
pub(super) fn in_memory() -> Result<Connection, StoreError> {
    let mut connection = connect_in_memory()?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// A database as the treeyard of `version` left it, with the rows of `sample`.
#[cfg(test)]
pub(super) fn write_version(path: &Path, version: usize, sample: &str) {
    let connection = crate::raw::connect(path, rusqlite::OpenFlags::default()).unwrap();
    for migration in &MIGRATIONS[..version] {
        connection.execute_batch(migration).unwrap();
    }
    connection.execute_batch(sample).unwrap();
    connection
        .pragma_update(None, "application_id", APPLICATION_ID)
        .unwrap();
    connection
        .pragma_update(None, "user_version", version as i64)
        .unwrap();
}
