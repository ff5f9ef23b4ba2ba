//! What a provider speaks, and what an adapter is.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::model::chat::{ChatRequest, ChatResponse, Piece, ProviderCapabilities};

use super::error::ProviderError;
use super::framing::{Event, Framing};
use super::retry::retry_after;
use super::{anthropic, check, gemini, ollama, openai_chat, openai_responses};

/// Headers in which providers say what they call a request.
const REQUEST_IDS: [&str; 3] = ["request-id", "x-request-id", "x-goog-request-id"];

/// The interface of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wire {
    /// Anthropic's Messages.
    AnthropicMessages,
    /// OpenAI's Chat Completions, at OpenAI itself.
    OpenAiChat,
    /// The same where others speak it: vLLM, the server of llama.cpp, LM Studio.
    OpenAiCompatible,
    /// OpenAI's Responses.
    OpenAiResponses,
    /// Google's Gemini.
    Gemini,
    /// Ollama's own.
    Ollama,
}

/// A request as it is sent: a POST of JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// What comes after the base URL: begins with a slash, and may have a query.
    pub path: String,
    /// Headers besides those of the endpoint.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Value,
    /// How the answer is framed.
    pub framing: Framing,
}

/// Puts an answer together from its events.
pub trait Decoder: Send {
    /// Takes an event, and adds what it brings for those who watch. Unknown events and fields are left alone.
    fn event(&mut self, event: &Event, pieces: &mut Vec<Piece>) -> Result<(), ProviderError>;

    /// Whether no further event is needed. A wire without a last event of its own never says so:
    /// its stream is read to the end.
    fn is_complete(&self) -> bool {
        false
    }

    /// The whole answer. A stream that ended too early is an error ([`ProviderError::truncated`]).
    fn finish(self: Box<Self>) -> Result<ChatResponse, ProviderError>;
}

impl Wire {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::AnthropicMessages,
        Self::OpenAiChat,
        Self::OpenAiCompatible,
        Self::OpenAiResponses,
        Self::Gemini,
        Self::Ollama,
    ];

    /// Its name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::AnthropicMessages => "anthropic",
            Self::OpenAiChat => "openai-chat",
            Self::OpenAiCompatible => "openai-compatible",
            Self::OpenAiResponses => "openai-responses",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
        }
    }

    /// The header that the key goes into, and what stands before it there.
    pub fn key_header(self) -> (&'static str, &'static str) {
        match self {
            Self::AnthropicMessages => ("x-api-key", ""),
            Self::Gemini => ("x-goog-api-key", ""),
            Self::OpenAiChat | Self::OpenAiCompatible | Self::OpenAiResponses | Self::Ollama => {
                ("authorization", "Bearer ")
            }
        }
    }

    /// The request in this provider's terms.
    pub fn outgoing(
        self,
        request: &ChatRequest,
        can: &ProviderCapabilities,
    ) -> Result<Outgoing, ProviderError> {
        check::check(request, can)?;
        match self {
            Self::AnthropicMessages => anthropic::outgoing(request, can),
            Self::OpenAiChat => openai_chat::outgoing(request, can, openai_chat::Dialect::OpenAi),
            Self::OpenAiCompatible => {
                openai_chat::outgoing(request, can, openai_chat::Dialect::Compatible)
            }
            Self::OpenAiResponses => openai_responses::outgoing(request, can),
            Self::Gemini => gemini::outgoing(request, can),
            Self::Ollama => ollama::outgoing(request, can),
        }
    }

    /// What reads the answer to this request.
    pub fn decoder(self, request: &ChatRequest) -> Box<dyn Decoder> {
        match self {
            Self::AnthropicMessages => anthropic::decoder(request),
            Self::OpenAiChat | Self::OpenAiCompatible => openai_chat::decoder(request),
            Self::OpenAiResponses => openai_responses::decoder(request),
            Self::Gemini => gemini::decoder(request),
            Self::Ollama => ollama::decoder(request),
        }
    }

    /// What an answer with a status other than 2xx means. `now` is for a date in its headers.
    pub fn failure(
        self,
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> ProviderError {
        let said = match self {
            Self::AnthropicMessages => anthropic::failure(status, body),
            Self::OpenAiChat | Self::OpenAiCompatible => openai_chat::failure(status, body),
            Self::OpenAiResponses => openai_responses::failure(status, body),
            Self::Gemini => gemini::failure(status, body),
            Self::Ollama => ollama::failure(status, body),
        };
        ProviderError {
            status: Some(status),
            retry_after: retry_after(headers, now).or(said.retry_after),
            request_id: request_id(headers).or(said.request_id),
            ..said
        }
    }

    /// A signature of thoughts, marked as this provider's. Conversations move between providers, and
    /// none takes the thoughts of another.
    pub(super) fn seal(self, signature: &str) -> String {
        format!("{}:{signature}", self.name())
    }

    /// The signature as it came, if it came from this provider.
    pub(super) fn unseal(self, sealed: &str) -> Option<&str> {
        sealed.strip_prefix(self.name())?.strip_prefix(':')
    }
}

/// What the provider calls the request that it answers.
pub(super) fn request_id(headers: &HeaderMap) -> Option<String> {
    let named = REQUEST_IDS.iter().find_map(|name| headers.get(*name));
    let text = named?.to_str().ok()?;
    Some(text.chars().take(128).collect())
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a text names no interface.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no interface of a provider: they are anthropic, openai-chat, openai-compatible, openai-responses, gemini and ollama"
)]
pub struct UnknownWire(String);

impl FromStr for Wire {
    type Err = UnknownWire;

    fn from_str(text: &str) -> Result<Self, UnknownWire> {
        let found = Self::ALL.into_iter().find(|wire| wire.name() == text);
        found.ok_or_else(|| UnknownWire(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for wire in Wire::ALL {
            assert_eq!(wire.name().parse(), Ok(wire));
            assert_eq!(wire.unseal(&wire.seal("a:b")), Some("a:b"));
            for other in Wire::ALL.into_iter().filter(|other| *other != wire) {
                assert_eq!(other.unseal(&wire.seal("a")), None);
            }
        }
        assert!("openai".parse::<Wire>().is_err());
    }
}
