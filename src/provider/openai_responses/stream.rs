//! The answer, from its events.
//!
//! Items are counted by `output_index`. What comes in parts is only shown: the whole item follows in
//! `response.output_item.done`. The parts stand in for it when an answer ends in the middle of an item.

use std::collections::BTreeMap;

use crate::model::chat::Wire;
use crate::model::chat::{Block, ChatRequest, ChatResponse, FinishReason, Piece, ToolCall};
use crate::provider::error::{ErrorKind, ProviderError};
use crate::provider::events::{append, read, settled};
use crate::provider::framing;
use crate::provider::names::{self, MadeIds};
use crate::provider::openai_error;
use crate::provider::wire::Decoder;

use super::event::{Ending, Event, Item, Part};

pub(in crate::provider) fn decoder(request: &ChatRequest) -> Box<dyn Decoder> {
    Box::new(Answer {
        ids: MadeIds::after(request),
        items: BTreeMap::new(),
        ending: None,
    })
}

struct Answer {
    ids: MadeIds,
    items: BTreeMap<u64, Progress>,
    ending: Option<Ending>,
}

/// An item while it is being given.
#[derive(Default)]
struct Progress {
    item: Item,
    /// The words of a message, the thoughts, or the arguments of a call, as far as they came.
    parts: String,
}

impl Decoder for Answer {
    fn event(
        &mut self,
        event: &framing::Event,
        pieces: &mut Vec<Piece>,
    ) -> Result<(), ProviderError> {
        match read(&event.data)? {
            Event::Added { output_index, item } => {
                if let Item::FunctionCall { name, .. } = &item {
                    let name = names::original(name);
                    pieces.push(Piece::ToolCall { name });
                }
                self.item(output_index).item = item;
            }
            Event::Done { output_index, item } => self.item(output_index).item = item,
            Event::Text {
                output_index,
                delta,
            } => append(
                &mut self.item(output_index).parts,
                &delta,
                Piece::Text,
                pieces,
            ),
            Event::Thinking {
                output_index,
                delta,
            } => append(
                &mut self.item(output_index).parts,
                &delta,
                Piece::Thinking,
                pieces,
            ),
            Event::ThinkingPart { output_index } => {
                let parts = &mut self.item(output_index).parts;
                if !parts.is_empty() {
                    append(parts, PARAGRAPH, Piece::Thinking, pieces);
                }
            }
            Event::Arguments {
                output_index,
                delta,
            } => self.item(output_index).parts.push_str(&delta),
            Event::End { response } => match response.error.filter(|error| !error.is_null()) {
                Some(error) => return Err(openai_error::meaning(&error, ErrorKind::Server)),
                None => {
                    self.ending = Some(Ending {
                        error: None,
                        ..response
                    })
                }
            },
            Event::Error { said } => return Err(openai_error::meaning(&said, ErrorKind::Server)),
            Event::Other => {}
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.ending.is_some()
    }

    fn finish(mut self: Box<Self>) -> Result<ChatResponse, ProviderError> {
        let mut ending = self.ending.take().ok_or_else(ProviderError::truncated)?;
        let mut items: Vec<Progress> = self.items.into_values().collect();
        if items.is_empty() {
            let whole = std::mem::take(&mut ending.output).into_iter();
            items.extend(whole.map(|item| Progress {
                item,
                ..Progress::default()
            }));
        }
        let refused = items.iter().any(|progress| progress.item.is_refusal());
        let reason = match refused {
            true => FinishReason::ContentFilter,
            false => ending.finish_reason(),
        };
        let blocks = items.into_iter();
        let content: Vec<Block> = blocks.filter_map(|one| one.close(&mut self.ids)).collect();
        Ok(ChatResponse {
            id: ending.id,
            model: ending.model,
            finish_reason: settled(reason, &content),
            content,
            usage: ending.usage.unwrap_or_default().into(),
        })
    }
}

/// What stands between the parts of thoughts.
const PARAGRAPH: &str = "\n\n";

impl Answer {
    fn item(&mut self, index: u64) -> &mut Progress {
        self.items.entry(index).or_default()
    }
}

impl Progress {
    fn close(self, ids: &mut MadeIds) -> Option<Block> {
        let or_parts = |whole: String| match whole.is_empty() {
            true => self.parts,
            false => whole,
        };
        Some(match self.item {
            Item::Message { content } => {
                let text = or_parts(joined(&content, ""));
                (!text.is_empty()).then(|| Block::text(text))?
            }
            Item::Reasoning {
                summary,
                content,
                encrypted_content,
            } => {
                let shown = match summary.is_empty() {
                    true => content.unwrap_or_default(),
                    false => summary,
                };
                Block::Thinking {
                    text: or_parts(joined(&shown, PARAGRAPH)),
                    signature: encrypted_content.map(|text| Wire::OpenAiResponses.seal(&text)),
                    redacted: false,
                }
            }
            Item::FunctionCall {
                call_id,
                name,
                arguments,
            } => Block::ToolCall(ToolCall {
                id: ids.or_made(call_id),
                name: names::original(&name),
                arguments: names::arguments(&or_parts(arguments)),
            }),
            Item::Other => return None,
        })
    }
}

fn joined(parts: &[Part], between: &str) -> String {
    let texts = parts.iter().filter_map(|part| match part {
        Part::OutputText { text } => Some(text.as_str()),
        Part::Refusal { refusal } => Some(refusal.as_str()),
        Part::Other => None,
    });
    texts.collect::<Vec<_>>().join(between)
}
