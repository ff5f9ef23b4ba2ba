//! Taking secrets out of what is said, before it is hashed, stored or sent.

use std::borrow::Cow;

use serde_json::Value;

use super::said::Said;
use crate::model::chat::Block;
use crate::model::redact::Redactor;
use crate::model::tool::Payload;

impl Said {
    /// The same without secrets, and whether there were any.
    pub fn redacted(mut self, redactor: &Redactor) -> (Self, bool) {
        let mut eraser = Eraser {
            redactor,
            found: false,
        };
        match &mut self {
            // The runtime's own words.
            Self::System(_) => {}
            Self::User(text) => eraser.text(text),
            Self::Assistant(blocks) => blocks.iter_mut().for_each(|block| eraser.block(block)),
            Self::ToolCall(request) => eraser.payload(&mut request.args),
            Self::ToolResult(response) => match &mut response.outcome {
                Ok(result) => eraser.payload(result),
                Err(error) => {
                    eraser.text(&mut error.message);
                    eraser.value(&mut error.details);
                }
            },
        }
        (self, eraser.found)
    }
}

struct Eraser<'a> {
    redactor: &'a Redactor,
    found: bool,
}

impl Eraser<'_> {
    fn text(&mut self, text: &mut String) {
        if let Cow::Owned(clean) = self.redactor.redact_text(text) {
            *text = clean;
            self.found = true;
        }
    }

    fn block(&mut self, block: &mut Block) {
        match block {
            Block::Text { text } => self.text(text),
            Block::Thinking {
                text, signature, ..
            } => {
                let before = self.found;
                self.found = false;
                self.text(text);
                // A signature is for the words as they were.
                if self.found {
                    *signature = None;
                }
                self.found |= before;
            }
            Block::ToolCall(call) => self.value(&mut call.arguments),
            Block::ToolResult(result) => self.text(&mut result.content),
            Block::Image(_) => {}
        }
    }

    fn payload(&mut self, payload: &mut Payload) {
        if let Payload::Inline(value) = payload {
            self.value(value);
        }
    }

    fn value(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.value(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}
