//! A list of patterns as one automaton.

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{Compiler, Config, WhichCaptures};
use regex_automata::util::alphabet::ByteClasses;
use regex_automata::{Anchored, Input, MatchKind};

use super::pattern::Pattern;

/// The most that the states of one automaton may take, in bytes, before those not needed at the
/// moment are forgotten.
const CACHE: usize = 4 << 20;

/// Decides by the last pattern that matches. It is told by the library's preference for earlier
/// alternatives: the last pattern is the first one there. Once a pattern has matched, all that
/// come before it in the scope are dropped from the states, which keeps these few; without that,
/// n patterns such as `*.x` would have 2^n states.
#[derive(Debug)]
pub(super) struct Automaton {
    dfa: DFA,
    /// Whether each alternative includes what it matches.
    includes: Vec<bool>,
}

/// A state, and what the patterns seen so far say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Verdict {
    state: LazyStateID,
    included: bool,
}

impl Verdict {
    /// Whether nothing that begins like this is in the scope.
    pub fn is_hopeless(self) -> bool {
        self.state.is_dead() && !self.included
    }

    /// Whether all that begins like this is in the scope.
    pub fn is_certain(self) -> bool {
        self.state.is_dead() && self.included
    }
}

impl Automaton {
    /// Nothing if the library refuses, which it does for sizes far beyond what a scope may have.
    pub fn new<'p>(patterns: impl DoubleEndedIterator<Item = &'p Pattern>) -> Option<Self> {
        let (includes, expressions): (Vec<_>, Vec<_>) = patterns
            .rev()
            .map(|pattern| (!pattern.negated, pattern.expression()))
            .unzip();
        let config = Config::new()
            .utf8(false)
            .which_captures(WhichCaptures::None);
        let nfa = Compiler::new()
            .configure(config)
            .build_many_from_hir(&expressions)
            .ok()?;
        let config = DFA::config()
            .match_kind(MatchKind::LeftmostFirst)
            .cache_capacity(CACHE)
            .skip_cache_capacity_check(true);
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).ok()?;
        Some(Self { dfa, includes })
    }

    pub fn create_cache(&self) -> Cache {
        self.dfa.create_cache()
    }

    /// Which bytes all states treat alike.
    pub fn classes(&self) -> &ByteClasses {
        self.dfa.byte_classes()
    }

    /// Whether a path is included. An error of the search, of which none is possible as it is
    /// configured, says no.
    pub fn includes(&self, cache: &mut Cache, path: &[u8]) -> bool {
        let input = Input::new(path).anchored(Anchored::Yes);
        let found = self.dfa.try_search_fwd(cache, &input);
        matches!(found, Ok(Some(found)) if self.includes[found.pattern().as_usize()])
    }

    /// Before any byte. `None`, here and below: the cache is full.
    pub fn start(&self, cache: &mut Cache) -> Option<Verdict> {
        let input = Input::new(&[]).anchored(Anchored::Yes);
        let state = self.dfa.start_state_forward(cache, &input).ok()?;
        Some(Verdict {
            state,
            included: false,
        })
    }

    /// After one byte more.
    pub fn step(&self, cache: &mut Cache, verdict: Verdict, byte: u8) -> Option<Verdict> {
        let state = self.dfa.next_state(cache, verdict.state, byte).ok()?;
        self.verdict(cache, state, verdict.included)
    }

    /// Whether the path that ends here is included.
    pub fn included(&self, cache: &mut Cache, verdict: Verdict) -> Option<bool> {
        let state = self.dfa.next_eoi_state(cache, verdict.state).ok()?;
        Some(self.verdict(cache, state, verdict.included)?.included)
    }

    /// A match that is seen later is always of a later pattern of the scope, or of the same.
    fn verdict(&self, cache: &Cache, state: LazyStateID, before: bool) -> Option<Verdict> {
        let included = if state.is_match() {
            self.includes[self.dfa.match_pattern(cache, state, 0).as_usize()]
        } else {
            before
        };
        // States of a cache that was cleared have lost their meaning.
        (cache.clear_count() == 0).then_some(Verdict { state, included })
    }
}
