//! Whether models are used at all.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether models are used at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RuntimeMode {
    /// No model is called; everything else works.
    DocsOnly,
    /// Models are called once one is ready.
    AiEnabled,
}

impl RuntimeMode {
    /// As it is written in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::DocsOnly => "DOCS_ONLY",
            Self::AiEnabled => "AI_ENABLED",
        }
    }
}

impl fmt::Display for RuntimeMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How many models have to be ready before any is used.
pub const MIN_READY_MODELS: usize = 1;

/// How long a model that answered counts as ready, in milliseconds.
pub const READY_FOR_MS: i64 = 15 * 60 * 1000;

/// How a model answered when it was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Readiness {
    /// In time.
    Ready,
    /// Not in time.
    Slow,
    /// With a failure.
    Failed,
    /// It was not asked: nobody agreed that anything is sent.
    NotAsked,
}

impl Readiness {
    /// As it is written in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "READY",
            Self::Slow => "SLOW",
            Self::Failed => "FAILED",
            Self::NotAsked => "NOT_ASKED",
        }
    }
}

/// What came of trying a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// What the model is called in the settings.
    pub name: String,
    /// Where it is.
    pub endpoint: String,
    /// What its provider calls it.
    pub model: String,
    /// When it was tried, in milliseconds since the epoch.
    pub at_ms: i64,
    /// How it answered.
    pub readiness: Readiness,
    /// How long that took, in milliseconds; `None` when it was not asked.
    pub latency_ms: Option<u64>,
    /// Why it is not ready.
    pub why: Option<String>,
}

impl Probe {
    /// Whether it says that the model can be called now.
    pub fn is_ready(&self, now_ms: i64) -> bool {
        let age = now_ms.saturating_sub(self.at_ms);
        self.readiness == Readiness::Ready && (0..=READY_FOR_MS).contains(&age)
    }
}

/// Why no model can be called; both are `CX-MM-001`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// None is to be.
    #[error("the mode is DOCS_ONLY: no model is called")]
    DocsOnly,
    /// None answered.
    #[error("no model is READY; {tried} {} tried in the last 15 minutes", match tried { 1 => "was", _ => "were" })]
    None {
        /// How many were asked lately.
        tried: usize,
    },
}

/// How many models are ready, when that is enough to call one.
///
/// # Errors
/// It is not, or none is to be called.
pub fn readiness(mode: RuntimeMode, probes: &[Probe], now_ms: i64) -> Result<usize, NotReady> {
    if mode == RuntimeMode::DocsOnly {
        return Err(NotReady::DocsOnly);
    }
    let ready = probes.iter().filter(|probe| probe.is_ready(now_ms)).count();
    let is_late = |probe: &&Probe| now_ms.saturating_sub(probe.at_ms) <= READY_FOR_MS;
    match ready >= MIN_READY_MODELS {
        true => Ok(ready),
        false => Err(NotReady::None {
            tried: probes.iter().filter(is_late).count(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(readiness: Readiness, at_ms: i64) -> Probe {
        Probe {
            name: "m".to_owned(),
            endpoint: "http://localhost/".to_owned(),
            model: "m".to_owned(),
            at_ms,
            readiness,
            latency_ms: Some(5),
            why: None,
        }
    }

    #[test]
    fn only_a_model_that_answered_lately_is_ready() {
        const NOW: i64 = 10 * READY_FOR_MS;
        let none = |tried| Err(NotReady::None { tried });
        for (probes, expected) in [
            (vec![], none(0)),
            (vec![probe(Readiness::Ready, NOW)], Ok(1)),
            (vec![probe(Readiness::Ready, NOW - READY_FOR_MS)], Ok(1)),
            (
                vec![probe(Readiness::Ready, NOW - READY_FOR_MS - 1)],
                none(0),
            ),
            (vec![probe(Readiness::Ready, NOW + 1)], none(1)),
            (
                vec![probe(Readiness::Slow, NOW), probe(Readiness::Failed, NOW)],
                none(2),
            ),
            (
                vec![probe(Readiness::Failed, NOW), probe(Readiness::Ready, NOW)],
                Ok(1),
            ),
        ] {
            let found = readiness(RuntimeMode::AiEnabled, &probes, NOW);
            assert_eq!(found, expected, "{probes:?}");
            let docs = readiness(RuntimeMode::DocsOnly, &probes, NOW);
            assert_eq!(docs, Err(NotReady::DocsOnly));
        }
        let told = NotReady::None { tried: 2 }.to_string();
        assert!(
            told.ends_with("2 were tried in the last 15 minutes"),
            "{told}"
        );
    }

    #[test]
    fn names_are_those_of_the_contracts() {
        for mode in [RuntimeMode::DocsOnly, RuntimeMode::AiEnabled] {
            assert_eq!(serde_json::to_value(mode).unwrap(), mode.name());
        }
        for one in [
            Readiness::Ready,
            Readiness::Slow,
            Readiness::Failed,
            Readiness::NotAsked,
        ] {
            assert_eq!(serde_json::to_value(one).unwrap(), one.name());
        }
    }
}
