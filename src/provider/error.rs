//! Why a call of a model came to nothing.

use std::fmt;
use std::time::Duration;

/// The longest message that is kept, in bytes: some servers answer with a whole page.
const LONGEST_MESSAGE: usize = 2048;

/// Why a call of a model came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}{}", Request(self.request_id.as_deref()))]
pub struct ProviderError {
    /// What to do about it.
    pub kind: ErrorKind,
    /// What the provider says, or what was seen; at most 2 KiB.
    pub message: String,
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// How long the provider wants to be left alone.
    pub retry_after: Option<Duration>,
    /// What the provider calls the request, for its support.
    pub request_id: Option<String>,
    /// That the provider certainly got nothing of the request.
    pub unsent: bool,
}

/// Kinds of failures, by what helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The key is missing, wrong, or not for this model.
    Auth,
    /// The account has no credit left; unlike with [`ErrorKind::Rate`], waiting does not help.
    Quota,
    /// Too many calls or tokens in a while.
    Rate,
    /// The provider has too much to do (503, 529).
    Overloaded,
    /// The conversation does not fit into the model.
    ContextLength,
    /// The provider will not answer this.
    ContentFilter,
    /// The request is not one that the provider takes.
    InvalidRequest,
    /// The provider or the model lacks something that the request needs. Nothing was sent.
    NotSupported,
    /// No connection, or it broke.
    Network,
    /// Nothing came in time.
    Timeout,
    /// What came is malformed, too long, or ends too early.
    Protocol,
    /// The caller did not want it any more.
    Cancelled,
    /// The provider failed (500 and others).
    Server,
}

impl ErrorKind {
    /// What an HTTP status means where the body says nothing better.
    pub fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::Auth,
            402 => Self::Quota,
            // 409: what has the same key is still being answered.
            408 | 409 | 504 => Self::Timeout,
            429 => Self::Rate,
            503 | 529 => Self::Overloaded,
            500.. => Self::Server,
            // A redirection too: a key is not taken to another place.
            _ => Self::InvalidRequest,
        }
    }
}

impl ProviderError {
    /// An error that nobody said more about.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let mut message = message.into();
        let mut end = message.len().min(LONGEST_MESSAGE);
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        message.truncate(end);
        Self {
            kind,
            message,
            status: None,
            retry_after: None,
            request_id: None,
            unsent: matches!(kind, ErrorKind::NotSupported),
        }
    }

    /// What came is malformed, too long, or ends too early.
    pub fn protocol(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Protocol, message)
    }

    /// The stream ended before the answer did.
    pub fn truncated() -> Self {
        Self::protocol("the stream ended before the answer was complete")
    }

    /// The request is not one that can be sent.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
    }

    /// The model or the provider lacks this.
    pub fn not_supported(what: impl fmt::Display) -> Self {
        Self::new(
            ErrorKind::NotSupported,
            format!("the model does not support {what}"),
        )
    }

    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self.kind {
            ErrorKind::Rate
            | ErrorKind::Overloaded
            | ErrorKind::Network
            | ErrorKind::Timeout
            | ErrorKind::Protocol
            | ErrorKind::Server => true,
            ErrorKind::Auth
            | ErrorKind::Quota
            | ErrorKind::ContextLength
            | ErrorKind::ContentFilter
            | ErrorKind::InvalidRequest
            | ErrorKind::NotSupported
            | ErrorKind::Cancelled => false,
        }
    }
}

impl ErrorKind {
    /// A stable word for it, in events.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Quota => "quota",
            Self::Rate => "rate",
            Self::Overloaded => "overloaded",
            Self::ContextLength => "context_length",
            Self::ContentFilter => "content_filter",
            Self::InvalidRequest => "invalid_request",
            Self::NotSupported => "not_supported",
            Self::Network => "network",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::Cancelled => "cancelled",
            Self::Server => "server",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auth => "not authorised",
            Self::Quota => "no credit left",
            Self::Rate => "too many requests",
            Self::Overloaded => "the provider is overloaded",
            Self::ContextLength => "the conversation is too long",
            Self::ContentFilter => "withheld by the provider",
            Self::InvalidRequest => "invalid request",
            Self::NotSupported => "not supported",
            Self::Network => "network",
            Self::Timeout => "timed out",
            Self::Protocol => "malformed answer",
            Self::Cancelled => "cancelled",
            Self::Server => "the provider failed",
        })
    }
}

struct Request<'e>(Option<&'e str>);

impl fmt::Display for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

/// Whether a message of a server is about a conversation that does not fit. Several servers have no
/// code of their own for it.
pub(super) fn is_about_context_length(message: &str) -> bool {
    const PHRASES: [&str; 8] = [
        "prompt is too long",
        "exceed context limit",
        "maximum context length",
        "exceeds the available context size",
        "exceeds the context window",
        "context length exceeded",
        "context the overflows",
        "exceeds the maximum number of tokens",
    ];
    let message = message.to_ascii_lowercase();
    PHRASES.iter().any(|phrase| message.contains(phrase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_what_helps() {
        for (status, kind) in [
            (301, ErrorKind::InvalidRequest),
            (400, ErrorKind::InvalidRequest),
            (401, ErrorKind::Auth),
            (403, ErrorKind::Auth),
            (429, ErrorKind::Rate),
            (500, ErrorKind::Server),
            (502, ErrorKind::Server),
            (503, ErrorKind::Overloaded),
            (504, ErrorKind::Timeout),
            (529, ErrorKind::Overloaded),
        ] {
            assert_eq!(ErrorKind::of_status(status), kind, "{status}");
        }
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let error = ProviderError::protocol("ä".repeat(2000));
        assert_eq!(error.message.len(), 2048);
        let error = ProviderError::protocol(format!("x{}", "ä".repeat(2000)));
        assert_eq!(error.message.len(), 2047);
    }
}
