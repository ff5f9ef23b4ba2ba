//! Whether two scopes have a path in common.

use std::collections::HashSet;

use regex_automata::hybrid::dfa::Cache;

use super::automaton::{Automaton, Verdict};
use super::fold::Fold;
use super::language::ScopeLanguage;
use super::paths::Reading;
use super::pattern::Pattern;

/// The most places in the two automata that are looked at. Scopes as people write them need
/// hundreds.
const MOST_PLACES: usize = 200_000;

/// What two scopes have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overlap {
    /// No path is in both.
    Disjoint,
    /// A shortest path that is in both, in the form that [`Fold::path`] gives.
    Witness(Vec<u8>),
    /// The patterns are too intricate to tell, such as `*a????????????????`. To be taken for
    /// overlapping.
    Undecided,
}

/// Compares two scopes, both read for the same [`Fold`]; otherwise it is undecided.
pub fn overlap(a: &ScopeLanguage, b: &ScopeLanguage) -> Overlap {
    if a.fold != b.fold {
        return Overlap::Undecided;
    }
    let (near_a, near_b) = (near(a, b), near(b, a));
    if all_negated(&near_a) || all_negated(&near_b) {
        return Overlap::Disjoint;
    }
    let search = || Search::new(Side::new(&near_a)?, Side::new(&near_b)?, a.fold)?.run();
    search().unwrap_or(Overlap::Undecided)
}

/// The patterns of `scope` that matter where `other` includes anything at all. The rest need not
/// be compiled, which is most of the work.
fn near<'s>(scope: &'s ScopeLanguage, other: &ScopeLanguage) -> Vec<&'s Pattern> {
    let patterns = scope.patterns.iter();
    patterns
        .filter(|pattern| other.included().any(|theirs| pattern.may_meet(theirs)))
        .collect()
}

fn all_negated(patterns: &[&Pattern]) -> bool {
    patterns.iter().all(|pattern| pattern.negated)
}

/// One of the two scopes.
struct Side {
    automaton: Automaton,
    cache: Cache,
}

impl Side {
    fn new(patterns: &[&Pattern]) -> Option<Self> {
        let automaton = Automaton::new(patterns.iter().copied())?;
        let cache = automaton.create_cache();
        Some(Self { automaton, cache })
    }

    fn start(&mut self) -> Option<Verdict> {
        self.automaton.start(&mut self.cache)
    }

    fn step(&mut self, verdict: Verdict, byte: u8) -> Option<Verdict> {
        self.automaton.step(&mut self.cache, verdict, byte)
    }

    fn included(&mut self, verdict: Verdict) -> Option<bool> {
        self.automaton.included(&mut self.cache, verdict)
    }
}

/// Where both scopes and the reading of the path stand.
type Place = (Verdict, Verdict, Reading);

/// A place that was reached: from which step, by which byte.
struct Step {
    place: Place,
    from: usize,
    byte: u8,
}

/// All places in the order of the length of the path that leads there. `None`: a limit was hit.
struct Search {
    a: Side,
    b: Side,
    bytes: Vec<u8>,
    steps: Vec<Step>,
    seen: HashSet<Place>,
}

impl Search {
    fn new(mut a: Side, mut b: Side, fold: Fold) -> Option<Self> {
        let place = (a.start()?, b.start()?, Reading::Start);
        Some(Self {
            bytes: representatives(&a, &b, fold),
            steps: vec![Step {
                place,
                from: 0,
                byte: 0,
            }],
            seen: HashSet::from([place]),
            a,
            b,
        })
    }

    fn run(mut self) -> Option<Overlap> {
        let mut at = 0;
        while at < self.steps.len() {
            for index in 0..self.bytes.len() {
                if self.advance(at, self.bytes[index])? {
                    return Some(Overlap::Witness(self.path()));
                }
            }
            at += 1;
        }
        Some(Overlap::Disjoint)
    }

    /// Goes on from a step by one byte. True when the path that ends there is in both.
    fn advance(&mut self, from: usize, byte: u8) -> Option<bool> {
        let (a, b, reading) = self.steps[from].place;
        let Some(reading) = reading.step(byte) else {
            return Some(false);
        };
        let a = self.a.step(a, byte)?;
        if a.is_hopeless() {
            return Some(false);
        }
        let b = self.b.step(b, byte)?;
        let place = (a, b, reading);
        if b.is_hopeless() || !self.seen.insert(place) {
            return Some(false);
        }
        self.steps.push(Step { place, from, byte });
        if self.steps.len() > MOST_PLACES {
            return None;
        }
        Some(reading.may_end() && self.a.included(a)? && self.b.included(b)?)
    }

    /// The path to the last step.
    fn path(&self) -> Vec<u8> {
        let mut path = Vec::new();
        let mut at = self.steps.len() - 1;
        while at > 0 {
            path.push(self.steps[at].byte);
            at = self.steps[at].from;
        }
        path.reverse();
        path
    }
}

/// One byte of each set of bytes that makes no difference; the most readable one.
fn representatives(a: &Side, b: &Side, fold: Fold) -> Vec<u8> {
    let mut sets = Vec::new();
    let mut bytes = by_readability();
    bytes.retain(|byte| {
        let (a, b) = (a.automaton.classes(), b.automaton.classes());
        let set = (a.get(*byte), b.get(*byte), Reading::group(*byte));
        let new = fold.keeps(*byte) && !sets.contains(&set);
        if new {
            sets.push(set);
        }
        new
    });
    bytes
}

/// Every byte of a path: small letters, digits, what else is usual in names, the rest.
fn by_readability() -> Vec<u8> {
    let mut bytes: Vec<u8> = (1..=255).collect();
    bytes.sort_by_key(|byte| match byte {
        b'a'..=b'z' => 0,
        b'0'..=b'9' => 1,
        b'A'..=b'Z' => 2,
        b'.' | b'_' | b'-' | b'/' => 3,
        b'!'..=b'~' => 4,
        b' ' => 5,
        _ => 6,
    });
    bytes
}
