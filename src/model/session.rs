//! A session's states and the moves between them.

use serde::{Deserialize, Serialize};

/// Where a session stands. The last three are terminal for its work; only `retry` reopens them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SessionState {
    /// Recorded; nothing dispatched.
    Created,
    /// A job is executing, or the next one follows.
    Active,
    /// A person or a policy paused it.
    Paused,
    /// It waits on a decision or on a merge conflict.
    Blocked,
    /// Nothing more to do, success.
    Completed,
    /// Failed, and no attempt is left.
    Failed,
    /// Ended by a person or by policy.
    Cancelled,
}

impl SessionState {
    /// Every state.
    pub const ALL: [SessionState; 7] = [
        Self::Created,
        Self::Active,
        Self::Paused,
        Self::Blocked,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The name in the database, in JSON and in events.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Active => "ACTIVE",
            Self::Paused => "PAUSED",
            Self::Blocked => "BLOCKED",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// From its name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether its work is over.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Whether a move to `to` is legal, and so the new state.
    pub fn move_to(self, to: Self) -> Result<Self, IllegalMove> {
        use SessionState::*;
        let legal = match self {
            Created => matches!(to, Active | Paused | Blocked | Failed | Cancelled),
            Active => matches!(to, Paused | Blocked | Completed | Failed | Cancelled),
            Paused => matches!(to, Created | Active | Blocked | Failed | Cancelled),
            Blocked => matches!(
                to,
                Created | Active | Paused | Completed | Failed | Cancelled
            ),
            // A conflict found while landing reopens finished work for a person to settle.
            Completed => matches!(to, Blocked),
            // `retry` is the operator's explicit new attempt in the same worktree.
            Failed | Cancelled => matches!(to, Created),
        };
        if legal {
            Ok(to)
        } else {
            Err(IllegalMove { from: self, to })
        }
    }
}

/// A move that the table does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a {} session cannot become {}", from.name(), to.name())]
pub struct IllegalMove {
    /// The state it is in.
    pub from: SessionState,
    /// The state it was to enter.
    pub to: SessionState,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for state in SessionState::ALL {
            assert_eq!(SessionState::from_name(state.name()), Some(state));
        }
    }

    #[test]
    fn no_state_moves_to_itself_and_ended_work_stays_ended() {
        for state in SessionState::ALL {
            assert!(state.move_to(state).is_err());
        }
        for ended in [
            SessionState::Completed,
            SessionState::Failed,
            SessionState::Cancelled,
        ] {
            assert!(ended.move_to(SessionState::Active).is_err());
        }
    }
}
