//! The answer, from its chunks.

use serde::Deserialize;
use serde_json::Value;

use crate::model::chat::{Block, ChatRequest, ChatResponse, FinishReason, Piece, ToolCall, Usage};
use crate::provider::error::{ErrorKind, ProviderError};
use crate::provider::events::{append, read, settled};
use crate::provider::framing::Event;
use crate::provider::names::{self, MadeIds};
use crate::provider::openai_error;
use crate::provider::wire::Decoder;

/// What stands in place of a last chunk.
const DONE: &str = "[DONE]";

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
    thoughts: String,
    words: String,
    refused: bool,
    calls: Vec<Call>,
    finish_reason: Option<String>,
    usage: Usage,
    done: bool,
}

/// A call that is still being given, in fragments.
struct Call {
    index: Option<u64>,
    id: Option<String>,
    name: String,
    arguments: String,
}

#[derive(Deserialize)]
struct Chunk {
    id: Option<String>,
    model: Option<String>,
    error: Option<Value>,
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Counted>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u64,
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    refusal: Option<String>,
    /// As vLLM, llama.cpp and others name thoughts; newer versions of some say `reasoning`.
    reasoning_content: Option<String>,
    reasoning: Option<String>,
    tool_calls: Option<Vec<Fragment>>,
}

#[derive(Deserialize)]
struct Fragment {
    index: Option<u64>,
    id: Option<String>,
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct Counted {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    cached_tokens: Option<u64>,
}

impl Decoder for Answer {
    fn event(&mut self, event: &Event, pieces: &mut Vec<Piece>) -> Result<(), ProviderError> {
        if event.data.trim() == DONE {
            self.done = true;
            return Ok(());
        }
        let chunk: Chunk = read(&event.data)?;
        if let Some(error) = chunk.error {
            return Err(openai_error::meaning(&error, ErrorKind::Server));
        }
        self.id = self.id.take().or(chunk.id);
        self.model = self.model.take().or(chunk.model);
        if let Some(counted) = chunk.usage {
            self.usage = counted.into();
        }
        // One answer was asked for.
        for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
            if let Some(delta) = choice.delta {
                self.extend(delta, pieces);
            }
            self.finish_reason = choice.finish_reason.or(self.finish_reason.take());
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.done
    }

    fn finish(mut self: Box<Self>) -> Result<ChatResponse, ProviderError> {
        let Some(reason) = self.finish_reason.take().filter(|_| self.done) else {
            return Err(ProviderError::truncated());
        };
        let reason = match self.refused {
            true => FinishReason::ContentFilter,
            false => finish_reason(&reason),
        };
        let content = content(self.thoughts, self.words, self.calls, self.ids);
        Ok(ChatResponse {
            id: self.id,
            model: self.model,
            finish_reason: settled(reason, &content),
            content,
            usage: self.usage,
        })
    }
}

impl Answer {
    fn extend(&mut self, delta: Delta, pieces: &mut Vec<Piece>) {
        let thoughts = delta.reasoning_content.or(delta.reasoning);
        let thoughts = thoughts.unwrap_or_default();
        append(&mut self.thoughts, &thoughts, Piece::Thinking, pieces);
        let refusal = delta.refusal.unwrap_or_default();
        self.refused |= !refusal.is_empty();
        for words in [delta.content.unwrap_or_default(), refusal] {
            append(&mut self.words, &words, Piece::Text, pieces);
        }
        for fragment in delta.tool_calls.unwrap_or_default() {
            self.extend_call(fragment, pieces);
        }
    }

    /// The call that a fragment belongs to is told by its index; without one, an id begins another call.
    fn extend_call(&mut self, fragment: Fragment, pieces: &mut Vec<Piece>) {
        let id = fragment.id.filter(|id| !id.is_empty());
        let found = match fragment.index {
            Some(index) => self.calls.iter().position(|call| call.index == Some(index)),
            None if id.is_none() => self.calls.len().checked_sub(1),
            None => self.calls.iter().position(|call| call.id == id),
        };
        let at = found.unwrap_or_else(|| {
            self.calls.push(Call {
                index: fragment.index,
                id: None,
                name: String::new(),
                arguments: String::new(),
            });
            self.calls.len() - 1
        });
        let call = &mut self.calls[at];
        call.id = call.id.take().or(id);
        let Some(function) = fragment.function else {
            return;
        };
        // Some servers say the name with every fragment.
        if let Some(name) = function.name.filter(|_| call.name.is_empty()) {
            call.name = names::original(&name);
            if !name.is_empty() {
                let name = call.name.clone();
                pieces.push(Piece::ToolCall { name });
            }
        }
        call.arguments
            .push_str(&function.arguments.unwrap_or_default());
    }
}

fn content(thoughts: String, words: String, calls: Vec<Call>, mut ids: MadeIds) -> Vec<Block> {
    let mut content = Vec::new();
    if !thoughts.is_empty() {
        content.push(Block::Thinking {
            text: thoughts,
            signature: None,
            redacted: false,
        });
    }
    if !words.is_empty() {
        content.push(Block::text(words));
    }
    content.extend(calls.into_iter().map(|call| {
        Block::ToolCall(ToolCall {
            id: ids.or_made(call.id),
            name: call.name,
            arguments: names::arguments(&call.arguments),
        })
    }));
    content
}

impl From<Counted> for Usage {
    /// What came from the cache is counted twice by OpenAI, and once here.
    fn from(counted: Counted) -> Self {
        let details = counted.prompt_tokens_details;
        let cached = details
            .and_then(|details| details.cached_tokens)
            .unwrap_or(0);
        Self {
            input: counted.prompt_tokens.unwrap_or(0).saturating_sub(cached),
            output: counted.completion_tokens.unwrap_or(0),
            cache_read: cached,
            cache_write: 0,
        }
    }
}

fn finish_reason(reason: &str) -> FinishReason {
    match reason {
        "stop" | "eos_token" => FinishReason::Stop,
        "tool_calls" | "function_call" => FinishReason::ToolUse,
        "length" => FinishReason::Length,
        "content_filter" => FinishReason::ContentFilter,
        _ => FinishReason::Error,
    }
}
