//! What is said in a conversation.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who says something. What the system says stands beside the messages, and what a tool came to is told
/// by the user's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The side that asks, and runs tools.
    User,
    /// The model.
    Assistant,
}

/// All that one side says until it is the other's turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What, in order.
    pub content: Vec<Block>,
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Block {
    /// Words.
    Text {
        /// The words.
        text: String,
    },
    /// A picture, from the user's side.
    Image(Image),
    /// What the model thought before it spoke. Some providers want it back unchanged, signed.
    Thinking {
        /// The thoughts, or a summary of them; empty where the provider keeps them to itself.
        text: String,
        /// What the provider needs in order to take it back.
        signature: Option<String>,
        /// Whether the text is withheld, and the signature stands for it.
        redacted: bool,
    },
    /// The model wants a tool to run.
    ToolCall(ToolCall),
    /// What a tool came to.
    ToolResult(ToolResult),
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Such as `image/png`.
    pub media_type: String,
    /// Its bytes, in base64 (RFC 4648).
    pub data: String,
}

/// That a tool is to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// What its result refers to. Providers that have no ids get made ones.
    pub id: String,
    /// The tool, as it was named to the provider.
    pub name: String,
    /// What the model wrote for arguments. An object, unless it could not be read as one: then the text
    /// stands here as a string, for the gate to refuse and the model to see.
    pub arguments: Value,
}

/// What a tool came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolResult {
    /// Of which call.
    pub call_id: String,
    /// The name of the tool, which some providers want again.
    pub name: String,
    /// What the model reads.
    pub content: String,
    /// Whether it failed.
    pub is_error: bool,
}

impl Message {
    /// Words of the user's side.
    pub fn user(text: impl Into<String>) -> Self {
        Self {
            role: Role::User,
            content: vec![Block::text(text)],
        }
    }

    /// What the model says.
    pub fn assistant(content: Vec<Block>) -> Self {
        Self {
            role: Role::Assistant,
            content,
        }
    }

    /// All words of it, without thoughts.
    pub fn text(&self) -> String {
        let words = self.content.iter().filter_map(|block| match block {
            Block::Text { text } => Some(text.as_str()),
            _ => None,
        });
        words.collect()
    }

    /// The tools that it wants to run, in order.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.content.iter().filter_map(|block| match block {
            Block::ToolCall(call) => Some(call),
            _ => None,
        })
    }
}

impl Block {
    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }
}
