//! Numbers within bounds.

use serde_json::{Value, json};
use toml::Spanned;
use toml::de::DeValue;

use super::reader::{Problems, Read};
use super::values::{Setting, integer};

type Raw<'i> = Spanned<DeValue<'i>>;

/// A number with at most three digits behind the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Thousandths(pub(super) u32);

impl Thousandths {
    /// From `least` to `most`, both in thousandths.
    pub(super) fn within(
        value: &Raw<'_>,
        least: u32,
        most: u32,
        problems: &Problems,
    ) -> Option<Self> {
        let written: Option<f64> = match value.get_ref() {
            DeValue::Float(number) => number.as_str().parse().ok(),
            DeValue::Integer(_) => integer(value).map(|whole| whole as f64),
            _ => None,
        };
        let found = written
            .map(|number| (number * 1000.0).round())
            .filter(|n| (f64::from(least)..=f64::from(most)).contains(n))
            .map(|n| Self(n as u32));
        if found.is_none() {
            let (least, most) = (Self(least).number(), Self(most).number());
            let message = format!("expected a number from {least} to {most}");
            problems.add(value.span().start, message, None);
        }
        found
    }

    /// As a number.
    pub(super) fn number(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    pub(super) fn show(self) -> Value {
        json!(self.number())
    }
}

/// A part of a whole: from 0.05 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share(pub(super) Thousandths);

impl Read for Share {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        Thousandths::within(value, 50, 1000, problems).map(Self)
    }
}

impl Setting for Share {
    fn show(&self) -> Value {
        self.0.show()
    }
}

/// From 0 to 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Temperature(pub(super) Thousandths);

impl Read for Temperature {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        Thousandths::within(value, 0, 2000, problems).map(Self)
    }
}

/// A whole number that is not 0.
pub(super) struct AtLeastOne(pub(super) u32);

impl Read for AtLeastOne {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let number = u32::read(value, problems)?;
        if number == 0 {
            problems.add(value.span().start, "expected at least 1", None);
        }
        (number > 0).then_some(Self(number))
    }
}
