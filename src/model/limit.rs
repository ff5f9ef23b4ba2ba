//! The limits of a group: how many of its sessions run at once, and how often its jobs start.

use std::fmt;
use std::str::FromStr;

use super::ids::PlanId;

/// What a job takes a place of while it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claim {
    /// A group of tasks.
    pub group: Option<String>,
    /// A model, as the settings name it.
    pub model: Option<String>,
    /// The plan whose models work one after the other.
    pub alone: Option<PlanId>,
}

/// What a group of tasks may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroupLimit {
    /// Sessions with a job executing; `None` for no limit.
    pub max: Option<u32>,
    /// How often jobs start; `None` for no limit.
    pub rate: Option<Rate>,
}

/// A rate of starts: a bucket of `burst` tokens, to which `starts` come back in `per_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    starts: u32,
    unit: Unit,
    burst: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
}

impl Unit {
    const ALL: [Unit; 4] = [Self::Second, Self::Minute, Self::Hour, Self::Day];

    fn name(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "min",
            Self::Hour => "h",
            Self::Day => "d",
        }
    }

    fn ms(self) -> u32 {
        match self {
            Self::Second => 1_000,
            Self::Minute => 60_000,
            Self::Hour => 3_600_000,
            Self::Day => 86_400_000,
        }
    }
}

/// Why a text is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a rate of 1 to {} starts in a second, minute, hour or day",
    Rate::MOST
)]
pub struct InvalidRate;

impl Rate {
    /// The largest number of starts in a unit, and the largest burst.
    pub const MOST: u32 = 1_000;

    /// So many in a minute, all of them at once if need be. 0 counts as 1.
    pub fn per_minute(most: u32) -> Self {
        let starts = most.max(1);
        Self {
            starts,
            unit: Unit::Minute,
            burst: starts,
        }
    }

    /// The same rate with another burst, from 1 to [`Rate::MOST`].
    pub fn with_burst(self, burst: u32) -> Self {
        Self {
            burst: burst.clamp(1, Self::MOST),
            ..self
        }
    }

    /// How many starts come back in [`Rate::per_ms`].
    pub fn starts(self) -> u32 {
        self.starts
    }

    /// The unit of time in milliseconds.
    pub fn per_ms(self) -> u32 {
        self.unit.ms()
    }

    /// How many may start at once after a pause.
    pub fn burst(self) -> u32 {
        self.burst
    }
}

/// As it is written, without the burst.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.starts, self.unit.name())
    }
}

/// Such as `30/min`; the burst is 1.
impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let (starts, unit) = text.split_once('/').ok_or(InvalidRate)?;
        let digits = !starts.is_empty() && starts.chars().all(|c| c.is_ascii_digit());
        let starts: u32 = starts.parse().map_err(|_| InvalidRate)?;
        let unit = Unit::ALL.into_iter().find(|known| known.name() == unit);
        match unit {
            Some(unit) if digits && (1..=Self::MOST).contains(&starts) => Ok(Self {
                starts,
                unit,
                burst: 1,
            }),
            _ => Err(InvalidRate),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_they_are_written() {
        for text in ["30/min", "1/s", "1000/h", "7/d"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        for bad in [
            "", "30", "30/", "/min", "0/min", "1001/s", "-1/s", "+1/s", "30/m", "30 / min", "1.5/s",
        ] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }
}
