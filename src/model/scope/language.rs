//! A scope as the set of all paths in it, whether such files exist or not.

use std::sync::{Mutex, OnceLock, PoisonError};

use regex_automata::hybrid::dfa::Cache;

use super::automaton::Automaton;
use super::declared::{InvalidScope, Scope};
use super::fold::Fold;
use super::paths::is_path;
use super::pattern::Pattern;

/// A scope whose patterns have been read. They are compiled when the first path is asked for.
#[derive(Debug)]
pub struct ScopeLanguage {
    pub(super) fold: Fold,
    pub(super) patterns: Vec<Pattern>,
    compiled: OnceLock<Option<(Automaton, Mutex<Cache>)>>,
}

impl ScopeLanguage {
    /// Reads the patterns of a scope for a file system.
    pub fn new(scope: &Scope, fold: Fold) -> Result<Self, InvalidScope> {
        let patterns = scope.patterns().iter();
        let patterns = patterns.map(|text| {
            Pattern::parse(&fold.composed(text), fold)
                .map_err(|flaw| InvalidScope::malformed(text, flaw))
        });
        Ok(Self {
            fold,
            patterns: patterns.collect::<Result<_, _>>()?,
            compiled: OnceLock::new(),
        })
    }

    /// All that is below a folder.
    pub(super) fn below(folder: &[u8], fold: Fold) -> Self {
        Self {
            fold,
            patterns: vec![Pattern::below(fold.path(folder).into_owned())],
            compiled: OnceLock::new(),
        }
    }

    /// Whether a file of this path, relative to the repository root, is in the scope. What no path
    /// in git can be (`a//b`, `../a`, `.git/a`) is in none.
    pub fn contains(&self, path: &[u8]) -> bool {
        let path = self.fold.path(path);
        let Some((automaton, cache)) = self.compiled() else {
            return false;
        };
        let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
        is_path(&path) && automaton.includes(&mut cache, &path)
    }

    /// The patterns that include something.
    pub(super) fn included(&self) -> impl Iterator<Item = &Pattern> {
        self.patterns.iter().filter(|pattern| !pattern.negated)
    }

    /// The patterns that matter where `other` includes anything at all. The rest need not be
    /// compiled, which is most of the work.
    pub(super) fn near(&self, other: &Self) -> Vec<&Pattern> {
        let patterns = self.patterns.iter();
        patterns
            .filter(|pattern| other.included().any(|theirs| pattern.may_meet(theirs)))
            .collect()
    }

    fn compiled(&self) -> Option<&(Automaton, Mutex<Cache>)> {
        let compiled = self.compiled.get_or_init(|| {
            let automaton = Automaton::new(self.patterns.iter())?;
            let cache = Mutex::new(automaton.create_cache());
            Some((automaton, cache))
        });
        compiled.as_ref()
    }
}
