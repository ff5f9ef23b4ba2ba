//! The answer, from its events.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::chat::Wire;
use crate::model::chat::{Block, ChatRequest, ChatResponse, FinishReason, Piece, ToolCall};
use crate::provider::error::{ErrorKind, ProviderError};
use crate::provider::events::{read, tell};
use crate::provider::framing;
use crate::provider::names::{self, MadeIds};
use crate::provider::wire::Decoder;

use super::event::{BlockStart, Counted, Delta, Event};

pub(in crate::provider) fn decoder(request: &ChatRequest) -> Box<dyn Decoder> {
    Box::new(Answer {
        ids: MadeIds::after(request),
        id: None,
        model: None,
        blocks: BTreeMap::new(),
        stop_reason: None,
        usage: Counted::default(),
        stopped: false,
    })
}

struct Answer {
    ids: MadeIds,
    id: Option<String>,
    model: Option<String>,
    blocks: BTreeMap<u64, Open>,
    stop_reason: Option<String>,
    usage: Counted,
    stopped: bool,
}

/// A block that is still being given.
enum Open {
    Text(String),
    Thinking {
        text: String,
        signature: String,
    },
    Redacted(String),
    Call {
        id: String,
        name: String,
        input: Value,
        json: String,
    },
    /// Of a kind that nobody asked for.
    Other,
}

impl Decoder for Answer {
    fn event(
        &mut self,
        event: &framing::Event,
        pieces: &mut Vec<Piece>,
    ) -> Result<(), ProviderError> {
        match read(&event.data)? {
            Event::MessageStart { message } => {
                self.id = message.id;
                self.model = message.model;
                self.usage.update(message.usage);
            }
            Event::ContentBlockStart {
                index,
                content_block,
            } => {
                let block = self.open(content_block, pieces);
                self.blocks.insert(index, block);
            }
            Event::ContentBlockDelta { index, delta } => {
                let block = self.blocks.get_mut(&index);
                let block =
                    block.ok_or_else(|| out_of_place("a part of a block that never began"))?;
                block.extend(delta, pieces)?;
            }
            Event::MessageDelta { delta, usage } => {
                self.stop_reason = delta.stop_reason.or(self.stop_reason.take());
                self.usage.update(usage);
            }
            Event::MessageStop => self.stopped = true,
            Event::Error { error } => return Err(error.meaning(ErrorKind::Server)),
            Event::Other => {}
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.stopped
    }

    fn finish(self: Box<Self>) -> Result<ChatResponse, ProviderError> {
        let Some(reason) = self.stop_reason.filter(|_| self.stopped) else {
            return Err(ProviderError::truncated());
        };
        let blocks = self.blocks.into_values();
        Ok(ChatResponse {
            id: self.id,
            model: self.model,
            content: blocks.filter_map(Open::close).collect(),
            finish_reason: finish_reason(&reason),
            usage: self.usage.into(),
        })
    }
}

impl Answer {
    fn open(&mut self, start: BlockStart, pieces: &mut Vec<Piece>) -> Open {
        match start {
            BlockStart::Text { text } => {
                tell(&text, Piece::Text, pieces);
                Open::Text(text)
            }
            BlockStart::Thinking {
                thinking,
                signature,
            } => {
                tell(&thinking, Piece::Thinking, pieces);
                Open::Thinking {
                    text: thinking,
                    signature,
                }
            }
            BlockStart::RedactedThinking { data } => Open::Redacted(data),
            BlockStart::ToolUse { id, name, input } => {
                let name = names::original(&name);
                pieces.push(Piece::ToolCall { name: name.clone() });
                Open::Call {
                    id: self.ids.or_made(id),
                    name,
                    input,
                    json: String::new(),
                }
            }
            BlockStart::Other => Open::Other,
        }
    }
}

impl Open {
    fn extend(&mut self, delta: Delta, pieces: &mut Vec<Piece>) -> Result<(), ProviderError> {
        match (self, delta) {
            (Self::Text(whole), Delta::Text { text }) => {
                whole.push_str(&text);
                tell(&text, Piece::Text, pieces);
            }
            (Self::Thinking { text, .. }, Delta::Thinking { thinking }) => {
                text.push_str(&thinking);
                tell(&thinking, Piece::Thinking, pieces);
            }
            (Self::Thinking { signature, .. }, Delta::Signature { signature: more }) => {
                signature.push_str(&more);
            }
            (Self::Call { json, .. }, Delta::Input { partial_json }) => {
                json.push_str(&partial_json);
            }
            (Self::Other, _) | (_, Delta::Other) => {}
            _ => {
                return Err(out_of_place(
                    "a part that is of another kind than its block",
                ));
            }
        }
        Ok(())
    }

    fn close(self) -> Option<Block> {
        let seal = |signature: &str| Some(Wire::AnthropicMessages.seal(signature));
        Some(match self {
            Self::Text(text) if text.is_empty() => return None,
            Self::Text(text) => Block::Text { text },
            Self::Thinking { text, signature } => Block::Thinking {
                text,
                signature: seal(&signature).filter(|_| !signature.is_empty()),
                redacted: false,
            },
            Self::Redacted(data) => Block::Thinking {
                text: String::new(),
                signature: seal(&data),
                redacted: true,
            },
            Self::Call {
                id,
                name,
                input,
                json,
            } => {
                // Without fragments, the block began with all of its input.
                let arguments = match input {
                    Value::Object(_) if json.is_empty() => input,
                    _ => names::arguments(&json),
                };
                Block::ToolCall(ToolCall {
                    id,
                    name,
                    arguments,
                })
            }
            Self::Other => return None,
        })
    }
}

/// A turn is only paused when the provider runs tools itself, which nobody asks it for.
fn finish_reason(reason: &str) -> FinishReason {
    match reason {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "tool_use" => FinishReason::ToolUse,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "refusal" => FinishReason::ContentFilter,
        _ => FinishReason::Error,
    }
}

fn out_of_place(what: &str) -> ProviderError {
    ProviderError::protocol(what)
}
