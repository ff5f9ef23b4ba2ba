//! What a commit itself changes.

use std::collections::{BTreeMap, BTreeSet};

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};
use gix::objs::tree::EntryMode;

use super::error::GitError;

/// The kind, permissions and content of an entry of a tree.
pub type Side = (EntryMode, ObjectId);

type Entries = BTreeMap<BString, Side>;

/// A folder of the commit, and the same one of each parent.
struct Folder {
    path: BString,
    ours: Option<ObjectId>,
    theirs: Vec<Option<ObjectId>>,
}

/// The files that a commit changes itself: at which it differs from every one of its parents. What a
/// merge takes from one of its parents as it is there is not the merge's own.
///
/// # Errors
/// When an object is missing or damaged.
pub fn changed_by(
    objects: &gix::Repository,
    commit: ObjectId,
) -> Result<BTreeSet<BString>, GitError> {
    let parents = parents(objects, commit)?.into_iter();
    let theirs: Vec<ObjectId> = parents
        .map(|parent| root_tree(objects, parent))
        .collect::<Result<_, _>>()?;
    differing(objects, root_tree(objects, commit)?, &theirs)
}

/// The files at which a tree differs from each of the `others`: added, changed, removed, or of
/// another kind or mode; renames are both. All that it has, when there are no others. Entries are
/// compared by id, so nothing is read that is the same; and no attributes, as the library's own
/// comparison does, which reads the whole index for them.
///
/// # Errors
/// When an object is missing or damaged.
pub fn differing(
    objects: &gix::Repository,
    tree: ObjectId,
    others: &[ObjectId],
) -> Result<BTreeSet<BString>, GitError> {
    let mut left = vec![Folder {
        path: BString::default(),
        ours: Some(tree),
        theirs: others.iter().copied().map(Some).collect(),
    }];
    let mut changed = BTreeSet::new();
    while let Some(folder) = left.pop() {
        compare(objects, &folder, &mut left, &mut changed)?;
    }
    Ok(changed)
}

fn compare(
    objects: &gix::Repository,
    folder: &Folder,
    left: &mut Vec<Folder>,
    changed: &mut BTreeSet<BString>,
) -> Result<(), GitError> {
    let by_name = |tree| Ok(entries_of(objects, tree)?.into_iter().collect());
    let ours: Entries = by_name(folder.ours)?;
    let theirs = folder.theirs.iter();
    let theirs: Vec<Entries> = theirs
        .map(|tree| by_name(*tree))
        .collect::<Result<_, GitError>>()?;
    let names: BTreeSet<&BString> = theirs
        .iter()
        .chain([&ours])
        .flat_map(|e| e.keys())
        .collect();
    for name in names {
        let mine = ours.get(name);
        let before: Vec<_> = theirs.iter().map(|entries| entries.get(name)).collect();
        if before.contains(&mine) {
            continue;
        }
        let path = join(&folder.path, name);
        let sides = || before.iter().chain([&mine]).flatten();
        if sides().any(|(mode, _)| !mode.is_tree()) {
            changed.insert(path.clone());
        }
        if sides().any(|(mode, _)| mode.is_tree()) {
            left.push(Folder {
                path,
                ours: tree(mine),
                theirs: before.into_iter().map(tree).collect(),
            });
        }
    }
    Ok(())
}

fn tree(entry: Option<&Side>) -> Option<ObjectId> {
    entry.filter(|(mode, _)| mode.is_tree()).map(|(_, id)| *id)
}

/// What stands in a folder, as it is there: also a name that stands there twice, as in no sound
/// tree. Nothing, where there is no tree.
///
/// # Errors
/// When the tree is missing or damaged.
pub fn entries_of(
    objects: &gix::Repository,
    tree: Option<ObjectId>,
) -> Result<Vec<(BString, Side)>, GitError> {
    let Some(id) = tree else {
        return Ok(Vec::new());
    };
    let failed = || GitError::library(format!("read tree {id}"));
    let tree = objects.find_tree(id).map_err(|e| failed()(e))?;
    let mut found = Vec::new();
    for entry in tree.iter() {
        let entry = entry.map_err(|e| failed()(e))?;
        let side = (entry.mode(), entry.object_id());
        found.push((entry.filename().as_bstr().to_owned(), side));
    }
    Ok(found)
}

/// The commits that a commit follows.
///
/// # Errors
/// When it is missing or damaged.
pub fn parents(objects: &gix::Repository, commit: ObjectId) -> Result<Vec<ObjectId>, GitError> {
    let commit = objects
        .find_commit(commit)
        .map_err(GitError::library(format!("read commit {commit}")))?;
    Ok(commit.parent_ids().map(|id| id.detach()).collect())
}

/// The tree of a commit.
///
/// # Errors
/// When one of them is missing.
pub fn root_tree(objects: &gix::Repository, commit: ObjectId) -> Result<ObjectId, GitError> {
    let failed = || GitError::library(format!("find the tree of {commit}"));
    let commit = objects.find_commit(commit).map_err(|e| failed()(e))?;
    Ok(commit.tree_id().map_err(|e| failed()(e))?.detach())
}

/// The path of an entry of a folder.
pub fn join(folder: &BString, name: &BString) -> BString {
    let mut path = folder.clone();
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}
