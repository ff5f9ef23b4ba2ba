//! What changed between two trees, and whether it may ever be checked out.

use std::collections::HashMap;

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};
use gix::objs::TreeRefIter;
use gix::objs::tree::{EntryKind, EntryMode};
use gix::validate::path::component;

use super::error::{MergeError, git};

/// One non-directory that differs between two trees.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub path: BString,
    pub old: Option<(EntryMode, ObjectId)>,
    pub new: Option<(EntryMode, ObjectId)>,
}

/// Checks every entry of `new` that is not in `old` and lists the changed paths, sorted.
///
/// # Errors
/// [`MergeError::EvilEntry`] for names git refuses to check out (`.git` and its look-alikes, `..`,
/// slashes), duplicate names, unusual modes, and gitlinks that `old` lacks.
pub fn check_tree_entries(
    repo: &gix::Repository,
    old: ObjectId,
    new: ObjectId,
) -> Result<Vec<String>, MergeError> {
    let changes = changes(repo, Some(old), Some(new))?;
    for change in &changes {
        let is_link =
            |side: Option<(EntryMode, ObjectId)>| side.is_some_and(|(m, _)| m.is_commit());
        if is_link(change.new) && !is_link(change.old) {
            return Err(evil(&change.path, "a submodule the target does not have"));
        }
    }
    Ok(changes
        .into_iter()
        .map(|change| change.path.to_string())
        .collect())
}

/// Every changed path, sorted; refuses evil entries of `new` on the way.
pub(super) fn changes(
    repo: &gix::Repository,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
) -> Result<Vec<Change>, MergeError> {
    let mut found = Vec::new();
    let mut pending = vec![(BString::default(), old, new)];
    while let Some((prefix, old, new)) = pending.pop() {
        if old == new {
            continue;
        }
        let mut before: HashMap<BString, Side> = read(repo, old)?.into_iter().collect();
        let mut seen = std::collections::HashSet::new();
        for (name, side) in read(repo, new)? {
            let path = join(&prefix, &name);
            if !seen.insert(name.clone()) {
                return Err(evil(&path, "the name is there twice"));
            }
            let was = before.remove(&name);
            if was == Some(side) {
                continue;
            }
            check_entry(&path, &name, side.0)?;
            record(path, was, Some(side), &mut pending, &mut found);
        }
        for (name, was) in before {
            record(
                join(&prefix, &name),
                Some(was),
                None,
                &mut pending,
                &mut found,
            );
        }
    }
    found.sort_by(|a: &Change, b| a.path.cmp(&b.path));
    Ok(found)
}

type Side = (EntryMode, ObjectId);

fn record(
    path: BString,
    old: Option<Side>,
    new: Option<Side>,
    pending: &mut Vec<(BString, Option<ObjectId>, Option<ObjectId>)>,
    found: &mut Vec<Change>,
) {
    let (old_tree, old_leaf) = split(old);
    let (new_tree, new_leaf) = split(new);
    if old_tree.is_some() || new_tree.is_some() {
        pending.push((path.clone(), old_tree, new_tree));
    }
    if old_leaf.is_some() || new_leaf.is_some() {
        found.push(Change {
            path,
            old: old_leaf,
            new: new_leaf,
        });
    }
}

fn split(side: Option<Side>) -> (Option<ObjectId>, Option<Side>) {
    match side {
        Some((mode, id)) if mode.is_tree() => (Some(id), None),
        leaf => (None, leaf),
    }
}

fn read(
    repo: &gix::Repository,
    tree: Option<ObjectId>,
) -> Result<Vec<(BString, Side)>, MergeError> {
    let Some(tree) = tree else {
        return Ok(Vec::new());
    };
    let object = repo.find_tree(tree).map_err(git)?;
    TreeRefIter::from_bytes(&object.data, tree.kind())
        .map(|entry| {
            let entry = entry.map_err(git)?;
            Ok((
                entry.filename.to_owned(),
                (entry.mode, entry.oid.to_owned()),
            ))
        })
        .collect()
}

fn check_entry(path: &BString, name: &BString, mode: EntryMode) -> Result<(), MergeError> {
    const USUAL: [EntryKind; 5] = [
        EntryKind::Tree,
        EntryKind::Blob,
        EntryKind::BlobExecutable,
        EntryKind::Link,
        EntryKind::Commit,
    ];
    if !USUAL.iter().any(|kind| *kind as u16 == mode.value()) {
        return Err(evil(path, &format!("unusual mode {:o}", mode.value())));
    }
    // Not `protect_windows`: names such as `a:b` are ordinary here. The look-alikes of `.git` on
    // HFS+ and NTFS are refused everywhere, since the repository is cloned elsewhere later.
    let options = component::Options {
        protect_windows: false,
        protect_hfs: true,
        protect_ntfs: true,
    };
    let leaf = mode.is_link().then_some(component::Mode::Symlink);
    gix::validate::path::component(name.as_bstr(), leaf, options)
        .map(drop)
        .map_err(|error| evil(path, &error.to_string()))
}

fn evil(path: &BString, reason: &str) -> MergeError {
    MergeError::EvilEntry {
        path: path.to_string(),
        reason: reason.to_owned(),
    }
}

fn join(prefix: &BString, name: &BString) -> BString {
    if prefix.is_empty() {
        return name.clone();
    }
    let mut path = prefix.clone();
    path.push(b'/');
    path.extend_from_slice(name);
    path
}
