//! What models may use up.

use serde::{Deserialize, Serialize};

use super::spent::Means;
use crate::model::price::MicroDollars;

/// The most that may be used up; what is not named has no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetLimits {
    /// Tokens, sent and answered together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usd: Option<MicroDollars>,
    /// Seconds that models are waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// Calls of models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
}

impl BudgetLimits {
    /// Of each limit the smaller.
    pub fn lowest(self, other: Self) -> Self {
        Self {
            tokens: lower(self.tokens, other.tokens),
            usd: lower(self.usd, other.usd),
            seconds: lower(self.seconds, other.seconds),
            steps: lower(self.steps, other.steps),
        }
    }

    /// What is limited, each with its limit.
    pub(super) fn each(&self) -> impl Iterator<Item = (Means, u64)> {
        let millis = self.seconds.map(|seconds| seconds.saturating_mul(1000));
        let all = [
            (Means::Tokens, self.tokens),
            (Means::Cost, self.usd.map(|usd| usd.0)),
            (Means::Millis, millis),
            (Means::Steps, self.steps),
        ];
        all.into_iter()
            .filter_map(|(means, limit)| Some((means, limit?)))
    }

    /// Whether it limits nothing.
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }
}

fn lower<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.into_iter().chain(other).min()
}

/// What happens when a budget is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetThen {
    /// The session is paused, until a person raises the budget and resumes it.
    Pause,
    /// The session ends as failed.
    Stop,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_limits_the_smaller_counts() {
        let one = BudgetLimits {
            tokens: Some(5),
            usd: Some(MicroDollars(7)),
            ..BudgetLimits::default()
        };
        let other = BudgetLimits {
            tokens: Some(3),
            steps: Some(1),
            ..BudgetLimits::default()
        };
        let both = BudgetLimits {
            tokens: Some(3),
            usd: Some(MicroDollars(7)),
            seconds: None,
            steps: Some(1),
        };
        assert_eq!((one.lowest(other), other.lowest(one)), (both, both));
        assert!(BudgetLimits::default().is_open() && !both.is_open());
    }
}
