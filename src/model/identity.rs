//! Who did something: the role, the model and the session behind every output that can change a workspace.

use serde::{Deserialize, Serialize};

use super::backend::{Backend, ParameterClass};
use super::chat::Effort;
use super::code::Code;
use super::ids::SessionId;

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleExecutionIdentity {
    /// What it was there for, such as `worker`.
    pub role: String,
    /// The model, as its provider names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_id: Option<String>,
    /// Where that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<Backend>,
    /// How large it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter_class: Option<ParameterClass>,
    /// How much it was asked to think. Local models are not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_reasoning_strength: Option<Effort>,
    /// Its session.
    pub session_id: SessionId,
    /// Which of several processes of one model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_instance_id: Option<String>,
    /// The work packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wp_id: Option<String>,
    /// The micro-task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mt_id: Option<String>,
}

impl RoleExecutionIdentity {
    /// What a commit's trailers say of it, in their order, each in one line; the session stands before them.
    pub fn trailers(&self) -> Vec<(&'static str, String)> {
        let own = |text: &Option<String>| text.as_deref().map(one_line);
        let all = [
            ("Treeyard-Role", Some(one_line(&self.role))),
            ("Treeyard-Model", own(&self.model_id)),
            (
                "Treeyard-Backend",
                self.backend.map(|b| b.name().to_owned()),
            ),
            (
                "Treeyard-Parameter-Class",
                self.parameter_class.map(|class| class.name().to_owned()),
            ),
            (
                "Treeyard-Reasoning",
                self.cloud_reasoning_strength
                    .map(|strength| strength_name(strength).to_owned()),
            ),
            ("Treeyard-Instance", own(&self.model_instance_id)),
            ("Treeyard-WP", own(&self.wp_id)),
            ("Treeyard-MT", own(&self.mt_id)),
        ];
        all.into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }
}

/// A strength as it is written.
pub fn strength_name(strength: Effort) -> &'static str {
    match strength {
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
    }
}

/// The strength of reasoning that is on record for a model, and what is to be told of it: only models elsewhere have one. What a
/// local model makes of being asked for it is its own business.
pub fn reasoning_strength(
    backend: Backend,
    asked: Option<Effort>,
) -> (Option<Effort>, Option<Code>) {
    match (backend, asked) {
        (Backend::Cloud, asked) => (asked, None),
        (Backend::Local, None) => (None, None),
        (Backend::Local, Some(_)) => (None, Some(Code::ReasoningLocal)),
    }
}

/// Without white space that could begin another trailer.
pub(super) fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> RoleExecutionIdentity {
        RoleExecutionIdentity {
            role: "worker\n\nTreeyard-Model: forged".to_owned(),
            model_id: Some("claude-opus-5".to_owned()),
            backend: Some(Backend::Cloud),
            parameter_class: Some(ParameterClass::PUnknown),
            cloud_reasoning_strength: Some(Effort::High),
            session_id: SessionId::new(),
            model_instance_id: None,
            wp_id: Some("WP-7".to_owned()),
            mt_id: Some(" \t".to_owned()),
        }
    }

    #[test]
    fn trailers_say_who_and_nothing_else() {
        let identity = identity();
        let text: Vec<_> = identity
            .trailers()
            .into_iter()
            .map(|(key, value)| format!("{key}: {value}"))
            .collect();
        let expected = [
            "Treeyard-Role: worker Treeyard-Model: forged",
            "Treeyard-Model: claude-opus-5",
            "Treeyard-Backend: cloud",
            "Treeyard-Parameter-Class: PUnknown",
            "Treeyard-Reasoning: high",
            "Treeyard-WP: WP-7",
        ];
        assert_eq!(text, expected);
    }

    #[test]
    fn it_is_stored_by_the_names_of_the_contracts() {
        let identity = identity();
        let stored = serde_json::to_value(&identity).unwrap();
        let keys: Vec<_> = stored.as_object().unwrap().keys().cloned().collect();
        let mut expected = [
            "role",
            "model_id",
            "backend",
            "parameter_class",
            "cloud_reasoning_strength",
            "session_id",
            "wp_id",
            "mt_id",
        ];
        expected.sort_unstable();
        let mut keys = keys;
        keys.sort_unstable();
        assert_eq!(keys, expected);
        assert_eq!(
            serde_json::from_value::<RoleExecutionIdentity>(stored).unwrap(),
            identity
        );
    }

    #[test]
    fn a_local_model_is_asked_without_a_strength_and_that_is_told() {
        let high = Some(Effort::High);
        for (backend, asked, expected) in [
            (Backend::Cloud, high, (high, None)),
            (Backend::Cloud, None, (None, None)),
            (Backend::Local, None, (None, None)),
            (Backend::Local, high, (None, Some(Code::ReasoningLocal))),
        ] {
            assert_eq!(reasoning_strength(backend, asked), expected);
        }
    }
}
