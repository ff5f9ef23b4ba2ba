//! Models as the settings name them: opened, so that they can be called, and listed.

use std::time::Duration;

use super::failure::Failure;
use super::providers::{Reach, address, invalid, key_of, reach, secret_name};
use crate::config::{ModelSettings, NoModel, ProviderSettings, Settings, Speaks};
use crate::model::backend::{Backend, ParameterClass};
use crate::model::chat::{Effort, ProviderCapabilities, Wire};
use crate::model::code::Code;
use crate::model::redact::Redactor;
use crate::model::secret::SecretValue;
use crate::provider::{
    Client, Endpoint, InvalidEndpoint, Limits, Provider, ProxySettings, Recorder, ScriptError,
    Scripted,
};

pub use super::providers::key_variables;

/// A model that can be called.
#[derive(Debug, Clone)]
pub struct OpenModel {
    /// Whoever answers.
    pub provider: Provider,
    /// What the provider is called in the settings.
    pub provider_name: String,
    /// What it is called in tables of prices.
    pub price_name: String,
    /// Whether the settings name prices for it, which count wherever it runs.
    pub priced: bool,
    /// What the provider calls the model.
    pub model: String,
    /// Where it runs.
    pub backend: Backend,
    /// How large it is.
    pub parameter_class: ParameterClass,
    /// What can be done with it.
    pub capabilities: ProviderCapabilities,
    /// Where what is sent goes, for people and for consent.
    pub endpoint: String,
    /// The provider's key, which no output may hold.
    pub key: Option<SecretValue>,
    /// What takes it out of output.
    pub redactor: Redactor,
    /// How many calls its provider gets in a minute.
    pub requests_per_minute: Option<u32>,
    /// How many tokens.
    pub tokens_per_minute: Option<u32>,
    /// How much it is to think.
    pub thinking: Option<Effort>,
    /// How much chance there is in its answers.
    pub temperature: Option<f32>,
    /// The longest answer that is asked for, in tokens.
    pub max_output_tokens: u32,
}

/// The model that is meant where nobody names one, or the one that is named.
///
/// # Errors
/// Nobody names one, and `agent.model` neither.
pub fn model_name<'s>(settings: &'s Settings, named: Option<&'s str>) -> Result<&'s str, Failure> {
    let name = named.or(settings.agent_model().as_deref());
    let name = name.filter(|name| !name.is_empty());
    name.ok_or_else(|| Failure::new(Code::ModelUnnamed, "no model is named"))
}

/// What the settings say of a model.
///
/// # Errors
/// There is no such model or provider.
pub fn find(settings: &Settings, name: &str) -> Result<ModelSettings, Failure> {
    model_name(settings, Some(name))?;
    let home = etcetera::home_dir().unwrap_or_default();
    settings.model(name, &home).map_err(|error| {
        let code = match error {
            NoModel::Unknown(_) => Code::ModelUnnamed,
            NoModel::NoProvider(_) => Code::ProviderUnknown,
        };
        Failure::new(code, error.to_string())
    })
}

/// Makes a model callable, without calling it. Variables are read through `env`; what is recorded is rid of all that
/// `redactor` knows, and of the key.
///
/// # Errors
/// [`Code::ModelUnnamed`], [`Code::ProviderUnknown`], [`Code::ProviderInvalid`], [`Code::KeyMissing`],
/// [`Code::KeyExposed`] or [`Code::ScriptUnusable`].
pub fn open_model(
    settings: &Settings,
    name: &str,
    env: impl Fn(&str) -> Option<String>,
    redactor: &Redactor,
) -> Result<OpenModel, Failure> {
    let model = find(settings, name)?;
    let of = &model.provider;
    let key = key_of(of, &env)?;
    let Reach {
        endpoint,
        backend,
        price_name,
    } = reach(of, &env)?;
    let provider = connect(&model, key.as_ref(), &env)?;
    let own = without_key(of, key.as_ref())?;
    Ok(OpenModel {
        provider: recorded(provider, of, &own, redactor)?,
        redactor: own,
        provider_name: of.name.clone(),
        price_name,
        priced: of.prices.is_some(),
        model: model.model.clone(),
        backend,
        parameter_class: model.parameter_class,
        capabilities: model.capabilities,
        endpoint,
        key,
        requests_per_minute: of.requests_per_minute,
        tokens_per_minute: of.tokens_per_minute,
        thinking: model.thinking,
        temperature: model.temperature,
        max_output_tokens: model.max_output_tokens,
    })
}

fn connect(
    model: &ModelSettings,
    key: Option<&SecretValue>,
    env: &impl Fn(&str) -> Option<String>,
) -> Result<Provider, Failure> {
    let of = &model.provider;
    match of.speaks {
        Speaks::Scripted => {
            let file = of.script.clone().unwrap_or_default();
            let mut scripted = Scripted::open(&file).map_err(|e| unusable(of, &e))?;
            scripted.capabilities = model.capabilities;
            Ok(scripted.into())
        }
        Speaks::Wire(wire) => {
            let endpoint = endpoint(model, wire, key, env).map_err(|e| invalid(of, e))?;
            let client = Client::new(endpoint).map_err(|e| invalid(of, e))?;
            Ok(client.into())
        }
    }
}

fn endpoint(
    model: &ModelSettings,
    wire: Wire,
    key: Option<&SecretValue>,
    env: &impl Fn(&str) -> Option<String>,
) -> Result<Endpoint, InvalidEndpoint> {
    let of = &model.provider;
    let mut endpoint = address(of, wire, model.capabilities, env)?;
    if let Some(key) = key {
        endpoint = endpoint.with_key(key)?;
    }
    for (name, value) in &of.headers {
        endpoint = endpoint.with_header(name, value)?;
    }
    if let Some(name) = &of.idempotency_header {
        endpoint = endpoint.with_idempotency_header(name)?;
    }
    endpoint.limits = Limits::with_silence(Duration::from_millis(of.call_timeout_ms));
    endpoint.proxies = ProxySettings::from_variables(env);
    Ok(endpoint)
}

/// What cannot be kept out of output is no key.
fn without_key(of: &ProviderSettings, key: Option<&SecretValue>) -> Result<Redactor, Failure> {
    let known: Vec<_> = match key {
        Some(key) => vec![(secret_name(of)?, key.clone())],
        None => Vec::new(),
    };
    Redactor::new(&known).map_err(|(_, why)| {
        Failure::new(Code::KeyMissing, format!("the key of {}: {why}", of.name))
    })
}

fn recorded(
    provider: Provider,
    of: &ProviderSettings,
    own: &Redactor,
    redactor: &Redactor,
) -> Result<Provider, Failure> {
    match &of.record {
        None => Ok(provider),
        Some(path) => {
            let recorder = Recorder::open(path, own.clone()).map_err(|e| unusable(of, &e))?;
            Ok(provider.recorded(recorder.and(redactor.clone())))
        }
    }
}

fn unusable(of: &ProviderSettings, error: &ScriptError) -> Failure {
    Failure::new(Code::ScriptUnusable, format!("{}: {error}", of.name))
}
