//! Calls of models, and what they used up.

use rusqlite::{Connection, Row, params};

use super::error::StoreError;
use super::open::Store;
use super::rows::{Columns, ELSEWHERE};
use super::tx::Tx;
use crate::model::backend::Backend;
use crate::model::budget::{Span, Spent};
use crate::model::ids::{EventId, JobId, ModelCallId, PlanId, SessionId};
use crate::model::price::MicroDollars;

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

const CALLS: &str = "SELECT call_id, session_id, job_id, step, provider, model_id, backend, \
     started_ms, reserved_tokens, reserved_cost, tokens, output_tokens, cost, latency_ms, failed, \
     consent FROM model_calls";
const SPENT: &str = "SELECT coalesce(sum(coalesce(tokens, reserved_tokens)), 0), \
     coalesce(sum(coalesce(cost, reserved_cost)), 0), coalesce(sum(coalesce(latency_ms, 0)), 0), \
     count(*) FROM model_calls";

impl Store {
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

    /// All calls of models that began here since a time, in milliseconds since the epoch; the oldest first.
    pub fn model_calls_since(&self, since_ms: i64) -> Result<Vec<ModelCallRow>, StoreError> {
        let order = format!(
            "WHERE started_ms >= ?1 AND {} ORDER BY started_ms, step",
            made_here()
        );
        calls(&self.connection, &order, params![since_ms])
    }

    /// Whether a model answered any call that began here between two times, in milliseconds since the epoch.
    pub fn answered_since(
        &self,
        (provider, model): (&str, &str),
        (since_ms, until_ms): (i64, i64),
    ) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT EXISTS (SELECT 1 FROM model_calls WHERE started_ms >= ?1 AND started_ms <= ?2 \
             AND provider = ?3 AND model_id = ?4 AND failed = 0 AND {})",
            made_here()
        ))?;
        let of = params![since_ms, until_ms, provider, model];
        Ok(statement.query_row(of, |row| row.get(0))?)
    }

    /// What is used of a budget; see [`Tx::spent`].
    pub fn spent(&self, of: &Spending) -> Result<Spent, StoreError> {
        spent(&self.connection, of)
    }
}

impl Tx<'_> {
    /// What is used of a budget: by calls that ended, and by those that are under way as far as was
    /// reserved for them. Nobody else can reserve anything until this transaction is over.
    pub fn spent(&self, of: &Spending) -> Result<Spent, StoreError> {
        spent(&self.inner, of)
    }
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
    let clause = match of.span {
        Span::Session => clause.to_owned(),
        Span::Task | Span::Plan | Span::Day => format!("{clause} AND {}", made_here()),
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

/// What a session used up that was taken in from a file was used up elsewhere.
pub(super) fn made_here() -> String {
    format!(
        "session_id NOT IN (SELECT session_id FROM sessions WHERE worktree_path = '{ELSEWHERE}')"
    )
}
