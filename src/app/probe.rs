//! Whether models can be called: each is asked for a word, and what comes of it is kept.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::failure::Failure;
use super::models::{OpenModel, find, open_model};
use super::prices::put;
use super::providers::reach;
use crate::config::{Settings, Speaks, read_plan_file};
use crate::model::backend::Backend;
use crate::model::chat::{ChatRequest, Message, ToolChoice};
use crate::model::code::Code;
use crate::model::mode::{Probe, READY_FOR_MS, Readiness, RuntimeMode, readiness};
use crate::model::redact::Redactor;
use crate::store::Store;

/// The version of the file.
const FORMAT: u32 = 1;

/// So many results are kept, the newest.
const MOST: usize = 200;

/// As much as a probe may be answered. Less is refused by some.
const ANSWER: u32 = 16;

/// The file of results.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    format: u32,
    probes: Vec<Probe>,
}

/// How models are to be tried.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Who takes longer is not ready.
    pub within: Duration,
    /// Whether a person agrees that a word is sent to models elsewhere.
    pub agreed: bool,
}

/// A model that is ready to be tried, or what is known without.
enum Asked {
    Open(Box<OpenModel>),
    Known(Readiness, Option<String>),
}

/// Where results are kept.
///
/// # Errors
/// No home directory.
pub fn place() -> Result<PathBuf, Failure> {
    let folders = etcetera::choose_base_strategy()
        .map_err(|error| Failure::new(Code::ConfigInvalid, error.to_string()))?;
    Ok(folders.data_dir().join("treeyard").join("probes.json"))
}

/// What was found of models before. A file that is not there or cannot be understood says nothing: what is
/// not known is tried again.
pub fn known(place: &Path) -> Vec<Probe> {
    let kept = read_plan_file(place).ok();
    let kept = kept.and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
    let kept = kept.filter(|kept| kept.format == FORMAT);
    kept.map(|kept| kept.probes).unwrap_or_default()
}

/// Refuses to call models where the settings say that none is to be called.
///
/// # Errors
/// [`Code::NoReadyModel`] with that reason.
pub fn refuse_docs_only(settings: &Settings) -> Result<(), Failure> {
    match readiness(settings.agent_mode(), &[], 0) {
        Err(why) if settings.agent_mode() == RuntimeMode::DocsOnly => {
            let failure = Failure::new(Code::NoReadyModel, why.to_string());
            Err(failure
                .hint("set `agent.mode = \"AI_ENABLED\"` in your own settings to use models"))
        }
        _ => Ok(()),
    }
}

/// Tries models, all at once, and keeps what came of it. A model elsewhere is only asked where a person agrees. A script
/// is not asked either: its answers are for others, and it is ready when it can be read.
///
/// # Errors
/// A name that is no model's, a mode without models, or results that cannot be kept.
pub fn probe(
    settings: &Settings,
    names: &[&str],
    terms: Terms,
    env: impl Fn(&str) -> Option<String>,
    place: &Path,
) -> Result<Vec<Probe>, Failure> {
    refuse_docs_only(settings)?;
    let mut found = Vec::new();
    let mut open = Vec::new();
    for name in names {
        let model = find(settings, name)?;
        let endpoint = reach(&model.provider, &env)?.endpoint;
        let (readiness, why) = match ask(settings, name, terms, &env) {
            Asked::Open(model) => {
                open.push((found.len(), *model));
                (Readiness::NotAsked, None)
            }
            Asked::Known(readiness, why) => (readiness, why),
        };
        found.push(Probe {
            name: (*name).to_owned(),
            endpoint,
            model: model.model,
            at_ms: jiff::Timestamp::now().as_millisecond(),
            readiness,
            latency_ms: (readiness == Readiness::Ready).then_some(0),
            why,
        });
    }
    call_all(open, terms.within, &mut found)?;
    keep(&found, place)?;
    Ok(found)
}

/// Finds out whether a model is ready to be worked with, where that is not known from the last minutes: by what was
/// found when it was tried, or by a call of this repository that it answered. One on this machine is asked for a word, and
/// what comes of it is kept. One elsewhere is not: the first call that a person agreed to tells.
///
/// # Errors
/// [`Code::NoReadyModel`]: it did not answer in time.
pub fn settle_ready(
    settings: &Settings,
    store: &Store,
    (name, model): (&str, &OpenModel),
    place: &Path,
) -> Result<(), Failure> {
    if model.backend == Backend::Cloud || is_scripted(settings, model) {
        return Ok(());
    }
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let is_it = |probe: &Probe| (&probe.endpoint, &probe.model) == (&model.endpoint, &model.model);
    let was_ready = known(place)
        .iter()
        .any(|probe| is_it(probe) && probe.is_ready(now_ms));
    let called = (model.provider_name.as_str(), model.model.as_str());
    if was_ready || store.answered_since(called, (now_ms - READY_FOR_MS, now_ms))? {
        return Ok(());
    }
    let mut found = [Probe {
        name: name.to_owned(),
        endpoint: model.endpoint.clone(),
        model: model.model.clone(),
        at_ms: now_ms,
        readiness: Readiness::NotAsked,
        latency_ms: None,
        why: None,
    }];
    let within = Duration::from_millis(settings.agent_ready_within_ms());
    call_all(vec![(0, model.clone())], within, &mut found)?;
    if let Err(failure) = keep(&found, place) {
        tracing::warn!(%failure, "it will be asked again");
    }
    let [probe] = found;
    match probe.readiness {
        Readiness::Ready => Ok(()),
        _ => {
            let why = probe.why.unwrap_or_default();
            let message = format!("{name} is not ready: {why}");
            Err(Failure::new(Code::NoReadyModel, message))
        }
    }
}

fn ask(
    settings: &Settings,
    name: &str,
    terms: Terms,
    env: &impl Fn(&str) -> Option<String>,
) -> Asked {
    match open_model(settings, name, env, &Redactor::patterns()) {
        Err(failure) => Asked::Known(Readiness::Failed, Some(failure.to_string())),
        Ok(model) if is_scripted(settings, &model) => Asked::Known(Readiness::Ready, None),
        Ok(model) if model.backend == Backend::Cloud && !terms.agreed => {
            let why = "a word would be sent there: --yes agrees to that".to_owned();
            Asked::Known(Readiness::NotAsked, Some(why))
        }
        Ok(model) => Asked::Open(Box::new(model)),
    }
}

fn is_scripted(settings: &Settings, model: &OpenModel) -> bool {
    let of = settings.provider(&model.provider_name, Path::new(""));
    of.is_some_and(|of| of.speaks == Speaks::Scripted)
}

fn call_all(
    open: Vec<(usize, OpenModel)>,
    within: Duration,
    found: &mut [Probe],
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Code::Io, error.to_string()))?;
    let answers = runtime.block_on(async {
        let mut calls = JoinSet::new();
        for (at, model) in open {
            calls.spawn(async move { (at, call(&model, within).await) });
        }
        calls.join_all().await
    });
    for (at, (readiness, took, why)) in answers {
        let probe = &mut found[at];
        let latency = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        (probe.readiness, probe.latency_ms, probe.why) = (readiness, Some(latency), why);
    }
    Ok(())
}

async fn call(model: &OpenModel, within: Duration) -> (Readiness, Duration, Option<String>) {
    let request = ChatRequest {
        model: model.model.clone(),
        system: Vec::new(),
        messages: vec![Message::user("Answer with the one word: ready")],
        tools: Vec::new(),
        tool_choice: ToolChoice::Auto,
        max_output_tokens: ANSWER.min(model.max_output_tokens),
        temperature: None,
        thinking: None,
        output_schema: None,
        cache: false,
    };
    let begun = Instant::now();
    let mut watch = |_| {};
    let asked = model
        .provider
        .chat(&request, None, &mut watch, std::future::pending());
    let answer = tokio::time::timeout(within, asked).await;
    let (readiness, why) = match answer {
        Ok(Ok(_)) => (Readiness::Ready, None),
        Ok(Err(error)) => {
            let why = model.redactor.redact_text(&error.to_string()).into_owned();
            (Readiness::Failed, Some(why))
        }
        Err(_) => {
            let why = format!("no answer within {} s", within.as_secs_f32());
            (Readiness::Slow, Some(why))
        }
    };
    (readiness, begun.elapsed(), why)
}

/// Keeps what was found instead of what was known of the same models.
fn keep(found: &[Probe], place: &Path) -> Result<(), Failure> {
    let asked = |probe: &&Probe| probe.readiness != Readiness::NotAsked;
    let mut probes: Vec<Probe> = found.iter().filter(asked).cloned().collect();
    let is_same =
        |one: &Probe, other: &Probe| (&one.endpoint, &one.model) == (&other.endpoint, &other.model);
    let before = known(place);
    let stays = before
        .into_iter()
        .filter(|old| !found.iter().filter(asked).any(|new| is_same(new, old)));
    probes.extend(stays);
    probes.sort_by_key(|probe| std::cmp::Reverse(probe.at_ms));
    probes.truncate(MOST);
    let kept = Kept {
        format: FORMAT,
        probes,
    };
    let unwritable = |error: io::Error| Failure::io(place, &error);
    let text = serde_json::to_vec_pretty(&kept).map_err(|e| unwritable(e.into()))?;
    put(&text, place).map_err(unwritable)
}
