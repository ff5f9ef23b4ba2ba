//! What a message says, and the bytes of its artifact.

use super::message::MessageRole;
use crate::model::chat::{Block, ToolCall};
use crate::model::ids::MessageId;
use crate::model::tool::{CallId, Request, Response};

/// What a message says.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// The runtime's words.
    System(String),
    /// A person's words, or data.
    User(String),
    /// All that the model said in one answer, thoughts and calls included.
    Assistant(Vec<Block>),
    /// A tool is about to run with this.
    ToolCall(Box<Request>),
    /// What it came to.
    ToolResult(Box<Response>),
}

/// An artifact that does not hold what its message should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the content of a {} message cannot be read: {why}", role.name())]
pub struct Malformed {
    role: MessageRole,
    why: String,
}

impl Said {
    /// What kind of message says it.
    pub fn role(&self) -> MessageRole {
        match self {
            Self::System(_) => MessageRole::System,
            Self::User(_) => MessageRole::User,
            Self::Assistant(_) => MessageRole::Assistant,
            Self::ToolCall(_) => MessageRole::ToolCall,
            Self::ToolResult(_) => MessageRole::ToolResult,
        }
    }

    /// The calls in an answer of the model, with the ids by which the session knows them, as the message `of`.
    pub fn calls(&self, of: MessageId) -> impl Iterator<Item = (CallId, &ToolCall)> {
        let blocks = match self {
            Self::Assistant(blocks) => blocks.as_slice(),
            _ => &[],
        };
        let calls = blocks.iter().filter_map(|block| match block {
            Block::ToolCall(call) => Some(call),
            _ => None,
        });
        calls
            .enumerate()
            .filter_map(move |(at, call)| Some((format!("{of}.{at}").parse().ok()?, call)))
    }

    /// The bytes of its artifact: words as they are, all else as JSON.
    ///
    /// # Errors
    /// When it has no form as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Malformed> {
        let bytes = match self {
            Self::System(text) | Self::User(text) => Ok(text.clone().into_bytes()),
            Self::Assistant(blocks) => serde_json::to_vec(blocks),
            Self::ToolCall(request) => serde_json::to_vec(request),
            Self::ToolResult(response) => serde_json::to_vec(response),
        };
        bytes.map_err(|error| Malformed::of(self.role(), &error))
    }

    /// Reads an artifact.
    ///
    /// # Errors
    /// When it is not what such a message says.
    pub fn read(role: MessageRole, bytes: &[u8]) -> Result<Self, Malformed> {
        let text = || String::from_utf8(bytes.to_vec());
        match role {
            MessageRole::System => text()
                .map(Self::System)
                .map_err(|e| Malformed::of(role, &e)),
            MessageRole::User => text().map(Self::User).map_err(|e| Malformed::of(role, &e)),
            MessageRole::Assistant => json(role, bytes).map(Self::Assistant),
            MessageRole::ToolCall => json(role, bytes).map(Self::ToolCall),
            MessageRole::ToolResult => json(role, bytes).map(Self::ToolResult),
        }
    }

    /// The media type of its artifact.
    pub fn media_type(role: MessageRole) -> &'static str {
        match role {
            MessageRole::System | MessageRole::User => "text/plain",
            _ => "application/json",
        }
    }
}

fn json<T: serde::de::DeserializeOwned>(role: MessageRole, bytes: &[u8]) -> Result<T, Malformed> {
    serde_json::from_slice(bytes).map_err(|error| Malformed::of(role, &error))
}

impl Malformed {
    fn of(role: MessageRole, why: &impl ToString) -> Self {
        let why = why.to_string();
        Self { role, why }
    }
}
