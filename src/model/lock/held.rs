//! A lock, and who it belongs to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::lease::Lease;
use crate::model::ids::SessionId;
use crate::model::scope::Scope;

/// The fencing token of a grant: its place in the event log, so that a later grant always has a
/// greater one, and none is ever given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LockToken(pub u64);

impl fmt::Display for LockToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for LockToken {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Who can hold a lock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Party {
    /// A session, whoever works in it.
    Session {
        /// Which.
        session_id: SessionId,
    },
    /// Whoever works in a checkout that is no session's. One checkout is one party.
    Place {
        /// The root of the checkout.
        path: String,
        /// The name of the person who claimed, for people.
        person: String,
    },
}

impl Party {
    /// A session as a party.
    pub fn session(session_id: SessionId) -> Self {
        Self::Session { session_id }
    }

    /// Its session, when it is one.
    pub fn session_id(&self) -> Option<SessionId> {
        match self {
            Self::Session { session_id } => Some(*session_id),
            Self::Place { .. } => None,
        }
    }

    /// What people call it: the person, or the task of its session, where that is known.
    pub fn named(&self, task: Option<&str>) -> String {
        match (self, task) {
            (Self::Place { person, .. }, _) => person.clone(),
            (Self::Session { .. }, Some(task)) => task.to_owned(),
            (Self::Session { session_id }, None) => session_id.short(),
        }
    }

    /// Whether both are the same party: what one holds does not stand in the other's way.
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Place { path: one, .. }, Self::Place { path: other, .. }) => one == other,
            _ => self == other,
        }
    }
}

/// One grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lock {
    /// Its fencing token.
    pub token: LockToken,
    /// Whose work it protects.
    pub owner: Party,
    /// Who works under it now: the owner, or a session that goes on from the owner's work before
    /// that has landed.
    pub holder: Party,
    /// What may be changed.
    pub scope: Scope,
    /// The first of the owner's grants since which nobody else was granted any of the scope: work
    /// under a token before that may be on top of something that has changed since.
    pub since: LockToken,
    /// When it ends by itself; `None` when it does not.
    pub lease: Option<Lease>,
    /// When it was granted, in milliseconds since the epoch.
    pub granted_ms: i64,
}
