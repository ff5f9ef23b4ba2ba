//! Taking out secrets before something leaves this machine, also those that were not known when it was written down.

use std::collections::{BTreeMap, HashMap};

use gix::bstr::BString;

use super::manifest::invalid;
use crate::app::failure::Failure;
use crate::app::project::Project;
use crate::cas::CasError;
use crate::git::{object_id, root_tree};
use crate::model::checkpoint::Checkpoint;
use crate::model::event::{Event, Record};
use crate::model::ids::{CommitId, ContentHash};
use crate::model::redact::Redactor;
use crate::store::{ArtifactRow, StoreError};
use crate::workspace::snapshot::difference;

/// What is exported: everything without secrets.
pub(super) struct Clean {
    pub events: u64,
    /// One event each.
    pub lines: Vec<u8>,
    /// Those that are as they were are read when they are written.
    pub artifacts: BTreeMap<ContentHash, Option<Vec<u8>>>,
    /// How many artifacts and events are not as they were.
    pub changed: u64,
}

/// An artifact that is not as it was has another hash, and so has all that speaks of it.
#[derive(Default)]
struct Renamed(HashMap<ContentHash, (ContentHash, u64)>);

impl Renamed {
    fn within(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (then, (now, _)) in &self.0 {
            text = text.replace(then.as_str(), now.as_str());
        }
        text
    }

    fn size(&self, hash: &ContentHash, size: &mut u64) {
        if let Some((_, now)) = self.0.get(hash) {
            *size = *now;
        }
    }
}

/// The record of a session without secrets.
///
/// # Errors
/// An artifact is damaged; or something has no form any more without its secrets.
pub(super) fn clean(
    project: &Project,
    redactor: &Redactor,
    mut events: Vec<Record>,
    mut artifacts: Vec<ArtifactRow>,
) -> Result<Clean, Failure> {
    let mut renamed = Renamed::default();
    let mut kept = BTreeMap::new();
    // The oldest first: what an artifact speaks of was stored before it.
    artifacts.reverse();
    for row in artifacts.into_iter().filter(|row| !row.quarantined) {
        let bytes = match project.cas.bytes(&row.hash) {
            // Collected, and listed as long as its session is.
            Err(CasError::Unknown(_)) => continue,
            read => read?,
        };
        match without_secrets(redactor, &renamed, &bytes) {
            None => drop(kept.insert(row.hash, None)),
            Some(now) => {
                let hash = ContentHash::of(&now);
                renamed.0.insert(row.hash, (hash.clone(), now.len() as u64));
                kept.insert(hash, Some(now));
            }
        }
    }
    let mut changed = renamed.0.len() as u64;
    let mut lines = Vec::new();
    for record in &mut events {
        fit_sizes(record, &renamed);
        let text = serde_json::to_string(record).map_err(StoreError::from)?;
        let clean = redactor.redact_text(&text);
        changed += u64::from(clean != text.as_str());
        let line = renamed.within(&clean);
        serde_json::from_str::<Record>(&line).map_err(invalid)?;
        lines.extend(line.as_bytes());
        lines.push(b'\n');
    }
    Ok(Clean {
        events: events.len() as u64,
        lines,
        artifacts: kept,
        changed,
    })
}

/// Nothing when it is as it was.
fn without_secrets(redactor: &Redactor, renamed: &Renamed, bytes: &[u8]) -> Option<Vec<u8>> {
    let clean = redactor.redact(bytes);
    let now = match std::str::from_utf8(&clean) {
        Ok(text) if !renamed.0.is_empty() => renamed.within(text).into_bytes(),
        _ => clean.into_owned(),
    };
    (now != bytes).then_some(now)
}

fn fit_sizes(record: &mut Record, renamed: &Renamed) {
    match &mut record.event {
        Event::ArtifactStored { hash, size, .. } => renamed.size(hash, size),
        Event::SessionMessage { message } => {
            let hash = message.content_hash.clone();
            renamed.size(&hash, &mut message.size);
        }
        _ => {}
    }
}

/// Files of these checkpoints that have secrets in them and are not so in the commit that the session started from. Commits
/// have to stay as they are, so nothing can be taken out of them.
pub(super) fn files_with_secrets(
    project: &Project,
    redactor: &Redactor,
    (base, checkpoints): (&CommitId, &[Checkpoint]),
) -> Result<Vec<BString>, Failure> {
    let repo = project.repo.gix();
    let mut before = root_tree(&repo, object_id(base)?)?;
    let mut found = Vec::new();
    for checkpoint in checkpoints {
        let tree = object_id(&checkpoint.worktree_tree)?;
        for one in difference(&project.repo, before, tree)? {
            let Some((_, id)) = one.after.filter(|(mode, _)| mode.is_blob_or_symlink()) else {
                continue;
            };
            let blob = repo
                .find_object(id)
                .map_err(crate::git::GitError::library("read a file"))?;
            if matches!(redactor.redact(&blob.data), std::borrow::Cow::Owned(_)) {
                found.push(one.path);
            }
        }
        before = tree;
    }
    found.sort();
    found.dedup();
    Ok(found)
}
