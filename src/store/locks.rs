//! Reading who holds what.

use std::collections::HashMap;

use rusqlite::{Connection, Row, params};

use super::error::StoreError;
use super::open::Store;
use super::query::records;
use super::tx::Tx;
use crate::model::event::Event;
use crate::model::ids::SessionId;
use crate::model::lock::{Lock, LockTable, LockToken, Party};
use crate::model::scope::Scope;

const LOCKS: &str = "SELECT token, owner, holder, scope, since, lease, granted_ms FROM locks";
const HOLDERS: &str = "
SELECT s.session_id, s.name,
       s.state IN ('PAUSED', 'BLOCKED') OR coalesce(s.fill_method, '') = 'adopted'
       OR s.state = 'COMPLETED' AND NOT (s.auto_land AND s.landed_commit IS NULL
                                         AND s.landing_code IS NULL)
FROM locks l JOIN sessions s ON s.session_id = l.holder_session_id";
const GRANTS: &str =
    "SELECT * FROM events WHERE event_type = 'FR-EVT-LOCK-001' AND seq > ?1 ORDER BY seq";

/// The last word of the log about a session's lock.
const SAID: &str = "SELECT * FROM events WHERE session_id = ?1 AND seq >= ?2 \
     AND event_type IN ('FR-EVT-LOCK-001', 'FR-EVT-LOCK-004') ORDER BY seq DESC LIMIT 1";
const GRANTED_BEFORE: &str = "SELECT 1 FROM events \
     WHERE session_id = ?1 AND event_type = 'FR-EVT-LOCK-001' AND seq < ?2";

/// A session that holds files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its task's name.
    pub name: String,
    /// Whether it gives them back only when a person does something: lands it, resumes it.
    pub rests: bool,
}

impl Store {
    /// The sessions that hold files.
    pub fn holders(&self) -> Result<HashMap<SessionId, Holder>, StoreError> {
        let mut statement = self.connection.prepare_cached(HOLDERS)?;
        let holder = |row: &Row<'_>| -> Result<(SessionId, Holder), StoreError> {
            let id: String = row.get(0)?;
            let (name, rests) = (row.get(1)?, row.get(2)?);
            Ok((id.parse()?, Holder { name, rests }))
        };
        statement.query_and_then([], holder)?.collect()
    }

    /// Every lock that is held, in the order of their grants.
    pub fn locks(&self) -> Result<Vec<Lock>, StoreError> {
        locks(&self.connection)
    }

    /// Brings what was read of the locks up to what is held now, which costs nothing when nothing has
    /// changed.
    ///
    /// # Errors
    /// The store cannot be read, or a scope in it.
    pub fn read_locks(&self, table: &mut LockTable) -> Result<(), StoreError> {
        read_locks(&self.connection, table)
    }

    /// Whether the session was granted a lock before `token`.
    pub fn had_lock_before(
        &self,
        session: SessionId,
        token: LockToken,
    ) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare_cached(GRANTED_BEFORE)?;
        Ok(statement.exists(params![session.to_string(), token.0 as i64])?)
    }

    /// The lock that protects a session's work, whoever works under it.
    pub fn lock_of(&self, session: SessionId) -> Result<Option<Lock>, StoreError> {
        lock_of(&self.connection, session)
    }
}

impl Tx<'_> {
    /// See [`Store::read_locks`].
    pub fn read_locks(&self, table: &mut LockTable) -> Result<(), StoreError> {
        read_locks(&self.inner, table)
    }

    /// The lock that protects a session's work, whoever works under it.
    pub fn lock_of(&self, session: SessionId) -> Result<Option<Lock>, StoreError> {
        lock_of(&self.inner, session)
    }

    /// The lock that protects a session's work, if the log grants what the table says: what lands is
    /// decided by it.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] when the table says otherwise.
    pub fn proved_lock_of(&self, session: SessionId) -> Result<Option<Lock>, StoreError> {
        let Some(lock) = self.lock_of(session)? else {
            return Ok(None);
        };
        let mut statement = self.inner.prepare_cached(SAID)?;
        let said = records(statement.query(params![session.to_string(), lock.token.0 as i64])?)?;
        let scope = said
            .into_iter()
            .next()
            .and_then(|record| match record.event {
                Event::LockGranted { scope, .. } => Some(scope),
                Event::LockNarrowed { token, scope } => (token == lock.token).then_some(scope),
                _ => None,
            });
        match scope.is_some_and(|scope| scope == lock.scope) {
            true => Ok(Some(lock)),
            false => Err(StoreError::Malformed(format!(
                "another scope for lock {} than was granted",
                lock.token
            ))),
        }
    }

    /// The locks under which a session works: its own, and those that were passed to it.
    pub fn held_by(&self, session: SessionId) -> Result<Vec<Lock>, StoreError> {
        let clause = "WHERE holder_session_id = ?1 ORDER BY token";
        select(&self.inner, clause, params![session.to_string()])
    }

    /// What was granted after `token`, and to whom.
    pub fn granted_after(&self, token: LockToken) -> Result<Vec<(Party, Scope)>, StoreError> {
        let mut statement = self.inner.prepare_cached(GRANTS)?;
        let grants = records(statement.query([token.0 as i64])?)?.into_iter();
        let grants = grants.filter_map(|record| match record.event {
            Event::LockGranted { owner, scope, .. } => Some((owner, scope)),
            _ => None,
        });
        Ok(grants.collect())
    }

    /// The token of a lock that is granted by the next event.
    pub fn next_token(&self) -> LockToken {
        LockToken(self.next_seq())
    }
}

fn read_locks(db: &Connection, table: &mut LockTable) -> Result<(), StoreError> {
    let changes: i64 = db
        .prepare_cached("SELECT changes FROM grants WHERE only_row = 1")?
        .query_row([], |row| row.get(0))?;
    let version = changes as u64;
    if table.version() == Some(version) {
        return Ok(());
    }
    let read = table.sync(locks(db)?, version);
    read.map_err(|error| {
        StoreError::Malformed(format!("a lock whose scope cannot be read: {error}"))
    })
}

fn locks(db: &Connection) -> Result<Vec<Lock>, StoreError> {
    select(db, "ORDER BY token", params![])
}

fn lock_of(db: &Connection, session: SessionId) -> Result<Option<Lock>, StoreError> {
    let clause = "WHERE session_id = ?1";
    Ok(select(db, clause, params![session.to_string()])?.pop())
}

fn select(
    db: &Connection,
    clause: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<Lock>, StoreError> {
    let mut statement = db.prepare_cached(&format!("{LOCKS} {clause}"))?;
    let rows = statement.query_and_then(values, from_sql)?;
    rows.collect()
}

fn from_sql(row: &Row<'_>) -> Result<Lock, StoreError> {
    let text = |index: usize| row.get_ref(index)?.as_str().map_err(rusqlite::Error::from);
    let lease: Option<String> = row.get(5)?;
    Ok(Lock {
        token: LockToken(row.get::<_, i64>(0)? as u64),
        owner: serde_json::from_str(text(1)?)?,
        holder: serde_json::from_str(text(2)?)?,
        scope: serde_json::from_str(text(3)?)?,
        since: LockToken(row.get::<_, i64>(4)? as u64),
        lease: lease.as_deref().map(serde_json::from_str).transpose()?,
        granted_ms: row.get(6)?,
    })
}
