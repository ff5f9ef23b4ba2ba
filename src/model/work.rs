//! What a job executes: a command, or a model with tools.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::backend::Backend;
use super::chat::Effort;
use super::execution::ExecutionMode;
use super::identity::RoleExecutionIdentity;
use super::ids::SessionId;
use super::task::Command;
use super::tool::Capabilities;
use super::work_profile::WorkProfile;

/// What a job executes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Work {
    /// A program.
    Command(Command),
    /// A model, which goes on with its session's thread.
    Model(Box<ModelWork>),
}

/// What happens to a call of a tool that was cut short, when nothing tells how far it came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnAmbiguous {
    /// A person decides: allowing it runs it again, denying it does not.
    #[default]
    Ask,
    /// Its model is told, and looks how things stand.
    Adopt,
    /// It is run again.
    Rerun,
}

impl OnAmbiguous {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A model, and how it works in its session. What it is asked stands in the session's thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelWork {
    /// The model, as settings name it.
    pub model: String,
    /// The profile of capabilities that it was given, by name.
    pub profile: String,
    /// What that profile granted when the session was made.
    pub grants: Capabilities,
    /// Whom it stands for, such as `worker`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Whether its session waits for another message when it has answered, instead of being over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub persistent: bool,
    /// How often it may be called in one job; the settings say without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<u32>,
    /// How much it is to think.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<Effort>,
    /// The JSON Schema that its last answer is to follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// What happens to a call of a tool that was cut short.
    #[serde(default, skip_serializing_if = "OnAmbiguous::is_default")]
    pub on_ambiguous: OnAmbiguous,
    /// Whether its tools only say what they would do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rehearsal: bool,
    /// How the models of its plan work, where that says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_mode: Option<ExecutionMode>,
    /// By which a larger model takes over when this one cannot do the work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_profile: Option<Box<WorkProfile>>,
}

/// That a session has another model from its next job on than its task says, or which one where that says none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The model, as settings name it.
    pub model: String,
    /// Why, for a person.
    pub reason: String,
    /// Where it runs, when it takes over from one that could not do the work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalated: Option<Backend>,
}

impl Choice {
    /// For this reason.
    pub fn new(model: &str, reason: String) -> Self {
        Self {
            model: model.to_owned(),
            reason,
            escalated: None,
        }
    }
}

impl ModelWork {
    /// Whom it stands for where nobody says.
    pub const ROLE: &'static str = "worker";

    /// Who will do what comes of it, as far as the task says: the model by its name in the settings.
    pub fn identity(&self, session_id: SessionId) -> RoleExecutionIdentity {
        RoleExecutionIdentity {
            role: self.role.clone().unwrap_or_else(|| Self::ROLE.to_owned()),
            model_id: Some(self.model.clone()),
            backend: None,
            parameter_class: None,
            cloud_reasoning_strength: None,
            session_id,
            model_instance_id: None,
            wp_id: None,
            mt_id: None,
        }
    }
}

impl Work {
    /// The model, when it is one.
    pub fn model(&self) -> Option<&ModelWork> {
        match self {
            Self::Model(model) => Some(model),
            Self::Command(_) => None,
        }
    }
}

impl From<Command> for Work {
    fn from(command: Command) -> Self {
        Self::Command(command)
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(command) => command.fmt(f),
            Self::Model(model) => write!(f, "model {}", model.model),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tool::Profile;

    #[test]
    fn a_command_is_written_as_it_always_was() {
        for text in [r#""make all""#, r#"["echo","a b"]"#] {
            let work: Work = serde_json::from_str(text).unwrap();
            assert!(matches!(work, Work::Command(_)), "{text}");
            assert_eq!(serde_json::to_string(&work).unwrap(), text);
        }
    }

    #[test]
    fn a_model_survives_its_text() {
        let work = Work::Model(Box::new(ModelWork {
            model: "anthropic/claude".to_owned(),
            profile: "edit".to_owned(),
            grants: Profile::Edit.capabilities(),
            role: None,
            persistent: false,
            max_steps: None,
            thinking: None,
            output_schema: None,
            on_ambiguous: OnAmbiguous::Ask,
            rehearsal: false,
            execution_mode: None,
            work_profile: None,
        }));
        let text = serde_json::to_string(&work).unwrap();
        assert_eq!(serde_json::from_str::<Work>(&text).unwrap(), work);
        assert_eq!(work.to_string(), "model anthropic/claude");
        let unknown = text.replacen('{', r#"{"more":1,"#, 1);
        assert!(serde_json::from_str::<Work>(&unknown).is_err());
    }
}
