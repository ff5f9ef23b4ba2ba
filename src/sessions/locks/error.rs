//! Why a lock cannot be changed so.

use crate::model::code::Code;
use crate::model::lock::Conflict;
use crate::model::scope::InvalidScope;
use crate::store::StoreError;

/// A refusal, or what made it impossible to tell.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The database's refusal.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A pattern cannot be read.
    #[error(transparent)]
    Scope(#[from] InvalidScope),
    /// The machine does not say for how long it runs.
    #[error("the machine does not tell its time: {0}")]
    Clock(#[from] std::io::Error),
    /// Somebody else holds some of it.
    #[error("{} asks for {}, which {} holds", .0.waiter.name, .0.meeting_place(), .0.holder.describe())]
    Conflict(Box<Conflict>),
    /// There is no such lock.
    #[error("{0} holds no lock")]
    NotHeld(String),
    /// A command of the session runs: it would go on changing files that it does not hold.
    #[error("{0} is at work")]
    AtWork(String),
    /// The new scope has more than the old one.
    #[error("{0} would hold more than before, such as {1}")]
    NotNarrower(String, String),
    /// Both scopes take something out, so that no one list of patterns says what both include.
    #[error("the two scopes cannot be written as one, since both have patterns with `!`")]
    NotOneScope,
    /// Both wait for each other.
    #[error("{} waits for {} already", .0.holder.name, .0.waiter.name)]
    Circle(Box<Conflict>),
    /// Its work is over.
    #[error("the work of {0} is over")]
    Over(String),
}

impl LockError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::Scope(_) | Self::NotOneScope | Self::NotNarrower(..) => Code::ScopeInvalid,
            Self::Clock(_) => Code::Io,
            Self::Conflict(_) | Self::Circle(_) => Code::ScopeConflict,
            Self::NotHeld(_) => Code::LockMissing,
            Self::AtWork(_) | Self::Over(_) => Code::SessionState,
        }
    }
}
