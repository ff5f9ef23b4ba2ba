//! The events of an answer, as far as they are looked at.

use serde::Deserialize;
use serde_json::Value;

use crate::model::chat::{FinishReason, Usage};

#[derive(Deserialize)]
#[serde(tag = "type")]
pub(super) enum Event {
    #[serde(rename = "response.output_item.added")]
    Added { output_index: u64, item: Item },
    #[serde(rename = "response.output_item.done")]
    Done { output_index: u64, item: Item },
    #[serde(
        rename = "response.output_text.delta",
        alias = "response.refusal.delta"
    )]
    Text { output_index: u64, delta: String },
    #[serde(
        rename = "response.reasoning_summary_text.delta",
        alias = "response.reasoning_text.delta"
    )]
    Thinking { output_index: u64, delta: String },
    #[serde(rename = "response.reasoning_summary_part.added")]
    ThinkingPart { output_index: u64 },
    #[serde(rename = "response.function_call_arguments.delta")]
    Arguments { output_index: u64, delta: String },
    #[serde(
        rename = "response.completed",
        alias = "response.incomplete",
        alias = "response.failed"
    )]
    End { response: Ending },
    #[serde(rename = "error")]
    Error {
        #[serde(flatten)]
        said: Value,
    },
    /// Beginnings, ends of parts, and what comes with later versions.
    #[serde(other)]
    Other,
}

#[derive(Default, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item {
    Message {
        #[serde(default)]
        content: Vec<Part>,
    },
    Reasoning {
        #[serde(default)]
        summary: Vec<Part>,
        #[serde(default)]
        content: Option<Vec<Part>>,
        encrypted_content: Option<String>,
    },
    FunctionCall {
        call_id: Option<String>,
        name: String,
        #[serde(default)]
        arguments: String,
    },
    /// What the provider does by itself, which nobody asks it for.
    #[default]
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part {
    #[serde(alias = "summary_text", alias = "reasoning_text")]
    OutputText {
        text: String,
    },
    Refusal {
        refusal: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
pub(super) struct Ending {
    pub id: Option<String>,
    pub model: Option<String>,
    pub status: Option<String>,
    pub error: Option<Value>,
    pub incomplete_details: Option<Incomplete>,
    #[serde(default)]
    pub output: Vec<Item>,
    pub usage: Option<Counted>,
}

#[derive(Deserialize)]
pub(super) struct Incomplete {
    pub reason: Option<String>,
}

#[derive(Default, Deserialize)]
pub(super) struct Counted {
    #[serde(default)]
    pub input_tokens: u64,
    #[serde(default)]
    pub output_tokens: u64,
    pub input_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
pub(super) struct Details {
    #[serde(default)]
    pub cached_tokens: u64,
}

impl Ending {
    pub fn finish_reason(&self) -> FinishReason {
        let incomplete = self.incomplete_details.as_ref();
        let reason = incomplete.and_then(|details| details.reason.as_deref());
        match (self.status.as_deref(), reason) {
            (Some("completed"), _) => FinishReason::Stop,
            (Some("incomplete"), Some("max_output_tokens")) => FinishReason::Length,
            (Some("incomplete"), Some("content_filter")) => FinishReason::ContentFilter,
            _ => FinishReason::Error,
        }
    }
}

impl From<Counted> for Usage {
    /// What came from the cache is counted twice by OpenAI, and once here.
    fn from(counted: Counted) -> Self {
        let details = counted.input_tokens_details;
        let cached = details.map_or(0, |details| details.cached_tokens);
        Self {
            input: counted.input_tokens.saturating_sub(cached),
            output: counted.output_tokens,
            cache_read: cached,
            cache_write: 0,
        }
    }
}

impl Item {
    pub fn is_refusal(&self) -> bool {
        let Self::Message { content } = self else {
            return false;
        };
        content
            .iter()
            .any(|part| matches!(part, Part::Refusal { .. }))
    }
}
