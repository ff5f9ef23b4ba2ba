//! Reading threads, calls of models, and what people said about calls.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use super::open::Store;
use super::overrides::{Permission, unused};
use super::query::records;
use super::rows::{Columns, SessionRow};
use super::tx::Tx;
use crate::model::backend::Backend;
use crate::model::budget::{Span, Spent};
use crate::model::event::Event;
use crate::model::identity::RoleExecutionIdentity;
use crate::model::ids::{
    ContentHash, EventId, InvalidId, JobId, MessageId, ModelCallId, PlanId, SessionId,
};
use crate::model::price::MicroDollars;
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

/// A call of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCallRow {
    /// Which.
    pub call_id: ModelCallId,
    /// Of which session.
    pub session_id: SessionId,
    /// In which job.
    pub job_id: JobId,
    /// Which of the session's calls, from 1.
    pub step: u64,
    /// The provider, as settings name it.
    pub provider: String,
    /// The model, as its provider names it.
    pub model_id: String,
    /// Where it runs.
    pub backend: Backend,
    /// Milliseconds since the epoch.
    pub started_ms: i64,
    /// What was held back for it.
    pub reserved: (u64, MicroDollars),
    /// What it took; `None` as long as it has not ended.
    pub end: Option<CallTook>,
    /// The event by which a person agreed to it.
    pub consent: Option<EventId>,
}

/// What a call of a model took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallTook {
    /// Sent and answered.
    pub tokens: u64,
    /// Answered.
    pub output_tokens: u64,
    /// What that costs.
    pub cost: MicroDollars,
    /// Milliseconds.
    pub latency_ms: u64,
    /// Whether there was no answer.
    pub failed: bool,
}

const CALLS: &str = "SELECT call_id, session_id, job_id, step, provider, model_id, backend, \
     started_ms, reserved_tokens, reserved_cost, tokens, output_tokens, cost, latency_ms, failed, \
     consent FROM model_calls";
const SPENT: &str = "SELECT coalesce(sum(coalesce(tokens, reserved_tokens)), 0), \
     coalesce(sum(coalesce(cost, reserved_cost)), 0), coalesce(sum(coalesce(latency_ms, 0)), 0), \
     count(*) FROM model_calls";
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

    /// A session's calls of models, in order.
    pub fn model_calls(&self, session: SessionId) -> Result<Vec<ModelCallRow>, StoreError> {
        let order = "WHERE session_id = ?1 ORDER BY started_ms, step";
        calls(&self.connection, order, params![session.to_string()])
    }

    /// A session's calls that were begun and have not ended.
    pub fn open_calls(&self, session: SessionId) -> Result<Vec<ModelCallRow>, StoreError> {
        let open = "WHERE session_id = ?1 AND tokens IS NULL ORDER BY started_ms";
        calls(&self.connection, open, params![session.to_string()])
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

    /// All calls of models that began since a time, in milliseconds since the epoch; the oldest first.
    pub fn model_calls_since(&self, since_ms: i64) -> Result<Vec<ModelCallRow>, StoreError> {
        let order = "WHERE started_ms >= ?1 ORDER BY started_ms, step";
        calls(&self.connection, order, params![since_ms])
    }

    /// Whether a model answered any call that began between two times, in milliseconds since the epoch.
    pub fn answered_since(
        &self,
        (provider, model): (&str, &str),
        (since_ms, until_ms): (i64, i64),
    ) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM model_calls WHERE started_ms >= ?1 AND started_ms <= ?2 \
             AND provider = ?3 AND model_id = ?4 AND failed = 0)",
        )?;
        let of = params![since_ms, until_ms, provider, model];
        Ok(statement.query_row(of, |row| row.get(0))?)
    }

    /// What is used of a budget; see [`Tx::spent`].
    pub fn spent(&self, of: &Spending) -> Result<Spent, StoreError> {
        spent(&self.connection, of)
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

/// Whose calls are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spending {
    /// Of which kind.
    pub span: Span,
    /// The session.
    pub session: SessionId,
    /// What it was submitted with.
    pub plan: PlanId,
    /// When the day began, in milliseconds since the epoch.
    pub day_ms: i64,
}

impl Tx<'_> {
    /// What is used of a budget: by calls that ended, and by those that are under way as far as was
    /// reserved for them. Nobody else can reserve anything until this transaction is over.
    pub fn spent(&self, of: &Spending) -> Result<Spent, StoreError> {
        spent(&self.inner, of)
    }

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

fn calls(
    db: &Connection,
    clause: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<ModelCallRow>, StoreError> {
    let mut statement = db.prepare_cached(&format!("{CALLS} {clause}"))?;
    let rows = statement.query_and_then(values, call)?;
    rows.collect()
}

fn call(row: &Row<'_>) -> Result<ModelCallRow, StoreError> {
    let mut column = Columns::of(row);
    let call_id = column.text()?.parse()?;
    Ok(ModelCallRow {
        call_id,
        session_id: column.text()?.parse()?,
        job_id: column.text()?.parse()?,
        step: column.get::<i64>()? as u64,
        provider: column.get()?,
        model_id: column.get()?,
        backend: column
            .text()?
            .parse()
            .map_err(|error| StoreError::Malformed(format!("{error}")))?,
        started_ms: column.get()?,
        reserved: (
            column.get::<i64>()? as u64,
            MicroDollars(column.get::<i64>()? as u64),
        ),
        end: took(&mut column)?,
        consent: column
            .get::<Option<String>>()?
            .map(|granted| granted.parse())
            .transpose()?,
    })
}

fn took(column: &mut Columns<'_>) -> Result<Option<CallTook>, StoreError> {
    let mut number = || column.get::<Option<i64>>();
    let (tokens, output_tokens, cost, latency_ms, failed) =
        (number()?, number()?, number()?, number()?, number()?);
    Ok(tokens.map(|tokens| CallTook {
        tokens: tokens as u64,
        output_tokens: output_tokens.unwrap_or(0) as u64,
        cost: MicroDollars(cost.unwrap_or(0) as u64),
        latency_ms: latency_ms.unwrap_or(0) as u64,
        failed: failed == Some(1),
    }))
}

fn spent(db: &Connection, of: &Spending) -> Result<Spent, StoreError> {
    let (clause, key) = match of.span {
        Span::Session => ("session_id = ?1", of.session.to_string()),
        Span::Task => (
            "session_id IN (SELECT o.session_id FROM sessions s JOIN sessions o ON o.name = s.name \
             WHERE s.session_id = ?1)",
            of.session.to_string(),
        ),
        Span::Plan => ("plan_id = ?1", of.plan.to_string()),
        // A clock that was a little ahead counts, one that was years ahead must not use up the budgets until then.
        Span::Day => (
            "started_ms >= CAST(?1 AS INTEGER) AND started_ms < CAST(?1 AS INTEGER) + 172800000",
            of.day_ms.to_string(),
        ),
    };
    let mut statement = db.prepare_cached(&format!("{SPENT} WHERE {clause}"))?;
    let spent = statement.query_row([key], |row| {
        let number = |at| row.get::<_, i64>(at).map(|number| number.max(0) as u64);
        Ok(Spent {
            tokens: number(0)?,
            cost: MicroDollars(number(1)?),
            millis: number(2)?,
            steps: number(3)?,
        })
    })?;
    Ok(spent)
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
