//! What a model answers, whole and in the pieces that it comes in.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::message::{Block, Message};

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatResponse {
    /// The provider's id of it.
    pub id: Option<String>,
    /// The model that answered, which may be a newer name of the one that was asked.
    pub model: Option<String>,
    /// What it says.
    pub content: Vec<Block>,
    /// Why it ended.
    pub finish_reason: FinishReason,
    /// What it took.
    pub usage: Usage,
}

impl ChatResponse {
    /// As a part of the conversation.
    pub fn message(&self) -> Message {
        Message::assistant(self.content.clone())
    }
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FinishReason {
    /// The model had said it all.
    Stop,
    /// It waits for tools.
    ToolUse,
    /// It reached the longest answer, or the end of the context.
    Length,
    /// The provider withheld the rest.
    ContentFilter,
    /// The provider gave up in the middle.
    Error,
}

/// Tokens, as the provider counted them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// What was sent, without what came from or went to the cache.
    pub input: u64,
    /// What was answered, thoughts included.
    pub output: u64,
    /// What was sent and came from the provider's cache.
    pub cache_read: u64,
    /// What was sent and went into the provider's cache.
    pub cache_write: u64,
}

impl Usage {
    /// The most tokens that a provider is believed.
    const MOST: u64 = 1 << 32;

    /// The same as far as it can be: no call takes more.
    pub fn believed(self) -> Self {
        Self {
            input: self.input.min(Self::MOST),
            output: self.output.min(Self::MOST),
            cache_read: self.cache_read.min(Self::MOST),
            cache_write: self.cache_write.min(Self::MOST),
        }
    }

    /// All that was sent.
    pub fn sent(self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write)
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        let fields = [
            (&mut self.input, other.input),
            (&mut self.output, other.output),
            (&mut self.cache_read, other.cache_read),
            (&mut self.cache_write, other.cache_write),
        ];
        for (sum, more) in fields {
            *sum = sum.saturating_add(more);
        }
    }
}

/// What arrives of an answer while it is being given, for whoever watches. The whole answer has all of it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Words.
    Text(String),
    /// Thoughts.
    Thinking(String),
    /// A tool call begins.
    ToolCall {
        /// The tool.
        name: String,
    },
}
