//! Whether one scope is a part of another.

use super::language::ScopeLanguage;
use super::search::{Question, Search};

/// How a scope stands to a wider one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Within {
    /// Every path of it is in the other.
    Yes,
    /// A shortest path that is in it and not in the other, in the form that
    /// [`Fold::path`](super::Fold::path) gives.
    No(Vec<u8>),
    /// The patterns are too intricate to tell. To be taken for not within.
    Undecided,
}

/// Whether every path of `a` is in `b`, both read for the same [`Fold`](super::Fold); otherwise it
/// is undecided.
pub fn within(a: &ScopeLanguage, b: &ScopeLanguage) -> Within {
    if a.fold != b.fold {
        return Within::Undecided;
    }
    match Search::run(&a.near(a), &b.near(a), Question::InFirstOnly, a.fold) {
        Some(None) => Within::Yes,
        Some(Some(path)) => Within::No(path),
        None => Within::Undecided,
    }
}
