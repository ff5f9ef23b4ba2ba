//! Work profiles, read from TOML or JSON.

use std::io;
use std::path::Path;

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use toml::Spanned;
use toml::de::DeValue;

use super::json::parse_json;
use super::load::{ConfigError, read_bounded};
use super::problem::decode;
use super::reader::{Problems, Read, Section, parse, quoted, unknown};
use super::values::{Setting, words};
use crate::model::work_profile::{
    Assignment, AutomationLevel, Governance, ModelAssignments, Routing, SelectionPolicy,
    WORK_PROFILE_VERSION, WorkProfile,
};

const LARGEST: u64 = 1024 * 1024;

type Raw<'i> = Spanned<DeValue<'i>>;

/// The work profile of a file.
///
/// # Errors
/// A file that cannot be read, or everything that is wrong with it.
pub fn work_profile_file(file: &Path) -> Result<WorkProfile, ConfigError> {
    let unreadable = |error: io::Error| ConfigError::Unreadable {
        file: file.to_owned(),
        error,
    };
    let bytes = read_bounded(file, LARGEST).map_err(unreadable)?;
    work_profile(&bytes, file)
}

/// The work profile that these bytes of `file` are: JSON when they begin with a brace, else TOML.
///
/// # Errors
/// [`ConfigError::Invalid`] with everything that is wrong with them.
pub fn work_profile(bytes: &[u8], file: &Path) -> Result<WorkProfile, ConfigError> {
    let invalid = |text: &str, problems| ConfigError::Invalid {
        file: file.to_owned(),
        text: text.to_owned(),
        problems,
    };
    let text = decode(bytes).map_err(|(text, problem)| invalid(&text, vec![problem]))?;
    let problems = Problems::default();
    let root = match text.trim_start().starts_with('{') {
        true => parse_json(text, &problems),
        false => parse(text, &problems),
    };
    let profile = root.and_then(|root| {
        let mut top = Section::new(root.get_ref(), &problems);
        let profile = read_profile(&mut top, &problems);
        top.finish();
        profile
    });
    let found = problems.finish(text);
    match (profile, found.is_empty()) {
        (Some(profile), true) => Ok(profile),
        _ => Err(invalid(text, found)),
    }
}

/// The JSON Schema (2020-12) of work profiles.
pub fn work_profile_schema() -> Value {
    SchemaSettings::draft2020_12()
        .for_deserialize()
        .into_generator()
        .into_root_schema_for::<WorkProfile>()
        .to_value()
}

fn read_profile(top: &mut Section<'_, '_>, problems: &Problems) -> Option<WorkProfile> {
    let version = needed::<Version>(top, "schema_version", 0, problems);
    let assignments = needed(top, "model_assignments", 0, problems);
    let governance = needed(top, "governance", 0, problems);
    let routing = needed(top, "routing", 0, problems);
    Some(WorkProfile {
        schema_version: version?.0,
        model_assignments: assignments?,
        governance: governance?,
        routing: routing?,
    })
}

/// What has to be there; `at` is where it is missing.
fn needed<T: Read>(
    section: &mut Section<'_, '_>,
    key: &'static str,
    at: usize,
    problems: &Problems,
) -> Option<T> {
    if section.get(key).is_none() {
        problems.add(at, format!("{} is missing", quoted(key)), None);
    }
    section.take(key)
}

/// Reads a table by its keys.
fn table<T>(
    value: &Raw<'_>,
    problems: &Problems,
    read: impl FnOnce(&mut Section<'_, '_>, usize) -> Option<T>,
) -> Option<T> {
    let mut section = Section::of(value, None, problems)?;
    let found = read(&mut section, value.span().start);
    section.finish();
    found
}

struct Version(String);

impl Read for Version {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let text = String::read(value, problems)?;
        if text == WORK_PROFILE_VERSION {
            return Some(Self(text));
        }
        let message = format!("the version {} cannot be read", quoted(&text));
        let hint = format!("this version of treeyard reads \"{WORK_PROFILE_VERSION}\"");
        problems.add(value.span().start, message, Some(hint));
        None
    }
}

/// The name of a model in the settings.
struct ModelId(String);

impl Read for ModelId {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let text = String::read(value, problems)?;
        let sound = !text.trim().is_empty() && !text.chars().any(char::is_control);
        if !sound {
            let message = format!("{} names no model", quoted(&text));
            problems.add(value.span().start, message, None);
        }
        sound.then_some(Self(text))
    }
}

fn ids(ids: Vec<ModelId>) -> Vec<String> {
    ids.into_iter().map(|id| id.0).collect()
}

impl Read for ModelAssignments {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        table(value, problems, |section, at| {
            let frontend = needed(section, "frontend", at, problems);
            let orchestrator = needed(section, "orchestrator", at, problems);
            let worker = needed(section, "worker", at, problems);
            let validator = needed(section, "validator", at, problems);
            Some(Self {
                frontend: frontend?,
                orchestrator: orchestrator?,
                worker: worker?,
                validator: validator?,
            })
        })
    }
}

impl Read for Assignment {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let assignment = table(value, problems, |section, at| {
            let primary = needed::<ModelId>(section, "primary_model_id", at, problems);
            let local_only = needed(section, "local_only", at, problems);
            let fallback: Option<ModelId> = section.take("fallback_model_id");
            let allowed: Option<Vec<ModelId>> = section.take("allowed_models");
            let compute = section.take("compute");
            Some(Self {
                primary_model_id: primary?.0,
                fallback_model_id: fallback.map(|id| id.0),
                local_only: local_only?,
                allowed_models: allowed.map(ids),
                compute,
            })
        })?;
        let allowed = assignment.allowed_models.as_deref();
        if allowed.is_some_and(|allowed| !allowed.contains(&assignment.primary_model_id)) {
            let primary = quoted(&assignment.primary_model_id);
            let message = format!("the primary model {primary} is not among `allowed_models`");
            problems.add(value.span().start, message, None);
            return None;
        }
        Some(assignment)
    }
}

impl Read for Governance {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        table(value, problems, |section, at| {
            let level = needed(section, "automation_level", at, problems);
            let cloud = needed(section, "allow_cloud_escalation", at, problems);
            let most = section.take("max_cloud_escalations_per_job");
            Some(Self {
                automation_level: level?,
                allow_cloud_escalation: cloud?,
                max_cloud_escalations_per_job: most,
            })
        })
    }
}

impl Read for Routing {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        table(value, problems, |section, at| {
            let policy = needed(section, "selection_policy", at, problems);
            let candidates: Option<Vec<ModelId>> = section.take("candidate_models");
            Some(Self {
                selection_policy: policy?,
                candidate_models: candidates.map(ids).unwrap_or_default(),
            })
        })
    }
}

words! {
    AutomationLevel { "FULL_HUMAN" => FullHuman, "HYBRID" => Hybrid, "AUTONOMOUS" => Autonomous }
    SelectionPolicy { "largest_available" => LargestAvailable, "explicit" => Explicit }
}
