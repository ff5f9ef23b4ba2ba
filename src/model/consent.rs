//! How far a person's agreement to a call goes.

use serde::{Deserialize, Serialize};

/// How far an agreement goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentScope {
    /// One call.
    Single,
    /// All calls of a session.
    Session,
    /// All calls of the sessions of a plan.
    Plan,
}
