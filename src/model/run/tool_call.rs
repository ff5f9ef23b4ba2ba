//! One call of a tool, as the log has it. What it was called with and what it said are messages.

use serde::{Deserialize, Serialize};

use crate::model::ids::{ContentHash, JobId};
use crate::model::tool::{CallId, ErrorKind};

/// One call of a tool, with its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCallRecord {
    /// The job.
    pub job_id: JobId,
    /// Which call.
    pub tool_call_id: CallId,
    /// The tool, as the caller named it.
    pub tool_id: String,
    /// Its version; none of a tool that there is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_version: Option<String>,
    /// The hash of its envelope, without secrets.
    pub args_hash: ContentHash,
    /// The hash of its answer, without secrets.
    pub result_hash: ContentHash,
    /// How it ended.
    pub end: ToolEnd,
    /// How long it took in milliseconds.
    pub duration_ms: u64,
}

/// How a call of a tool ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case", deny_unknown_fields)]
pub enum ToolEnd {
    /// It did what it is for.
    Ok,
    /// It could not.
    Failed {
        /// The stable code.
        code: String,
        /// Where it failed.
        kind: ErrorKind,
    },
    /// It was not let through.
    Denied {
        /// The stable code.
        code: String,
        /// By what, for a person.
        evidence: String,
    },
    /// It was about to run when its process died, and nobody knows how far it came.
    Ambiguous,
}
