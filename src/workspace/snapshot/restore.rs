//! Making a worktree equal to a kept snapshot.

use std::collections::{BTreeMap, BTreeSet};

use gix::bstr::{BStr, BString, ByteSlice};
use gix::objs::tree::EntryKind;
use rustix::fs::{AtFlags, FileType, statat, unlinkat};
use rustix::io::Errno;

use super::difference::{Difference, by_name, compare, listing_of};
use super::keep;
use super::place::{Placed, clear, place};
use super::record;
use super::scene::{Note, Scene, Why};
use super::state::{State, name, parent};
use super::store::Store;
use super::take::{Bytes, Form, Seen, see_with};
use crate::git::{GitError, Repo, Side, component_flaw};
use crate::model::ids::CommitId;
use crate::workspace::error::WorkspaceError;
use crate::workspace::located::Located;

/// What restoring did, by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// Files and links that were written.
    pub written: Vec<BString>,
    /// Those that were removed.
    pub removed: Vec<BString>,
    /// Those that could not be written or removed: what is ignored, or another repository, is in the way, or the folder is
    /// not to be written in.
    pub left: Vec<BString>,
}

/// Makes the files of a worktree equal to a kept snapshot: writes what differs, each file at one stroke, and
/// removes what the snapshot has not, unless it is ignored and the snapshot takes nothing of its name. Empty folders
/// stay. The session's index and `HEAD` are not touched. When it is killed, doing it again finishes it.
///
/// # Errors
/// When the worktree, its base or the snapshot cannot be read, or the disk is full.
pub fn restore(repo: &Repo, ws: &Located, commit: &CommitId) -> Result<Restored, WorkspaceError> {
    let (tree, wanted) = keep::read(repo, commit)?;
    let mut state = record::read(repo, ws, &wanted.ignored)?;
    // A file that a killed restoration left shows in no folder that was looked at since.
    state
        .folders
        .iter_mut()
        .for_each(|folder| folder.stat = None);
    let prepare = |scene: &mut Scene, state: &mut State| {
        scene.takes_drafts = true;
        if wanted.bytes == Bytes::AsTheyWere && scene.converts() {
            scene.convert_nothing();
            state.folders.clear();
        }
    };
    let mut nowhere = Store::nowhere(repo);
    let (mut scene, seen) = see_with(repo, ws, &wanted.ignored, &mut state, &mut nowhere, prepare)?;
    let objects = repo.gix();
    let is = listing_of(&state);
    let wants = |_: &BStr, tree| by_name(&objects, tree);
    let mut changes = compare((seen.tree, &is), (tree, &wants))?;
    changes.extend(other_bytes(&seen, &wanted, &changes, tree, &objects)?);
    let mut done = Restored::default();
    for change in changes.iter().filter(|change| change.after.is_none()) {
        remove(&mut scene, change, &mut done);
    }
    for change in &changes {
        if let Some(side) = change.after {
            let is_raw = match &wanted.bytes {
                Bytes::AsTheyWere => true,
                Bytes::Converted { raw } => raw.contains(&change.path),
            };
            let is_hidden =
                |note: &Note| note.why == Why::Repository && is_below(&change.path, &note.path);
            match seen.notes.iter().any(is_hidden) {
                true => done.left.push(change.path.clone()),
                false => write(&mut scene, change, side, is_raw, &mut done)?,
            }
        }
    }
    Ok(done)
}

/// Files of one blob but of other bytes: attributes ask for a conversion that one of the two did without.
fn other_bytes(
    seen: &Seen,
    wanted: &Form,
    known: &[Difference],
    tree: gix::ObjectId,
    objects: &gix::Repository,
) -> Result<Vec<Difference>, WorkspaceError> {
    let raw = |form: &Form| -> BTreeSet<BString> {
        match &form.bytes {
            Bytes::AsTheyWere => BTreeSet::new(),
            Bytes::Converted { raw } => raw.iter().cloned().collect(),
        }
    };
    let (is, should) = (raw(&seen.form), raw(wanted));
    let known: BTreeSet<&BString> = known.iter().map(|change| &change.path).collect();
    let mut found = Vec::new();
    for path in is.symmetric_difference(&should) {
        if known.contains(path) {
            continue;
        }
        if let Some(side) = side_at(objects, tree, path.as_bstr())? {
            found.push(Difference {
                path: path.clone(),
                kind: super::difference::Kind::Modified,
                before: Some(side),
                after: Some(side),
            });
        }
    }
    Ok(found)
}

pub(super) fn side_at(
    objects: &gix::Repository,
    tree: gix::ObjectId,
    path: &BStr,
) -> Result<Option<Side>, GitError> {
    let mut at = tree;
    let mut parts = path.split(|byte| *byte == b'/').peekable();
    while let Some(part) = parts.next() {
        let entries: BTreeMap<_, _> = by_name(objects, at)?;
        match entries.get(part.as_bstr()) {
            Some((mode, id)) if mode.is_tree() && parts.peek().is_some() => at = *id,
            Some(side) if parts.peek().is_none() => return Ok(Some(*side)),
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// Takes a file away, and the folders that become empty by it.
fn remove(scene: &mut Scene, change: &Difference, done: &mut Restored) {
    let path = change.path.as_bstr();
    let is_submodule = change.before.is_some_and(|(mode, _)| mode.is_commit());
    let is_tracked = scene.base_entries(parent(path).as_bstr());
    let is_tracked = is_tracked.is_ok_and(|base| base.contains_key(name(path).as_bstr()));
    if is_submodule || !is_tracked && !scene.is_wanted(path, false) {
        return;
    }
    let Ok(open) = scene.root.folder(parent(path).as_bstr()) else {
        return;
    };
    match unlinkat(&open.folder, name(path), AtFlags::empty()) {
        Ok(()) => done.removed.push(path.to_owned()),
        Err(Errno::NOENT) => return,
        Err(_) => return done.left.push(path.to_owned()),
    }
    let mut folder = parent(path).as_bstr();
    while !folder.is_empty() {
        let Ok(above) = scene.root.folder(parent(folder).as_bstr()) else {
            return;
        };
        if unlinkat(&above.folder, name(folder), AtFlags::REMOVEDIR).is_err() {
            return;
        }
        folder = parent(folder).as_bstr();
    }
}

fn is_below(path: &BString, folder: &BString) -> bool {
    let rest = path.strip_prefix(folder.as_slice());
    rest.is_some_and(|rest| folder.is_empty() || rest.starts_with(b"/"))
}

/// What the look did not see is saved nowhere, so nothing is written over it.
fn write(
    scene: &mut Scene,
    change: &Difference,
    (mode, id): Side,
    is_raw: bool,
    done: &mut Restored,
) -> Result<(), WorkspaceError> {
    let path = &change.path;
    let mut parts = path.split(|byte| *byte == b'/');
    if parts.any(|part| component_flaw(part).is_some()) {
        done.left.push(path.clone());
        return Ok(());
    }
    let kind = mode.kind();
    if kind == EntryKind::Commit {
        let _may_be_in_the_way = scene.root.make_folder(path.as_bstr());
        return Ok(());
    }
    const WHAT: &str = "read a file of a snapshot";
    let blob = scene
        .objects
        .find_object(id)
        .map_err(GitError::library(WHAT))?
        .detach();
    let mut content = std::borrow::Cow::Borrowed(&blob.data[..]);
    if !is_raw
        && kind != EntryKind::Link
        && let Some((objects, conversion)) = scene.conversion()
        && let Some(converted) = conversion.apply(objects, &id, path.as_bstr(), &blob.data)?
    {
        content = converted.into_owned().into();
    }
    let placed = scene.root.make_folder(parent(path.as_bstr()).as_bstr());
    let placed = placed.and_then(|open| {
        let name = name(path.as_bstr());
        let there = statat(&open.folder, name, AtFlags::SYMLINK_NOFOLLOW).ok();
        let there = there.map(|found| (FileType::from_raw_mode(found.st_mode), found.st_mode));
        if change.before.is_none() && there.is_some_and(|(found, _)| !found.is_dir()) {
            return Err(Errno::EXIST);
        }
        let file = there.filter(|(found, _)| found.is_file());
        let mode = file.map(|(_, mode)| mode & 0o777);
        match place(&open.folder, name, kind, &content, mode) {
            Err(Errno::ISDIR | Errno::NOTEMPTY | Errno::EXIST) => {
                clear(&open.folder, name)?;
                place(&open.folder, name, kind, &content, None)
            }
            placed => placed,
        }
    });
    match placed {
        Ok(Placed) => done.written.push(path.clone()),
        Err(errno @ (Errno::NOSPC | Errno::DQUOT | Errno::IO | Errno::ROFS)) => {
            return Err(scene.failed(errno));
        }
        Err(_) => done.left.push(path.clone()),
    }
    Ok(())
}
