//! The first difference between a run and its record.

use serde::Serialize;

use crate::app::failure::Failure;

/// The first difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Divergence {
    /// After how many calls of tools, the one that differs included.
    pub step: u32,
    /// What differs, for a person.
    pub what: String,
    /// As it is on record.
    pub expected: String,
    /// As it is now.
    pub found: String,
}

/// Why a replay ends before the record does. A difference is no failure.
pub(super) enum Ended {
    Differs(Box<Divergence>),
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Characters that are shown before the first one that differs, and from there on.
const BEFORE: usize = 40;
const AFTER: usize = 160;

/// Both sides where they begin to differ: a result may be long.
pub(super) fn around(expected: &str, found: &str) -> (String, String) {
    let mut pairs = expected.chars().zip(found.chars());
    let same = pairs.by_ref().take_while(|(one, other)| one == other);
    let start = same.count().saturating_sub(BEFORE);
    (part(expected, start), part(found, start))
}

fn part(text: &str, start: usize) -> String {
    let mut rest = text.chars().skip(start);
    let shown: String = rest.by_ref().take(BEFORE + AFTER).collect();
    let before = if start > 0 { "…" } else { "" };
    let after = if rest.next().is_some() { "…" } else { "" };
    format!("{before}{shown}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_shown_where_they_differ() {
        let (one, other) = ("a".repeat(1000) + "x", "a".repeat(1000) + "y");
        let (shown, other) = around(&one, &other);
        assert!(shown.starts_with("…a") && shown.ends_with("ax") && other.ends_with("ay"));
        assert_eq!(shown.chars().count(), BEFORE + 2);
        assert_eq!(around("one", "two"), ("one".into(), "two".into()));
        assert_eq!(around("", "é"), (String::new(), "é".into()));
        assert!(around("b", &"é".repeat(500)).1.ends_with("é…"));
    }
}
