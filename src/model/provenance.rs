//! Where a commit comes from, as its trailers say it: the one list of them.

use super::guard::LOCK;
use super::identity::{RoleExecutionIdentity, one_line};
use super::ids::SessionId;
use super::lock::LockToken;

/// The trailer with the session that made a commit.
pub const SESSION: &str = "Treeyard-Session";

/// Where a commit comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// The session.
    pub session: SessionId,
    /// Its task's name.
    pub task: String,
    /// Who works in it, where that is a model.
    pub identity: Option<RoleExecutionIdentity>,
    /// The lock under which it was made.
    pub lock: Option<LockToken>,
}

impl Provenance {
    /// The trailers, in their order. Each value is one line, so that it cannot begin another trailer.
    pub fn trailers(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![
            (SESSION, self.session.to_string()),
            ("Treeyard-Task", one_line(&self.task)),
        ];
        all.extend(self.identity.iter().flat_map(|who| who.trailers()));
        all.extend(self.lock.map(|token| (LOCK, token.to_string())));
        all.retain(|(_, value)| !value.is_empty());
        all
    }

    /// The same as they are written, without line ends.
    pub fn lines(&self) -> Vec<String> {
        let written = self.trailers().into_iter();
        written
            .map(|(key, value)| format!("{key}: {value}"))
            .collect()
    }
}
