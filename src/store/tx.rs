//! The one write path.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::chain::{self, Head};
use super::error::StoreError;
use super::open::Clock;
use super::{project, prune};
use crate::model::event::{Actor, Event, Record};
use crate::model::ids::{EventId, SessionId};
use crate::model::redact::Redactor;

const FURTHER_POSITION: &str = "
SELECT (SELECT coalesce(max(position) + 1, 0) FROM jobs j
         WHERE j.session_id = s.session_id AND j.kind <> 'gate')
FROM sessions s WHERE s.session_id = ?1 AND s.released = 0
  AND (s.state IN ('CREATED', 'PAUSED', 'BLOCKED') OR s.state = 'ACTIVE'
       AND EXISTS (SELECT 1 FROM jobs j WHERE j.session_id = s.session_id
                   AND j.state IN ('queued', 'running', 'stalled')))";

/// An open transaction. Dropping it without [`Store::write`](super::Store::write) ending well
/// leaves the database as it was.
pub struct Tx<'a> {
    pub(super) inner: Transaction<'a>,
    head: Head,
    began_at: u64,
    trace_id: EventId,
    clock: Clock,
    redactor: &'a Redactor,
}

impl<'a> Tx<'a> {
    pub(super) fn begin(
        inner: Transaction<'a>,
        (trace_id, clock): (EventId, Clock),
        redactor: &'a Redactor,
    ) -> Result<Self, StoreError> {
        let head = chain::head(&inner)?;
        Ok(Self {
            began_at: head.seq,
            inner,
            head,
            trace_id,
            clock,
            redactor,
        })
    }

    /// Stores one event, without secrets in what it says to a person, and folds it into the tables.
    ///
    /// # Errors
    /// A session-scoped event without a session, a move the state machines do not allow, or the
    /// database's own refusal. The caller's transaction is then rolled back as a whole.
    pub fn append(
        &mut self,
        actor: Actor,
        session: Option<SessionId>,
        event: Event,
    ) -> Result<Record, StoreError> {
        let record = Record {
            seq: self.next_seq(),
            event_id: EventId::new(),
            at_ms: (self.clock)(),
            actor,
            trace_id: self.trace_id,
            model_session_id: session,
            event: event.redacted(self.redactor),
        };
        self.append_record(&record)?;
        self.tell_status(&record)?;
        Ok(record)
    }

    /// The place of the next event in the log.
    pub(super) fn next_seq(&self) -> u64 {
        self.head.seq + 1
    }

    /// Stores an event of another log at the end of this one, as it is but for its place.
    ///
    /// # Errors
    /// As of [`Tx::append`].
    pub fn append_past(&mut self, record: &Record) -> Result<(), StoreError> {
        let seq = self.next_seq();
        self.append_record(&Record {
            seq,
            ..record.clone()
        })
    }

    pub(super) fn append_record(&mut self, record: &Record) -> Result<(), StoreError> {
        if record.event.is_session_scoped() && record.model_session_id.is_none() {
            return Err(StoreError::InvalidEvent {
                seq: record.seq,
                reason: format!("{} must name its session", record.event.type_id()),
            });
        }
        self.head = store(&self.inner, &self.head, record)?;
        project::fold(&self.inner, record)
    }

    /// Where a further job of the session stands in its order, or `None` when no runner would
    /// start it: its work is over, is being taken in, or its worktree was given back.
    pub fn further_position(&self, session: SessionId) -> Result<Option<u32>, StoreError> {
        let position = self
            .inner
            .prepare_cached(FURTHER_POSITION)?
            .query_row([session.to_string()], |row| row.get(0))
            .optional()?;
        Ok(position)
    }

    /// Removes the events through `through` and what they alone speak of; see
    /// [`Store::prunable`](super::Store::prunable).
    pub fn prune(&mut self, through: u64) -> Result<(), StoreError> {
        let head = prune::remove_through(&self.inner, through)?;
        self.append(Actor::System, None, Event::EventsPruned { through, head })?;
        Ok(())
    }

    pub(super) fn commit(self) -> Result<(), StoreError> {
        // Nothing to write is nothing to wait for the disk for.
        if self.head.seq != self.began_at {
            chain::store_head(&self.inner, &self.head)?;
        }
        self.inner.commit()?;
        Ok(())
    }
}

/// Writes an event behind the last one. The new end of the chain.
pub(super) fn store(db: &Connection, head: &Head, record: &Record) -> Result<Head, StoreError> {
    let row = chain::Row::from_record(record)?;
    let hash = row.hash(&head.hash);
    db.prepare_cached(
        "INSERT INTO events (seq, event_id, at_ms, actor, trace_id, session_id, job_id, \
         event_type, data, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        row.seq,
        row.event_id,
        row.at_ms,
        row.actor,
        row.trace_id,
        row.session_id,
        row.job_id,
        row.event_type,
        row.data,
        hash,
    ])?;
    Ok(Head {
        seq: record.seq,
        hash,
    })
}
