//! What everybody is told of a tool.

use serde::{Deserialize, Serialize};

use super::capability::Capabilities;
use super::id::{ToolId, ToolVersion};

/// A tool without its schemas, which are made from the types of its arguments and results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Card {
    /// Its id.
    pub tool_id: ToolId,
    /// Its version.
    pub tool_version: ToolVersion,
    /// What it does and when to use it, for a model to read.
    pub description: &'static str,
    /// What it does to the world.
    pub side_effect: SideEffect,
    /// What becomes of it when it is called again.
    pub idempotency: Idempotency,
    /// Whether the same call has the same result.
    pub determinism: Determinism,
    /// Whether it can be called here.
    pub availability: Availability,
    /// All of these have to be granted.
    pub required_capabilities: Capabilities,
    /// How much harm a wrong call does.
    pub risk_level: RiskLevel,
    /// Whether models are told of it only when they ask for more tools.
    pub deferred: bool,
}

/// What a tool does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SideEffect {
    /// Nothing.
    Read,
    /// It changes files or records.
    Write,
    /// It starts programs, which may do anything.
    Execute,
}

/// What a tool may do to the files of the worktree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFiles {
    /// Nothing.
    None,
    /// It changes those that the call names.
    Named,
    /// It starts a program, which may change any.
    Program,
}

impl Card {
    /// What it may do to the files of the worktree.
    pub fn on_files(&self) -> OnFiles {
        match self.side_effect {
            SideEffect::Execute => OnFiles::Program,
            SideEffect::Write if self.tool_id.group() == "file" => OnFiles::Named,
            SideEffect::Write | SideEffect::Read => OnFiles::None,
        }
    }
}

/// What becomes of a call that is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Idempotency {
    /// Twice is the same as once.
    Idempotent,
    /// Twice with one key is the same as once.
    IdempotentWithKey,
    /// It is done twice, or fails the second time.
    NonIdempotent,
}

/// Whether the same call has the same result in the same worktree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Determinism {
    /// Always.
    Deterministic,
    /// Mostly.
    BestEffort,
    /// No.
    NonDeterministic,
}

/// How much harm a wrong call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RiskLevel {
    /// None that counts.
    Low,
    /// It can be undone.
    Medium,
    /// It cannot.
    High,
}

/// Whether a tool can be called here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state", deny_unknown_fields)]
pub enum Availability {
    /// It can.
    Available,
    /// Something is missing.
    Unavailable {
        /// What.
        why: String,
    },
}
