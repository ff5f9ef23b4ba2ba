//! What a look at a worktree found: its folders, their files, and the tree that each of them makes.

use std::collections::{BTreeMap, HashMap, HashSet};

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::entry::Stat;
use gix::objs::tree::{Entry, EntryKind};
use gix::objs::{Kind, WriteTo};

use super::store::Store;
use crate::git::{GitError, Side};
use crate::workspace::error::WorkspaceError;

/// All that is known of a worktree.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct State {
    /// The files of the base that say what is ignored and how files are written.
    pub rules: Vec<(BString, ObjectId)>,
    /// Whether the worktree leaves files of the base out.
    pub is_sparse: bool,
    /// Whether attributes may ask for conversions.
    pub converts: bool,
    /// Those that hold anything, by path; the root comes first.
    pub folders: Vec<Folder>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Folder {
    /// From the root, which is empty.
    pub path: BString,
    /// What it is as a tree; nothing, when there is no file below it.
    pub tree: Option<ObjectId>,
    /// Its stat data before its names were read. `None` when a later change might not show in them.
    pub stat: Option<Stat>,
    /// By name.
    pub files: Vec<File>,
    /// Whether its tree has to be made anew.
    pub is_dirty: bool,
}

/// A file, a link or a submodule.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct File {
    pub name: BString,
    pub kind: EntryKind,
    pub id: ObjectId,
    /// Its stat data when it was read. `None` when a later change might not show in them.
    pub stat: Option<Stat>,
    /// Whether its blob was written by a snapshot, and may not be there any more.
    pub is_own: bool,
    /// Whether the blob has its very bytes although its attributes ask for a conversion.
    pub is_raw: bool,
}

impl Folder {
    pub(super) fn file(&self, name: &[u8]) -> Option<&File> {
        let at = self
            .files
            .binary_search_by(|file| file.name.as_slice().cmp(name));
        at.ok().map(|at| &self.files[at])
    }
}

impl State {
    /// Makes the trees of the folders that changed, and of those above them. The root's tree.
    ///
    /// # Errors
    /// When one cannot be stored.
    pub(super) fn make_trees(
        &mut self,
        lost: &HashSet<BString>,
        store: &mut Store,
    ) -> Result<ObjectId, WorkspaceError> {
        self.folders.sort_by(|one, other| one.path.cmp(&other.path));
        let places = self.folders.iter().enumerate();
        let places: HashMap<BString, usize> = places
            .map(|(at, folder)| (folder.path.clone(), at))
            .collect();
        for path in lost {
            if let Some(at) = places.get(parent(path.as_bstr())) {
                self.folders[*at].is_dirty = true;
            }
        }
        let mut below: Vec<Vec<usize>> = vec![Vec::new(); self.folders.len()];
        for (at, folder) in self.folders.iter().enumerate().skip(1) {
            if let Some(above) = places.get(parent(folder.path.as_bstr())) {
                below[*above].push(at);
            }
        }
        // What is in a folder sorts after it.
        for at in (0..self.folders.len()).rev() {
            if !self.folders[at].is_dirty {
                continue;
            }
            let made = self.make_tree(at, &below[at], store)?;
            let folder = &mut self.folders[at];
            folder.is_dirty = false;
            let is_same = folder.tree == made;
            folder.tree = made;
            let above = places.get(parent(folder.path.as_bstr()));
            if let (false, Some(above)) = (is_same || folder.path.is_empty(), above) {
                self.folders[*above].is_dirty = true;
            }
        }
        let root = self.folders.first().and_then(|root| root.tree);
        Ok(match root {
            Some(root) => root,
            None => store.put(Kind::Tree, &[])?,
        })
    }

    fn make_tree(
        &self,
        at: usize,
        below: &[usize],
        store: &mut Store,
    ) -> Result<Option<ObjectId>, WorkspaceError> {
        let folder = &self.folders[at];
        let files = folder.files.iter().map(|file| Entry {
            mode: file.kind.into(),
            filename: file.name.clone(),
            oid: file.id,
        });
        let folders = below.iter().filter_map(|at| {
            let inner = &self.folders[*at];
            Some(Entry {
                mode: EntryKind::Tree.into(),
                filename: name(inner.path.as_bstr()).into(),
                oid: inner.tree?,
            })
        });
        let mut entries: Vec<Entry> = files.chain(folders).collect();
        if entries.is_empty() {
            return Ok(None);
        }
        entries.sort();
        let mut bytes = Vec::new();
        gix::objs::Tree { entries }
            .write_to(&mut bytes)
            .map_err(GitError::library("make a tree"))?;
        match folder.tree {
            Some(known) if Store::id(Kind::Tree, &bytes)? == known => Ok(Some(known)),
            _ => store.put(Kind::Tree, &bytes).map(Some),
        }
    }

    /// What is in each folder, as its tree has it.
    pub(super) fn listings(&self) -> HashMap<&BStr, BTreeMap<BString, Side>> {
        let mut found: HashMap<&BStr, BTreeMap<BString, Side>> = HashMap::new();
        for folder in &self.folders {
            let files = folder.files.iter();
            let sides = files.map(|file| (file.name.clone(), (file.kind.into(), file.id)));
            found
                .entry(folder.path.as_bstr())
                .or_default()
                .extend(sides);
            if let (Some(tree), false) = (folder.tree, folder.path.is_empty()) {
                let above = found
                    .entry(parent(folder.path.as_bstr()).as_bstr())
                    .or_default();
                let side = (EntryKind::Tree.into(), tree);
                above.insert(name(folder.path.as_bstr()).into(), side);
            }
        }
        found
    }

    /// The files whose blobs have their very bytes against their attributes.
    pub(super) fn raw(&self) -> Vec<BString> {
        let of = |folder: &Folder| {
            let raw = folder.files.iter().filter(|file| file.is_raw);
            let path = folder.path.clone();
            raw.map(move |file| crate::workspace::untouched::below(path.as_bstr(), &file.name))
                .collect::<Vec<_>>()
        };
        self.folders.iter().flat_map(of).collect()
    }
}

pub(super) fn parent(path: &BStr) -> &[u8] {
    &path[..path.rfind_byte(b'/').unwrap_or_default()]
}

pub(super) fn name(path: &BStr) -> &[u8] {
    &path[path.rfind_byte(b'/').map_or(0, |slash| slash + 1)..]
}
