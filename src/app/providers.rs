//! Providers as the settings name them: where they are, and their keys.

use std::path::PathBuf;

use super::failure::Failure;
use crate::config::{KeySource, ProviderSettings, Settings, Speaks};
use crate::model::backend::Backend;
use crate::model::chat::{ProviderCapabilities, Wire};
use crate::model::code::Code;
use crate::model::secret::{SecretName, SecretValue};
use crate::provider::{Endpoint, InvalidEndpoint};
use crate::secrets::{SecretError, read_file};

/// Where Ollama is when nobody says.
const OLLAMA: &str = "http://localhost:11434";
const OLLAMA_HOST: &str = "OLLAMA_HOST";

/// Variables that name proxies.
const PROXIES: [&str; 7] = [
    "ALL_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Where what is sent to a provider goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// For people and for consent: the base URL, or the script.
    pub endpoint: String,
    /// Where its models run.
    pub backend: Backend,
    /// What it is called in tables of prices.
    pub price_name: String,
}

/// Where what is sent to a provider goes.
///
/// # Errors
/// [`Code::ProviderInvalid`]: its address is none.
pub fn reach(
    of: &ProviderSettings,
    env: &impl Fn(&str) -> Option<String>,
) -> Result<Reach, Failure> {
    let (endpoint, is_here) = match (of.speaks, &of.script) {
        (Speaks::Scripted, script) => {
            let file = script.clone().unwrap_or_default();
            (format!("script {}", file.display()), true)
        }
        (Speaks::Wire(wire), _) => {
            let address = address(of, wire, NOTHING, env).map_err(|e| invalid(of, e))?;
            (address.base().to_string(), address.is_local())
        }
    };
    let backend = match of.local.unwrap_or(is_here) {
        true => Backend::Local,
        false => Backend::Cloud,
    };
    Ok(Reach {
        endpoint,
        backend,
        price_name: price_name(of, backend),
    })
}

/// What an address can do that nobody calls.
const NOTHING: ProviderCapabilities = ProviderCapabilities {
    supports_streaming: false,
    supports_tool_calling: false,
    supports_structured_output: false,
    supports_multi_turn: false,
    supports_vision: false,
    supports_thinking: false,
    max_context_window: 0,
    max_output_tokens: 0,
    requires_tool_id_sanitization: false,
    requires_thinking_block_scrubbing: false,
};

pub(super) fn address(
    of: &ProviderSettings,
    wire: Wire,
    can: ProviderCapabilities,
    env: &impl Fn(&str) -> Option<String>,
) -> Result<Endpoint, InvalidEndpoint> {
    let base = of.base_url.clone().unwrap_or_else(|| ollama(env));
    Endpoint::new(wire, &base, can)
}

/// Where Ollama says that it is, in the forms that it takes itself. An address to listen on everywhere is reached here.
fn ollama(env: &impl Fn(&str) -> Option<String>) -> String {
    let Some(host) = env(OLLAMA_HOST).filter(|host| !host.trim().is_empty()) else {
        return OLLAMA.to_owned();
    };
    let host = host.trim().trim_end_matches('/');
    if host.contains("://") {
        return host.to_owned();
    }
    let host = host.replacen("0.0.0.0", "127.0.0.1", 1);
    match host.contains(':') {
        true => format!("http://{host}"),
        false => format!("http://{host}:11434"),
    }
}

/// Whose prices count. What runs on a machine of one's own costs what Ollama does: nothing.
fn price_name(of: &ProviderSettings, backend: Backend) -> String {
    if let Some(name) = &of.prices {
        return name.clone();
    }
    let by_wire = match of.speaks {
        Speaks::Scripted => "ollama",
        Speaks::Wire(_) if backend == Backend::Local => "ollama",
        Speaks::Wire(Wire::AnthropicMessages) => "anthropic",
        Speaks::Wire(Wire::OpenAiChat | Wire::OpenAiResponses) => "openai",
        Speaks::Wire(Wire::Gemini) => "gemini",
        Speaks::Wire(Wire::OpenAiCompatible | Wire::Ollama) => &of.name,
    };
    by_wire.to_owned()
}

pub(super) fn invalid(of: &ProviderSettings, error: impl std::fmt::Display) -> Failure {
    let message = format!("the provider {} cannot be called: {error}", of.name);
    Failure::new(Code::ProviderInvalid, message)
}

/// The key of a provider, if it needs one.
///
/// # Errors
/// [`Code::KeyMissing`] or [`Code::KeyExposed`].
pub fn key_of(
    of: &ProviderSettings,
    env: &impl Fn(&str) -> Option<String>,
) -> Result<Option<SecretValue>, Failure> {
    let value = match &of.key {
        None => return Ok(None),
        Some(KeySource::Env(variable)) => {
            let value = env(variable).filter(|value| !value.trim().is_empty());
            SecretValue::new(value.ok_or_else(|| unset(of, variable))?.into_bytes())
        }
        Some(KeySource::File(path)) => {
            read_file(&secret_name(of)?, path).map_err(|error| key_failure(&error))?
        }
    };
    // The line end of a file does not belong to it, and would hide it from those who look for it in output.
    let trimmed = value.expose().trim_ascii().to_vec();
    if trimmed.is_empty() {
        let message = format!("the key of {} is empty", of.name);
        return Err(Failure::new(Code::KeyMissing, message));
    }
    Ok(Some(SecretValue::new(trimmed)))
}

fn unset(of: &ProviderSettings, variable: &str) -> Failure {
    let message = format!("{} needs a key, and {variable} is not set", of.name);
    Failure::new(Code::KeyMissing, message).hint(format!(
        "set {variable}, or name a file: `key_file` under `[providers.{}]` in your own config.toml",
        of.name
    ))
}

pub(super) fn secret_name(of: &ProviderSettings) -> Result<SecretName, Failure> {
    let parsed = of.name.parse();
    parsed.map_err(|_| Failure::new(Code::ProviderUnknown, format!("no provider {:?}", of.name)))
}

fn key_failure(error: &SecretError) -> Failure {
    let code = match error {
        SecretError::Exposed { .. } => Code::KeyExposed,
        _ => Code::KeyMissing,
    };
    Failure::new(code, error.to_string())
}

/// Names of the environment variables that the providers of these settings read: for the one process that calls them.
pub fn key_variables(settings: &Settings) -> Vec<String> {
    let home = PathBuf::new();
    let names = settings.provider_names();
    let of = names
        .iter()
        .filter_map(|name| match settings.provider(name, &home)?.key {
            Some(KeySource::Env(variable)) => Some(variable),
            _ => None,
        });
    let others = [OLLAMA_HOST].into_iter().chain(PROXIES).map(str::to_owned);
    let mut all: Vec<String> = of.chain(others).collect();
    all.sort();
    all.dedup();
    all
}
