//! The events of an answer, as far as they are looked at.

use serde::Deserialize;
use serde_json::Value;

use crate::model::chat::Usage;

use super::Said;

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Event {
    MessageStart {
        message: Start,
    },
    ContentBlockStart {
        index: u64,
        content_block: BlockStart,
    },
    ContentBlockDelta {
        index: u64,
        delta: Delta,
    },
    MessageDelta {
        delta: Ending,
        #[serde(default)]
        usage: Counted,
    },
    MessageStop,
    Error {
        error: Said,
    },
    /// `ping`, `content_block_stop`, and what comes with later versions.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
pub(super) struct Start {
    pub id: Option<String>,
    pub model: Option<String>,
    #[serde(default)]
    pub usage: Counted,
}

#[derive(Deserialize)]
pub(super) struct Ending {
    pub stop_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum BlockStart {
    Text {
        #[serde(default)]
        text: String,
    },
    Thinking {
        #[serde(default)]
        thinking: String,
        #[serde(default)]
        signature: String,
    },
    RedactedThinking {
        data: String,
    },
    ToolUse {
        id: Option<String>,
        name: String,
        #[serde(default)]
        input: Value,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
pub(super) enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "input_json_delta")]
    Input { partial_json: String },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: String },
    #[serde(rename = "signature_delta")]
    Signature { signature: String },
    #[serde(other)]
    Other,
}

/// Tokens. Each count is of the whole answer up to now, and a later event need not have all of them.
#[derive(Default, Deserialize)]
pub(super) struct Counted {
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    pub cache_read_input_tokens: Option<u64>,
    pub cache_creation_input_tokens: Option<u64>,
}

impl Counted {
    pub fn update(&mut self, later: Self) {
        let newer = |now: &mut Option<u64>, later: Option<u64>| *now = later.or(*now);
        newer(&mut self.input_tokens, later.input_tokens);
        newer(&mut self.output_tokens, later.output_tokens);
        newer(
            &mut self.cache_read_input_tokens,
            later.cache_read_input_tokens,
        );
        newer(
            &mut self.cache_creation_input_tokens,
            later.cache_creation_input_tokens,
        );
    }
}

impl From<Counted> for Usage {
    fn from(counted: Counted) -> Self {
        Self {
            input: counted.input_tokens.unwrap_or(0),
            output: counted.output_tokens.unwrap_or(0),
            cache_read: counted.cache_read_input_tokens.unwrap_or(0),
            cache_write: counted.cache_creation_input_tokens.unwrap_or(0),
        }
    }
}
