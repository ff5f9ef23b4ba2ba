//! All locks that are held, and whom a request meets.

use std::collections::BTreeMap;

use super::held::{Lock, LockToken, Party};
use crate::model::scope::{Fold, InvalidScope, Overlap, ScopeIndex, ScopeLanguage};

/// The locks of a repository, with their scopes read.
#[derive(Debug)]
pub struct LockTable {
    fold: Fold,
    index: ScopeIndex<LockToken>,
    held: BTreeMap<LockToken, Lock>,
    version: Option<u64>,
}

/// A lock that a request meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meeting<'t> {
    /// The lock.
    pub lock: &'t Lock,
    /// What it has in common with the request.
    pub overlap: Overlap,
}

impl Meeting<'_> {
    /// A shortest path that both may change, as text.
    pub fn witness(&self) -> Option<String> {
        match &self.overlap {
            Overlap::Witness(path) => Some(String::from_utf8_lossy(path).into_owned()),
            Overlap::Disjoint | Overlap::Undecided => None,
        }
    }
}

impl LockTable {
    /// Nobody holds anything; scopes are read for a file system.
    pub fn new(fold: Fold) -> Self {
        Self {
            fold,
            index: ScopeIndex::new(),
            held: BTreeMap::new(),
            version: None,
        }
    }

    /// What of the locks it has; `None` before it has read any.
    pub fn version(&self) -> Option<u64> {
        self.version
    }

    /// What it has read may never have come to be, as in a transaction that failed.
    pub fn distrust(&mut self) {
        self.version = None;
    }

    /// Takes the locks for those that are held now, as of a version. Only scopes that it has not seen
    /// are read.
    ///
    /// # Errors
    /// When a scope cannot be read; the table is then what it was, in part.
    pub fn sync(&mut self, now: Vec<Lock>, version: u64) -> Result<(), InvalidScope> {
        self.version = None;
        let mut before = std::mem::take(&mut self.held);
        for lock in now {
            let known = before.remove(&lock.token);
            if known.is_none_or(|known| known.scope != lock.scope) {
                let scope = ScopeLanguage::new(&lock.scope, self.fold)?;
                self.index.insert(lock.token, scope);
            }
            self.held.insert(lock.token, lock);
        }
        for token in before.into_keys() {
            self.index.remove(&token);
        }
        self.version = Some(version);
        Ok(())
    }

    /// Reads a scope for the same file system.
    ///
    /// # Errors
    /// When a pattern cannot be read.
    pub fn language(
        &self,
        scope: &crate::model::scope::Scope,
    ) -> Result<ScopeLanguage, InvalidScope> {
        ScopeLanguage::new(scope, self.fold)
    }

    /// The locks of others that a request of `who` meets, in the order of their grants.
    pub fn meetings<'t>(
        &'t self,
        who: &'t Party,
        request: &'t ScopeLanguage,
    ) -> impl Iterator<Item = Meeting<'t>> {
        let of_others = |lock: &&Lock| !lock.holder.is(who);
        self.index
            .conflicts(request)
            .filter_map(move |(token, overlap)| {
                let lock = self.held.get(token).filter(of_others)?;
                Some(Meeting { lock, overlap })
            })
    }

    /// A lock that is held.
    pub fn get(&self, token: LockToken) -> Option<&Lock> {
        self.held.get(&token)
    }

    /// Every lock, in the order of their grants.
    pub fn locks(&self) -> impl Iterator<Item = &Lock> {
        self.held.values()
    }
}
