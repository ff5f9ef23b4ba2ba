//! Writes what is asked and answered into a script, without secrets, so that it can be answered again without the
//! provider.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::model::chat::{Block, ChatRequest, ChatResponse, Message, ToolCall, ToolResult, Usage};
use crate::model::redact::Redactor;

use super::error::{ErrorKind, ProviderError};
use super::script::{
    ErrorText, ExpectText, FORMAT, PartText, ResultText, ScriptError, StepText, WordsTable,
    WordsText, kind_name, read_script, results,
};

/// What stands for the value of a key that says that it is a secret.
const WITHHELD: &str = "[redacted:assignment]";

/// Writes exchanges into a script.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    file: File,
    redactors: Vec<Redactor>,
}

#[derive(Serialize)]
struct Steps {
    step: [StepText; 1],
}

impl Recorder {
    /// Goes on with a script, or begins one that only its owner can read. What is written is
    /// rid of the secrets that `redactor` knows.
    ///
    /// # Errors
    /// A file that cannot be written, or that is something else than a script.
    pub fn open(path: &Path, redactor: Redactor) -> Result<Self, ScriptError> {
        let unwritable = |error| ScriptError::Unreadable {
            file: path.to_owned(),
            error,
        };
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600);
        let mut file = options.open(path).map_err(unwritable)?;
        if file.metadata().map_err(unwritable)?.len() > 0 {
            read_script(path)?;
        } else {
            let head = format!("format = {FORMAT}\n");
            file.write_all(head.as_bytes()).map_err(unwritable)?;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            redactors: vec![redactor],
        })
    }

    /// Rid of what another redactor knows, too.
    pub fn and(mut self, redactor: Redactor) -> Self {
        self.redactors.push(redactor);
        self
    }

    /// Where it writes.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes an exchange. What was cancelled is not one.
    ///
    /// # Errors
    /// The system's reason why it cannot be written.
    pub fn record(
        &mut self,
        request: &ChatRequest,
        outcome: Result<&ChatResponse, &ProviderError>,
    ) -> io::Result<()> {
        let clean = Clean(&self.redactors);
        let step = match outcome {
            Ok(response) => clean.answered(request, response),
            Err(error) if error.kind == ErrorKind::Cancelled => return Ok(()),
            Err(error) => clean.failed(request, error),
        };
        let steps = Steps { step: [step] };
        let text = toml::to_string_pretty(&steps).map_err(io::Error::other)?;
        // In one piece, so that two recorders of one file do not mix.
        self.file.write_all(format!("\n{text}").as_bytes())?;
        self.file.sync_data()
    }
}

/// Makes steps of exchanges, without secrets.
struct Clean<'r>(&'r [Redactor]);

impl Clean<'_> {
    fn answered(&self, request: &ChatRequest, response: &ChatResponse) -> StepText {
        let usage = response.usage;
        StepText {
            finish: Some(response.finish_reason),
            id: response.id.as_deref().map(|id| self.text(id)),
            model: response.model.as_deref().map(|model| self.text(model)),
            usage: (usage != Usage::default()).then(|| usage.into()),
            say: self.parts(&response.content),
            text: response.content.is_empty().then(String::new),
            ..self.step(request)
        }
    }

    fn failed(&self, request: &ChatRequest, error: &ProviderError) -> StepText {
        let milliseconds = |wait: std::time::Duration| u32::try_from(wait.as_millis()).ok();
        StepText {
            error: Some(ErrorText {
                kind: kind_name(error.kind).to_owned(),
                message: self.text(&error.message),
                status: error.status,
                retry_after_ms: error.retry_after.and_then(milliseconds),
            }),
            ..self.step(request)
        }
    }

    /// Steps have no order: sessions that ran side by side do not come in the same order again.
    fn step(&self, request: &ChatRequest) -> StepText {
        let user = request.messages.last().map(Message::text);
        let user = user.filter(|text| !text.is_empty());
        let tools = request.tools.iter().map(|tool| self.text(&tool.name));
        StepText {
            unordered: true,
            expected: ExpectText {
                model: Some(self.text(&request.model)),
                messages: Some(request.messages.len()),
                tools: tools.collect(),
                system: None,
                user: user.map(|text| self.equal(&text)),
                results: results(request).map(|result| self.result(result)).collect(),
            },
            ..StepText::default()
        }
    }

    fn result(&self, result: &ToolResult) -> ResultText {
        ResultText {
            tool: Some(self.text(&result.name)),
            failed: Some(result.is_error),
            content: Some(self.equal(&result.content)),
        }
    }

    fn equal(&self, text: &str) -> WordsText {
        WordsText::Table(WordsTable {
            equals: Some(self.text(text)),
            ..WordsTable::default()
        })
    }

    fn parts(&self, content: &[Block]) -> Vec<PartText> {
        content
            .iter()
            .filter_map(|block| self.part(block))
            .collect()
    }

    fn part(&self, block: &Block) -> Option<PartText> {
        let part = match block {
            Block::Text { text } => PartText {
                text: Some(self.text(text)),
                ..PartText::default()
            },
            Block::Thinking {
                text,
                signature,
                redacted,
            } => PartText {
                thinking: Some(self.text(text)),
                signature: signature.as_deref().map(|text| self.text(text)),
                redacted: *redacted,
                ..PartText::default()
            },
            Block::ToolCall(call) => self.call(call),
            // Models do not say these.
            Block::Image(_) | Block::ToolResult(_) => return None,
        };
        Some(part)
    }

    fn call(&self, call: &ToolCall) -> PartText {
        let arguments = self.json(&call.arguments);
        let table = match in_toml(&arguments) {
            Some(toml::Value::Table(table)) => Some(table),
            _ => None,
        };
        PartText {
            call: Some(self.text(&call.name)),
            id: Some(self.text(&call.id)),
            json: table.is_none().then(|| arguments.to_string()),
            arguments: table.filter(|table| !table.is_empty()),
            ..PartText::default()
        }
    }

    fn text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, redactor| {
            redactor.redact_text(&text).into_owned()
        })
    }

    fn json(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.json(item)).collect(),
            Value::Object(fields) => {
                let fields = fields.iter();
                let fields = fields.map(|(key, value)| (self.text(key), self.field(key, value)));
                Value::Object(fields.collect::<Map<_, _>>())
            }
            // A secret may be a number.
            Value::Number(number) => {
                let text = number.to_string();
                match self.text(&text) {
                    clean if clean == text => value.clone(),
                    clean => Value::String(clean),
                }
            }
            Value::Null | Value::Bool(_) => value.clone(),
        }
    }

    /// Beside the name of a password, a text is one that alone would not look like it.
    fn field(&self, key: &str, value: &Value) -> Value {
        let clean = self.json(value);
        let Value::String(text) = &clean else {
            return clean;
        };
        let line = format!("{key}={}", text.replace(['\n', '\r'], " "));
        match self.text(&line) == line || text.contains("[redacted:") {
            true => clean,
            false => Value::String(WITHHELD.to_owned()),
        }
    }
}

/// `None` where TOML has no such value.
fn in_toml(value: &Value) -> Option<toml::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => toml::Value::Boolean(*value),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => toml::Value::Integer(whole),
            None if number.is_f64() => toml::Value::Float(number.as_f64()?),
            None => return None,
        },
        Value::String(text) => toml::Value::String(text.clone()),
        Value::Array(items) => {
            let items = items.iter().map(in_toml);
            toml::Value::Array(items.collect::<Option<_>>()?)
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(key, value)| Some((key.clone(), in_toml(value)?)));
            toml::Value::Table(fields.collect::<Option<_>>()?)
        }
    })
}
