//! What a provider can do with a model. What it cannot is an error that says so, never left out in silence.

use serde::{Deserialize, Serialize};

/// What a provider can do with a model, and what it needs done for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderCapabilities {
    /// Answers come in pieces.
    pub supports_streaming: bool,
    /// It can call tools.
    pub supports_tool_calling: bool,
    /// Answers can be held to a JSON Schema.
    pub supports_structured_output: bool,
    /// Conversations may have more than one turn.
    pub supports_multi_turn: bool,
    /// It sees pictures.
    pub supports_vision: bool,
    /// It can be asked to think.
    pub supports_thinking: bool,
    /// Tokens that a call may have, sent and answered together.
    pub max_context_window: u32,
    /// Tokens that an answer may have.
    pub max_output_tokens: u32,
    /// Ids of tool calls may hold letters, digits, `_` and `-` only.
    pub requires_tool_id_sanitization: bool,
    /// Thoughts must not be sent back.
    pub requires_thinking_block_scrubbing: bool,
}
