//! One call of a model: written down before it is made, and after.

use serde::{Deserialize, Serialize};

use crate::model::backend::Backend;
use crate::model::chat::{FinishReason, Usage};
use crate::model::identity::RoleExecutionIdentity;
use crate::model::ids::{ContentHash, EventId, JobId, ModelCallId};
use crate::model::price::MicroDollars;

/// That a model is about to be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallIntent {
    /// The job.
    pub job_id: JobId,
    /// By which its end is known.
    pub call_id: ModelCallId,
    /// Which of the session's calls, from 1.
    pub step: u64,
    /// The provider, as settings name it.
    pub provider: String,
    /// The model, as its provider names it.
    pub model_id: String,
    /// Whether what is sent leaves this machine.
    pub backend: Backend,
    /// Who calls it; older versions did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<RoleExecutionIdentity>,
    /// The hash of all that is sent.
    pub request_hash: ContentHash,
    /// What is sent besides the thread; older versions did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<Frame>,
    /// Under which its provider knows it: that of the first of the calls that ask the same, where nobody knows whether those
    /// were answered. Nothing where the provider takes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<ModelCallId>,
    /// What is held back for it of the budgets.
    pub reserved: Reserved,
    /// The event by which a person agreed to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<EventId>,
}

/// What a request has besides the thread: with both it can be made again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frame {
    /// The artifact of a request without messages. Its system words come after those of the thread.
    pub request: ContentHash,
    /// In how many messages, from the first one, what tools said is left out.
    #[serde(default)]
    pub left_out: usize,
    /// Whether pictures are only named.
    #[serde(default)]
    pub names_pictures: bool,
}

/// What a call may come to, by estimate: more than it is likely to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reserved {
    /// Sent and answered together.
    pub tokens: u64,
    /// What they cost.
    pub cost: MicroDollars,
}

/// How a call of a model ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallOutcome {
    /// The job.
    pub job_id: JobId,
    /// Which call.
    pub call_id: ModelCallId,
    /// How it ended.
    pub end: CallEnd,
    /// What it took, as the provider counted; what was reserved where nobody counted.
    pub usage: Usage,
    /// What that costs.
    pub cost: MicroDollars,
    /// From the first byte sent to the last one received, in milliseconds; tries that failed included.
    pub latency_ms: u64,
}

/// How a call of a model ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case", deny_unknown_fields)]
pub enum CallEnd {
    /// There is an answer.
    Answered {
        /// Why it ended.
        finish_reason: FinishReason,
        /// The provider's id of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        response_id: Option<String>,
    },
    /// There is none.
    Failed {
        /// The kind of error, a stable word.
        kind: String,
        /// What the provider said, for a person.
        message: String,
    },
    /// Whoever made it died meanwhile. What it took is not known, and counts as what was reserved.
    Lost,
}
