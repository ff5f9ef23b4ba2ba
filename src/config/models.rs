//! Models: whose they are, and what they can do.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};
use toml::Spanned;
use toml::de::DeValue;

use super::known::{Known, known};
use super::providers::{ProviderSettings, Speaks};
use super::reader::{Problems, Read, Section, quoted, unknown};
use super::settings::Settings;
use super::share::{AtLeastOne, Temperature};
use super::values::{Setting, named_values, show_tables, tables_over, words};
use crate::model::backend::ParameterClass;
use crate::model::chat::{Effort, ProviderCapabilities, Wire};

const EXAMPLE: &str = "{ provider = \"ollama\", model = \"qwen3:30b\" }";

/// Longer answers are only asked for where a person says so: a call is reckoned by the longest answer that it may get.
const USUAL_ANSWER: u32 = 32_768;

/// So many jobs call a model at once where nobody says.
pub const CALLERS_OF_A_MODEL: u32 = 2;

/// A model, with every default filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSettings {
    /// What it is called here.
    pub name: String,
    /// Whose it is.
    pub provider: ProviderSettings,
    /// What its provider calls it.
    pub model: String,
    /// How large it is.
    pub parameter_class: ParameterClass,
    /// How much it is to think.
    pub thinking: Option<Effort>,
    /// How much chance there is in its answers.
    pub temperature: Option<f32>,
    /// The longest answer that is asked for, in tokens.
    pub max_output_tokens: u32,
    /// What can be done with it.
    pub capabilities: ProviderCapabilities,
    /// How many jobs call it at once.
    pub max_concurrent: u32,
}

/// Why a name is no model's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoModel {
    /// It has neither a table nor a provider in front.
    #[error("no model is named {0:?}")]
    Unknown(String),
    /// There is no such provider.
    #[error("there is no provider {0:?}")]
    NoProvider(String),
}

/// What a file says of a model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ModelTable {
    provider: Option<String>,
    model: Option<String>,
    parameter_class: Option<ParameterClass>,
    context_window: Option<u32>,
    max_output_tokens: Option<u32>,
    thinking: Option<Effort>,
    temperature: Option<Temperature>,
    max_concurrent: Option<u32>,
    can: [Option<bool>; CAN.len()],
}

/// Keys that say what can be done with a model.
const CAN: [&str; 8] = [
    "supports_streaming",
    "supports_tool_calling",
    "supports_structured_output",
    "supports_multi_turn",
    "supports_vision",
    "supports_thinking",
    "requires_tool_id_sanitization",
    "requires_thinking_block_scrubbing",
];

impl Settings {
    /// The models that have a table, by name.
    pub fn model_names(&self) -> impl Iterator<Item = &str> {
        self.models.keys().map(String::as_str)
    }

    /// The model of this name: one with a table, or `PROVIDER/MODEL`.
    ///
    /// # Errors
    /// There is none, or its provider is not known.
    pub fn model(&self, name: &str, home: &Path) -> Result<ModelSettings, NoModel> {
        let table = self.models.get(name).cloned().unwrap_or_default();
        let (provider, model) = self
            .split(name)
            .ok_or_else(|| NoModel::Unknown(name.to_owned()))?;
        let provider = self
            .provider(provider, home)
            .ok_or_else(|| NoModel::NoProvider(provider.to_owned()))?;
        let known = known(model);
        let thinks = known.thinking || table.thinking.is_some();
        let capabilities = capabilities(&table, known, thinks, provider.speaks);
        Ok(ModelSettings {
            name: name.to_owned(),
            model: model.to_owned(),
            parameter_class: table
                .parameter_class
                .unwrap_or_else(|| ParameterClass::of_name(model)),
            thinking: table.thinking,
            temperature: table.temperature.map(|t| t.0.number() as f32),
            max_output_tokens: capabilities
                .max_output_tokens
                .min(table.max_output_tokens.unwrap_or(USUAL_ANSWER)),
            capabilities,
            max_concurrent: table.max_concurrent.unwrap_or(CALLERS_OF_A_MODEL),
            provider,
        })
    }

    /// The provider and what it calls the model.
    fn split<'s>(&'s self, name: &'s str) -> Option<(&'s str, &'s str)> {
        let Some(table) = self.models.get(name) else {
            let (provider, model) = name.split_once('/')?;
            return (!provider.is_empty() && !model.is_empty()).then_some((provider, model));
        };
        let prefix = name.split_once('/');
        let provider = table.provider.as_deref().or(prefix.map(|(own, _)| own))?;
        let rest = prefix.filter(|_| table.provider.is_none());
        let model = rest.map_or(name, |(_, model)| model);
        Some((provider, table.model.as_deref().unwrap_or(model)))
    }
}

fn capabilities(
    table: &ModelTable,
    known: Known,
    thinks: bool,
    speaks: Speaks,
) -> ProviderCapabilities {
    let is_scripted = speaks == Speaks::Scripted;
    let strict_ids = speaks == Speaks::Wire(Wire::OpenAiCompatible);
    let usual = [
        true,
        true,
        true,
        true,
        known.vision || is_scripted,
        thinks || is_scripted,
        strict_ids,
        false,
    ];
    let [
        supports_streaming,
        supports_tool_calling,
        supports_structured_output,
        supports_multi_turn,
        supports_vision,
        supports_thinking,
        requires_tool_id_sanitization,
        requires_thinking_block_scrubbing,
    ] = std::array::from_fn(|at| table.can[at].unwrap_or(usual[at]));
    let window = table.context_window.unwrap_or(known.context);
    ProviderCapabilities {
        supports_streaming,
        supports_tool_calling,
        supports_structured_output,
        supports_multi_turn,
        supports_vision,
        supports_thinking,
        max_context_window: window,
        max_output_tokens: table.max_output_tokens.unwrap_or(known.output).min(window),
        requires_tool_id_sanitization,
        requires_thinking_block_scrubbing,
    }
}

/// Tells of models in `value`, a file's `[models]`, that name no provider, or one that there is not.
pub(super) fn check_models(value: &Spanned<DeValue<'_>>, settings: &Settings, problems: &Problems) {
    let known = settings.provider_names();
    for (key, entry) in value
        .get_ref()
        .as_table()
        .into_iter()
        .flat_map(|t| t.iter())
    {
        let name: &str = key.get_ref();
        let at = entry.get_ref().as_table().and_then(|t| t.get("provider"));
        let offset = at.map_or(key.span().start, |at| at.span().start);
        match settings.split(name) {
            Some((provider, _)) if !known.contains(&provider) => {
                unknown(offset, "provider", provider, &known, problems);
            }
            Some(_) => {}
            None => {
                let message = format!("the model {} has no provider", quoted(name));
                let hint = format!("such as {EXAMPLE}");
                problems.add(offset, message, Some(hint));
            }
        }
    }
}

fn is_name(name: &str, offset: usize, problems: &Problems) -> bool {
    let plain = |c: char| !c.is_control() && !c.is_whitespace();
    let sound = (1..=200).contains(&name.len()) && name.chars().all(plain);
    if !sound {
        let message = format!("{} cannot name a model", quoted(name));
        let hint = "1 to 200 characters without spaces".to_owned();
        problems.add(offset, message, Some(hint));
    }
    sound
}

impl Read for BTreeMap<String, ModelTable> {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        named_values(value, &format!("{{ fast = {EXAMPLE} }}"), is_name, problems)
    }
}

impl Setting for BTreeMap<String, ModelTable> {
    fn show(&self) -> Value {
        show_tables(self)
    }

    /// Key by key, so that a flag changes one of them.
    fn over(self, below: Self) -> Self {
        tables_over(self, below)
    }
}

impl Read for ModelTable {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        let mut section = Section::of(value, Some(EXAMPLE), problems)?;
        let read = Self {
            provider: section.take("provider"),
            model: section.take("model"),
            parameter_class: section.take("parameter_class"),
            context_window: section.take::<AtLeastOne>("context_window").map(|n| n.0),
            max_output_tokens: section.take::<AtLeastOne>("max_output_tokens").map(|n| n.0),
            thinking: section.take("thinking"),
            temperature: section.take("temperature"),
            max_concurrent: section.take::<AtLeastOne>("max_concurrent").map(|n| n.0),
            can: CAN.map(|key| section.take(key)),
        };
        section.finish();
        Some(read)
    }
}

impl Setting for ModelTable {
    fn over(self, below: Self) -> Self {
        Self {
            provider: self.provider.or(below.provider),
            model: self.model.or(below.model),
            parameter_class: self.parameter_class.or(below.parameter_class),
            context_window: self.context_window.or(below.context_window),
            max_output_tokens: self.max_output_tokens.or(below.max_output_tokens),
            thinking: self.thinking.or(below.thinking),
            temperature: self.temperature.or(below.temperature),
            max_concurrent: self.max_concurrent.or(below.max_concurrent),
            can: std::array::from_fn(|at| self.can[at].or(below.can[at])),
        }
    }

    fn show(&self) -> Value {
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        let said = [
            ("provider", text(&self.provider)),
            ("model", text(&self.model)),
            ("parameter_class", self.parameter_class.map(|c| c.show())),
            ("context_window", self.context_window.map(Value::from)),
            ("max_output_tokens", self.max_output_tokens.map(Value::from)),
            ("thinking", self.thinking.map(|effort| effort.show())),
            ("temperature", self.temperature.map(|t| t.0.show())),
            ("max_concurrent", self.max_concurrent.map(Value::from)),
        ];
        let can = CAN
            .into_iter()
            .zip(self.can.map(|can| can.map(Value::from)));
        let given = said
            .into_iter()
            .chain(can)
            .filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Value::Object(given.collect::<Map<_, _>>())
    }
}

words! {
    ParameterClass { "P7B" => P7B, "P13B" => P13B, "P32B" => P32B, "P72B" => P72B, "P110B" => P110B, "PUnknown" => PUnknown }
    Effort { "low" => Low, "medium" => Medium, "high" => High }
}
