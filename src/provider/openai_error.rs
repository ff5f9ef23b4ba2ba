//! Errors as OpenAI says them, and those who speak like it.

use serde_json::Value;

use super::error::{ErrorKind, ProviderError, is_about_context_length};

/// What an answer with this status and body means.
pub(super) fn failure(status: u16, body: &[u8]) -> ProviderError {
    let by_status = ErrorKind::of_status(status);
    match serde_json::from_slice::<Value>(body) {
        Ok(said) => meaning(&said, by_status),
        Err(_) => ProviderError::new(by_status, String::from_utf8_lossy(body)),
    }
}

/// What an error object means. It stands in `error`, which is a text in LM Studio, or by itself, as from
/// vLLM; its code is a text at OpenAI and a number elsewhere.
pub(super) fn meaning(said: &Value, otherwise: ErrorKind) -> ProviderError {
    let error = said.get("error").filter(|e| !e.is_null()).unwrap_or(said);
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    let message = text("message").or(error.as_str()).or(text("detail"));
    let message = message.map_or_else(|| error.to_string(), str::to_owned);
    let code = error.get("code").and_then(Value::as_u64);
    let otherwise = match code.and_then(|code| u16::try_from(code).ok()) {
        Some(status @ 400..600) => ErrorKind::of_status(status),
        _ => otherwise,
    };
    let names = [text("code"), text("type")].into_iter().flatten();
    let kind = match names.filter_map(by_name).next() {
        Some(kind) => kind,
        // Also of an invalid request: not everybody has a code for it.
        None if is_about_context_length(&message) => ErrorKind::ContextLength,
        None => otherwise,
    };
    ProviderError::new(kind, message)
}

fn by_name(name: &str) -> Option<ErrorKind> {
    Some(match name {
        "context_length_exceeded" | "exceed_context_size_error" => ErrorKind::ContextLength,
        "content_filter" | "content_policy_violation" | "invalid_prompt" => {
            ErrorKind::ContentFilter
        }
        "insufficient_quota" | "billing_hard_limit_reached" => ErrorKind::Quota,
        "invalid_api_key" | "authentication_error" | "permission_error" => ErrorKind::Auth,
        "rate_limit_exceeded" | "rate_limit_error" => ErrorKind::Rate,
        "overloaded" | "slow_down" | "unavailable_error" => ErrorKind::Overloaded,
        _ => return None,
    })
}
