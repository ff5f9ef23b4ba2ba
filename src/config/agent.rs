//! Settings of models at work: when a person is asked, what they are told first, and how long they go on.

use serde_json::{Value, json};
use toml::Spanned;
use toml::de::DeValue;

use super::reader::{Problems, Read, quoted, unknown};
use super::settings::Settings;
use super::values::{Setting, Timeout, words};
use crate::model::consent::ConsentScope;
use crate::model::execution::ExecutionMode;
use crate::model::mode::RuntimeMode;
use crate::model::tool::RiskLevel;
use crate::model::work::OnAmbiguous;

type Raw<'i> = Spanned<DeValue<'i>>;

impl Settings {
    /// Names of files that a session's model is told of before all else, from the root of the repository.
    pub fn instructions(&self) -> impl Iterator<Item = &str> {
        self.instructions.iter().map(|file| file.0.as_str())
    }

    /// The part of a context window that may be full before a conversation is made shorter; from 0 to 1.
    pub fn compact_at(&self) -> f64 {
        self.compact_at.0.number()
    }

    /// How long a model on this machine may take for a first word before it counts as not ready, in milliseconds.
    pub fn agent_ready_within_ms(&self) -> u64 {
        self.ready_within.0
    }

    /// The part of a budget after which a warning is told; from 0 to 1.
    pub fn budget_warn_at(&self) -> f64 {
        self.budget_warn_at.0.number()
    }

    /// How long an agreement to calls is valid, in milliseconds.
    pub fn consent_valid_for_ms(&self) -> u64 {
        self.consent_valid_for.0
    }
}

impl Read for RiskLevel {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        match String::read(value, problems)?.as_str() {
            "LOW" => Some(Self::Low),
            "MEDIUM" => Some(Self::Medium),
            "HIGH" => Some(Self::High),
            "never" => {
                let hint =
                    "\"HIGH\" asks the least; `treeyard approvals allow` answers for a session";
                let message = "no setting turns approvals off";
                problems.add(value.span().start, message, Some(hint.to_owned()));
                None
            }
            other => {
                let known = ["LOW", "MEDIUM", "HIGH"];
                unknown(value.span().start, "risk", other, &known, problems);
                None
            }
        }
    }
}

impl Setting for RiskLevel {
    fn show(&self) -> Value {
        json!(self)
    }

    /// Who asks more often counts.
    fn over(self, below: Self) -> Self {
        self.min(below)
    }
}

impl Read for RuntimeMode {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let text = String::read(value, problems)?;
        let all = [Self::DocsOnly, Self::AiEnabled];
        let found = all.into_iter().find(|mode| mode.name() == text);
        if found.is_none() {
            let known = all.map(Self::name);
            unknown(value.span().start, "mode", &text, &known, problems);
        }
        found
    }
}

impl Setting for RuntimeMode {
    fn show(&self) -> Value {
        json!(self)
    }

    /// Who does without models counts.
    fn over(self, below: Self) -> Self {
        self.min(below)
    }
}

words! {
    OnAmbiguous { "ask" => Ask, "adopt" => Adopt, "rerun" => Rerun }
    ExecutionMode {
        "SINGLE_MODEL_MULTI_ROLE" => SingleModelMultiRole,
        "MULTI_MODEL_PARALLEL" => MultiModelParallel,
        "SPLIT_POLICY_AND_PLANNING" => SplitPolicyAndPlanning,
    }
    ConsentScope { "single" => SingleCall, "session" => SessionScoped, "plan" => WpScoped, "broadcast" => BroadcastScoped }
}

/// A time that ends, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Finite(pub(super) u64);

impl Read for Finite {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let time = Timeout::read(value, problems)?.0;
        if time.is_none() {
            let message = "this time has an end";
            problems.add(
                value.span().start,
                message,
                Some("such as \"8h\"".to_owned()),
            );
        }
        time.map(Self)
    }
}

impl Setting for Finite {
    fn show(&self) -> Value {
        Timeout(Some(self.0)).show()
    }
}

/// A file of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RepositoryFile(pub(super) String);

impl Read for RepositoryFile {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let text = String::read(value, problems)?;
        let sound = !text.is_empty()
            && !text.starts_with(['/', '~'])
            && !text.chars().any(char::is_control)
            && text
                .split('/')
                .all(|part| !matches!(part, "" | "." | ".." | ".git"));
        if !sound {
            let message = format!("{} is no file of the repository", quoted(&text));
            let hint = "a path from its root, without `..`".to_owned();
            problems.add(value.span().start, message, Some(hint));
        }
        sound.then_some(Self(text))
    }
}

impl Setting for Vec<RepositoryFile> {
    fn show(&self) -> Value {
        json!(self.iter().map(|file| &file.0).collect::<Vec<_>>())
    }
}
