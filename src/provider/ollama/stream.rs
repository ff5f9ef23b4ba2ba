//! The answer, from its lines.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::model::chat::Wire;
use crate::model::chat::{
    Block, ChatRequest, ChatResponse, FinishReason, Piece, ToolCall, ToolChoice, Usage,
};
use crate::provider::error::{ErrorKind, ProviderError};
use crate::provider::events::{append, read, settled};
use crate::provider::framing::Event;
use crate::provider::names::{self, MadeIds};
use crate::provider::openai_error;
use crate::provider::wire::Decoder;

pub(in crate::provider) fn decoder(request: &ChatRequest) -> Box<dyn Decoder> {
    let must_call = matches!(
        request.tool_choice,
        ToolChoice::Required | ToolChoice::Only(_)
    );
    Box::new(Answer {
        ids: MadeIds::after(request),
        must_call,
        ..Answer::default()
    })
}

#[derive(Default)]
struct Answer {
    ids: MadeIds,
    must_call: bool,
    model: Option<String>,
    thoughts: String,
    words: String,
    calls: Vec<Block>,
    done_reason: Option<String>,
    usage: Usage,
    done: bool,
}

#[derive(Deserialize)]
struct Line {
    error: Option<Value>,
    model: Option<String>,
    message: Option<Said>,
    #[serde(default)]
    done: bool,
    done_reason: Option<String>,
    prompt_eval_count: Option<u64>,
    eval_count: Option<u64>,
}

#[derive(Deserialize)]
struct Said {
    content: Option<String>,
    thinking: Option<String>,
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    id: Option<String>,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: Value,
}

impl Decoder for Answer {
    fn event(&mut self, event: &Event, pieces: &mut Vec<Piece>) -> Result<(), ProviderError> {
        let line: Line = read(&event.data)?;
        if let Some(error) = line.error {
            let said = json!({ "error": error });
            return Err(super::told_apart(openai_error::meaning(
                &said,
                ErrorKind::Server,
            )));
        }
        self.model = self.model.take().or(line.model);
        if let Some(said) = line.message {
            self.extend(said, pieces);
        }
        if line.done {
            self.done = true;
            self.done_reason = line.done_reason;
            // What the server had of the prompt already is not counted apart.
            self.usage.input = line.prompt_eval_count.unwrap_or(0);
            self.usage.output = line.eval_count.unwrap_or(0);
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.done
    }

    fn finish(self: Box<Self>) -> Result<ChatResponse, ProviderError> {
        if !self.done {
            return Err(ProviderError::truncated());
        }
        if self.must_call && self.calls.is_empty() {
            let message = "the model called no tool, although it had to";
            return Err(ProviderError::protocol(message));
        }
        let reason = self.done_reason.as_deref().unwrap_or("stop");
        let mut content = Vec::new();
        if !self.thoughts.is_empty() {
            // Not signed by anybody; this only says whose they are.
            content.push(Block::Thinking {
                text: self.thoughts,
                signature: Some(Wire::Ollama.seal("")),
                redacted: false,
            });
        }
        if !self.words.is_empty() {
            content.push(Block::text(self.words));
        }
        content.extend(self.calls);
        Ok(ChatResponse {
            id: None,
            model: self.model,
            finish_reason: settled(finish_reason(reason), &content),
            content,
            usage: self.usage,
        })
    }
}

impl Answer {
    fn extend(&mut self, said: Said, pieces: &mut Vec<Piece>) {
        let thoughts = said.thinking.unwrap_or_default();
        append(&mut self.thoughts, &thoughts, Piece::Thinking, pieces);
        let words = said.content.unwrap_or_default();
        append(&mut self.words, &words, Piece::Text, pieces);
        for call in said.tool_calls.unwrap_or_default() {
            let name = names::original(&call.function.name);
            pieces.push(Piece::ToolCall { name: name.clone() });
            self.calls.push(Block::ToolCall(ToolCall {
                id: self.ids.or_made(call.id),
                name,
                arguments: arguments(call.function.arguments),
            }));
        }
    }
}

/// An object here; servers that speak like Ollama write it as a text.
fn arguments(arguments: Value) -> Value {
    match arguments {
        Value::Object(_) => arguments,
        Value::Null => Value::Object(Map::new()),
        Value::String(text) => names::arguments(&text),
        other => Value::String(other.to_string()),
    }
}

/// The last one is only said by models that run elsewhere.
fn finish_reason(reason: &str) -> FinishReason {
    match reason {
        "stop" => FinishReason::Stop,
        "length" => FinishReason::Length,
        "content_filter" => FinishReason::ContentFilter,
        _ => FinishReason::Error,
    }
}
