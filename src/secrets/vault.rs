//! What a process knows of secrets.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::SecretError;
use super::folder::passed;
use super::resolve::resolve;
use crate::config::SecretSources;
use crate::model::redact::Redactor;
use crate::model::secret::{SecretName, SecretValue};

/// Where secrets come from, and all values that were seen. Clones know the same.
#[derive(Debug, Clone, Default)]
pub struct Vault {
    sources: Arc<SecretSources>,
    known: Arc<Mutex<BTreeSet<(SecretName, SecretValue)>>>,
}

impl Vault {
    /// Knows where they come from, and no value yet.
    pub fn new(sources: SecretSources) -> Self {
        Self {
            sources: Arc::new(sources),
            known: Arc::default(),
        }
    }

    /// Their values now. Slow when a program has to be asked.
    ///
    /// # Errors
    /// The first one that cannot be had, or that output could not be kept free of.
    pub fn resolve(
        &self,
        names: &[SecretName],
    ) -> Result<Vec<(SecretName, SecretValue)>, SecretError> {
        let mut values = Vec::new();
        for name in names {
            let source = self.sources.get(name);
            let source = source.ok_or_else(|| SecretError::Unknown(name.clone()))?;
            values.push((name.clone(), resolve(name, source)?));
        }
        of(&values)?;
        self.known().extend(values.iter().cloned());
        Ok(values)
    }

    /// Takes over what another process passed to a session.
    pub fn learn(&self, git_dir: &Path, names: &[SecretName]) {
        for name in names {
            if let Some(value) = passed(git_dir, name)
                && of(&[(name.clone(), value.clone())]).is_ok()
            {
                self.known().insert((name.clone(), value));
            }
        }
    }

    /// For what a session's jobs print: knows every value that its secrets had. What nobody knows
    /// any more is resolved again.
    ///
    /// # Errors
    /// The first one of which no value is known: output cannot be kept free of it.
    pub fn redactor(&self, names: &[SecretName]) -> Result<Redactor, SecretError> {
        self.redactor_with(names, &[])
    }

    /// The same, which knows these values too.
    ///
    /// # Errors
    /// As above.
    pub fn redactor_with(
        &self,
        names: &[SecretName],
        more: &[(SecretName, SecretValue)],
    ) -> Result<Redactor, SecretError> {
        let is_known = |name: &&SecretName| self.known().iter().any(|(known, _)| known == *name);
        let unknown: Vec<SecretName> = names
            .iter()
            .filter(|name| !is_known(name))
            .cloned()
            .collect();
        self.resolve(&unknown)?;
        let known = self.known();
        let named = known.iter().filter(|(name, _)| names.contains(name));
        of(&named.chain(more).cloned().collect::<Vec<_>>())
    }

    /// For messages, which may be about anything: knows every value that was seen.
    pub fn redactor_of_all(&self) -> Redactor {
        let known: Vec<_> = self.known().iter().cloned().collect();
        of(&known).unwrap_or_else(|error| {
            tracing::warn!(%error, "messages are redacted by patterns alone");
            Redactor::patterns()
        })
    }

    /// A value is in it or not, whatever happened to who held it last.
    fn known(&self) -> MutexGuard<'_, BTreeSet<(SecretName, SecretValue)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of(values: &[(SecretName, SecretValue)]) -> Result<Redactor, SecretError> {
    Redactor::new(values).map_err(|(name, why)| SecretError::Unfit { name, why })
}
