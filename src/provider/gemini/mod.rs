//! Google's Gemini API, version v1beta (`POST /v1beta/models/MODEL:streamGenerateContent`;
//! ai.google.dev/api/generate-content): `request` writes, with schemas as `schema` makes them, and `stream` reads.
//!
//! Gemini signs parts of its answers, and wants the signatures back on the same parts: thoughts, but words and calls too,
//! for which nobody else has a place. The signature of words stands in a withheld thought behind them, that of a call
//! in one before it (`signed`).

mod request;
mod schema;
mod signed;
mod stream;

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::error::{ErrorKind, ProviderError, is_about_context_length};

pub(super) use request::outgoing;
pub(super) use stream::decoder;

/// What the API says of an error (google.rpc.Status), in an answer or in the middle of a stream.
#[derive(Deserialize)]
struct Said {
    code: Option<u16>,
    #[serde(default)]
    message: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    details: Vec<Value>,
}

#[derive(Deserialize)]
struct Failure {
    error: Said,
}

/// Some gateways put the error into a list, as the API itself does where it is not asked for events. A list
/// could be read as one error too, with its fields in order, so it is tried first.
#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    List([Failure; 1]),
    One(Failure),
}

pub(super) fn failure(status: u16, body: &[u8]) -> ProviderError {
    let by_status = ErrorKind::of_status(status);
    match serde_json::from_slice(body) {
        Ok(Body::One(failure) | Body::List([failure])) => failure.error.meaning(by_status),
        Err(_) => ProviderError::new(by_status, String::from_utf8_lossy(body)),
    }
}

impl Said {
    fn meaning(self, otherwise: ErrorKind) -> ProviderError {
        let reason = |name: &str| self.details.iter().any(|one| one["reason"] == name);
        let kind = match self.status.as_str() {
            // A wrong key is an invalid argument to this API.
            "INVALID_ARGUMENT" if reason("API_KEY_INVALID") => ErrorKind::Auth,
            "INVALID_ARGUMENT" if is_about_context_length(&self.message) => {
                ErrorKind::ContextLength
            }
            "UNAUTHENTICATED" | "PERMISSION_DENIED" => ErrorKind::Auth,
            // What there is for a day is not there again soon.
            "RESOURCE_EXHAUSTED" if self.is_for_a_day() => ErrorKind::Quota,
            "RESOURCE_EXHAUSTED" => ErrorKind::Rate,
            "UNAVAILABLE" => ErrorKind::Overloaded,
            "DEADLINE_EXCEEDED" => ErrorKind::Timeout,
            "INTERNAL" | "UNKNOWN" => ErrorKind::Server,
            "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "NOT_FOUND" => ErrorKind::InvalidRequest,
            _ => self.code.map_or(otherwise, ErrorKind::of_status),
        };
        ProviderError {
            retry_after: self.retry_delay(),
            ..ProviderError::new(kind, self.message)
        }
    }

    /// Whether a limit of a day is used up (google.rpc.QuotaFailure).
    fn is_for_a_day(&self) -> bool {
        let violations = self
            .details
            .iter()
            .filter_map(|one| one["violations"].as_array());
        let ids = violations
            .flatten()
            .filter_map(|one| one["quotaId"].as_str());
        ids.into_iter().any(|id| id.contains("PerDay"))
    }

    /// How long to wait (google.rpc.RetryInfo), such as `34.5s`.
    fn retry_delay(&self) -> Option<Duration> {
        let delays = self
            .details
            .iter()
            .filter_map(|one| one["retryDelay"].as_str());
        let seconds = delays.filter_map(|text| text.strip_suffix('s')?.parse().ok());
        seconds
            .filter_map(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .next()
    }
}
