//! What is used, and how much may be.

use std::fmt;
use std::ops::Add;

use serde::{Deserialize, Serialize};

use crate::model::price::MicroDollars;

/// What models used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spent {
    /// Sent and answered.
    pub tokens: u64,
    /// What they cost.
    pub cost: MicroDollars,
    /// How long they were waited for, in milliseconds.
    pub millis: u64,
    /// How often they were called.
    pub steps: u64,
}

impl Add for Spent {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_add(other.tokens),
            cost: MicroDollars(self.cost.0.saturating_add(other.cost.0)),
            millis: self.millis.saturating_add(other.millis),
            steps: self.steps.saturating_add(other.steps),
        }
    }
}

/// Something that can be used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// Tokens.
    Tokens,
    /// Money, in millionths of a dollar.
    Cost,
    /// Time, in milliseconds.
    Millis,
    /// Calls.
    Steps,
}

impl Spent {
    pub(super) fn of(&self, means: Means) -> u64 {
        match means {
            Means::Tokens => self.tokens,
            Means::Cost => self.cost.0,
            Means::Millis => self.millis,
            Means::Steps => self.steps,
        }
    }
}

impl Means {
    /// An amount of it, for a person.
    pub(super) fn told(self, amount: u64) -> String {
        match self {
            Self::Tokens => format!("{amount} tokens"),
            Self::Cost => MicroDollars(amount).to_string(),
            Self::Millis => format!("{} s", amount / 1000),
            Self::Steps => format!("{amount} calls"),
        }
    }
}

impl fmt::Display for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tokens => "tokens",
            Self::Cost => "money",
            Self::Millis => "time",
            Self::Steps => "calls",
        })
    }
}
