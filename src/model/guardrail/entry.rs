//! One guardrail, and what is written down when it is met.

use serde::{Deserialize, Serialize};

use super::signal::{Signal, Source};
use super::trigger::Trigger;
use crate::model::ids::{ContentHash, JobId};
use crate::model::tool::{CallId, Capabilities, Outcome};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Worth a look.
    Medium,
    /// Harm is likely. `treeyard guardrails check` fails from here on.
    High,
    /// Harm that cannot be taken back.
    Critical,
}

/// Which part of the product it guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Domain {
    /// What runs when, and how much of it.
    Scheduler,
    /// What comes from elsewhere, and what goes there.
    TrustBoundary,
    /// What a session may do.
    CapabilityGate,
    /// Whose files are whose.
    Workspace,
    /// How sessions begin, go on and end.
    Lifecycle,
}

/// What follows, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It does not happen.
    Deny,
    /// It happens only with fewer capabilities.
    Downgrade,
    /// A person has to see this very call.
    RequireConsent,
    /// It does not happen, and the session ends.
    ForceStop,
}

macro_rules! names {
    ($($of:ident { $($variant:ident = $name:literal),* })*) => {
        $(impl $of {
            /// As it is written.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        })*
    };
}

names! {
    Severity { Low = "low", Medium = "medium", High = "high", Critical = "critical" }
    Domain {
        Scheduler = "scheduler", TrustBoundary = "trust_boundary",
        CapabilityGate = "capability_gate", Workspace = "workspace", Lifecycle = "lifecycle"
    }
    Answer {
        Deny = "deny", Downgrade = "downgrade",
        RequireConsent = "require_consent", ForceStop = "force_stop"
    }
    Source {
        Command = "command", Call = "call", Thread = "thread", Session = "session", Plan = "plan",
        Change = "change", Construction = "construction", Unwatched = "unwatched"
    }
}

/// By what a guardrail is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detection {
    /// Where it is looked for.
    pub source: Source,
    /// What.
    pub signal: Signal,
}

/// One entry of the registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guardrail {
    /// Such as `AP-002`; never given to another one.
    pub guardrail_id: String,
    /// The pattern in a few words.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it guards.
    pub domain: Domain,
    /// When it is met.
    pub trigger: Trigger,
    /// By what it is found: each signal of the trigger once.
    pub detections: Vec<Detection>,
    /// What follows.
    pub outcome: Answer,
    /// Of a downgrade: the capabilities that are left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaves: Option<Capabilities>,
    /// Types of the events that say so.
    pub required_events: Vec<String>,
    /// The version of treeyard that brought it.
    pub since: String,
    /// Tests that hold what is so by construction, as `FILE::NAME`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_by: Vec<String>,
    /// What a person should know besides.
    pub note: String,
}

/// How far a guardrail is enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The tool gate evaluates it.
    pub gate: bool,
    /// `treeyard guardrails check` evaluates it.
    pub check: bool,
    /// The program is built so, and tests hold it there.
    pub construction: bool,
}

impl Guardrail {
    /// How far it is enforced: where enough of its signals can be seen, and what tests hold.
    pub fn standing(&self) -> Standing {
        let holds_with = |is_seen: fn(Source) -> bool| {
            let signals = self.detections.iter().map(|found| found.signal);
            let seen = signals.filter(|signal| is_seen(signal.source()));
            self.trigger.holds(&seen.collect())
        };
        Standing {
            gate: holds_with(Source::is_at_the_gate),
            check: holds_with(Source::is_in_the_check),
            construction: !self.held_by.is_empty(),
        }
    }

    /// What the gate does.
    pub fn gate_outcome(&self) -> Outcome {
        match self.outcome {
            Answer::Deny => Outcome::Deny,
            Answer::Downgrade => Outcome::Downgrade(self.leaves.clone().unwrap_or_default()),
            Answer::RequireConsent => Outcome::RequireConsent,
            Answer::ForceStop => Outcome::ForceStop,
        }
    }
}

impl Standing {
    /// Where, in a few words.
    pub fn describe(self) -> String {
        let places = [
            (self.gate, "the tool gate"),
            (self.check, "guardrails check"),
            (self.construction, "construction"),
        ];
        let places: Vec<_> = places
            .iter()
            .filter_map(|(is, name)| is.then_some(*name))
            .collect();
        match places.is_empty() {
            true => "nothing yet".to_owned(),
            false => places.join(", "),
        }
    }
}

/// A guardrail was met by a call of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardrailHit {
    /// The job.
    pub job_id: JobId,
    /// Which call.
    pub tool_call_id: CallId,
    /// The tool, as the caller named it.
    pub tool_id: String,
    /// Which guardrail.
    pub guardrail_id: String,
    /// The version of the registry.
    pub registry_version: String,
    /// The digest of the registry.
    pub registry_digest: ContentHash,
    /// By what it was met.
    pub signals: Vec<Signal>,
    /// What follows from it alone.
    pub outcome: Answer,
}
