//! The file scope of a session: an ordered set of gitignore-style patterns.

use serde::{Deserialize, Deserializer, Serialize};

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
    /// Only negations: nothing would be left to negate from.
    #[error("the scope has only negated patterns; start with what it includes")]
    OnlyNegated,
}

/// An ordered set of patterns relative to the repository root; `!` takes out again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Scope(Vec<String>);

impl Scope {
    /// Checks every pattern. An empty list means the whole repository.
    pub fn new(patterns: Vec<String>) -> Result<Self, InvalidScope> {
        if patterns.is_empty() {
            return Ok(Self::whole_repository());
        }
        let patterns: Vec<String> = patterns.iter().map(|pattern| from_root(pattern)).collect();
        patterns.iter().try_for_each(|pattern| check(pattern))?;
        if patterns.iter().all(|pattern| pattern.starts_with('!')) {
            return Err(InvalidScope::OnlyNegated);
        }
        Ok(Self(patterns))
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

/// Without a leading `./`, which would match nothing.
fn from_root(pattern: &str) -> String {
    let (not, mut body) = match pattern.strip_prefix('!') {
        Some(body) => ("!", body),
        None => ("", pattern),
    };
    while let Some(rest) = body.strip_prefix("./") {
        body = rest;
    }
    format!("{not}{body}")
}

fn check(pattern: &str) -> Result<(), InvalidScope> {
    let body = pattern.strip_prefix('!').unwrap_or(pattern);
    if body.trim().is_empty() {
        return Err(InvalidScope::Empty);
    }
    if body.starts_with('/') || body.starts_with('\\') || body.as_bytes().get(1) == Some(&b':') {
        return Err(InvalidScope::Absolute(pattern.to_owned()));
    }
    if body.split('/').any(|part| part == "..") {
        return Err(InvalidScope::Parent(pattern.to_owned()));
    }
    if body.chars().any(char::is_control) {
        return Err(InvalidScope::Control(pattern.to_owned()));
    }
    Ok(())
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
}
