//! The fold: what each event does to the tables. The same function serves live writing and
//! rebuilding from nothing.

use rusqlite::{Connection, OptionalExtension, params};

use super::chain::plain;
use super::error::StoreError;
use super::{checkpoints, consents, fold_locks, fold_models, status};
use crate::model::code::Code;
use crate::model::event::{Event, Record};
use crate::model::ids::{JobId, SessionId};
use crate::model::job::JobState;
use crate::model::session::SessionState;

/// The answer to a request for more that is neither granted nor refused yet.
const QUEUED: &str = "queued";

pub(super) fn fold(db: &Connection, record: &Record) -> Result<(), StoreError> {
    if let Some(session) = record.model_session_id {
        fold_into_session(db, record, session)?;
        checkpoints::fold(db, record, session)?;
    }
    consents::fold(db, record)?;
    match &record.event {
        Event::ArtifactStored {
            hash,
            size,
            kind,
            media_type,
            job_id,
        } => {
            db.prepare_cached(
                "INSERT INTO artifacts (seq, hash, session_id, job_id, size, kind, media_type, \
                 stored_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                record.seq as i64,
                hash.as_str(),
                record.model_session_id.map(|id| id.to_string()),
                job_id.map(|id| id.to_string()),
                *size as i64,
                kind,
                media_type,
                record.at_ms,
            ])?;
        }
        Event::ArtifactQuarantined { hash } => {
            db.execute(
                "UPDATE artifacts SET quarantined = 1 WHERE hash = ?1",
                [hash.as_str()],
            )?;
        }
        Event::ArtifactsCollected { hashes, .. } => {
            let mut delete = db.prepare_cached("DELETE FROM artifacts WHERE hash = ?1")?;
            for hash in hashes {
                delete.execute([hash.as_str()])?;
            }
        }
        Event::EventsPruned { through, .. } => {
            db.execute(
                "DELETE FROM sessions WHERE created_seq <= ?1",
                [*through as i64],
            )?;
        }
        _ => fold_locks::fold(db, record)?,
    }
    Ok(())
}

fn fold_into_session(db: &Connection, record: &Record, id: SessionId) -> Result<(), StoreError> {
    let key = id.to_string();
    match &record.event {
        Event::SessionCreated { .. } => return create_session(db, record, id),
        // Tidying up is no sign of life.
        Event::CheckpointsDropped { .. } => return Ok(()),
        Event::SessionMoved { from, to, reason } => {
            let now = session_state(db, id)?;
            let to = now.move_to(*to)?;
            if now != *from {
                return Err(StoreError::InvalidEvent {
                    seq: record.seq,
                    reason: format!(
                        "it leaves {} but the session is {}",
                        from.name(),
                        now.name()
                    ),
                });
            }
            db.prepare_cached("UPDATE sessions SET state = ?2, reason = ?3 WHERE session_id = ?1")?
                .execute(params![key, to.name(), reason])?;
        }
        Event::SessionCompleted { tip } => {
            db.execute(
                "UPDATE sessions SET tip = coalesce(?2, tip) WHERE session_id = ?1",
                params![key, tip.as_ref().map(|tip| tip.as_str())],
            )?;
        }
        Event::JobQueued {
            job_id,
            kind,
            position,
            attempt,
            command,
            not_before_ms,
        } => {
            db.prepare_cached(
                "INSERT INTO jobs (job_id, session_id, queued_seq, kind, position, attempt, \
                 command, state, not_before_ms, queued_ms) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'queued', ?8, ?9)",
            )?
            .execute(params![
                job_id.to_string(),
                key,
                record.seq as i64,
                plain(kind)?,
                position,
                attempt,
                serde_json::to_string(command)?,
                not_before_ms,
                record.at_ms,
            ])?;
        }
        Event::JobDispatched { job_id } => {
            move_job(db, *job_id, &record.event)?;
            db.prepare_cached("UPDATE jobs SET started_ms = ?2 WHERE job_id = ?1")?
                .execute(params![job_id.to_string(), record.at_ms])?;
        }
        Event::JobCancelled { job_id, .. } => {
            move_job(db, *job_id, &record.event)?;
            db.prepare_cached("UPDATE jobs SET ended_ms = ?2 WHERE job_id = ?1")?
                .execute(params![job_id.to_string(), record.at_ms])?;
        }
        Event::CommandExecuted {
            job_id,
            outcome,
            duration_ms,
            output,
        } => {
            move_job(db, *job_id, &record.event)?;
            db.prepare_cached(
                "UPDATE jobs SET ended_ms = ?2, duration_ms = ?3, outcome = ?4, output = ?5 \
                 WHERE job_id = ?1",
            )?
            .execute(params![
                job_id.to_string(),
                record.at_ms,
                *duration_ms as i64,
                serde_json::to_string(outcome)?,
                output.as_ref().map(|hash| hash.as_str()),
            ])?;
        }
        Event::WorkspaceReady {
            path,
            git_dir,
            base,
            method,
            ..
        } => {
            db.execute(
                "UPDATE sessions SET worktree_path = ?2, git_dir = ?3, base = ?4, \
                 fill_method = ?5, released = 0 WHERE session_id = ?1",
                params![key, path, git_dir, base.as_str(), method],
            )?;
        }
        Event::WorkspaceImported { tip } => {
            db.execute(
                "UPDATE sessions SET tip = ?2 WHERE session_id = ?1",
                params![key, tip.as_str()],
            )?;
        }
        Event::WorkspaceReleased { .. } => {
            db.execute(
                "UPDATE sessions SET released = 1 WHERE session_id = ?1",
                [&key],
            )?;
            // Clearing away is no change of the work: it must not make the session younger.
            return Ok(());
        }
        Event::StatusChanged { status, .. } => return status::keep(db, id, status),
        Event::WorkspaceSalvaged { .. }
        | Event::CheckoutsUpdated { .. }
        | Event::DriftFound { .. }
        | Event::SandboxBypassed { .. }
        | Event::WorkspaceQuarantined { .. }
        | Event::SecretsPassed { .. }
        | Event::OutputRedacted { .. }
        | Event::LockReleased { .. } => return Ok(()),
        Event::SessionPrioritized { priority } => {
            db.execute(
                "UPDATE sessions SET priority = ?2 WHERE session_id = ?1",
                params![key, priority],
            )?;
        }
        Event::SessionMessage { .. }
        | Event::ModelCallStarted { .. }
        | Event::ModelCallEnded { .. } => fold_models::fold(db, record, id)?,
        Event::ScopeChanged { scope } => fold_locks::ask(db, id, scope)?,
        Event::ScopeRequested { more, answer } => {
            fold_locks::want(db, id, more, answer == QUEUED)?;
        }
        Event::Landed { to, .. } => {
            db.execute(
                "UPDATE sessions SET landed_commit = ?2, report = NULL, \
                 landing_code = NULL WHERE session_id = ?1",
                params![key, to.as_str()],
            )?;
        }
        Event::LandingRefused { code, .. } => {
            db.execute(
                "UPDATE sessions SET landing_code = ?2 WHERE session_id = ?1",
                params![key, code],
            )?;
        }
        Event::LandingConflicted { report, .. } => {
            db.execute(
                "UPDATE sessions SET report = ?2, landing_code = ?3 WHERE session_id = ?1",
                params![key, report.as_str(), Code::MergeConflict.id()],
            )?;
        }
        _ => {}
    }
    db.prepare_cached("UPDATE sessions SET updated_ms = ?2 WHERE session_id = ?1")?
        .execute(params![key, record.at_ms])?;
    Ok(())
}

fn create_session(db: &Connection, record: &Record, id: SessionId) -> Result<(), StoreError> {
    let Event::SessionCreated {
        plan_id,
        spec,
        after,
        branch,
        target,
        auto_land,
    } = &record.event
    else {
        return Ok(());
    };
    db.prepare_cached(
        "INSERT INTO sessions (session_id, created_seq, name, plan_id, state, reason, spec, \
         branch, target, auto_land, lane, priority, group_name, created_ms, updated_ms, scope) \
         VALUES (?1, ?2, ?3, ?4, ?5, '', ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13, ?14)",
    )?
    .execute(params![
        id.to_string(),
        record.seq as i64,
        spec.name.as_str(),
        plan_id.to_string(),
        SessionState::Created.name(),
        serde_json::to_string(spec)?,
        branch,
        target,
        auto_land,
        plain(&spec.lane)?,
        spec.priority,
        spec.group,
        record.at_ms,
        serde_json::to_string(&spec.scope)?,
    ])?;
    let mut insert =
        db.prepare_cached("INSERT INTO session_after (session_id, after_id) VALUES (?1, ?2)")?;
    for before in after {
        insert.execute(params![id.to_string(), before.to_string()])?;
    }
    Ok(())
}

fn session_state(db: &Connection, id: SessionId) -> Result<SessionState, StoreError> {
    let name: Option<String> = db
        .prepare_cached("SELECT state FROM sessions WHERE session_id = ?1")?
        .query_row([id.to_string()], |row| row.get(0))
        .optional()?;
    let name = name.ok_or_else(|| StoreError::Malformed(format!("no session {id}")))?;
    SessionState::from_name(&name)
        .ok_or_else(|| StoreError::Malformed(format!("the session state {name:?}")))
}

fn move_job(db: &Connection, id: JobId, event: &Event) -> Result<(), StoreError> {
    let name: Option<String> = db
        .prepare_cached("SELECT state FROM jobs WHERE job_id = ?1")?
        .query_row([id.to_string()], |row| row.get(0))
        .optional()?;
    let name = name.ok_or_else(|| StoreError::Malformed(format!("no job {id}")))?;
    let state = JobState::from_name(&name)
        .ok_or_else(|| StoreError::Malformed(format!("the job state {name:?}")))?;
    db.prepare_cached("UPDATE jobs SET state = ?2 WHERE job_id = ?1")?
        .execute(params![id.to_string(), state.next(event)?.name()])?;
    Ok(())
}
