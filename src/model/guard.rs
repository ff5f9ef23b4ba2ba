//! What a session's hooks decide from: a small record that needs neither the runner nor the store.

use serde::{Deserialize, Serialize};

use super::identity::RoleExecutionIdentity;
use super::ids::{CommitId, SessionId};
use super::lock::{Lease, LockToken};
use super::provenance::Provenance;
use super::scope::{Fold, InvalidScope, Scope, ScopeLanguage};

/// The version of [`Guard`]; it rises when an older program would decide wrongly by it.
pub const GUARD_VERSION: u32 = 1;
/// The trailer with the token of the lock under which a commit was made.
pub const LOCK: &str = "Treeyard-Lock";
/// Its file name in the runner's record of a worktree.
pub const GUARD_FILE: &str = "guard.json";

/// Who works in a worktree, and what may change there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// See [`GUARD_VERSION`].
    pub version: u32,
    /// The session.
    pub session: SessionId,
    /// Its task's name.
    pub task: String,
    /// The files it may change.
    pub scope: Scope,
    /// `refs/heads/…` of its own branch.
    pub branch: String,
    /// The branch it lands on, without `refs/heads/`.
    pub target: String,
    /// The commit it started from.
    pub base: CommitId,
    /// Whether the repository takes upper and lower case for the same.
    pub ignore_case: bool,
    /// Whether it takes composed and decomposed letters for the same.
    pub precompose: bool,
    /// Who works in it, where that is a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<RoleExecutionIdentity>,
    /// The token of its lock, when it holds one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_token: Option<LockToken>,
    /// Whether it has lost that lock, and not got another one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
    /// When its lock ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
}

impl Guard {
    /// The trailers of its commits, in their order.
    pub fn trailers(&self) -> Vec<(&'static str, String)> {
        let provenance = Provenance {
            session: self.session,
            task: self.task.clone(),
            identity: self.identity.clone(),
            lock: self.lock_token,
        };
        provenance.trailers()
    }

    /// Its scope as a set of paths.
    ///
    /// # Errors
    /// When a pattern cannot be read.
    pub fn language(&self) -> Result<ScopeLanguage, InvalidScope> {
        let fold = Fold {
            ignore_case: self.ignore_case,
            precompose: self.precompose,
        };
        ScopeLanguage::new(&self.scope, fold)
    }
}
