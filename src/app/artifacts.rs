//! Artifacts that are not what is on record of them.

use std::collections::BTreeMap;

use super::failure::Failure;
use super::project::Project;
use crate::cas::{Cas, VerifyReport};
use crate::model::event::{Actor, Event};
use crate::model::ids::ContentHash;
use crate::store::{ArtifactRow, Store};

/// What a look at all of them found.
#[derive(Debug, Clone, Default)]
pub struct Verified {
    /// Those that are there.
    pub there: VerifyReport,
    /// Those that are on record and not there: found damaged before, or taken away. The damaged ones of now are not among them.
    pub missing: Vec<ArtifactRow>,
}

impl Verified {
    /// Whether each is what its hash says.
    pub fn is_sound(&self) -> bool {
        self.there.damaged.is_empty() && self.missing.is_empty()
    }
}

/// Reads all of them. Damaged ones are put aside, and that is written down.
///
/// # Errors
/// What cannot be read or written.
pub fn verify(project: &mut Project) -> Result<Verified, Failure> {
    let missing = missing(&project.store, &project.cas)?;
    let there = project.cas.verify(|_| {})?;
    project.store.write(|tx| {
        for hash in &there.damaged {
            let event = Event::ArtifactQuarantined { hash: hash.clone() };
            tx.append(Actor::Human, None, event)?;
        }
        Ok::<_, Failure>(())
    })?;
    Ok(Verified { there, missing })
}

/// Those that are on record and not there, by their hashes.
///
/// # Errors
/// What cannot be read.
pub fn missing(store: &Store, cas: &Cas) -> Result<Vec<ArtifactRow>, Failure> {
    let mut missing: BTreeMap<ContentHash, ArtifactRow> = BTreeMap::new();
    for row in store.artifacts(None)? {
        if !missing.contains_key(&row.hash) && !cas.contains(&row.hash)? {
            missing.insert(row.hash.clone(), row);
        }
    }
    Ok(missing.into_values().collect())
}
