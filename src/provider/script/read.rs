//! Reads scripts, and checks that what they say can be done.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use regex_automata::hybrid::regex::Regex;
use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use super::expected::{Expect, Outcome, Words};
use super::text::{ErrorText, ExpectText, FORMAT, KINDS, PartText, StepText, WordsText, kind_name};
use crate::model::chat::{Block, FinishReason, ToolCall, Usage};
use crate::provider::error::ProviderError;

const LARGEST: u64 = 64 * 1024 * 1024;

/// Why there is no script.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("cannot read {}: {error}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// The file says something that is no script.
    #[error("{}:{line}: {message}", .file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

/// Expected requests and their answers.
#[derive(Debug)]
pub struct Script {
    /// Where it stands, for messages.
    pub file: PathBuf,
    /// In the order of the file.
    pub steps: Vec<Step>,
}

/// One exchange.
#[derive(Debug)]
pub struct Step {
    name: Option<String>,
    /// Where it begins, from 1.
    line: usize,
    /// How many requests it answers.
    pub times: u32,
    /// Whether it may come at any time.
    pub unordered: bool,
    /// What the request must be like.
    pub expect: Expect,
    /// What is answered. Ids of calls may be empty.
    pub content: Vec<Block>,
    /// The provider's id of the answer.
    pub id: Option<String>,
    /// The model that answers.
    pub model: Option<String>,
    /// Why the answer ends.
    pub finish: FinishReason,
    /// What it takes.
    pub usage: Usage,
    /// How it fails, after what is answered.
    pub error: Option<ProviderError>,
    /// Before the first piece.
    pub first: Duration,
    /// Between two pieces.
    pub every: Duration,
    /// The longest piece, in characters.
    pub chars: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    format: Spanned<u32>,
    #[serde(default)]
    step: Vec<Spanned<StepText>>,
}

/// The script in a file.
///
/// # Errors
/// A file that cannot be read, is larger than 64 MiB, or is no script.
pub fn read_script(file: &Path) -> Result<Script, ScriptError> {
    let unreadable = |error| ScriptError::Unreadable {
        file: file.to_owned(),
        error,
    };
    let mut text = String::new();
    let opened = File::open(file).map_err(unreadable)?;
    let read = opened.take(LARGEST + 1).read_to_string(&mut text);
    read.map_err(unreadable)?;
    if text.len() as u64 > LARGEST {
        return Err(unreadable(io::Error::from(io::ErrorKind::FileTooLarge)));
    }
    Script::parse(&text, file)
}

impl Script {
    /// The script that this text of `file` is.
    ///
    /// # Errors
    /// [`ScriptError::Invalid`] with the line.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ScriptError> {
        let line = |offset: usize| 1 + text[..offset.min(text.len())].matches('\n').count();
        let invalid = |offset: usize, message: String| ScriptError::Invalid {
            file: file.to_owned(),
            line: line(offset),
            message,
        };
        let read: FileText = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            invalid(start, error.message().to_owned())
        })?;
        if *read.format.get_ref() != FORMAT {
            let message = format!("this version of treeyard reads `format = {FORMAT}`");
            return Err(invalid(read.format.span().start, message));
        }
        let steps = read.step.into_iter().map(|step| {
            let start = step.span().start;
            Step::of(step.into_inner(), line(start)).map_err(|message| invalid(start, message))
        });
        Ok(Self {
            file: file.to_owned(),
            steps: steps.collect::<Result<_, _>>()?,
        })
    }

    /// A step within a message: its file and line, its number and its name.
    pub fn place(&self, at: usize) -> String {
        let step = &self.steps[at];
        let name = step.name.as_ref().map(|name| format!(" ({name})"));
        let (file, line) = (self.file.display(), step.line);
        format!("{file}:{line}: step {}{}", at + 1, name.unwrap_or_default())
    }
}

impl Step {
    fn of(text: StepText, line: usize) -> Result<Self, String> {
        if text.text.is_some() && !text.say.is_empty() {
            return Err("a step has `text` or `say`, not both".to_owned());
        }
        if text.text.is_none() && text.say.is_empty() && text.error.is_none() {
            return Err("a step needs an answer (`text` or `say`) or an `error`".to_owned());
        }
        let words = text.text.into_iter().filter(|text| !text.is_empty());
        let words = words.map(|text| Ok(Block::Text { text }));
        let content = words.chain(text.say.into_iter().map(block));
        let content = content.collect::<Result<Vec<Block>, String>>()?;
        let calls = content.iter().any(|b| matches!(b, Block::ToolCall(_)));
        let by_itself = match calls {
            true => FinishReason::ToolUse,
            false => FinishReason::Stop,
        };
        let pace = text.pace.unwrap_or_default();
        let chars = pace.chars.map_or(usize::MAX, |chars| chars as usize);
        if chars == 0 || text.times == Some(0) {
            return Err("`chars` and `times` are at least 1".to_owned());
        }
        Ok(Self {
            name: text.name,
            line,
            times: text.times.unwrap_or(1),
            unordered: text.unordered,
            expect: expected(text.expected)?,
            content,
            id: text.id,
            model: text.model,
            finish: text.finish.unwrap_or(by_itself),
            usage: text.usage.unwrap_or_default().into(),
            error: text.error.map(failure).transpose()?,
            first: Duration::from_millis(pace.first_ms.into()),
            every: Duration::from_millis(pace.every_ms.into()),
            chars,
        })
    }
}

fn block(part: PartText) -> Result<Block, String> {
    let of_thoughts = part.signature.is_some() || part.redacted;
    let of_calls = part.id.is_some() || part.json.is_some() || part.arguments.is_some();
    match (part.text, part.thinking, part.call) {
        (Some(text), None, None) if !of_thoughts && !of_calls => Ok(Block::Text { text }),
        (None, Some(text), None) if !of_calls => Ok(Block::Thinking {
            text,
            signature: part.signature,
            redacted: part.redacted,
        }),
        (None, None, Some(name)) if !of_thoughts => Ok(Block::ToolCall(ToolCall {
            id: part.id.unwrap_or_default(),
            name,
            arguments: arguments(part.json, part.arguments)?,
        })),
        _ => Err("a part is { text }, { thinking, signature, redacted } or { call, id, arguments or json }".to_owned()),
    }
}

fn arguments(json: Option<String>, table: Option<toml::Table>) -> Result<Value, String> {
    match (json, table) {
        (Some(_), Some(_)) => Err("a call has `arguments` or `json`, not both".to_owned()),
        (Some(json), None) => {
            serde_json::from_str(&json).map_err(|error| format!("`json` is no JSON: {error}"))
        }
        (None, table) => in_json(toml::Value::Table(table.unwrap_or_default())),
    }
}

fn in_json(value: toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => match serde_json::Number::from_f64(number) {
            Some(number) => Value::Number(number),
            None => return Err(format!("JSON has no {number}")),
        },
        toml::Value::Boolean(value) => Value::Bool(value),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(items) => {
            let items = items.into_iter().map(in_json);
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        toml::Value::Table(table) => {
            let items = table
                .into_iter()
                .map(|(key, value)| Ok((key, in_json(value)?)));
            Value::Object(items.collect::<Result<_, String>>()?)
        }
    })
}

fn expected(text: ExpectText) -> Result<Expect, String> {
    let results = text.results.into_iter().map(|result| {
        Ok(Outcome {
            tool: result.tool,
            failed: result.failed,
            content: result.content.map(words).transpose()?,
        })
    });
    Ok(Expect {
        model: text.model,
        messages: text.messages,
        tools: text.tools,
        system: text.system.map(words).transpose()?,
        user: text.user.map(words).transpose()?,
        results: results.collect::<Result<_, String>>()?,
    })
}

fn words(text: WordsText) -> Result<Words, String> {
    let table = match text {
        WordsText::Part(part) => {
            return Ok(Words {
                contains: Some(part),
                ..Words::default()
            });
        }
        WordsText::Table(table) => table,
    };
    let matches = table.matches.map(|pattern| match Regex::new(&pattern) {
        Ok(regex) => Ok((pattern, regex)),
        Err(_) => Err(format!("{pattern:?} is no regular expression")),
    });
    Ok(Words {
        contains: table.contains,
        equals: table.equals,
        matches: matches.transpose()?,
    })
}

fn failure(text: ErrorText) -> Result<ProviderError, String> {
    let kind = KINDS.into_iter().find(|kind| kind_name(*kind) == text.kind);
    let Some(kind) = kind else {
        let names = KINDS.map(kind_name).join(", ");
        return Err(format!(
            "{:?} is no kind of error; they are {names}",
            text.kind
        ));
    };
    let message = match text.message.is_empty() {
        true => "as the script says".to_owned(),
        false => text.message,
    };
    Ok(ProviderError {
        status: text.status,
        retry_after: text
            .retry_after_ms
            .map(|ms| Duration::from_millis(ms.into())),
        ..ProviderError::new(kind, message)
    })
}
