//! Conditions over signals.

use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::signal::{Signal, Signals};

/// When a guardrail is met. Written as the name of a signal, or as a table with one of `all`, `any` and `not`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// All of them hold; there is at least one.
    All(Vec<Trigger>),
    /// One of them holds; there is at least one.
    Any(Vec<Trigger>),
    /// It does not hold.
    Not(Box<Trigger>),
    /// It was seen.
    #[serde(untagged)]
    Signal(Signal),
}

impl Trigger {
    /// Whether it holds.
    pub fn holds(&self, seen: &Signals) -> bool {
        match self {
            Self::Signal(signal) => seen.contains(signal),
            Self::All(parts) => parts.iter().all(|part| part.holds(seen)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(seen)),
            Self::Not(part) => !part.holds(seen),
        }
    }

    /// All that it speaks of.
    pub fn signals(&self) -> Signals {
        match self {
            Self::Signal(signal) => Signals::from([*signal]),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::signals).collect(),
            Self::Not(part) => part.signals(),
        }
    }
}

/// As a person reads it: `a and (b or not c)`.
impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |parts: &[Trigger], word: &str| {
            let inner = |part: &Trigger| match part {
                Self::All(parts) | Self::Any(parts) if parts.len() > 1 => format!("({part})"),
                _ => part.to_string(),
            };
            parts.iter().map(inner).collect::<Vec<_>>().join(word)
        };
        match self {
            Self::Signal(signal) => signal.fmt(f),
            Self::All(parts) => f.write_str(&joined(parts, " and ")),
            Self::Any(parts) => f.write_str(&joined(parts, " or ")),
            Self::Not(part) => write!(f, "not ({part})"),
        }
    }
}

impl<'de> Deserialize<'de> for Trigger {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Trigger;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a signal, or a table with one of `all`, `any` and `not`")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Trigger, E> {
        let signal = Signal::try_from(name.to_owned()).map_err(E::custom)?;
        Ok(Trigger::Signal(signal))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Trigger, A::Error> {
        let some = |parts: Vec<Trigger>| match parts.is_empty() {
            true => Err(A::Error::custom("an empty list says nothing")),
            false => Ok(parts),
        };
        let trigger = match map.next_key::<String>()?.as_deref() {
            Some("all") => Trigger::All(some(map.next_value()?)?),
            Some("any") => Trigger::Any(some(map.next_value()?)?),
            Some("not") => Trigger::Not(map.next_value()?),
            _ => return Err(A::Error::custom("one of `all`, `any` and `not` is wanted")),
        };
        match map.next_key::<String>()? {
            None => Ok(trigger),
            Some(_) => Err(A::Error::custom("one of `all`, `any` and `not` is enough")),
        }
    }
}
