//! The envelope `htc-1.0`: how a tool is called.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::id::{CallId, ToolId, ToolVersion};
use super::payload::{INLINE_LIMIT, Payload, fits};
use crate::model::ids::{ContentHash, EventId, SessionId};

/// The version of the envelope.
pub const SCHEMA_VERSION: &str = "htc-1.0";
/// The most bytes of a whole request: what stands around the arguments is short.
const LARGEST: usize = INLINE_LIMIT + 4096;
/// The longest key, in bytes.
const LONGEST_KEY: usize = 256;

/// Why a text is no envelope (`VAL-HTC-001`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEnvelope {
    /// Not JSON, or not of this shape.
    #[error("the envelope is not of the form {SCHEMA_VERSION}: {0}")]
    Shape(String),
    /// Another version.
    #[error("the envelope has the version {0:?}; this is {SCHEMA_VERSION}")]
    Version(String),
    /// Both of two fields of which one is wanted, or neither.
    #[error("the envelope needs one of {0}, and not both")]
    OneOf(&'static str),
    /// Too many bytes for one that stands in the envelope.
    #[error("{0} has more than {INLINE_LIMIT} bytes of JSON; store it and send its reference")]
    TooLarge(&'static str),
    /// A key that is empty, too long, or has other than printable ASCII characters.
    #[error("the idempotency key has to be 1 to {LONGEST_KEY} printable ASCII characters")]
    Key,
}

/// A tool is to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Request {
    /// What its answer refers to.
    pub tool_call_id: CallId,
    /// What all events of one undertaking have in common.
    pub trace_id: EventId,
    /// In which session.
    pub session_id: SessionId,
    /// Who wants it.
    pub actor: Actor,
    /// The tool.
    pub tool_id: ToolId,
    /// The version that the caller was told of.
    pub tool_version: ToolVersion,
    /// An object, as the tool's schema has it.
    pub args: Payload,
    /// By which a call that is made again is known.
    pub idempotency_key: Option<String>,
    /// Whether to say what would be done, and do nothing.
    pub dry_run: bool,
}

/// Who wants a tool to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// Of what kind.
    pub kind: ActorKind,
    /// Which agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Which model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_id: Option<String>,
}

/// What kind of caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person.
    Human,
    /// A model.
    Agent,
    /// The runtime.
    System,
}

impl Request {
    /// Reads a request from outside.
    ///
    /// # Errors
    /// When it is not one, with the first reason.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidEnvelope> {
        if bytes.len() > LARGEST {
            return Err(InvalidEnvelope::TooLarge("the envelope"));
        }
        let written: Written = serde_json::from_slice(bytes)
            .map_err(|error| InvalidEnvelope::Shape(error.to_string()))?;
        written.try_into()
    }
}

/// As it is written, before it is known to make sense.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    schema_version: String,
    tool_call_id: CallId,
    trace_id: EventId,
    session_id: SessionId,
    actor: Actor,
    tool_id: ToolId,
    tool_version: ToolVersion,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    args: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    args_ref: Option<ContentHash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

impl TryFrom<Written> for Request {
    type Error = InvalidEnvelope;

    fn try_from(written: Written) -> Result<Self, InvalidEnvelope> {
        if written.schema_version != SCHEMA_VERSION {
            let version = written.schema_version.chars().take(40).collect();
            return Err(InvalidEnvelope::Version(version));
        }
        let args = match (written.args, written.args_ref) {
            (Some(args), None) if fits(&args) => Payload::Inline(args),
            (Some(_), None) => return Err(InvalidEnvelope::TooLarge("args")),
            (None, Some(hash)) => Payload::Reference(hash),
            _ => return Err(InvalidEnvelope::OneOf("args and args_ref")),
        };
        let is_sound = |key: &String| {
            let graphic = key.bytes().all(|byte| byte.is_ascii_graphic());
            graphic && (1..=LONGEST_KEY).contains(&key.len())
        };
        if !written.idempotency_key.as_ref().is_none_or(is_sound) {
            return Err(InvalidEnvelope::Key);
        }
        Ok(Self {
            tool_call_id: written.tool_call_id,
            trace_id: written.trace_id,
            session_id: written.session_id,
            actor: written.actor,
            tool_id: written.tool_id,
            tool_version: written.tool_version,
            args,
            idempotency_key: written.idempotency_key,
            dry_run: written.dry_run,
        })
    }
}

impl From<Request> for Written {
    fn from(request: Request) -> Self {
        let (args, args_ref) = match request.args {
            Payload::Inline(value) => (Some(value), None),
            Payload::Reference(hash) => (None, Some(hash)),
        };
        Self {
            schema_version: SCHEMA_VERSION.to_owned(),
            tool_call_id: request.tool_call_id,
            trace_id: request.trace_id,
            session_id: request.session_id,
            actor: request.actor,
            tool_id: request.tool_id,
            tool_version: request.tool_version,
            args,
            args_ref,
            idempotency_key: request.idempotency_key,
            dry_run: request.dry_run,
        }
    }
}
