//! The file scope of a session as it is written: an ordered list of gitignore-style patterns.

use serde::{Deserialize, Deserializer, Serialize};

use super::cursor::{Flaw, FlawKind};
use super::fold::Fold;
use super::pattern::{Pattern, anchors, body};

/// The most bytes that all patterns of a scope may have.
const LARGEST: usize = 1 << 20;

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

/// An ordered set of patterns relative to the repository root; `!` takes out again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Scope(Vec<String>);

impl Scope {
    /// Checks every pattern, and all together. An empty list means the whole repository.
    pub fn new(patterns: Vec<String>) -> Result<Self, InvalidScope> {
        if patterns.is_empty() {
            return Ok(Self::whole_repository());
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

    /// The patterns in their order.
    pub fn patterns(&self) -> &[String] {
        &self.0
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

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(patterns: &[&str]) -> Result<Scope, InvalidScope> {
        Scope::new(patterns.iter().map(|p| (*p).to_owned()).collect())
    }

    #[test]
    fn no_pattern_means_everything() {
        assert_eq!(scope(&[]).unwrap(), Scope::whole_repository());
    }

    #[test]
    fn patterns_that_leave_the_repository_are_refused() {
        assert!(matches!(
            scope(&["/etc/**"]),
            Err(InvalidScope::Absolute(_))
        ));
        assert!(matches!(scope(&["C:/x"]), Err(InvalidScope::Absolute(_))));
        assert!(matches!(
            scope(&["a/../../b"]),
            Err(InvalidScope::Parent(_))
        ));
        assert!(matches!(scope(&["!../b"]), Err(InvalidScope::Parent(_))));
        assert!(matches!(scope(&[""]), Err(InvalidScope::Empty)));
        assert!(matches!(scope(&["!"]), Err(InvalidScope::Empty)));
        assert!(matches!(scope(&["a\nb"]), Err(InvalidScope::Control(_))));
        assert_eq!(scope(&["!a"]), Err(InvalidScope::OnlyNegated));
    }

    #[test]
    fn order_and_negation_are_kept() {
        let kept = scope(&["src/**", "!src/gen/**", "..hidden/x"]).unwrap();
        assert_eq!(kept.patterns(), ["src/**", "!src/gen/**", "..hidden/x"]);
    }

    #[test]
    fn what_git_would_never_match_is_refused_at_its_character() {
        for (pattern, character, kind) in [
            ("src/[a", 5, FlawKind::UnclosedBracket),
            ("!ä/[]", 4, FlawKind::UnclosedBracket),
            ("a[[:alpha:]", 2, FlawKind::UnclosedBracket),
            ("a[\\]", 2, FlawKind::UnclosedBracket),
            ("[a/", 1, FlawKind::UnclosedBracket),
            ("x[b[:word:]]", 4, FlawKind::UnknownClass),
            ("x[[:ALPHA:]]", 3, FlawKind::UnknownClass),
            ("x[[::]]", 3, FlawKind::UnknownClass),
            ("./a\\", 4, FlawKind::LoneBackslash),
        ] {
            let expected = InvalidScope::Malformed {
                pattern: pattern.to_owned(),
                character,
                kind,
            };
            assert_eq!(scope(&["ok", pattern]), Err(expected), "{pattern}");
        }
    }

    #[test]
    fn a_backslash_at_the_beginning_is_an_escape_or_a_windows_path() {
        for pattern in ["\\!a", "\\#a", "\\ a", "\\[a", "!\\*"] {
            assert!(Scope::check(pattern).is_ok(), "{pattern}");
        }
        for pattern in ["\\a", "\\\\server", "\\/a", "./\\a", "./C:x", ".//a"] {
            let absolute = matches!(Scope::check(pattern), Err(InvalidScope::Absolute(_)));
            assert!(absolute, "{pattern}");
        }
    }

    #[test]
    fn the_root_is_kept_where_nothing_else_says_it() {
        let kept = scope(&["././a", "./a/", "./a/b", "!./a", "!./a/b", "./a/ "]).unwrap();
        assert_eq!(
            kept.patterns(),
            ["./a", "./a/", "a/b", "!./a", "!a/b", "./a/ "]
        );
    }

    #[test]
    fn a_scope_has_a_size() {
        let long = "a".repeat(LARGEST);
        assert!(scope(&[&long]).is_ok());
        assert_eq!(
            scope(&[&long, "b"]),
            Err(InvalidScope::TooLarge(LARGEST + 1))
        );
    }
}
