//! Reading threads, how models were chosen and why they stopped, and what people said about calls of tools.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use super::open::Store;
use super::overrides::{Permission, unused};
use super::query::records;
use super::rows::{Columns, SessionRow};
use super::tx::Tx;
use crate::model::backend::Backend;
use crate::model::event::Event;
use crate::model::identity::RoleExecutionIdentity;
use crate::model::ids::{
    ContentHash, EventId, InvalidId, JobId, MessageId, ModelCallId, PlanId, SessionId,
};
use crate::model::run::{AskedCall, CallEnd, CallIntent, Stop};
use crate::model::thread::MessageRecord;
use crate::model::tool::{CallId, Rule};
use crate::model::work::Choice;

/// A message with its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// Its place in the log.
    pub seq: u64,
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// Whether it is not in its session's thread any more.
    pub taken_back: bool,
    /// The message.
    pub record: MessageRecord,
}

const RULES: &str = "SELECT * FROM events WHERE session_id = ?1 \
     AND event_type IN ('FR-EVT-GUARD-009', 'FR-EVT-GUARD-010') ORDER BY seq";
const ASKED: &str = "SELECT * FROM events WHERE session_id = ?1 \
     AND event_type = 'FR-EVT-GUARD-008' ORDER BY seq DESC LIMIT 1";
const BEGAN: &str = "SELECT * FROM events WHERE session_id = ?1 \
     AND event_type = 'FR-EVT-MODEL-005' ORDER BY seq DESC LIMIT 1";
const CHOSEN: &str = "SELECT * FROM events WHERE session_id = ?1 \
     AND event_type = 'FR-EVT-MODEL-006' ORDER BY seq";
const LAST_CALL: &str = "SELECT * FROM events WHERE session_id = ?1 \
     AND event_type IN ('FR-EVT-MODEL-001', 'FR-EVT-MODEL-002') ORDER BY seq DESC LIMIT 2";
const ARRIVED: &str = "SELECT * FROM events WHERE session_id = ?1 \
     AND event_type = 'FR-EVT-MODEL-007' ORDER BY seq DESC LIMIT 1";
const COMPACTED: &str = "SELECT * FROM events WHERE session_id = ?1 \
     AND event_type = 'FR-EVT-MODEL-004' \
     AND seq > coalesce((SELECT max(seq) FROM events WHERE session_id = ?1 \
     AND event_type = 'FR-EVT-CKPT-004'), 0) ORDER BY seq DESC LIMIT 1";
pub(super) const STOPPED: &str = "SELECT * FROM events WHERE +session_id = ?1 AND job_id = ?2 \
     AND event_type = 'FR-EVT-MODEL-003' \
     AND seq > coalesce((SELECT max(seq) FROM events WHERE session_id = ?1 \
     AND event_type = 'FR-EVT-CKPT-004'), 0) ORDER BY seq DESC LIMIT 1";

impl Store {
    /// What was said in a session after a place in the log, in order.
    pub fn messages(&self, session: SessionId, after: u64) -> Result<Vec<MessageRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, at_ms, taken_back, record FROM messages WHERE session_id = ?1 AND seq > ?2 \
             AND taken_back = 0 ORDER BY seq",
        )?;
        let rows = statement.query_and_then(params![session.to_string(), after as i64], message)?;
        rows.collect()
    }

    /// All that was ever said in a session, in order, with what was taken back.
    pub fn all_messages(&self, session: SessionId) -> Result<Vec<MessageRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, at_ms, taken_back, record FROM messages WHERE session_id = ?1 ORDER BY seq",
        )?;
        let rows = statement.query_and_then([session.to_string()], message)?;
        rows.collect()
    }

    /// The last message of a session's thread.
    pub fn last_message(&self, session: SessionId) -> Result<Option<MessageId>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, at_ms, taken_back, record FROM messages WHERE session_id = ?1 AND taken_back = 0 \
             ORDER BY seq DESC LIMIT 1",
        )?;
        let mut rows = statement.query_and_then([session.to_string()], message)?;
        let last = rows.next().transpose()?;
        Ok(last.map(|row| row.record.message_id))
    }

    /// Calls of tools that somebody was about to run, in sessions that are not over, and whose outcome is not on record.
    pub fn unsettled_calls(&self) -> Result<Vec<(SessionId, CallId)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT m.session_id, json_extract(m.record, '$.tool_call_id') FROM messages m \
             JOIN sessions s ON s.session_id = m.session_id \
             WHERE s.state NOT IN ('COMPLETED', 'CANCELLED') \
             AND json_extract(m.record, '$.role') = 'TOOL_CALL' AND NOT EXISTS \
             (SELECT 1 FROM messages r WHERE r.session_id = m.session_id AND r.seq > m.seq \
              AND json_extract(r.record, '$.role') = 'TOOL_RESULT' \
              AND json_extract(r.record, '$.tool_call_id') = json_extract(m.record, '$.tool_call_id'))",
        )?;
        let rows = statement.query_and_then([], |row| {
            let (session, call): (String, String) = (row.get(0)?, row.get(1)?);
            let malformed = |error: InvalidId| StoreError::Malformed(error.to_string());
            Ok((session.parse()?, call.parse().map_err(malformed)?))
        })?;
        rows.collect()
    }

    /// What had arrived of the answer to a call when it was kept last: the last message that its model had seen, and the
    /// words.
    pub fn arrived(
        &self,
        session: SessionId,
        call: ModelCallId,
    ) -> Result<Option<(Option<MessageId>, ContentHash)>, StoreError> {
        let mut statement = self.connection.prepare_cached(ARRIVED)?;
        let last = records(statement.query([session.to_string()])?)?.pop();
        Ok(last.and_then(|record| match record.event {
            Event::AnswerArriving {
                call_id,
                answers,
                hash,
                ..
            } if call_id == call => Some((answers, hash)),
            _ => None,
        }))
    }

    /// What people said about a session's calls of tools and still holds, with the events that say so.
    pub fn rules(&self, session: SessionId) -> Result<Vec<(EventId, Rule)>, StoreError> {
        rules(&self.connection, session)
    }

    /// The last call of a tool that a person was asked about.
    pub fn asked_call(&self, session: SessionId) -> Result<Option<AskedCall>, StoreError> {
        let mut statement = self.connection.prepare_cached(ASKED)?;
        let found = records(statement.query([session.to_string()])?)?;
        Ok(found.into_iter().find_map(|record| match record.event {
            Event::ApprovalAsked { asked } => Some(*asked),
            _ => None,
        }))
    }

    /// Who worked in a session last, where that was a model.
    pub fn identity_of(
        &self,
        session: SessionId,
    ) -> Result<Option<RoleExecutionIdentity>, StoreError> {
        let mut statement = self.connection.prepare_cached(BEGAN)?;
        let found = records(statement.query([session.to_string()])?)?;
        Ok(found.into_iter().find_map(|record| match record.event {
            Event::ModelBegan { identity, .. } => Some(*identity),
            _ => None,
        }))
    }

    /// Which model was chosen for a session last.
    pub fn choice_of(&self, session: SessionId) -> Result<Option<Choice>, StoreError> {
        Ok(choices(&self.connection, session)?.pop())
    }

    /// The model of a session, as settings name it: the last one that it was given, or that of its task.
    pub fn model_of(&self, session: &SessionRow) -> Result<Option<String>, StoreError> {
        Ok(match self.choice_of(session.id)? {
            Some(choice) => Some(choice.model),
            None => session.spec()?.run.model().map(|work| work.model.clone()),
        })
    }

    /// How often a session's work went on with a model elsewhere because another could not do it.
    pub fn cloud_escalations(&self, session: SessionId) -> Result<u32, StoreError> {
        let choices = choices(&self.connection, session)?.into_iter();
        let clouds = choices.filter(|choice| choice.escalated == Some(Backend::Cloud));
        Ok(u32::try_from(clouds.count()).unwrap_or(u32::MAX))
    }

    /// How many messages from the start are sent without what tools said in them. A thread that was taken back is short
    /// again.
    pub fn compacted(&self, session: SessionId) -> Result<usize, StoreError> {
        let mut statement = self.connection.prepare_cached(COMPACTED)?;
        let found = records(statement.query([session.to_string()])?)?;
        Ok(found
            .into_iter()
            .find_map(|record| match record.event {
                Event::ThreadCompacted { upto, .. } => Some(upto),
                _ => None,
            })
            .unwrap_or(0))
    }

    /// Why a job's model stopped. What it stopped for may have been taken back with its thread: then nothing.
    pub fn stop_of(&self, session: SessionId, job: JobId) -> Result<Option<Stop>, StoreError> {
        stop_of(&self.connection, session, job)
    }
}

impl Tx<'_> {
    /// Which model was chosen for a session last.
    pub fn choice_of(&self, session: SessionId) -> Result<Option<Choice>, StoreError> {
        Ok(choices(&self.inner, session)?.pop())
    }

    /// The call of a model that a session made last, with how it ended, if it has.
    pub fn last_model_call(
        &self,
        session: SessionId,
    ) -> Result<Option<(CallIntent, Option<CallEnd>)>, StoreError> {
        let mut statement = self.inner.prepare_cached(LAST_CALL)?;
        let (mut call, mut end) = (None, None);
        for record in records(statement.query([session.to_string()])?)? {
            match record.event {
                Event::ModelCallStarted { call: begun } => call = call.or(Some(*begun)),
                Event::ModelCallEnded { call: ended } if call.is_none() => end = Some(ended.end),
                _ => {}
            }
        }
        Ok(call.map(|call| (call, end)))
    }

    /// How many calls of models a session has made.
    pub fn steps_of(&self, session: SessionId) -> Result<u64, StoreError> {
        let steps: Option<i64> = self
            .inner
            .prepare_cached("SELECT max(step) FROM model_calls WHERE session_id = ?1")?
            .query_row([session.to_string()], |row| row.get(0))
            .optional()?
            .flatten();
        Ok(steps.unwrap_or(0).max(0) as u64)
    }

    /// The sessions whose work is not over and that have this model, as settings name it: those of a
    /// submission, or all.
    pub fn sessions_with_model(
        &self,
        plan: Option<PlanId>,
        model: &str,
    ) -> Result<Vec<SessionId>, StoreError> {
        let mut statement = self.inner.prepare_cached(
            "SELECT session_id FROM sessions \
             WHERE state NOT IN ('COMPLETED', 'FAILED', 'CANCELLED') \
             AND (?1 IS NULL OR plan_id = ?1) \
             AND coalesce((SELECT json_extract(e.data, '$.choice.model') FROM events e \
               WHERE e.session_id = sessions.session_id AND e.event_type = 'FR-EVT-MODEL-006' \
               ORDER BY e.seq DESC LIMIT 1), json_extract(spec, '$.run.model')) = ?2 \
             ORDER BY created_seq",
        )?;
        let plan = plan.map(|plan| plan.to_string());
        let rows = statement.query_and_then(params![plan, model], |row| {
            Ok::<_, StoreError>(row.get::<_, String>(0)?.parse()?)
        })?;
        rows.collect()
    }

    /// Why the model of a job stopped last.
    pub fn stop_of(&self, session: SessionId, job: JobId) -> Result<Option<Stop>, StoreError> {
        stop_of(&self.inner, session, job)
    }

    /// What people said about a session's calls of tools and still holds.
    pub fn rules(&self, session: SessionId) -> Result<Vec<(EventId, Rule)>, StoreError> {
        rules(&self.inner, session)
    }
}

fn stop_of(db: &Connection, session: SessionId, job: JobId) -> Result<Option<Stop>, StoreError> {
    let mut statement = db.prepare_cached(STOPPED)?;
    let found = records(statement.query(params![session.to_string(), job.to_string()])?)?;
    Ok(found.into_iter().find_map(|record| match record.event {
        Event::ModelStopped { stop, .. } => Some(stop),
        _ => None,
    }))
}

fn choices(db: &Connection, session: SessionId) -> Result<Vec<Choice>, StoreError> {
    let mut statement = db.prepare_cached(CHOSEN)?;
    let found = records(statement.query([session.to_string()])?)?;
    let choices = found.into_iter().filter_map(|record| match record.event {
        Event::ModelChosen { choice } => Some(choice),
        _ => None,
    });
    Ok(choices.collect())
}

fn message(row: &Row<'_>) -> Result<MessageRow, StoreError> {
    let mut column = Columns::of(row);
    Ok(MessageRow {
        seq: column.get::<i64>()? as u64,
        at_ms: column.get()?,
        taken_back: column.get()?,
        record: serde_json::from_str(column.text()?)?,
    })
}

fn rules(db: &Connection, session: SessionId) -> Result<Vec<(EventId, Rule)>, StoreError> {
    unused(db, RULES, [session.to_string()], |record| {
        match record.event {
            Event::ApprovalAnswered { rule } => Some(Permission::Given(*rule)),
            Event::ApprovalSpent { granted } => Some(Permission::Used(granted)),
            _ => None,
        }
    })
}
