//! Profiles: capabilities that have one name together, and what is allowed of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::reader::{Problems, Read, Section, quoted, unknown, wrong_type};
use super::settings::Settings;
use super::values::{Setting, named_values};
use crate::model::tool::{Capabilities, Capability, Profile};

type Raw<'i> = Spanned<DeValue<'i>>;

impl Settings {
    /// What a profile grants: a built-in one, or one of `[profiles]`.
    pub fn profile(&self, name: &str) -> Option<Capabilities> {
        let built_in = Profile::ALL
            .into_iter()
            .find(|profile| profile.name() == name);
        let own = || self.profiles.get(name).map(|own| own.0.clone());
        built_in.map(Profile::capabilities).or_else(own)
    }

    /// The names of all profiles.
    pub fn profile_names(&self) -> Vec<&str> {
        let built_in = Profile::ALL.iter().map(|profile| profile.name());
        built_in
            .chain(self.profiles.keys().map(String::as_str))
            .collect()
    }

    /// What sessions of models are granted that ask for nothing else.
    pub fn agent_grants(&self) -> Capabilities {
        self.profile(&self.agent_profile).unwrap_or_default()
    }

    /// What the operator lets any session of a model do.
    pub fn agent_allow(&self) -> Capabilities {
        let allowed = self.agent_allow.0.iter();
        let each = allowed.map(|name| self.profile(name).unwrap_or_default());
        each.reduce(|one, other| one.common(&other))
            .unwrap_or_default()
    }
}

/// Tells of profiles in `[agent]` that are not there.
pub(super) fn check_profiles(agent: &DeTable<'_>, settings: &Settings, problems: &Problems) {
    for value in ["profile", "allow"]
        .into_iter()
        .filter_map(|key| agent.get(key))
    {
        let several = value.get_ref().as_array().into_iter().flatten();
        for one in std::iter::once(value).chain(several) {
            let Some(name) = one.get_ref().as_str() else {
                continue;
            };
            if settings.profile(name).is_none() {
                let known = settings.profile_names();
                unknown(one.span().start, "profile", name, &known, problems);
            }
        }
    }
}

/// Capabilities that have one name together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnProfile(Capabilities);

impl Read for OwnProfile {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let example = "{ capabilities = [\"file.read\", \"git.read\"] }";
        let mut section = Section::of(value, Some(example), problems)?;
        if section.get("capabilities").is_none() {
            let hint = Some(format!("such as {example}"));
            problems.add(value.span().start, "a profile needs `capabilities`", hint);
        }
        let capabilities: Option<Vec<Capability>> = section.take("capabilities");
        section.finish();
        Some(Self(capabilities?.into_iter().collect()))
    }
}

impl Read for Capability {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let text = String::read(value, problems)?;
        let found = text.parse().ok();
        if found.is_none() {
            let known: Vec<&str> = Self::ALL.iter().map(|one| one.name()).collect();
            unknown(value.span().start, "capability", &text, &known, problems);
        }
        found
    }
}

fn is_profile_name(name: &str, offset: usize, problems: &Problems) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if Profile::ALL.iter().any(|profile| profile.name() == name) {
        let message = format!("the profile {} is built in", quoted(name));
        problems.add(offset, message, Some("take another name".to_owned()));
        return false;
    }
    let sound = (1..=60).contains(&name.len()) && name.chars().all(plain);
    if !sound {
        let message = format!("{} cannot name a profile", quoted(name));
        let hint = "1 to 60 letters, digits, `_`, `-`".to_owned();
        problems.add(offset, message, Some(hint));
    }
    sound
}

impl Read for BTreeMap<String, OwnProfile> {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let example = "{ docs = { capabilities = [\"file.read\", \"file.write\"] } }";
        named_values(value, example, is_profile_name, problems)
    }
}

impl Setting for BTreeMap<String, OwnProfile> {
    fn show(&self) -> Value {
        let shown =
            |(name, own): (&String, &OwnProfile)| (name.clone(), json!({ "capabilities": own.0 }));
        Value::Object(self.iter().map(shown).collect())
    }

    /// Of two with one name, only what both have counts: `agent.allow` may name it.
    fn over(self, mut below: Self) -> Self {
        for (name, own) in self {
            let held = below.get(&name).map(|held| held.0.common(&own.0));
            below.insert(name, held.map_or(own, OwnProfile));
        }
        below
    }
}

/// Profiles of which only what all have is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Allow(pub(super) Vec<String>);

impl Read for Allow {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        match value.get_ref() {
            DeValue::String(_) => Some(Self(vec![String::read(value, problems)?])),
            DeValue::Array(_) => {
                let names = Vec::<String>::read(value, problems)?;
                if names.is_empty() {
                    problems.add(value.span().start, "no profile is named", None);
                }
                (!names.is_empty()).then_some(Self(names))
            }
            _ => {
                wrong_type(value, "the name of a profile, or a list of them", problems);
                None
            }
        }
    }
}

impl Setting for Allow {
    fn show(&self) -> Value {
        match self.0.as_slice() {
            [one] => json!(one),
            several => json!(several),
        }
    }

    fn over(self, mut below: Self) -> Self {
        for name in self.0 {
            if !below.0.contains(&name) {
                below.0.push(name);
            }
        }
        below
    }
}
