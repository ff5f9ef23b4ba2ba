//! The keys of a task that a model works on instead of a command.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeValue, ValueDeserializer};

use super::models::NoModel;
use super::reader::{Problems, Read, Section, quoted, unknown, wrong_type};
use super::settings::Settings;
use crate::model::chat::Effort;
use crate::model::work::{ModelWork, OnAmbiguous, Work};

/// What a task, or `[defaults]`, says of its model.
#[derive(Debug, Clone, Default)]
pub(super) struct ModelKeys {
    model: Option<(usize, String)>,
    profile: Option<(usize, String)>,
    role: Option<String>,
    stay: Option<bool>,
    max_steps: Option<u32>,
    thinking: Option<Effort>,
    output_schema: Option<OutputSchema>,
    rehearse: Option<bool>,
    on_ambiguous: Option<OnAmbiguous>,
}

/// What a model is asked first, and how it works.
pub(super) struct Prompted {
    pub prompt: String,
    pub work: Work,
}

impl ModelKeys {
    /// The names of all of them.
    pub(super) const NAMES: [&str; 9] = [
        "model",
        "profile",
        "role",
        "stay",
        "max_steps",
        "thinking",
        "output_schema",
        "rehearse",
        "on_ambiguous",
    ];

    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let place =
            |section: &Section<'_, '_>, key| section.get(key).map_or(0, |value| value.span().start);
        let at = (place(section, "model"), place(section, "profile"));
        Self {
            model: section.take("model").map(|name| (at.0, name)),
            profile: section.take("profile").map(|name| (at.1, name)),
            role: section.take("role"),
            stay: section.take("stay"),
            max_steps: section.take("max_steps"),
            thinking: section.take("thinking"),
            output_schema: section.take("output_schema"),
            rehearse: section.take("rehearse"),
            on_ambiguous: section.take("on_ambiguous"),
        }
    }

    /// What the task asks of its model, with `defaults` where it says nothing itself.
    pub(super) fn prompted(
        self,
        (offset, prompt): (usize, String),
        defaults: &Self,
        settings: &Settings,
        problems: &Problems,
    ) -> Option<Prompted> {
        if prompt.trim().is_empty() {
            problems.add(offset, "the prompt is empty", None);
            return None;
        }
        let model = match pick(self.model, &defaults.model) {
            Some(named) => named,
            None => (offset, settings.agent_model().clone().unwrap_or_default()),
        };
        let profile = pick(self.profile, &defaults.profile)
            .unwrap_or_else(|| (offset, settings.agent_profile().to_owned()));
        check_model(&model, settings, problems)?;
        let Some(grants) = settings.profile(&profile.1) else {
            let known = settings.profile_names();
            unknown(profile.0, "profile", &profile.1, &known, problems);
            return None;
        };
        let role = pick(self.role, &defaults.role);
        if let Some(role) = role.as_deref().filter(|role| !is_word(role)) {
            let message = format!("{} cannot be a role", quoted(role));
            let hint = "a word of letters, digits, `_` and `-`".to_owned();
            problems.add(offset, message, Some(hint));
            return None;
        }
        Some(Prompted {
            prompt,
            work: Work::Model(Box::new(ModelWork {
                model: model.1,
                profile: profile.1,
                grants,
                role,
                persistent: self.stay.or(defaults.stay).unwrap_or(false),
                max_steps: self.max_steps.or(defaults.max_steps),
                thinking: self.thinking.or(defaults.thinking),
                output_schema: pick(self.output_schema, &defaults.output_schema)
                    .map(|OutputSchema(schema)| schema),
                on_ambiguous: self
                    .on_ambiguous
                    .or(defaults.on_ambiguous)
                    .unwrap_or_default(),
                rehearsal: self.rehearse.or(defaults.rehearse).unwrap_or(false),
                execution_mode: None,
                work_profile: None,
            })),
        })
    }
}

fn pick<T: Clone>(own: Option<T>, default: &Option<T>) -> Option<T> {
    own.or_else(|| default.clone())
}

/// The JSON Schema of answers, written as a table.
#[derive(Debug, Clone)]
struct OutputSchema(Value);

impl Read for OutputSchema {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        if value.get_ref().as_table().is_none() {
            wrong_type(value, "a table, such as { type = \"object\" }", problems);
            return None;
        }
        let schema = Value::deserialize(ValueDeserializer::from(value.clone()));
        let schema = schema
            .map_err(|error| problems.add(value.span().start, error.to_string(), None))
            .ok()?;
        let checked = check_output_schema(&schema);
        checked
            .map_err(|why| problems.add(value.span().start, why, None))
            .ok()?;
        Some(Self(schema))
    }
}

/// The longest schema, in bytes: it is sent with every call.
const LONGEST_SCHEMA: usize = 64 << 10;

/// Whether answers can be held against it.
///
/// # Errors
/// Why not, for a person.
pub fn check_output_schema(schema: &Value) -> Result<(), String> {
    if schema.to_string().len() > LONGEST_SCHEMA {
        return Err(format!("the schema has more than {LONGEST_SCHEMA} bytes"));
    }
    jsonschema::validator_for(schema)
        .map(drop)
        .map_err(|error| format!("it is no JSON Schema: {error}"))
}

fn check_model(
    (offset, name): &(usize, String),
    settings: &Settings,
    problems: &Problems,
) -> Option<()> {
    let hint = "`treeyard models ls` lists them".to_owned();
    // A work profile gives it one.
    if name.is_empty() && settings.agent_work_profile().is_some() {
        return Some(());
    }
    if name.is_empty() {
        let message = "no model is named: set `model` here, or `agent.model` in the settings";
        problems.add(*offset, message, Some(hint));
        return None;
    }
    // Where its files are does not matter here.
    match settings.model(name, Path::new("")) {
        Ok(_) => Some(()),
        Err(error @ (NoModel::Unknown(_) | NoModel::NoProvider(_))) => {
            problems.add(*offset, error.to_string(), Some(hint));
            None
        }
    }
}

fn is_word(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (1..=40).contains(&text.len()) && text.chars().all(plain)
}
