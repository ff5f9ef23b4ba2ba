//! Many scopes that are held, and which of them another one meets.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::language::ScopeLanguage;
use super::overlap::{Overlap, overlap};

/// The scopes that are held, by holder. Only those that begin like the request are compared with
/// it, which costs as much as there are of them, not of holders.
#[derive(Debug)]
pub struct ScopeIndex<H> {
    held: BTreeMap<H, ScopeLanguage>,
    /// Who has a pattern that begins so.
    keys: BTreeMap<Vec<u8>, BTreeSet<H>>,
}

impl<H: Ord + Clone> ScopeIndex<H> {
    /// Nobody holds anything.
    pub fn new() -> Self {
        Self {
            held: BTreeMap::new(),
            keys: BTreeMap::new(),
        }
    }

    /// Adds a holder, or replaces what it held.
    pub fn insert(&mut self, holder: H, scope: ScopeLanguage) {
        self.remove(&holder);
        for pattern in scope.included() {
            let holders = self.keys.entry(pattern.key().to_vec()).or_default();
            holders.insert(holder.clone());
        }
        self.held.insert(holder, scope);
    }

    /// Takes out a holder, if it is there.
    pub fn remove(&mut self, holder: &H) {
        let Some(scope) = self.held.remove(holder) else {
            return;
        };
        for pattern in scope.included() {
            if let Some(holders) = self.keys.get_mut(pattern.key()) {
                holders.remove(holder);
                if holders.is_empty() {
                    self.keys.remove(pattern.key());
                }
            }
        }
    }

    /// Whose scope is not disjoint from `request`, in the order of holders. Each is compared when
    /// it is asked for: the first one is enough to refuse.
    pub fn conflicts<'i>(
        &'i self,
        request: &'i ScopeLanguage,
    ) -> impl Iterator<Item = (&'i H, Overlap)> {
        self.near(request)
            .into_iter()
            .filter_map(|holder| Some((holder, overlap(request, self.held.get(holder)?))))
            .filter(|(_, found)| *found != Overlap::Disjoint)
    }

    /// The holders with a pattern whose key begins with one of the request's, or the other way.
    fn near(&self, request: &ScopeLanguage) -> BTreeSet<&H> {
        let mut near = BTreeSet::new();
        for pattern in request.included() {
            let key = pattern.key();
            let shorter = (0..key.len()).filter_map(|end| self.keys.get(&key[..end]));
            let longer = self
                .keys
                .range::<[u8], _>((Bound::Included(key), Bound::Unbounded))
                .take_while(|(other, _)| other.starts_with(key))
                .map(|(_, holders)| holders);
            near.extend(shorter.chain(longer).flatten());
        }
        // Keys of another form tell nothing.
        let strange = self
            .held
            .iter()
            .filter(|(_, held)| held.fold != request.fold);
        near.extend(strange.map(|(holder, _)| holder));
        near
    }
}

impl<H: Ord + Clone> Default for ScopeIndex<H> {
    fn default() -> Self {
        Self::new()
    }
}
