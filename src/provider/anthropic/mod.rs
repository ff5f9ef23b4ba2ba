//! Anthropic's Messages API, version 2023-06-01 (`POST /v1/messages`; platform.claude.com/docs/en/api/messages and
//! build-with-claude/streaming): `request` writes, `stream` reads the events of `event`.

mod event;
mod request;
mod stream;

use serde::Deserialize;

use super::error::{ErrorKind, ProviderError, is_about_context_length};

pub(super) use request::outgoing;
pub(super) use stream::decoder;

#[derive(Deserialize)]
struct Failure {
    error: Said,
    request_id: Option<String>,
}

/// What the API says of an error, in an answer or in the middle of a stream.
#[derive(Deserialize)]
struct Said {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    message: String,
}

pub(super) fn failure(status: u16, body: &[u8]) -> ProviderError {
    let by_status = ErrorKind::of_status(status);
    match serde_json::from_slice::<Failure>(body) {
        Ok(failure) => ProviderError {
            request_id: failure.request_id,
            ..failure.error.meaning(by_status)
        },
        Err(_) => ProviderError::new(by_status, String::from_utf8_lossy(body)),
    }
}

impl Said {
    fn meaning(self, otherwise: ErrorKind) -> ProviderError {
        let kind = match self.kind.as_str() {
            "authentication_error" | "permission_error" => ErrorKind::Auth,
            "billing_error" => ErrorKind::Quota,
            "rate_limit_error" => ErrorKind::Rate,
            "overloaded_error" => ErrorKind::Overloaded,
            "timeout_error" => ErrorKind::Timeout,
            "api_error" => ErrorKind::Server,
            "invalid_request_error" if is_about_context_length(&self.message) => {
                ErrorKind::ContextLength
            }
            "invalid_request_error" if self.message.contains("content filtering policy") => {
                ErrorKind::ContentFilter
            }
            "invalid_request_error" if self.message.contains("credit balance is too low") => {
                ErrorKind::Quota
            }
            "invalid_request_error" | "not_found_error" | "request_too_large" => {
                ErrorKind::InvalidRequest
            }
            _ => otherwise,
        };
        ProviderError::new(kind, self.message)
    }
}
