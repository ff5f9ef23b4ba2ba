//! Which patterns of a scope, and which scopes together, mean files that are there.

use regex_automata::hybrid::dfa::Cache;

use super::automaton::Automaton;
use super::declared::{InvalidScope, Scope};
use super::fold::Fold;
use super::language::ScopeLanguage;
use super::pattern::Pattern;

/// The files of a repository, for questions about many scopes.
#[derive(Debug)]
pub struct Files {
    fold: Fold,
    /// Folded, sorted.
    paths: Vec<Vec<u8>>,
}

impl Files {
    /// Takes the paths, in any order.
    pub fn new(paths: impl IntoIterator<Item: AsRef<[u8]>>, fold: Fold) -> Self {
        let folded = |path: &[u8]| fold.path(path).into_owned();
        let mut paths: Vec<Vec<u8>> = paths.into_iter().map(|p| folded(p.as_ref())).collect();
        paths.sort_unstable();
        Self { fold, paths }
    }

    /// The places of the patterns that change nothing here: those that match no file, and negated
    /// ones that take out no file which those before them include.
    ///
    /// # Errors
    /// When a pattern cannot be read.
    pub fn idle(&self, scope: &Scope) -> Result<Vec<usize>, InvalidScope> {
        let patterns = ScopeLanguage::new(scope, self.fold)?.patterns;
        let places = 0..patterns.len();
        Ok(places
            .filter(|at| self.is_idle(&patterns, *at) == Some(true))
            .collect())
    }

    /// `None`: the library refuses the patterns.
    fn is_idle(&self, patterns: &[Pattern], at: usize) -> Option<bool> {
        let pattern = &patterns[at];
        let mut matching = pattern.clone();
        matching.negated = false;
        let mut alone = Matcher::new(&[matching])?;
        let mut near = self.near(pattern).iter().filter(|path| alone.has(path));
        if !pattern.negated {
            return Some(near.next().is_none());
        }
        let mut before = Matcher::new(&patterns[..at])?;
        Some(!near.any(|path| before.has(path)))
    }

    /// The files that begin as a pattern does, perhaps a few more: its key counts a slash at their end.
    fn near(&self, pattern: &Pattern) -> &[Vec<u8>] {
        let key = pattern.key();
        let key = key.strip_suffix(b"/").unwrap_or(key);
        let start = self.paths.partition_point(|path| path.as_slice() < key);
        let rest = &self.paths[start..];
        &rest[..rest.partition_point(|path| path.starts_with(key))]
    }
}

/// Patterns that are asked of so many paths that a lock for each would count.
struct Matcher {
    automaton: Automaton,
    cache: Cache,
}

impl Matcher {
    fn new(patterns: &[Pattern]) -> Option<Self> {
        let automaton = Automaton::new(patterns.iter())?;
        let cache = automaton.create_cache();
        Some(Self { automaton, cache })
    }

    fn has(&mut self, path: &[u8]) -> bool {
        self.automaton.includes(&mut self.cache, path)
    }
}

/// Files that two scopes both have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shared {
    /// The first of them, in the order of the paths.
    pub first: Vec<Vec<u8>>,
    /// How many there are.
    pub count: usize,
}

/// Those of `paths` that are in both scopes, at most `most` of them by name.
pub fn shared<'p>(
    paths: impl IntoIterator<Item = &'p [u8]>,
    (a, b): (&ScopeLanguage, &ScopeLanguage),
    most: usize,
) -> Shared {
    let paths = paths.into_iter();
    let mut both: Vec<&[u8]> = paths
        .filter(|path| a.contains(path) && b.contains(path))
        .collect();
    both.sort_unstable();
    both.dedup();
    Shared {
        count: both.len(),
        first: both.into_iter().take(most).map(<[u8]>::to_vec).collect(),
    }
}
