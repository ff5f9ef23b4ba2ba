//! What models and providers there are, without calling any.

use std::collections::BTreeSet;

use serde::Serialize;

use super::failure::Failure;
use super::models::find;
use super::providers::{Reach, key_of, reach};
use crate::config::{ProviderSettings, Settings};
use crate::model::backend::{Backend, ParameterClass};
use crate::model::chat::ProviderCapabilities;
use crate::model::code::Code;
use crate::model::price::{Prices, Tariff};

/// A model that the settings name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListedModel {
    /// What it is called here.
    pub name: String,
    /// Whether sessions have it that name none.
    pub is_default: bool,
    /// Whose it is.
    pub provider: String,
    /// What its provider calls it.
    pub model: String,
    /// Where it runs.
    pub backend: Backend,
    /// How large it is.
    pub parameter_class: ParameterClass,
    /// What can be done with it.
    pub capabilities: ProviderCapabilities,
    /// What it costs, if that is known.
    pub price: Option<Tariff>,
    /// Whether its provider's key is there.
    pub key: KeyState,
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListedProvider {
    /// What it is called here.
    pub name: String,
    /// Where what is sent goes.
    pub endpoint: String,
    /// Where its models run.
    pub backend: Backend,
    /// Whether its key is there.
    pub key: KeyState,
}

/// Whether a key is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// None is needed.
    NotNeeded,
    /// It is.
    Present,
    /// It is not.
    Missing,
    /// It is, in a file that others may read: it is not used.
    Exposed,
}

impl KeyState {
    fn of(provider: &ProviderSettings, env: &impl Fn(&str) -> Option<String>) -> Self {
        match key_of(provider, env) {
            Ok(None) => Self::NotNeeded,
            Ok(Some(_)) => Self::Present,
            Err(Failure {
                code: Code::KeyExposed,
                ..
            }) => Self::Exposed,
            Err(_) => Self::Missing,
        }
    }
}

/// The models that have a table, and the default one.
///
/// # Errors
/// The default model is none.
pub fn models(
    settings: &Settings,
    prices: &Prices,
    env: impl Fn(&str) -> Option<String>,
) -> Result<Vec<ListedModel>, Failure> {
    let default = settings.agent_model().as_deref();
    let names: BTreeSet<&str> = settings.model_names().chain(default).collect();
    let listed = names.into_iter().map(|name| {
        let found = find(settings, name)?;
        let Reach {
            backend,
            price_name,
            ..
        } = reach(&found.provider, &env)?;
        Ok(ListedModel {
            name: name.to_owned(),
            is_default: default == Some(name),
            backend,
            parameter_class: found.parameter_class,
            capabilities: found.capabilities,
            price: prices.tariff(&price_name, &found.model).copied(),
            key: KeyState::of(&found.provider, &env),
            provider: found.provider.name,
            model: found.model,
        })
    });
    listed.collect()
}

/// All providers.
///
/// # Errors
/// One whose address is none.
pub fn providers(
    settings: &Settings,
    env: impl Fn(&str) -> Option<String>,
) -> Result<Vec<ListedProvider>, Failure> {
    let home = etcetera::home_dir().unwrap_or_default();
    let names = settings.provider_names().into_iter();
    let known = names.filter_map(|name| settings.provider(name, &home));
    let listed = known.map(|of| {
        let reach = reach(&of, &env)?;
        Ok(ListedProvider {
            endpoint: reach.endpoint,
            backend: reach.backend,
            key: KeyState::of(&of, &env),
            name: of.name,
        })
    });
    listed.collect()
}
