//! What a model is asked.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::message::Message;

/// One call of a model: the whole conversation up to now, and how it is to answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// The model, as its provider names it.
    pub model: String,
    /// What the runtime says before all else, in parts.
    pub system: Vec<String>,
    /// The conversation; the last message is the user's.
    pub messages: Vec<Message>,
    /// What it may call.
    pub tools: Vec<ToolSpec>,
    /// Whether it must.
    pub tool_choice: ToolChoice,
    /// The longest answer, in tokens.
    pub max_output_tokens: u32,
    /// How much chance there is in the answer; the provider's default without.
    pub temperature: Option<f32>,
    /// How much it is to think; not at all without.
    pub thinking: Option<Effort>,
    /// The JSON Schema that the whole answer is to follow.
    pub output_schema: Option<Value>,
    /// Whether what is sent is to be kept by the provider for the next call, where it takes a mark for that.
    pub cache: bool,
}

/// A tool, as a model is told of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Its id in the registry, such as `file.read`.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// The JSON Schema (2020-12) of its arguments: an object.
    pub schema: Value,
}

/// Whether a tool is to be called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    /// As the model thinks best.
    #[default]
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Only(String),
}

/// How much a model thinks before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    Low,
    Medium,
    High,
}
