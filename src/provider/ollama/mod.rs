//! Ollama's own API (`POST /api/chat`; docs.ollama.com/api/chat): `request` writes, `stream` reads lines of JSON.
//!
//! It has no choice of a tool: only that tool is offered then, and an answer without a call is an error.

mod request;
mod stream;

use super::error::{ErrorKind, ProviderError};
use super::openai_error;

pub(super) use request::outgoing;
pub(super) use stream::decoder;

pub(super) fn failure(status: u16, body: &[u8]) -> ProviderError {
    told_apart(openai_error::failure(status, body))
}

/// There are no codes but the status, so the words have to do.
fn told_apart(error: ProviderError) -> ProviderError {
    let says = |words: &str| error.message.contains(words);
    let is_too_long = says("exceeded max context length")
        || says("exceeds the context length")
        || says("longer than the context length");
    let kind = match error.kind {
        _ if is_too_long => ErrorKind::ContextLength,
        ErrorKind::InvalidRequest if says("does not support") || says("not supported for this") => {
            ErrorKind::NotSupported
        }
        kind => kind,
    };
    ProviderError { kind, ..error }
}
