//! A message as the log has it: what it says is an artifact.

use serde::{Deserialize, Serialize};

use crate::model::ids::{ContentHash, MessageId};
use crate::model::tool::CallId;

/// Who says something, or what a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MessageRole {
    /// The runtime, and nobody else.
    System,
    /// A person; or something from outside, and then the message names its source.
    User,
    /// The model.
    Assistant,
    /// A tool is about to run.
    ToolCall,
    /// What it came to.
    ToolResult,
}

impl MessageRole {
    /// The name in the database, in JSON and in events.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "SYSTEM",
            Self::User => "USER",
            Self::Assistant => "ASSISTANT",
            Self::ToolCall => "TOOL_CALL",
            Self::ToolResult => "TOOL_RESULT",
        }
    }
}

/// One message of a thread, without what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageRecord {
    /// Its id.
    pub message_id: MessageId,
    /// Who says it.
    pub role: MessageRole,
    /// What it says, by the hash of the artifact.
    pub content_hash: ContentHash,
    /// The artifact's size in bytes.
    pub size: u64,
    /// Its tokens, where somebody counted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_count: Option<u64>,
    /// Whether secrets were taken out of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redacted: bool,
    /// Of an answer: the calls in it that are not kept as its model wrote them, since secrets were taken out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redacted_calls: Vec<CallId>,
    /// Of an answer: whether it was cut off, so that its model has not said all that it had to say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
    /// The call that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<CallId>,
    /// Pictures that belong to it, by the hashes of their artifacts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<ContentHash>,
    /// Where it comes from when no person wrote it, such as a file. It is data then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Of an answer: the last message that its model had seen. What was said before it in the log and after
    /// that was not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<MessageId>,
}
