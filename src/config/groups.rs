//! Groups of tasks: their names and their limits.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use toml::Spanned;
use toml::de::DeValue;

use super::reader::{Problems, Read, Section, quoted, wrong_type};
use super::values::{Setting, named_values};
use crate::model::limit::{GroupLimit, Rate};

/// The name of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group(pub(super) String);

impl Group {
    fn check(name: &str, offset: usize, problems: &Problems) -> bool {
        let sound = !name.is_empty() && !name.contains('=') && !name.chars().any(char::is_control);
        if !sound {
            let hint = "no `=`, no control character, not empty".to_owned();
            let message = format!("{} cannot name a group", quoted(name));
            problems.add(offset, message, Some(hint));
        }
        sound
    }
}

impl Read for Group {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        let name = String::read(value, problems)?;
        Self::check(&name, value.span().start, problems).then_some(Self(name))
    }
}

impl Read for BTreeMap<String, GroupLimit> {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        named_values(value, "{ api = 2 }", Group::check, problems)
    }
}

impl Setting for BTreeMap<String, GroupLimit> {
    fn show(&self) -> Value {
        let shown = |(name, limit): (&String, &GroupLimit)| (name.clone(), show(limit));
        Value::Object(self.iter().map(shown).collect())
    }

    fn over(self, mut below: Self) -> Self {
        below.extend(self);
        below
    }
}

fn show(limit: &GroupLimit) -> Value {
    let Some(rate) = limit.rate else {
        return json!(limit.max);
    };
    let mut table = Map::new();
    if let Some(max) = limit.max {
        table.insert("max".to_owned(), json!(max));
    }
    table.insert("rate".to_owned(), json!(rate.to_string()));
    if rate.burst() != 1 {
        table.insert("burst".to_owned(), json!(rate.burst()));
    }
    Value::Object(table)
}

/// A number is the same as a table with `max` alone.
impl Read for GroupLimit {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        let table = match value.get_ref() {
            DeValue::Table(table) => table,
            DeValue::Integer(_) => {
                let max = Some(u32::read(value, problems)?);
                return Some(Self { max, rate: None });
            }
            _ => {
                let wanted = "a number of sessions, or a table of `max`, `rate` and `burst`";
                wrong_type(value, wanted, problems);
                return None;
            }
        };
        let mut section = Section::new(table, problems);
        let (max, rate, burst) = ["max", "rate", "burst"].map(|key| section.raw(key)).into();
        let offset = value.span().start;
        if max.is_none() && rate.is_none() {
            let hint = "such as { max = 2, rate = \"30/min\" }".to_owned();
            problems.add(offset, "the group has no limit", Some(hint));
        } else if let (None, Some(burst)) = (rate, burst) {
            let message = "`burst` needs `rate`";
            problems.add(burst.span().start, message, None);
        }
        let limit = Self {
            max: section.take("max"),
            rate: section.take("rate"),
        };
        let burst = section.take::<Burst>("burst");
        section.finish();
        let rate = limit
            .rate
            .zip(burst)
            .map(|(rate, Burst(most))| rate.with_burst(most));
        Some(Self {
            rate: rate.or(limit.rate),
            ..limit
        })
    }
}

impl Read for Rate {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        let text = String::read(value, problems)?;
        let rate = text.parse();
        if rate.is_err() {
            let hint = format!(
                "write \"30/min\"; 1 to {} a `s`, `min`, `h` or `d`",
                Self::MOST
            );
            let message = format!("{} is not a rate", quoted(&text));
            problems.add(value.span().start, message, Some(hint));
        }
        rate.ok()
    }
}

struct Burst(u32);

impl Read for Burst {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        let burst = u32::read(value, problems)?;
        let sound = (1..=Rate::MOST).contains(&burst);
        if !sound {
            let message = format!("a burst is from 1 to {}", Rate::MOST);
            problems.add(value.span().start, message, None);
        }
        sound.then_some(Self(burst))
    }
}
