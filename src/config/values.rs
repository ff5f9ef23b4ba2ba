//! The kinds of values in plans and settings: how each is read and shown.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};
use toml::Spanned;
use toml::de::DeValue;

use super::reader::{Problems, Read, Section, mistyped, quoted, unknown, wrong_type};
use crate::model::task::{Backoff, Command, Lane, OnCrash, Retries};

type Raw<'i> = Spanned<DeValue<'i>>;

/// A setting: read from TOML, and shown as JSON that is TOML as well.
pub(super) trait Setting: Read {
    fn show(&self) -> Value;

    /// This value when a weaker layer says `_below`: only tables let something through.
    fn over(self, _below: Self) -> Self {
        self
    }
}

/// Tables by name, as JSON.
pub(super) fn show_tables<T: Setting>(tables: &BTreeMap<String, T>) -> Value {
    let shown = tables
        .iter()
        .map(|(name, table)| (name.clone(), table.show()));
    Value::Object(shown.collect())
}

/// Tables by name over those of a weaker layer, each over the one of its name.
pub(super) fn tables_over<T: Setting + Default>(
    tables: BTreeMap<String, T>,
    mut below: BTreeMap<String, T>,
) -> BTreeMap<String, T> {
    for (name, table) in tables {
        let held = below.remove(&name).unwrap_or_default();
        below.insert(name, table.over(held));
    }
    below
}

/// A length of time in milliseconds; `none` means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timeout(pub(super) Option<u64>);

/// A wait in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait(pub(super) u64);

/// Milliseconds of a text such as `250ms`, `30s`, `5m`, `2h`, `1d`.
pub fn length_of_time(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    within_limit(number.parse::<u64>().ok()?.checked_mul(unit)?)
}

/// Times beyond a year are mistakes, and the bound keeps later sums from overflowing.
fn within_limit(ms: u64) -> Option<u64> {
    (ms <= 366 * 86_400_000).then_some(ms)
}

pub(super) fn integer(value: &Raw<'_>) -> Option<u64> {
    let integer = value.get_ref().as_integer()?;
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn time(value: &Raw<'_>, problems: &Problems) -> Option<u64> {
    let found = match value.get_ref() {
        DeValue::String(text) => length_of_time(text),
        DeValue::Integer(_) => integer(value).and_then(|s| within_limit(s.checked_mul(1000)?)),
        _ => None,
    };
    if found.is_none() {
        let hint = "write \"30s\", \"5m\", \"2h\", or whole seconds; at most 366 days";
        problems.add(
            value.span().start,
            "not a length of time",
            Some(hint.to_owned()),
        );
    }
    found
}

impl Read for Wait {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        time(value, problems).map(Self)
    }
}

impl Read for Timeout {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        if value.get_ref().as_str() == Some("none") {
            return Some(Self(None));
        }
        let ms = time(value, problems)?;
        if ms == 0 {
            let hint = "for no limit write \"none\"".to_owned();
            problems.add(value.span().start, "a timeout of zero", Some(hint));
            return None;
        }
        Some(Self(Some(ms)))
    }
}

impl Setting for Timeout {
    fn show(&self) -> Value {
        const UNITS: [(u64, &str); 4] = [
            (86_400_000, "d"),
            (3_600_000, "h"),
            (60_000, "m"),
            (1_000, "s"),
        ];
        let Some(ms) = self.0 else {
            return json!("none");
        };
        let whole = UNITS.into_iter().find(|(unit, _)| ms > 0 && ms % unit == 0);
        let (unit, name) = whole.unwrap_or((1, "ms"));
        json!(format!("{}{name}", ms / unit))
    }
}

macro_rules! whole_numbers {
    ($($type:ident)*) => {$(
        impl Read for $type {
            fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
                let wanted = format!("a whole number from 0 to {}", Self::MAX);
                if value.get_ref().as_integer().is_none() {
                    wrong_type(value, &wanted, problems);
                    return None;
                }
                let found = integer(value).and_then(|number| Self::try_from(number).ok());
                if found.is_none() {
                    problems.add(value.span().start, format!("expected {wanted}"), None);
                }
                found
            }
        }
        impl Setting for $type {
            fn show(&self) -> Value { json!(self) }
        }
    )*};
}
whole_numbers!(u8 u32 u64);

impl Read for bool {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let found = value.get_ref().as_bool();
        if found.is_none() {
            wrong_type(value, "true or false", problems);
        }
        found
    }
}

impl Setting for bool {
    fn show(&self) -> Value {
        json!(self)
    }
}

impl Read for String {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let Some(text) = value.get_ref().as_str() else {
            let plain = !value.get_ref().is_array() && !value.get_ref().is_table();
            let hint = plain.then(|| "put it in quotes".to_owned());
            mistyped(value, "a string", hint, problems);
            return None;
        };
        if text.contains('\0') {
            problems.add(value.span().start, "the text contains a NUL", None);
            return None;
        }
        Some(text.to_owned())
    }
}

/// An optional name: the empty text means none.
impl Read for Option<String> {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let text = String::read(value, problems)?;
        if text.chars().any(|c| c.is_control()) || text.starts_with('-') {
            problems.add(
                value.span().start,
                format!("{} is not a name", quoted(&text)),
                None,
            );
            return None;
        }
        Some((!text.is_empty()).then_some(text))
    }
}

impl Setting for String {
    fn show(&self) -> Value {
        json!(self)
    }
}

impl Setting for Option<String> {
    fn show(&self) -> Value {
        json!(self.as_deref().unwrap_or_default())
    }
}

impl Read for Command {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let command = match value.get_ref() {
            DeValue::String(_) => Self::Shell(String::read(value, problems)?),
            DeValue::Array(_) => Self::Argv(Vec::read(value, problems)?),
            _ => {
                wrong_type(value, "a shell line or a list of arguments", problems);
                return None;
            }
        };
        if command.is_empty() {
            problems.add(value.span().start, "the command is empty", None);
            return None;
        }
        Some(command)
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let Some(list) = value.get_ref().as_array() else {
            let hint = value
                .get_ref()
                .as_str()
                .map(|text| format!("put it in brackets: [{}]", Value::from(text)));
            mistyped(value, "a list", hint, problems);
            return None;
        };
        let items: Vec<Option<T>> = list.iter().map(|item| T::read(item, problems)).collect();
        items.into_iter().collect()
    }
}

impl Setting for Vec<Command> {
    fn show(&self) -> Value {
        json!(self)
    }
}

/// The name of an environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EnvName(pub(super) String);

impl EnvName {
    pub(super) fn check(name: &str, offset: usize, problems: &Problems) -> bool {
        let sound = !name.is_empty() && !name.contains(['=', '\0']);
        if !sound {
            let message = format!("{} cannot name an environment variable", quoted(name));
            problems.add(
                offset,
                message,
                Some("no `=`, no NUL, not empty".to_owned()),
            );
        }
        sound
    }
}

impl EnvName {
    /// A variable that a task sets: not one of those by which its job is known.
    fn check_own(name: &str, offset: usize, problems: &Problems) -> bool {
        if name.starts_with("TREEYARD_") {
            let message = format!("{} is set by treeyard itself", quoted(name));
            problems.add(offset, message, Some("take another name".to_owned()));
            return false;
        }
        Self::check(name, offset, problems)
    }
}

impl Read for EnvName {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let name = String::read(value, problems)?;
        Self::check(&name, value.span().start, problems).then_some(Self(name))
    }
}

/// Names of environment variables that jobs inherit.
impl Setting for Vec<EnvName> {
    fn show(&self) -> Value {
        json!(self.iter().map(|name| &name.0).collect::<Vec<_>>())
    }
}

/// Environment variables.
impl Read for BTreeMap<String, String> {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        named_values(value, "{ NAME = \"value\" }", EnvName::check_own, problems)
    }
}

pub(super) fn named_values<T: Read>(
    value: &Raw<'_>,
    example: &str,
    check: fn(&str, usize, &Problems) -> bool,
    problems: &Problems,
) -> Option<BTreeMap<String, T>> {
    let Some(table) = value.get_ref().as_table() else {
        mistyped(
            value,
            "a table",
            Some(format!("such as {example}")),
            problems,
        );
        return None;
    };
    let read = |(key, value): (&Spanned<_>, &Raw<'_>)| -> Option<(String, T)> {
        let name: &std::borrow::Cow<'_, str> = key.get_ref();
        let sound = check(name, key.span().start, problems);
        let value = T::read(value, problems)?;
        sound.then(|| (name.to_string(), value))
    };
    let items: Vec<Option<(String, T)>> = table.iter().map(read).collect();
    items.into_iter().collect()
}

impl Read for Retries {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let mut retries = Self::default();
        let table = match value.get_ref() {
            DeValue::Table(table) => table,
            DeValue::Integer(_) => {
                retries.max = u32::read(value, problems)?;
                return Some(retries);
            }
            _ => {
                let wanted = "a number, or a table of `max`, `backoff` and `delay`";
                wrong_type(value, wanted, problems);
                return None;
            }
        };
        let mut section = Section::new(table, problems);
        if section.raw("max").is_none() {
            let message = "`retries` needs `max`";
            problems.add(value.span().start, message, None);
        }
        let max = section.take("max");
        retries.backoff = section.take("backoff").unwrap_or(retries.backoff);
        retries.base_ms = section.take("delay").map_or(retries.base_ms, |Wait(ms)| ms);
        section.finish();
        retries.max = max?;
        Some(retries)
    }
}

impl Setting for Retries {
    fn show(&self) -> Value {
        let plain = Self {
            max: self.max,
            ..Self::default()
        };
        if *self == plain {
            return json!(self.max);
        }
        let backoff = self.backoff.show();
        json!({"max": self.max, "backoff": backoff, "delay": format!("{}ms", self.base_ms)})
    }
}

/// Settings that are one of a few words.
macro_rules! words {
    ($($type:ident { $($word:literal => $variant:ident),* $(,)? })*) => {$(
        impl Read for $type {
            fn read(value: &toml::Spanned<toml::de::DeValue<'_>>, problems: &Problems) -> Option<Self> {
                match String::read(value, problems)?.as_str() {
                    $($word => Some(Self::$variant),)*
                    other => {
                        unknown(value.span().start, "word", other, &[$($word),*], problems);
                        None
                    }
                }
            }
        }
        impl Setting for $type {
            fn show(&self) -> Value {
                json!(match self { $(Self::$variant => $word),* })
            }
        }
    )*};
}

pub(super) use words;

words! {
    Lane { "primary" => Primary, "subagent" => Subagent, "background" => Background, "validation" => Validation }
    Backoff { "fixed" => Fixed, "exponential" => Exponential }
    OnCrash { "ask" => Ask, "resume" => Resume, "fail" => Fail }
    Isolation { "private" => Private, "linked" => Linked }
    LandMethod { "merge" => Merge, "squash" => Squash, "rebase" => Rebase }
    Uncommitted { "commit" => Commit, "refuse" => Refuse }
    OnDrift { "warn" => Warn, "pause" => Pause }
}

/// What a session's worktree shares with the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Its own git directory that only borrows objects.
    Private,
    /// A plain linked worktree, which shares refs, stash, config and hooks.
    Linked,
}

/// How finished work gets onto the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LandMethod {
    /// A merge commit.
    Merge,
    /// One commit with all changes.
    Squash,
    /// The session's commits on top of the target.
    Rebase,
}

/// What happens to uncommitted work when a session lands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncommitted {
    /// It is committed first.
    Commit,
    /// Landing is refused.
    Refuse,
}

/// What happens to a session that changes files outside its scope while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDrift {
    /// It is told.
    Warn,
    /// It is told, and paused.
    Pause,
}

/// Where worktrees are placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorktreesRoot {
    /// `<repository>.treeyard` beside the repository.
    Sibling,
    /// Below the data directory of the person.
    Data,
    /// Below this absolute folder.
    Folder(PathBuf),
}

impl Read for WorktreesRoot {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        match String::read(value, problems)?.as_str() {
            "sibling" => Some(Self::Sibling),
            "data" => Some(Self::Data),
            path if path.starts_with('/') && !path.split('/').any(|part| part == "..") => {
                Some(Self::Folder(PathBuf::from(path)))
            }
            other => {
                let hint = "\"sibling\", \"data\", or an absolute path without `..`".to_owned();
                let message = format!("{} is no place for worktrees", quoted(other));
                problems.add(value.span().start, message, Some(hint));
                None
            }
        }
    }
}

impl Setting for WorktreesRoot {
    fn show(&self) -> Value {
        match self {
            Self::Sibling => json!("sibling"),
            Self::Data => json!("data"),
            Self::Folder(path) => json!(path.display().to_string()),
        }
    }
}
