//! Settings of the sandbox. What holds sessions back is only ever made narrower by a later file; what makes
//! it wider is a person's own business.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use toml::Spanned;
use toml::de::DeValue;

use super::reader::{Problems, Read, Section, quoted, unknown, wrong_type};
use super::values::{Setting, Timeout};
use crate::model::network::{HostPattern, Network};
use crate::model::sandbox::Level;

impl Read for Level {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        match String::read(value, problems)?.as_str() {
            "standard" => Some(Self::Standard),
            "strict" => Some(Self::Strict),
            "none" => {
                let hint =
                    "one task may ask for it: sandbox = { level = \"none\", reason = \"…\" }";
                let message = "no setting turns the sandbox off";
                problems.add(value.span().start, message, Some(hint.to_owned()));
                None
            }
            other => {
                let at = value.span().start;
                unknown(at, "level", other, &["standard", "strict"], problems);
                None
            }
        }
    }
}

impl Setting for Level {
    fn show(&self) -> Value {
        json!(self.name())
    }

    fn over(self, below: Self) -> Self {
        self.max(below)
    }
}

impl Read for Network {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        if let Some(list) = value.get_ref().as_array() {
            let patterns: Vec<Option<HostPattern>> =
                list.iter().map(|item| host(item, problems)).collect();
            let patterns: Option<Vec<HostPattern>> = patterns.into_iter().collect();
            return patterns.map(Self::of);
        }
        match value.get_ref().as_str() {
            Some("open") => Some(Self::Open),
            Some("none") => Some(Self::None),
            _ => {
                wrong_type(value, "\"open\", \"none\" or a list of hosts", problems);
                None
            }
        }
    }
}

fn host(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<HostPattern> {
    let read = String::read(value, problems)?.parse();
    let told = |error: &_| problems.add(value.span().start, format!("{error}"), None);
    read.inspect_err(told).ok()
}

impl Setting for Network {
    fn show(&self) -> Value {
        json!(self)
    }

    fn over(self, below: Self) -> Self {
        Self::narrowest(self, below)
    }
}

/// A place of a person's machine: absolute, or below the home directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place(String);

impl Place {
    /// As it is written.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Where it is, for a person whose home directory is this.
    pub(super) fn path(&self, home: &Path) -> PathBuf {
        match self.0.strip_prefix("~/") {
            Some(below) => home.join(below),
            None => PathBuf::from(&self.0),
        }
    }
}

impl Read for Place {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        let text = String::read(value, problems)?;
        let is_rooted = text.starts_with('/') || text.starts_with("~/");
        let goes_up = text.split('/').any(|part| part == "..");
        if is_rooted && !goes_up {
            return Some(Self(text));
        }
        let hint = "begin with `/` or `~/`, and leave out `..`".to_owned();
        let message = format!("{} is not a place", quoted(&text));
        problems.add(value.span().start, message, Some(hint));
        None
    }
}

impl Setting for Vec<Place> {
    fn show(&self) -> Value {
        json!(self.iter().map(|place| &place.0).collect::<Vec<_>>())
    }

    fn over(self, below: Self) -> Self {
        [below, self].concat()
    }
}

/// A number of bytes that is a limit; `none` means no limit. Of two the smaller counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size(pub(super) Option<u64>);

const UNITS: [(&str, u64); 4] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
];

impl Read for Size {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        let text = value.get_ref().as_str().unwrap_or_default();
        if text == "none" {
            return Some(Self(None));
        }
        let split = UNITS
            .into_iter()
            .find_map(|(name, unit)| Some((text.strip_suffix(name)?.trim_end(), unit)));
        let bytes = split.and_then(|(number, unit)| number.parse::<u64>().ok()?.checked_mul(unit));
        let bytes = bytes.filter(|bytes| *bytes > 0);
        if bytes.is_none() {
            let hint = "write \"512MiB\", \"20GiB\" or \"none\"".to_owned();
            problems.add(value.span().start, "not a size", Some(hint));
        }
        bytes.map(|bytes| Self(Some(bytes)))
    }
}

impl Setting for Size {
    fn show(&self) -> Value {
        let Some(bytes) = self.0 else {
            return json!("none");
        };
        let whole = UNITS.into_iter().find(|(_, unit)| bytes % unit == 0);
        let (name, unit) = whole.unwrap_or(("B", 1));
        json!(format!("{}{name}", bytes / unit))
    }

    fn over(self, below: Self) -> Self {
        Self(smaller(self.0, below.0))
    }
}

/// The smaller of two limits, of which one may be none.
fn smaller(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).min()
}

/// A number of bytes that stays free; `none` means nothing does. Of two the larger counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reserve(pub(super) Option<u64>);

impl Read for Reserve {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        Size::read(value, problems).map(|size| Self(size.0))
    }
}

impl Setting for Reserve {
    fn show(&self) -> Value {
        Size(self.0).show()
    }

    fn over(self, below: Self) -> Self {
        Self(self.0.max(below.0))
    }
}

/// Processor time in milliseconds that is a limit; `none` means no limit. Of two the smaller counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CpuTime(pub(super) Option<u64>);

impl Read for CpuTime {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        Timeout::read(value, problems).map(|time| Self(time.0))
    }
}

impl Setting for CpuTime {
    fn show(&self) -> Value {
        Timeout(self.0).show()
    }

    fn over(self, below: Self) -> Self {
        Self(smaller(self.0, below.0))
    }
}

/// How many; 0 means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count(pub(super) u32);

impl Count {
    pub(super) fn limit(self) -> Option<u64> {
        (self.0 > 0).then_some(u64::from(self.0))
    }
}

impl Read for Count {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        u32::read(value, problems).map(Self)
    }
}

impl Setting for Count {
    fn show(&self) -> Value {
        json!(self.0)
    }

    fn over(self, below: Self) -> Self {
        match (self.0, below.0) {
            (0, only) | (only, 0) => Self(only),
            (one, other) => Self(one.min(other)),
        }
    }
}

/// Why a task is to run without the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bypass(pub(super) String);

impl Read for Bypass {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        let hint = "write { level = \"none\", reason = \"why\" }".to_owned();
        let at = value.span().start;
        let Some(table) = value.get_ref().as_table() else {
            let message = "to run without the sandbox needs a reason";
            problems.add(at, message, Some(hint));
            return None;
        };
        let mut section = Section::new(table, problems);
        let level: Option<String> = section.take("level");
        let reason: Option<String> = section.take("reason");
        section.finish();
        if level.as_deref() != Some("none") {
            let message =
                "a task may only ask for the level \"none\"; `sandbox.level` sets the others";
            problems.add(at, message, Some(hint));
            return None;
        }
        let reason = reason.filter(|reason| {
            !reason.trim().is_empty()
                && reason.len() <= 500
                && !reason.chars().any(char::is_control)
        });
        if reason.is_none() {
            let message =
                "to run without the sandbox needs a reason, in one line of at most 500 bytes";
            problems.add(at, message, Some(hint));
        }
        reason.map(Self)
    }
}
