//! The registry: read from its file, evaluated, and known by its digest.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use semver::Version;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::entry::{Answer, Guardrail};
use super::signal::{Signal, Signals};
use crate::model::ids::ContentHash;
use crate::model::tool::Hit;

const BUNDLED: &str = include_str!("registry.toml");

static PARSED: LazyLock<Result<Registry, InvalidRegistry>> =
    LazyLock::new(|| Registry::parse(BUNDLED));

/// The one that is part of the product.
///
/// # Errors
/// When it cannot be read, which a test rules out. Whoever asks goes no further then.
pub fn bundled() -> Result<&'static Registry, InvalidRegistry> {
    PARSED.as_ref().map_err(Clone::clone)
}

/// All guardrails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Registry {
    /// The version of the file.
    pub version: Version,
    /// In the order of their ids.
    pub guardrails: Vec<Guardrail>,
}

/// Why a text is no registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the registry of guardrails, line {line}, column {column}: {message}")]
pub struct InvalidRegistry {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

/// A guardrail that was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'r> {
    /// Which.
    pub guardrail: &'r Guardrail,
    /// What it speaks of and was seen.
    pub signals: Vec<Signal>,
}

impl Found<'_> {
    /// For the gate.
    pub fn hit(&self) -> Hit {
        Hit {
            guardrail: self.guardrail.guardrail_id.clone(),
            outcome: self.guardrail.gate_outcome(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: Version,
    guardrail: Vec<Spanned<Guardrail>>,
}

impl Registry {
    /// Reads a registry.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn parse(text: &str) -> Result<Self, InvalidRegistry> {
        let file: File = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            wrong(text, at, error.message())
        })?;
        let mut before = "";
        for one in &file.guardrail {
            let (Range { start, .. }, guardrail) = (one.span(), one.get_ref());
            check(guardrail, before).map_err(|message| wrong(text, start, &message))?;
            before = &guardrail.guardrail_id;
        }
        let guardrails = file.guardrail.into_iter().map(Spanned::into_inner);
        Ok(Self {
            version: file.version,
            guardrails: guardrails.collect(),
        })
    }

    /// By which two registries are known to be the same: the hash of all that it says, in one form.
    pub fn digest(&self) -> ContentHash {
        ContentHash::of(canonical(self).as_bytes())
    }

    /// What is met, in the order of the registry.
    pub fn evaluate(&self, seen: &Signals) -> Vec<Found<'_>> {
        let met = self.guardrails.iter().filter(|one| one.trigger.holds(seen));
        met.map(|guardrail| Found {
            guardrail,
            signals: guardrail
                .trigger
                .signals()
                .intersection(seen)
                .copied()
                .collect(),
        })
        .collect()
    }

    /// The one of this id, whatever the case of its letters.
    pub fn get(&self, id: &str) -> Option<&Guardrail> {
        let mut all = self.guardrails.iter();
        all.find(|one| one.guardrail_id.eq_ignore_ascii_case(id))
    }
}

impl Guardrail {
    /// The hash of what never changes: what is guarded, when it is met and what follows.
    pub fn meaning(&self) -> ContentHash {
        let meaning = (&self.domain, &self.trigger, &self.outcome, &self.leaves);
        ContentHash::of(canonical(&meaning).as_bytes())
    }
}

/// Fields stand in the order of their types, and there is no room between them.
fn canonical(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// What no field alone shows.
fn check(one: &Guardrail, before: &str) -> Result<(), String> {
    let id = &one.guardrail_id;
    let digits = id.strip_prefix("AP-").unwrap_or_default();
    if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("{id:?} is no id such as AP-001"));
    }
    if id.as_str() <= before {
        return Err(format!("{id} does not come after {before}"));
    }
    let found: Vec<Signal> = one.detections.iter().map(|found| found.signal).collect();
    let named: BTreeSet<Signal> = found.iter().copied().collect();
    if named.len() != found.len() || named != one.trigger.signals() {
        let message = format!("{id}: detections and trigger do not speak of the same signals");
        return Err(message);
    }
    let astray = |found: &&super::Detection| found.signal.source() != found.source;
    if let Some(found) = one.detections.iter().find(astray) {
        let (signal, source) = (found.signal, found.signal.source().name());
        return Err(format!("{id}: {signal} is looked for in {source:?}"));
    }
    match (one.outcome == Answer::Downgrade) == one.leaves.is_some() {
        true => Ok(()),
        false => Err(format!(
            "{id}: a downgrade, and nothing else, `leaves` something"
        )),
    }
}

fn wrong(text: &str, at: usize, message: &str) -> InvalidRegistry {
    let before = text.get(..at).unwrap_or(text);
    let last = before.rsplit('\n').next().unwrap_or_default();
    InvalidRegistry {
        line: before.matches('\n').count() + 1,
        column: last.chars().count() + 1,
        message: message.trim().to_owned(),
    }
}
