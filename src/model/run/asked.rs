//! A call of a tool that a person is asked about.

use serde::{Deserialize, Serialize};

use crate::model::ids::{ContentHash, JobId};
use crate::model::tool::{CallId, Fingerprint, ToolId};

/// A call of a tool that waits for a person's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedCall {
    /// The job.
    pub job_id: JobId,
    /// Which call.
    pub tool_call_id: CallId,
    /// The tool.
    pub tool_id: ToolId,
    /// The call itself, by hash.
    pub fingerprint: Fingerprint,
    /// In one line: what it would touch.
    pub summary: String,
    /// Why a person is asked.
    pub because: String,
    /// What it would do, as an artifact.
    pub preview: Option<ContentHash>,
}
