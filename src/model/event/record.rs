//! One row of the log.

use serde::{Deserialize, Serialize};

use super::Event;
use crate::model::ids::{EventId, SessionId};

/// Who caused an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A person at the command line.
    Human,
    /// A program inside a session.
    Agent,
    /// The runner.
    System,
}

/// One row of the log: the event with what makes it findable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Position in the log, from 1, without gaps.
    pub seq: u64,
    /// Unique id.
    pub event_id: EventId,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Who.
    pub actor: Actor,
    /// Groups the events of one command or one runner life.
    pub trace_id: EventId,
    /// The session it concerns; mandatory on session-scoped events.
    pub model_session_id: Option<SessionId>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}
