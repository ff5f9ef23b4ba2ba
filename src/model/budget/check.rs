//! Whether a call fits into the budgets. Pure: whoever asks holds the write lock of the database, so
//! that two sessions cannot both be told yes for what only one of them can have.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::limits::BudgetLimits;
use super::spent::{Means, Spent};

/// Whose calls a budget is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// One session's.
    Session,
    /// All sessions' of tasks with this name.
    Task,
    /// All sessions' that were submitted together.
    Plan,
    /// Everybody's on one day.
    Day,
}

impl Span {
    /// All of them, the smallest first.
    pub const ALL: [Self; 4] = [Self::Session, Self::Task, Self::Plan, Self::Day];

    /// The name in events and settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Task => "task",
            Self::Plan => "plan",
            Self::Day => "day",
        }
    }
}

/// A budget, and what is used of it: by calls that ended, and by those that are under way as far as they may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Whose.
    pub span: Span,
    /// How much.
    pub allowance: BudgetLimits,
    /// How much of it is used.
    pub spent: Spent,
}

/// What the budgets say of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It fits. These limits are then used beyond the share at which a person wants to know.
    Fits(Vec<Warned>),
    /// It does not.
    Over(Over),
}

/// A limit that is nearly used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warned {
    /// Whose.
    pub span: Span,
    /// Of what.
    pub means: Means,
    /// How much there is in all.
    pub limit: u64,
    /// How much of it is used, this call included.
    pub used: u64,
}

/// A limit that a call would go beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Over {
    /// Whose.
    pub span: Span,
    /// Of what.
    pub means: Means,
    /// How much there is in all.
    pub limit: u64,
    /// How much of it is used.
    pub used: u64,
    /// How much more the call may come to.
    pub asked: u64,
}

/// Compares what a call may come to with what is left of each budget. `warn_percent` is the share from
/// which on a person is told.
pub fn check(limits: &[Limit], call: Spent, warn_percent: u8) -> Verdict {
    let mut warned = Vec::new();
    for limit in limits {
        for (means, most) in limit.allowance.each() {
            let (used, asked) = (limit.spent.of(means), call.of(means));
            let then = used.saturating_add(asked);
            // Time is used as it passes: nobody knows before how long an answer takes.
            if then > most || (means == Means::Millis && used >= most) {
                return Verdict::Over(Over {
                    span: limit.span,
                    means,
                    limit: most,
                    used,
                    asked,
                });
            }
            if u128::from(then) * 100 >= u128::from(most) * u128::from(warn_percent) {
                warned.push(Warned {
                    span: limit.span,
                    means,
                    limit: most,
                    used: then,
                });
            }
        }
    }
    Verdict::Fits(warned)
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |amount| self.means.told(amount);
        write!(
            f,
            "the {}'s budget of {} does not do: {} are used, and the next call may take {}",
            self.span.name(),
            told(self.limit),
            told(self.used),
            told(self.asked),
        )
    }
}

impl fmt::Display for Warned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (used, limit) = (self.means.told(self.used), self.means.told(self.limit));
        write!(f, "{used} of the {}'s {limit} are used", self.span.name())
    }
}
