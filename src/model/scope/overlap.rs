//! Whether two scopes have a path in common.

use super::language::ScopeLanguage;
use super::pattern::Pattern;
use super::search::{Question, Search};

/// What two scopes have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overlap {
    /// No path is in both.
    Disjoint,
    /// A shortest path that is in both, in the form that [`Fold::path`](super::Fold::path) gives.
    Witness(Vec<u8>),
    /// The patterns are too intricate to tell, such as `*a????????????????`. To be taken for
    /// overlapping.
    Undecided,
}

/// Compares two scopes, both read for the same [`Fold`](super::Fold); otherwise it is undecided.
pub fn overlap(a: &ScopeLanguage, b: &ScopeLanguage) -> Overlap {
    if a.fold != b.fold {
        return Overlap::Undecided;
    }
    let (near_a, near_b) = (a.near(b), b.near(a));
    if all_negated(&near_a) || all_negated(&near_b) {
        return Overlap::Disjoint;
    }
    match Search::run(&near_a, &near_b, Question::InBoth, a.fold) {
        Some(None) => Overlap::Disjoint,
        Some(Some(path)) => Overlap::Witness(path),
        None => Overlap::Undecided,
    }
}

impl ScopeLanguage {
    /// Whether a file below this folder may be in the scope, for whoever walks through folders. Where it takes too long to
    /// tell it may.
    pub fn may_have_below(&self, folder: &[u8]) -> bool {
        let takes_out = self.patterns.iter().any(|pattern| pattern.negated);
        if !takes_out && self.contains(folder) {
            return true;
        }
        let below = Self::below(folder, self.fold);
        overlap(self, &below) != Overlap::Disjoint
    }
}

fn all_negated(patterns: &[&Pattern]) -> bool {
    patterns.iter().all(|pattern| pattern.negated)
}
