//! The automata of two scopes, walked side by side.

use std::collections::HashSet;

use regex_automata::hybrid::dfa::Cache;

use super::automaton::{Automaton, Verdict};
use super::fold::Fold;
use super::paths::Reading;
use super::pattern::Pattern;

/// The most places in the two automata that are looked at. Scopes as people write them need
/// hundreds.
const MOST_PLACES: usize = 200_000;

/// Which paths of the first scope are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// Those that the second one has too.
    InBoth,
    /// Those that the second one does not have.
    InFirstOnly,
}

impl Question {
    /// Whether the second scope, being here, answers no for all that begins like this.
    fn is_settled(self, second: Verdict) -> bool {
        match self {
            Self::InBoth => second.is_hopeless(),
            Self::InFirstOnly => second.is_certain(),
        }
    }

    fn wants(self, in_second: bool) -> bool {
        in_second == (self == Self::InBoth)
    }
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
pub(super) struct Search {
    a: Side,
    b: Side,
    question: Question,
    bytes: Vec<u8>,
    steps: Vec<Step>,
    seen: HashSet<Place>,
}

impl Search {
    /// A shortest path that answers the question, or nothing where there is none.
    pub fn run(
        a: &[&Pattern],
        b: &[&Pattern],
        question: Question,
        fold: Fold,
    ) -> Option<Option<Vec<u8>>> {
        Self::new(Side::new(a)?, Side::new(b)?, question, fold)?.walk()
    }

    fn new(mut a: Side, mut b: Side, question: Question, fold: Fold) -> Option<Self> {
        let place = (a.start()?, b.start()?, Reading::Start);
        Some(Self {
            question,
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

    fn walk(mut self) -> Option<Option<Vec<u8>>> {
        let mut at = 0;
        while at < self.steps.len() {
            for index in 0..self.bytes.len() {
                if self.advance(at, self.bytes[index])? {
                    return Some(Some(self.path()));
                }
            }
            at += 1;
        }
        Some(None)
    }

    /// Goes on from a step by one byte. True when the path that ends there answers.
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
        if self.question.is_settled(b) || !self.seen.insert(place) {
            return Some(false);
        }
        self.steps.push(Step { place, from, byte });
        if self.steps.len() > MOST_PLACES {
            return None;
        }
        if !reading.may_end() || !self.a.included(a)? {
            return Some(false);
        }
        Some(self.question.wants(self.b.included(b)?))
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
