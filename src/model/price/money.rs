//! Amounts of money.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

const DOLLAR: u64 = 1_000_000;

/// Millionths of a US dollar.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct MicroDollars(pub u64);

/// Why a text is no amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotMoney {
    /// It is below zero.
    #[error("it is negative")]
    Negative,
    /// It has an exponent, or is no number at all.
    #[error("it is not a plain decimal number")]
    NotDecimal,
    /// It has more than six digits behind the point.
    #[error("it is finer than a millionth of a dollar")]
    TooFine,
    /// It is more than a million dollars.
    #[error("it is more than a million dollars")]
    TooMuch,
}

impl MicroDollars {
    /// The most that can be written down. What is above it is a mistake.
    pub const MOST: Self = Self(1_000_000 * DOLLAR);
}

/// Dollars, as people write them: `3`, `0.075`, `1_000.50`. Read digit by digit, without rounding.
impl FromStr for MicroDollars {
    type Err = NotMoney;

    fn from_str(text: &str) -> Result<Self, NotMoney> {
        if text.starts_with('-') {
            return Err(NotMoney::Negative);
        }
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| -> Result<String, NotMoney> {
            let kept: String = text.chars().filter(|c| *c != '_').collect();
            match !kept.is_empty() && kept.bytes().all(|byte| byte.is_ascii_digit()) {
                true => Ok(kept),
                false => Err(NotMoney::NotDecimal),
            }
        };
        let (whole, part) = (digits(whole)?, digits(part)?);
        let part = part.trim_end_matches('0');
        if part.len() > 6 {
            return Err(NotMoney::TooFine);
        }
        let amount: u64 = format!("{whole}{part:0<6}")
            .parse()
            .map_err(|_| NotMoney::TooMuch)?;
        match Self(amount) <= Self::MOST {
            true => Ok(Self(amount)),
            false => Err(NotMoney::TooMuch),
        }
    }
}

/// Dollars with at least two digits behind the point, and no more than are needed.
impl fmt::Display for MicroDollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = format!("{:06}", self.0 % DOLLAR);
        let kept = part.trim_end_matches('0');
        let shown = format!("${}.{kept:0<2}", self.0 / DOLLAR);
        f.pad(&shown)
    }
}

/// No sum of costs comes near the end of the numbers; what does stays there.
impl Add for MicroDollars {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for MicroDollars {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}
