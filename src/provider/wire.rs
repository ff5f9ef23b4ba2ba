//! What a provider speaks, and what an adapter is.

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::model::chat::{ChatRequest, ChatResponse, Piece, ProviderCapabilities, Wire};

use super::error::ProviderError;
use super::framing::{Event, Framing};
use super::retry::retry_after;
use super::{anthropic, check, gemini, ollama, openai_chat, openai_responses};

/// Headers in which providers say what they call a request.
const REQUEST_IDS: [&str; 3] = ["request-id", "x-request-id", "x-goog-request-id"];

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

/// What is done for each interface, by the adapter of its file.
pub trait Adapter: Copy {
    /// The request in this provider's terms.
    fn outgoing(
        self,
        request: &ChatRequest,
        can: &ProviderCapabilities,
    ) -> Result<Outgoing, ProviderError>;

    /// What reads the answer to this request.
    fn decoder(self, request: &ChatRequest) -> Box<dyn Decoder>;

    /// What an answer with a status other than 2xx means. `now` is for a date in its headers.
    fn failure(
        self,
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> ProviderError;
}

impl Adapter for Wire {
    fn outgoing(
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

    fn decoder(self, request: &ChatRequest) -> Box<dyn Decoder> {
        match self {
            Self::AnthropicMessages => anthropic::decoder(request),
            Self::OpenAiChat | Self::OpenAiCompatible => openai_chat::decoder(request),
            Self::OpenAiResponses => openai_responses::decoder(request),
            Self::Gemini => gemini::decoder(request),
            Self::Ollama => ollama::decoder(request),
        }
    }

    fn failure(
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
}

/// What the provider calls the request that it answers.
pub(super) fn request_id(headers: &HeaderMap) -> Option<String> {
    let named = REQUEST_IDS.iter().find_map(|name| headers.get(*name));
    let text = named?.to_str().ok()?;
    Some(text.chars().take(128).collect())
}
