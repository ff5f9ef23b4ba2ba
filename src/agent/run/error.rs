//! Why a model cannot go on, apart from its own reasons to stop.

use crate::cas::CasError;
use crate::model::code::Code;
use crate::model::guardrail::InvalidRegistry;
use crate::model::thread::Malformed;
use crate::store::StoreError;
use crate::workspace::WorkspaceError;

/// Why a model cannot go on: something of treeyard's own is wrong.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The database's refusal.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The artifact store's refusal.
    #[error(transparent)]
    Cas(#[from] CasError),
    /// A message of the thread is not what it should be.
    #[error(transparent)]
    Thread(#[from] Malformed),
    /// The worktree cannot be read or put back.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// What is sent or stored has no form as JSON.
    #[error("it cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The guardrails cannot be read, and without them nothing runs.
    #[error(transparent)]
    Guardrails(#[from] InvalidRegistry),
    /// The system's refusal.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A tool's thread died.
    #[error("a tool ended in a way that no tool should: {0}")]
    Tool(String),
}

impl RunError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::Cas(error) => error.code(),
            Self::Workspace(error) => error.code(),
            Self::Thread(_) | Self::Json(_) => Code::ArtifactDamaged,
            Self::Io(error) => Code::of_system(error),
            Self::Guardrails(_) | Self::Tool(_) => Code::Io,
        }
    }
}
