//! The fold of what models say and take.

use rusqlite::{Connection, params};

use super::error::StoreError;
use crate::model::event::{Event, Record};
use crate::model::ids::SessionId;
use crate::model::run::{CallEnd, CallIntent, CallOutcome};
use crate::model::thread::{MessageRecord, Said};

pub(super) fn fold(db: &Connection, record: &Record, id: SessionId) -> Result<(), StoreError> {
    match &record.event {
        Event::SessionMessage { message } => say(db, record, id, message),
        Event::ModelCallStarted { call } => start(db, record, id, call),
        Event::ModelCallEnded { call } => end(db, record, call),
        _ => Ok(()),
    }
}

/// What a message says is an artifact of its session, and kept like all others.
fn say(
    db: &Connection,
    record: &Record,
    id: SessionId,
    message: &MessageRecord,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO messages (seq, session_id, at_ms, record) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![
        record.seq as i64,
        id.to_string(),
        record.at_ms,
        serde_json::to_string(message)?,
    ])?;
    db.prepare_cached(
        "INSERT INTO artifacts (seq, hash, session_id, size, kind, media_type, stored_ms) \
         VALUES (?1, ?2, ?3, ?4, 'message', ?5, ?6)",
    )?
    .execute(params![
        record.seq as i64,
        message.content_hash.as_str(),
        id.to_string(),
        message.size as i64,
        Said::media_type(message.role),
        record.at_ms,
    ])?;
    Ok(())
}

fn start(
    db: &Connection,
    record: &Record,
    id: SessionId,
    call: &CallIntent,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO model_calls (call_id, session_id, plan_id, job_id, step, provider, model_id, \
         backend, started_ms, reserved_tokens, reserved_cost) \
         SELECT ?1, session_id, plan_id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM sessions \
         WHERE session_id = ?2",
    )?
    .execute(params![
        call.call_id.to_string(),
        id.to_string(),
        call.job_id.to_string(),
        call.step as i64,
        call.provider,
        call.model_id,
        call.backend.name(),
        record.at_ms,
        amount(call.reserved.tokens),
        amount(call.reserved.cost.0),
    ])?;
    Ok(())
}

fn end(db: &Connection, record: &Record, call: &CallOutcome) -> Result<(), StoreError> {
    let answered = matches!(call.end, CallEnd::Answered { .. });
    let tokens = call.usage.sent().saturating_add(call.usage.output);
    db.prepare_cached(
        "UPDATE model_calls SET ended_ms = ?2, tokens = ?3, output_tokens = ?4, cost = ?5, \
         latency_ms = ?6, failed = ?7 WHERE call_id = ?1 AND ended_ms IS NULL",
    )?
    .execute(params![
        call.call_id.to_string(),
        record.at_ms,
        amount(tokens),
        amount(call.usage.output),
        amount(call.cost.0),
        amount(call.latency_ms),
        !answered,
    ])?;
    Ok(())
}

/// SQLite counts to half of that.
fn amount(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
