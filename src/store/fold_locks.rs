//! What events of locks do to the tables.

use rusqlite::{Connection, params};

use super::error::StoreError;
use crate::model::event::{Event, Record};
use crate::model::ids::SessionId;
use crate::model::lock::LockToken;
use crate::model::scope::Scope;

pub(super) fn fold(db: &Connection, record: &Record) -> Result<(), StoreError> {
    if record.event.type_id().starts_with("FR-EVT-LOCK-") {
        let count = "UPDATE grants SET changes = changes + 1 WHERE only_row = 1";
        db.prepare_cached(count)?.execute([])?;
    }
    match &record.event {
        Event::LockGranted { .. } => grant(db, record),
        Event::LockReleased { token, .. } => {
            let delete = "DELETE FROM locks WHERE token = ?1";
            change(db, record, delete, params![token.0 as i64])
        }
        Event::LockNarrowed { token, scope } => {
            let scope = serde_json::to_string(scope)?;
            db.prepare_cached(
                "UPDATE sessions SET scope = ?2 WHERE session_id = \
                 (SELECT session_id FROM locks WHERE token = ?1)",
            )?
            .execute(params![token.0 as i64, scope])?;
            let update = "UPDATE locks SET scope = ?2 WHERE token = ?1";
            change(db, record, update, params![token.0 as i64, scope])
        }
        Event::LockPassed { token, to } => {
            let update = "UPDATE locks SET holder = ?2, holder_session_id = ?3 WHERE token = ?1";
            let to_session = to.session_id().map(|id| id.to_string());
            let values = params![token.0 as i64, serde_json::to_string(to)?, to_session];
            change(db, record, update, values)
        }
        Event::LockLeased { token, lease } => {
            let lease = lease.as_ref().map(serde_json::to_string).transpose()?;
            let update = "UPDATE locks SET lease = ?2 WHERE token = ?1";
            change(db, record, update, params![token.0 as i64, lease])
        }
        Event::LockConflicted { conflict } => {
            let waiter = conflict.waiter.party.session_id();
            if let Some(id) = waiter.filter(|id| record.model_session_id == Some(*id)) {
                db.prepare_cached(
                    "UPDATE sessions SET waits_for_token = ?2, \
                     waits_since_grant = (SELECT count FROM grants WHERE only_row = 1) WHERE session_id = ?1 \
                     AND NOT EXISTS (SELECT 1 FROM locks WHERE locks.session_id = ?1)",
                )?
                .execute(params![id.to_string(), conflict.token.0 as i64])?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What a session asks for from now on.
pub(super) fn ask(db: &Connection, id: SessionId, scope: &Scope) -> Result<(), StoreError> {
    set(db, id, "scope", serde_json::to_string(scope)?)
}

/// What a session asked for on top, as long as nobody has answered just that.
pub(super) fn want(
    db: &Connection,
    id: SessionId,
    more: &Scope,
    queued: bool,
) -> Result<(), StoreError> {
    let more = serde_json::to_string(more)?;
    if queued {
        return set(db, id, "wants", more);
    }
    let answered = "UPDATE sessions SET wants = NULL WHERE session_id = ?1 AND wants = ?2";
    db.prepare_cached(answered)?
        .execute(params![id.to_string(), more])?;
    Ok(())
}

fn grant(db: &Connection, record: &Record) -> Result<(), StoreError> {
    let Event::LockGranted {
        token,
        owner,
        scope,
        since,
        replaces,
        lease,
    } = &record.event
    else {
        return Ok(());
    };
    // The one thing that makes tokens rise for ever, whatever is removed from the log.
    if *token != LockToken(record.seq) || owner.session_id() != record.model_session_id {
        return Err(StoreError::InvalidEvent {
            seq: record.seq,
            reason: "a grant has its own sequence number as token, and its session".to_owned(),
        });
    }
    if let Some(old) = replaces {
        let delete = "DELETE FROM locks WHERE token = ?1";
        change(db, record, delete, params![old.0 as i64])?;
    }
    let session = owner.session_id().map(|id| id.to_string());
    let (party, scope) = (serde_json::to_string(owner)?, serde_json::to_string(scope)?);
    db.prepare_cached(
        "INSERT INTO locks (token, session_id, holder_session_id, owner, holder, scope, since, \
         lease, granted_ms) VALUES (?1, ?2, ?2, ?3, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        token.0 as i64,
        session,
        party,
        scope,
        since.0 as i64,
        lease.as_ref().map(serde_json::to_string).transpose()?,
        record.at_ms,
    ])?;
    db.prepare_cached(
        "UPDATE sessions SET scope = ?2, lock_token = ?3, lock_since = ?4, \
         waits_for_token = NULL, waits_since_grant = NULL WHERE session_id = ?1",
    )?
    .execute(params![session, scope, token.0 as i64, since.0 as i64])?;
    db.prepare_cached("UPDATE grants SET count = count + 1 WHERE only_row = 1")?
        .execute([])?;
    Ok(())
}

/// Changes the one lock that the event is about.
fn change(
    db: &Connection,
    record: &Record,
    statement: &str,
    values: impl rusqlite::Params,
) -> Result<(), StoreError> {
    match db.prepare_cached(statement)?.execute(values)? {
        1 => Ok(()),
        _ => Err(StoreError::InvalidEvent {
            seq: record.seq,
            reason: "nobody holds the lock that it is about".to_owned(),
        }),
    }
}

fn set(
    db: &Connection,
    id: SessionId,
    column: &'static str,
    value: impl rusqlite::ToSql,
) -> Result<(), StoreError> {
    db.prepare_cached(&format!(
        "UPDATE sessions SET {column} = ?2 WHERE session_id = ?1"
    ))?
    .execute(params![id.to_string(), value])?;
    Ok(())
}
