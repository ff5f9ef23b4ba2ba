//! The envelope `htc-1.0`: what a tool answers.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::payload::{Payload, fits};
use super::request::InvalidEnvelope;
use crate::model::code::Code;
use crate::model::ids::ContentHash;

/// What a call came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Response {
    /// The result, or what went wrong.
    pub outcome: Result<Payload, ToolError>,
    /// When.
    pub timing: Timing,
    /// What it touched.
    pub resources: Resources,
}

/// Why a call has no result, in words that its caller can act on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(deny_unknown_fields)]
#[error("{message}")]
pub struct ToolError {
    /// Which error, by the registry of codes.
    #[serde(serialize_with = "write_code", deserialize_with = "read_code")]
    pub code: Code,
    /// Of what kind.
    pub kind: ErrorKind,
    /// What is wrong and what to do instead.
    pub message: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// More, for programs.
    #[serde(default)]
    pub details: Value,
}

/// Where a call ended that has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// It is not of the right form.
    Validation,
    /// The caller is not known.
    Auth,
    /// The session may not do that.
    Capability,
    /// It took too long.
    Timeout,
    /// The tool tried and could not.
    Tool,
    /// It did not reach the tool, or the answer not the caller.
    Transport,
    /// Somebody called it off.
    Canceled,
    /// A rule or a guardrail forbids it.
    Policy,
}

/// When a call ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// When it began.
    pub started_at: Timestamp,
    /// When it was over.
    pub ended_at: Timestamp,
    /// How long it took by a clock that nobody sets.
    pub duration_ms: u64,
}

/// What a call read or changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// Paths from the root of the worktree.
    pub files: Vec<String>,
    /// Artifacts.
    pub artifacts: Vec<ContentHash>,
    /// Addresses.
    pub urls: Vec<String>,
}

impl ToolError {
    /// Without details, and not worth another try.
    pub fn new(code: Code, kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            code,
            kind,
            message: message.into(),
            retryable: false,
            details: Value::Null,
        }
    }

    /// With more for programs.
    pub fn with_details(self, details: Value) -> Self {
        Self { details, ..self }
    }

    /// The same call may succeed later.
    pub fn retryable(self) -> Self {
        let retryable = true;
        Self { retryable, ..self }
    }
}

impl From<InvalidEnvelope> for ToolError {
    fn from(error: InvalidEnvelope) -> Self {
        Self::new(
            Code::EnvelopeInvalid,
            ErrorKind::Validation,
            error.to_string(),
        )
    }
}

fn write_code<S: Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.id())
}

fn read_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Code, D::Error> {
    let id = String::deserialize(deserializer)?;
    let code = Code::ALL.iter().find(|code| code.id() == id);
    code.copied()
        .ok_or_else(|| serde::de::Error::custom("no code of the registry"))
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    ok: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    result_ref: Option<ContentHash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<ToolError>,
    timing: Timing,
    resources: Resources,
}

impl TryFrom<Written> for Response {
    type Error = InvalidEnvelope;

    fn try_from(written: Written) -> Result<Self, InvalidEnvelope> {
        let parts = (written.result, written.result_ref, written.error);
        let outcome = match parts {
            (Some(value), None, None) if fits(&value) => Ok(Payload::Inline(value)),
            (Some(_), None, None) => return Err(InvalidEnvelope::TooLarge("result")),
            (None, Some(hash), None) => Ok(Payload::Reference(hash)),
            (None, None, Some(error)) => Err(error),
            _ => return Err(InvalidEnvelope::OneOf("result, result_ref and error")),
        };
        if written.ok != outcome.is_ok() {
            let why = "`ok` says otherwise than the rest".to_owned();
            return Err(InvalidEnvelope::Shape(why));
        }
        Ok(Self {
            outcome,
            timing: written.timing,
            resources: written.resources,
        })
    }
}

impl From<Response> for Written {
    fn from(response: Response) -> Self {
        let ok = response.outcome.is_ok();
        let (result, result_ref, error) = match response.outcome {
            Ok(Payload::Inline(value)) => (Some(value), None, None),
            Ok(Payload::Reference(hash)) => (None, Some(hash), None),
            Err(error) => (None, None, Some(error)),
        };
        Self {
            ok,
            result,
            result_ref,
            error,
            timing: response.timing,
            resources: response.resources,
        }
    }
}
