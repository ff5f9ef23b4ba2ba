//! Points in a session's life that one can go back to.

mod thin;

use serde::{Deserialize, Serialize};

use super::ids::{CheckpointId, CommitId, JobId, MessageId};
use super::session::SessionState;
use super::tool::CallId;

pub use thin::{Kept, thin};

/// Why a checkpoint was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A model was about to begin.
    Began,
    /// A tool had run.
    ToolCall,
    /// So much was said since the last one.
    Said,
    /// A command had ended.
    JobEnded,
    /// A command had been at work for a while.
    AtWork,
    /// The session stopped, or waits for somebody.
    Stopped,
    /// A person asked for it.
    Asked,
    /// A person was about to put the session back to another one.
    Restoring,
    /// The session begins here, from a checkpoint of another one.
    Forked,
}

impl Cause {
    /// For people and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Began => "began",
            Self::ToolCall => "tool call",
            Self::Said => "messages",
            Self::JobEnded => "command ended",
            Self::AtWork => "at work",
            Self::Stopped => "stopped",
            Self::Asked => "asked for",
            Self::Restoring => "before restore",
            Self::Forked => "forked",
        }
    }
}

/// A point in a session's life: its files, and where its thread was. The files are the tree of a commit that is kept
/// under `refs/treeyard/checkpoints/<session>/<number>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Its id.
    pub checkpoint_id: CheckpointId,
    /// Which of the session's, from 1.
    pub number: u64,
    /// Why it was taken.
    pub cause: Cause,
    /// How the session stood.
    pub session_state: SessionState,
    /// The last message of its thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_thread_tail_id: Option<MessageId>,
    /// Calls of its model's tools that had no result yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending_tool_calls: Vec<CallId>,
    /// The git tree of its worktree, untracked files included.
    pub worktree_tree: CommitId,
    /// The commit that keeps it.
    pub commit: CommitId,
    /// Where the `HEAD` of its worktree was; older versions did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<CommitId>,
    /// The job that ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
}

impl Checkpoint {
    /// Whether it is a point in a conversation alone: it has the files of the one before.
    pub fn only_said_since(&self, before: Option<&Self>) -> bool {
        let is_same = |before: &Self| before.worktree_tree == self.worktree_tree;
        self.cause == Cause::Said && before.is_some_and(is_same)
    }
}
