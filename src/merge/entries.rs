//! What changed between two trees.

use std::collections::HashMap;

use gix::ObjectId;
use gix::bstr::BString;

use super::error::{MergeError, git};
use crate::git::{Side, entries_of, join};

/// One non-directory that differs between two trees.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub path: BString,
    /// What it is now; `None` when it is gone.
    pub new: Option<Side>,
}

/// Every changed path, sorted.
pub(super) fn changes(
    repo: &gix::Repository,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
) -> Result<Vec<Change>, MergeError> {
    let mut found = Vec::new();
    let mut pending = vec![(BString::default(), old, new)];
    while let Some((folder, old, new)) = pending.pop() {
        if old == new {
            continue;
        }
        let mut before: HashMap<_, _> = entries_of(repo, old).map_err(git)?.into_iter().collect();
        let after = entries_of(repo, new).map_err(git)?;
        let mut pairs = Vec::new();
        for (name, side) in after {
            let was = before.remove(&name);
            pairs.push((name, was, Some(side)));
        }
        pairs.extend(
            before
                .into_iter()
                .map(|(name, was)| (name, Some(was), None)),
        );
        for (name, was, is) in pairs.into_iter().filter(|(_, was, is)| was != is) {
            let path = join(&folder, &name);
            let ((old_tree, old_leaf), (new_tree, new_leaf)) = (split(was), split(is));
            if old_tree.is_some() || new_tree.is_some() {
                pending.push((path.clone(), old_tree, new_tree));
            }
            if old_leaf.is_some() || new_leaf.is_some() {
                let new = new_leaf;
                found.push(Change { path, new });
            }
        }
    }
    found.sort_by(|a: &Change, b| a.path.cmp(&b.path));
    Ok(found)
}

fn split(side: Option<Side>) -> (Option<ObjectId>, Option<Side>) {
    match side {
        Some((mode, id)) if mode.is_tree() => (Some(id), None),
        leaf => (None, leaf),
    }
}
