//! What stands in the file of a script.

use serde::{Deserialize, Serialize};

use crate::model::chat::{FinishReason, Usage};
use crate::provider::error::ErrorKind;

/// The version of the files that are read and written.
pub const FORMAT: u32 = 1;

/// One exchange. It has an answer (`text` or `say`), an error, or both: then the answer breaks off.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StepText {
    /// For messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many requests it answers; one without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// Whether it may come at any time.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unordered: bool,
    /// An answer of words alone; of nothing, when it is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Why the answer ends; by itself `TOOL_USE` where it has calls, else `STOP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish: Option<FinishReason>,
    /// The provider's id of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The model that answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What the request must be like.
    #[serde(rename = "expect", skip_serializing_if = "ExpectText::is_empty")]
    pub expected: ExpectText,
    /// What it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageText>,
    /// How fast it comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pace: Option<PaceText>,
    /// How it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorText>,
    /// An answer of several parts, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub say: Vec<PartText>,
}

/// What a request must be like. What is left out may be anything.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectText {
    /// Exactly this model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// So many messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<usize>,
    /// These tools are offered, and perhaps others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// What the system says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<WordsText>,
    /// The words of the last message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<WordsText>,
    /// Results of tools in the last message; each of these is one of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<ResultText>,
}

impl ExpectText {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What words must be like: a text that they contain, or all of what a table says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum WordsText {
    /// A part of them.
    Part(String),
    /// What they are compared with.
    Table(WordsTable),
}

/// What words are compared with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WordsTable {
    /// A part of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// All of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equals: Option<String>,
    /// A regular expression that occurs in them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
}

/// What the result of a tool must be like.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResultText {
    /// The tool's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// Whether it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<bool>,
    /// What it came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<WordsText>,
}

/// A part of an answer: words, thoughts, or a call of a tool.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PartText {
    /// Words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Thoughts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking: Option<String>,
    /// With which the provider takes the thoughts back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// Whether the thoughts are withheld.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub redacted: bool,
    /// The id of the tool that is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// Of the call; made where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The call's arguments as JSON: for what TOML cannot say, such as null, or what is no object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<String>,
    /// The call's arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<toml::Table>,
}

/// What an answer takes, in tokens.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UsageText {
    pub input: u32,
    pub output: u32,
    pub cache_read: u32,
    pub cache_write: u32,
}

impl From<UsageText> for Usage {
    fn from(text: UsageText) -> Self {
        Self {
            input: text.input.into(),
            output: text.output.into(),
            cache_read: text.cache_read.into(),
            cache_write: text.cache_write.into(),
        }
    }
}

/// Counts beyond the numbers of the file are mistakes of a provider.
impl From<Usage> for UsageText {
    fn from(usage: Usage) -> Self {
        let small = |tokens: u64| u32::try_from(tokens).unwrap_or(u32::MAX);
        Self {
            input: small(usage.input),
            output: small(usage.output),
            cache_read: small(usage.cache_read),
            cache_write: small(usage.cache_write),
        }
    }
}

/// How fast an answer comes.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PaceText {
    /// Milliseconds before the first piece.
    pub first_ms: u32,
    /// Milliseconds between two pieces.
    pub every_ms: u32,
    /// The longest piece, in characters; a whole part without.
    pub chars: Option<u32>,
}

/// How a call fails.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorText {
    /// Which kind, such as `rate`.
    pub kind: String,
    /// What the provider says.
    #[serde(default)]
    pub message: String,
    /// The HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long the provider wants to be left alone, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u32>,
}

/// The kinds of failures that a script may have.
pub const KINDS: [ErrorKind; 13] = [
    ErrorKind::Auth,
    ErrorKind::Quota,
    ErrorKind::Rate,
    ErrorKind::Overloaded,
    ErrorKind::ContextLength,
    ErrorKind::ContentFilter,
    ErrorKind::InvalidRequest,
    ErrorKind::NotSupported,
    ErrorKind::Network,
    ErrorKind::Timeout,
    ErrorKind::Protocol,
    ErrorKind::Cancelled,
    ErrorKind::Server,
];

/// What a kind of failure is called in a script.
pub fn kind_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Auth => "auth",
        ErrorKind::Quota => "quota",
        ErrorKind::Rate => "rate",
        ErrorKind::Overloaded => "overloaded",
        ErrorKind::ContextLength => "context_length",
        ErrorKind::ContentFilter => "content_filter",
        ErrorKind::InvalidRequest => "invalid_request",
        ErrorKind::NotSupported => "not_supported",
        ErrorKind::Network => "network",
        ErrorKind::Timeout => "timeout",
        ErrorKind::Protocol => "protocol",
        ErrorKind::Cancelled => "cancelled",
        ErrorKind::Server => "server",
    }
}
