//! The end of a job, as the log has it.

use super::control::take_out;
use crate::cas::Stored;
use crate::model::event::{Actor, Event};
use crate::model::ids::{JobId, SessionId};
use crate::model::job::Outcome;
use crate::model::redact::Findings;
use crate::store::{JobRow, StoreError, Tx};

/// How a job ended.
pub struct JobEnd<'a> {
    pub outcome: &'a Outcome,
    /// How long it ran, in milliseconds.
    pub duration_ms: u64,
    /// What it printed, when the store could take it, and the kind of artifact that is.
    pub output: Option<(&'a Stored, &'a str)>,
    /// What was taken out of it.
    pub redacted: Findings,
}

/// Records the end of a job, and its output before it. When it ended, by the log.
pub fn record_end(
    tx: &mut Tx<'_>,
    session: SessionId,
    job_id: JobId,
    end: &JobEnd<'_>,
) -> Result<i64, StoreError> {
    if end.redacted.count > 0 {
        let event = Event::OutputRedacted {
            job_id,
            names: end.redacted.names.iter().cloned().collect(),
            count: end.redacted.count,
        };
        tx.append(Actor::System, Some(session), event)?;
    }
    if let Some((stored, kind)) = end.output {
        let event = Event::ArtifactStored {
            hash: stored.hash.clone(),
            size: stored.size,
            kind: kind.to_owned(),
            media_type: "text/plain".to_owned(),
            job_id: Some(job_id),
        };
        tx.append(Actor::System, Some(session), event)?;
    }
    let event = Event::CommandExecuted {
        job_id,
        outcome: end.outcome.clone(),
        duration_ms: end.duration_ms,
        output: end.output.map(|(stored, _)| stored.hash.clone()),
    };
    Ok(tx.append(Actor::System, Some(session), event)?.at_ms)
}

/// Records that the job ended in nobody's sight, and that nobody is to run it again.
pub fn close_lost(tx: &mut Tx<'_>, job: &JobRow, reason: &str) -> Result<(), StoreError> {
    let end = JobEnd {
        outcome: &Outcome::LOST,
        duration_ms: 0,
        output: None,
        redacted: Findings::default(),
    };
    record_end(tx, job.session_id, job.id, &end)?;
    take_out(tx, Actor::System, job, reason)
}
