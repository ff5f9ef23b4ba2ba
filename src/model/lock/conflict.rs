//! Two scopes that meet: what both sides are told (`CX-MM-002`).

use serde::{Deserialize, Serialize};

use super::held::{LockToken, Party};
use crate::model::scope::Scope;

/// One side of a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claimant {
    /// Who.
    pub party: Party,
    /// The task's or the person's name.
    pub name: String,
    /// What it holds, or asks for.
    pub scope: Scope,
}

impl Claimant {
    /// In a few words.
    pub fn describe(&self) -> String {
        match &self.party {
            Party::Session { session_id } => format!("{} ({})", self.name, session_id.short()),
            Party::Place { path, .. } => format!("{} in {path}", self.name),
        }
    }
}

/// Why a request was not granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conflict {
    /// Who asks.
    pub waiter: Claimant,
    /// Who holds.
    pub holder: Claimant,
    /// The holder's lock.
    pub token: LockToken,
    /// A shortest path that is in both scopes, whether there is such a file or not; `None` when the
    /// patterns are too intricate to tell, which counts as a conflict.
    pub witness: Option<String>,
    /// Files that are there and in both, some of them.
    pub paths: Vec<String>,
}

impl Conflict {
    /// What both want, in a few words.
    pub fn meeting_place(&self) -> String {
        match (self.paths.first(), &self.witness) {
            (Some(path), _) => path.clone(),
            (None, Some(witness)) => format!("paths such as {witness}"),
            (None, None) => "what its patterns can match".to_owned(),
        }
    }
}
