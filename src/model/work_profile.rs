//! Work profiles: which model plays which role, what it may cost in freedom, and how models are chosen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the documents that is read.
pub const WORK_PROFILE_VERSION: &str = "hsk.work_profile@0.6";

/// A work profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkProfile {
    /// `hsk.work_profile@0.6`.
    #[schemars(extend("const" = WORK_PROFILE_VERSION))]
    pub schema_version: String,
    /// Which model plays which role.
    pub model_assignments: ModelAssignments,
    /// Who decides.
    pub governance: Governance,
    /// How models are chosen.
    pub routing: Routing,
}

/// Which model plays which role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelAssignments {
    /// Talks with people.
    pub frontend: Assignment,
    /// Divides the work.
    pub orchestrator: Assignment,
    /// Does it.
    pub worker: Assignment,
    /// Checks it.
    pub validator: Assignment,
}

/// A role of a work profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileRole {
    /// Talks with people.
    Frontend,
    /// Divides the work.
    Orchestrator,
    /// Does it.
    Worker,
    /// Checks it.
    Validator,
}

impl ProfileRole {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Frontend,
        Self::Orchestrator,
        Self::Worker,
        Self::Validator,
    ];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Frontend => "frontend",
            Self::Orchestrator => "orchestrator",
            Self::Worker => "worker",
            Self::Validator => "validator",
        }
    }
}

impl WorkProfile {
    /// Who plays a role.
    pub fn assignment(&self, role: ProfileRole) -> &Assignment {
        match role {
            ProfileRole::Frontend => &self.model_assignments.frontend,
            ProfileRole::Orchestrator => &self.model_assignments.orchestrator,
            ProfileRole::Worker => &self.model_assignments.worker,
            ProfileRole::Validator => &self.model_assignments.validator,
        }
    }
}

/// Who plays a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The model that is meant, as the settings name it.
    #[schemars(length(min = 1))]
    pub primary_model_id: String,
    /// The one in its place while that is not ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub fallback_model_id: Option<String>,
    /// Whether nothing may leave the machine.
    pub local_only: bool,
    /// The only models that may play it; all may without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), inner(length(min = 1)))]
    pub allowed_models: Option<Vec<String>>,
    /// What they run on, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute: Option<String>,
}

/// Who decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Governance {
    /// How much goes on without a person.
    pub automation_level: AutomationLevel,
    /// Whether work that a model cannot do may go to a larger one elsewhere.
    pub allow_cloud_escalation: bool,
    /// How often in one job; without, as often as there is a larger one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cloud_escalations_per_job: Option<u32>,
}

/// How much goes on without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AutomationLevel {
    /// A person decides each time.
    FullHuman,
    /// A person decides what leaves the machine.
    Hybrid,
    /// Nobody is asked beyond consent and approvals.
    Autonomous,
}

/// How models are chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Routing {
    /// By what.
    pub selection_policy: SelectionPolicy,
    /// From which, the preferred ones first.
    #[serde(default)]
    #[schemars(inner(length(min = 1)))]
    pub candidate_models: Vec<String>,
}

/// How models are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SelectionPolicy {
    /// The largest candidate that is ready.
    LargestAvailable,
    /// The one that is assigned.
    Explicit,
}
