//! The answer, from its chunks. Each is a whole response with the parts that are new; there is no last event.

use serde::Deserialize;
use serde_json::Value;

use crate::model::chat::Wire;
use crate::model::chat::{Block, ChatRequest, ChatResponse, FinishReason, Piece, ToolCall, Usage};
use crate::provider::error::{ErrorKind, ProviderError};
use crate::provider::events::{append, read, settled};
use crate::provider::framing::Event;
use crate::provider::names::{self, MadeIds};
use crate::provider::wire::Decoder;

use super::{Said, signed};

pub(in crate::provider) fn decoder(request: &ChatRequest) -> Box<dyn Decoder> {
    Box::new(Answer {
        ids: MadeIds::after(request),
        ..Answer::default()
    })
}

#[derive(Default)]
struct Answer {
    ids: MadeIds,
    id: Option<String>,
    model: Option<String>,
    content: Vec<Block>,
    /// Whether the last block goes on with the next part of its kind.
    open: bool,
    finish_reason: Option<String>,
    block_reason: Option<String>,
    usage: Usage,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk {
    error: Option<Said>,
    #[serde(default)]
    candidates: Vec<Candidate>,
    prompt_feedback: Option<Feedback>,
    usage_metadata: Option<Counted>,
    model_version: Option<String>,
    response_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    #[serde(default)]
    index: u64,
    content: Option<Content>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    text: Option<String>,
    #[serde(default)]
    thought: bool,
    thought_signature: Option<String>,
    function_call: Option<Call>,
}

#[derive(Deserialize)]
struct Call {
    id: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    args: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    block_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Counted {
    prompt_token_count: u64,
    cached_content_token_count: u64,
    tool_use_prompt_token_count: u64,
    candidates_token_count: u64,
    thoughts_token_count: u64,
}

impl Decoder for Answer {
    fn event(&mut self, event: &Event, pieces: &mut Vec<Piece>) -> Result<(), ProviderError> {
        let chunk: Chunk = read(&event.data)?;
        if let Some(error) = chunk.error {
            return Err(error.meaning(ErrorKind::Server));
        }
        self.id = self.id.take().or(chunk.response_id);
        self.model = self.model.take().or(chunk.model_version);
        // Each count is of the whole answer up to now.
        if let Some(counted) = chunk.usage_metadata {
            self.usage = counted.into();
        }
        let blocked = chunk
            .prompt_feedback
            .and_then(|feedback| feedback.block_reason);
        self.block_reason = blocked.or(self.block_reason.take());
        // One answer was asked for.
        for candidate in chunk.candidates.into_iter().filter(|one| one.index == 0) {
            let parts = candidate.content.map(|content| content.parts);
            for part in parts.unwrap_or_default() {
                self.add(part, pieces);
            }
            self.finish_reason = candidate.finish_reason.or(self.finish_reason.take());
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<ChatResponse, ProviderError> {
        let reason = match (&self.finish_reason, &self.block_reason) {
            (Some(reason), _) => finish_reason(reason),
            // The request itself was withheld from the model.
            (None, Some(_)) => FinishReason::ContentFilter,
            (None, None) => return Err(ProviderError::truncated()),
        };
        Ok(ChatResponse {
            id: self.id,
            model: self.model,
            finish_reason: settled(reason, &self.content),
            content: self.content,
            usage: self.usage,
        })
    }
}

impl Answer {
    fn add(&mut self, part: Part, pieces: &mut Vec<Piece>) {
        let signature = part.thought_signature.filter(|text| !text.is_empty());
        if let Some(call) = part.function_call {
            self.content
                .extend(signature.as_deref().map(signed::of_call));
            self.call(call, pieces);
            return;
        }
        let text = part.text.unwrap_or_default();
        match part.thought {
            true => self.think(&text, signature, pieces),
            false => {
                self.say(&text, pieces);
                if let Some(signature) = signature {
                    self.content.push(signed::of_words(&signature));
                    self.open = false;
                }
            }
        }
    }

    fn call(&mut self, call: Call, pieces: &mut Vec<Piece>) {
        let name = names::original(&call.name);
        pieces.push(Piece::ToolCall { name: name.clone() });
        self.content.push(Block::ToolCall(ToolCall {
            id: self.ids.or_made(call.id),
            name,
            arguments: arguments(call.args),
        }));
        self.open = false;
    }

    fn say(&mut self, text: &str, pieces: &mut Vec<Piece>) {
        if text.is_empty() {
            return;
        }
        match self.content.last_mut() {
            Some(Block::Text { text: whole }) if self.open => {
                append(whole, text, Piece::Text, pieces);
            }
            _ => {
                self.content.push(Block::text(text));
                pieces.push(Piece::Text(text.to_owned()));
                self.open = true;
            }
        }
    }

    /// Thoughts are one until they are signed.
    fn think(&mut self, text: &str, signature: Option<String>, pieces: &mut Vec<Piece>) {
        let goes_on = self.open && matches!(self.content.last(), Some(Block::Thinking { .. }));
        if !goes_on {
            self.content.push(Block::Thinking {
                text: String::new(),
                signature: None,
                redacted: false,
            });
        }
        if let Some(Block::Thinking {
            text: whole,
            signature: sealed,
            ..
        }) = self.content.last_mut()
        {
            append(whole, text, Piece::Thinking, pieces);
            *sealed = signature.map(|signature| Wire::Gemini.seal(&signature));
            self.open = sealed.is_none();
        }
    }
}

/// No arguments are how the API says an empty object.
fn arguments(args: Value) -> Value {
    match args {
        Value::Object(_) | Value::String(_) => args,
        Value::Null => Value::Object(serde_json::Map::new()),
        other => Value::String(other.to_string()),
    }
}

impl From<Counted> for Usage {
    /// What came from the cache is a part of the prompt's count; thoughts are no part of the answer's.
    fn from(counted: Counted) -> Self {
        let cached = counted.cached_content_token_count;
        let fresh = counted.prompt_token_count.saturating_sub(cached);
        Self {
            input: fresh.saturating_add(counted.tool_use_prompt_token_count),
            output: counted
                .candidates_token_count
                .saturating_add(counted.thoughts_token_count),
            cache_read: cached,
            cache_write: 0,
        }
    }
}

fn finish_reason(reason: &str) -> FinishReason {
    match reason {
        "STOP" => FinishReason::Stop,
        "MAX_TOKENS" => FinishReason::Length,
        "SAFETY" | "RECITATION" | "LANGUAGE" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII"
        | "IMAGE_SAFETY" => FinishReason::ContentFilter,
        // Malformed calls among them: what was said of them is not in the answer.
        _ => FinishReason::Error,
    }
}
