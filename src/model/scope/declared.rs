//! The file scope of a session as it is written: an ordered list of gitignore-style patterns.

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use super::cursor::{Flaw, FlawKind};
use super::fold::Fold;
use super::pattern::{Pattern, anchors, body};

/// The most bytes that all patterns of a scope may have.
pub(super) const LARGEST: usize = 1 << 20;

/// Why a pattern cannot be part of a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScope {
    /// Nothing between the quotes.
    #[error("a scope pattern is empty")]
    Empty,
    /// It starts at the root of the file system.
    #[error("scope pattern {0:?} is absolute; patterns are relative to the repository root")]
    Absolute(String),
    /// It climbs out of the repository.
    #[error("scope pattern {0:?} contains `..`; a scope cannot leave the repository")]
    Parent(String),
    /// It has a line break, a NUL or another control character.
    #[error("scope pattern {0:?} contains a control character")]
    Control(String),
    /// Git would read it, and let it match nothing.
    #[error("scope pattern {pattern:?}, character {character}: {kind}")]
    Malformed {
        /// As it was written.
        pattern: String,
        /// Where it goes wrong; the first character is 1.
        character: usize,
        /// How.
        kind: FlawKind,
    },
    /// More than 1 MiB.
    #[error("the patterns of the scope have {0} bytes, more than {LARGEST}")]
    TooLarge(usize),
    /// Only negations: nothing would be left to negate from.
    #[error("the scope has only negated patterns; start with what it includes")]
    OnlyNegated,
}

/// An ordered set of patterns relative to the repository root; `!` takes out again. None at all is
/// nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Scope(Vec<String>);

impl Scope {
    /// Checks every pattern, and all together. An empty list means nothing.
    pub fn new(patterns: Vec<String>) -> Result<Self, InvalidScope> {
        if patterns.is_empty() {
            return Ok(Self::nothing());
        }
        patterns.iter().try_for_each(|pattern| check(pattern))?;
        let bytes = patterns.iter().map(String::len).sum();
        if bytes > LARGEST {
            return Err(InvalidScope::TooLarge(bytes));
        }
        let patterns: Vec<String> = patterns.into_iter().map(from_root).collect();
        if patterns.iter().all(|pattern| pattern.starts_with('!')) {
            return Err(InvalidScope::OnlyNegated);
        }
        Ok(Self(patterns))
    }

    /// Checks one pattern alone, negated or not.
    pub fn check(pattern: &str) -> Result<(), InvalidScope> {
        check(pattern)
    }

    /// The scope of a task that declares none.
    pub fn whole_repository() -> Self {
        Self(vec!["**".to_owned()])
    }

    /// The scope of a task that changes no file.
    pub fn nothing() -> Self {
        Self(Vec::new())
    }

    /// All files of both, as one list of patterns. `None` when both have negations, since the ones
    /// of the list that comes last would take out what the first includes, or when it is too large.
    pub fn with(&self, other: &Self) -> Option<Self> {
        let whole = Self::whole_repository();
        if *self == whole || *other == whole {
            return Some(whole);
        }
        let (first, last) = match (self.has_negations(), other.has_negations()) {
            (_, false) => (self, other),
            (true, true) if self == other => (self, other),
            (true, true) => return None,
            (false, true) => (other, self),
        };
        let all = [first.patterns(), last.patterns()].concat();
        Self::new(without_repetitions(all)).ok()
    }

    fn has_negations(&self) -> bool {
        self.0.iter().any(|pattern| pattern.starts_with('!'))
    }

    /// The patterns in their order.
    pub fn patterns(&self) -> &[String] {
        &self.0
    }
}

/// In one line.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str("nothing"),
            patterns => f.write_str(&patterns.join(" ")),
        }
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl InvalidScope {
    pub(super) fn malformed(pattern: &str, flaw: Flaw) -> Self {
        let before = pattern.bytes().take(flaw.at);
        // Continuation bytes begin no character.
        let characters = before.filter(|byte| byte & 0xC0 != 0x80).count();
        Self::Malformed {
            pattern: pattern.to_owned(),
            character: characters + 1,
            kind: flaw.kind,
        }
    }
}

/// Of equal patterns the last one decides, so the ones before it can go.
fn without_repetitions(mut patterns: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    patterns.reverse();
    patterns.retain(|pattern| seen.insert(pattern.clone()));
    patterns.reverse();
    patterns
}

/// Keeps a leading `./` only where nothing else ties the pattern to the root.
fn from_root(pattern: String) -> String {
    let (rooted, start) = body(&pattern);
    if !rooted {
        return pattern;
    }
    let body = &pattern[start..];
    let not = if pattern.starts_with('!') { "!" } else { "" };
    let root = if anchors(body) { "" } else { "./" };
    format!("{not}{root}{body}")
}

fn check(pattern: &str) -> Result<(), InvalidScope> {
    let body = &pattern[body(pattern).1..];
    if body.trim().is_empty() {
        return Err(InvalidScope::Empty);
    }
    if is_absolute(body) {
        return Err(InvalidScope::Absolute(pattern.to_owned()));
    }
    if body.split('/').any(|part| part == "..") {
        return Err(InvalidScope::Parent(pattern.to_owned()));
    }
    if body.chars().any(char::is_control) {
        return Err(InvalidScope::Control(pattern.to_owned()));
    }
    match Pattern::parse(pattern, Fold::default()) {
        Ok(_) => Ok(()),
        Err(flaw) => Err(InvalidScope::malformed(pattern, flaw)),
    }
}

/// From the root of this file system, or of one of Windows. `\#` and the like are escapes.
fn is_absolute(body: &str) -> bool {
    match body.as_bytes() {
        [b'/', ..] | [b'\\', b'/' | b'\\', ..] => true,
        [b'\\', letter, ..] | [letter, b':', ..] => letter.is_ascii_alphanumeric(),
        _ => false,
    }
}
