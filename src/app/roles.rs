//! Which models a work profile gives its roles, by what is known of them now.

use std::path::Path;

use serde::{Serialize, Serializer};

use super::models::find;
use super::probe::known;
use super::providers::reach;
use crate::config::Settings;
use crate::model::code::Code;
use crate::model::mode::Probe;
use crate::model::performance::{LoggedCall, ModelPerformanceSnapshot};
use crate::model::selection::{Candidate, NoChoice, escalate, names, select};
use crate::model::work_profile::{ProfileRole, WorkProfile};
use crate::store::{Store, StoreError};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Who plays a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assigned {
    /// Which role.
    pub role: ProfileRole,
    /// The model, as the settings name it.
    pub model: Option<String>,
    /// The next larger one, which takes over where this one cannot do the work.
    pub larger: Option<String>,
    /// What is wrong.
    pub why: Option<String>,
    /// Its code, when no model plays the role.
    #[serde(serialize_with = "id")]
    pub code: Option<Code>,
}

fn id<S: Serializer>(code: &Option<Code>, serializer: S) -> Result<S::Ok, S::Error> {
    code.map(Code::id).serialize(serializer)
}

/// Who plays each role. `place` is where it is kept which models are ready; `calls` are what models are measured by.
pub fn assigned(
    settings: &Settings,
    profile: &WorkProfile,
    env: impl Fn(&str) -> Option<String>,
    (place, calls): (&Path, &[LoggedCall]),
) -> Vec<Assigned> {
    let (known, unknown) = candidates(settings, profile, &env, (&self::known(place), calls));
    let of = |role| {
        let missing: Vec<&str> = names(profile, role)
            .into_iter()
            .filter(|name| unknown.contains(name))
            .collect();
        let missing = (!missing.is_empty())
            .then(|| format!("the settings have no model {}", missing.join(", ")));
        match select(profile, role, &known) {
            Ok(model) => Assigned {
                role,
                model: Some(model.id.clone()),
                larger: escalate(profile, role, &known, model, 0).map(|to| to.to.id.clone()),
                why: missing,
                code: None,
            },
            Err(why) => Assigned {
                role,
                model: None,
                larger: None,
                code: Some(code_of(&why)),
                why: missing.or_else(|| Some(why.to_string())),
            },
        }
    };
    ProfileRole::ALL.into_iter().map(of).collect()
}

/// The code of having no model for a role.
pub fn code_of(why: &NoChoice) -> Code {
    match why {
        NoChoice::NotReady(..) => Code::NoReadyModel,
        NoChoice::NotAllowed(..) => Code::ModelUnnamed,
    }
}

/// The calls of the last day, by which models are measured.
///
/// # Errors
/// The store cannot be read.
pub fn measured(store: &Store) -> Result<Vec<LoggedCall>, StoreError> {
    let since = jiff::Timestamp::now().as_millisecond() - DAY_MS;
    let calls = store.model_calls_since(since)?.into_iter();
    let ended = calls.filter_map(|call| {
        let took = call.end?;
        Some(LoggedCall {
            model: call_name(&call.provider, &call.model_id),
            started_ms: call.started_ms,
            latency_ms: took.latency_ms,
            output_tokens: took.output_tokens,
            failed: took.failed,
        })
    });
    Ok(ended.collect())
}

fn call_name(provider: &str, model: &str) -> String {
    format!("{provider}/{model}")
}

/// What is known of the models that a profile names, and which of them the settings do not have.
pub fn candidates<'p>(
    settings: &Settings,
    profile: &'p WorkProfile,
    env: &impl Fn(&str) -> Option<String>,
    (probes, calls): (&[Probe], &[LoggedCall]),
) -> (Vec<Candidate>, Vec<&'p str>) {
    let now = jiff::Timestamp::now().as_millisecond();
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    let all = ProfileRole::ALL
        .into_iter()
        .flat_map(|role| names(profile, role));
    for name in all {
        if known.iter().any(|one: &Candidate| one.id == name) || unknown.contains(&name) {
            continue;
        }
        let found =
            find(settings, name).and_then(|model| Ok((reach(&model.provider, env)?, model)));
        let Ok((reach, model)) = found else {
            unknown.push(name);
            continue;
        };
        let is_this =
            |probe: &&Probe| probe.endpoint == reach.endpoint && probe.model == model.model;
        known.push(Candidate {
            id: name.to_owned(),
            backend: reach.backend,
            parameter_class: model.parameter_class,
            score: {
                let name = call_name(&model.provider.name, &model.model);
                ModelPerformanceSnapshot::of(&name, calls, now).score
            },
            ready: probes
                .iter()
                .filter(is_this)
                .any(|probe| probe.is_ready(now)),
        });
    }
    (known, unknown)
}
