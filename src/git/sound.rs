//! Whether what a commit brings may come into the repository, and onto a target.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap, HashSet};

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};
use gix::objs::tree::EntryMode;

use super::changes::{Side, entries_of, join, parents, root_tree};
use super::entry::{Flaw, LONGEST_LINK, has_control_characters, link_flaw, mode_flaw, name_flaw};
use super::error::GitError;
use super::modules::submodules;
use super::refs::commit_id;
use crate::model::ids::CommitId;
use crate::model::scope::Fold;

/// How much is asked of what is new in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standard {
    /// That a sound git could have written it. What is saved for a person needs no more.
    Storable,
    /// That it does no harm in any checkout either: no control characters in names, no two names
    /// that some file system takes for one, no links that leave the repository, no repository in
    /// it that is not a submodule.
    Landable,
}

/// An entry of a tree that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} in {} {flaw}", commit.as_ref().map_or("the merged tree", |commit| commit.short()))]
pub struct Unsound {
    /// The commit that brings it; `None` when merging did.
    pub commit: Option<CommitId>,
    /// Where it is.
    pub path: String,
    /// What is wrong with it.
    pub flaw: Flaw,
}

/// The first entry of a commit that is refused, of those that it has from none of its parents. A
/// person may have such entries in the repository: as long as they stay as they are, nobody is
/// hindered by them.
///
/// # Errors
/// When an object is missing or damaged.
pub fn unsound_commit(
    objects: &gix::Repository,
    commit: ObjectId,
    standard: Standard,
) -> Result<Option<Unsound>, GitError> {
    let parents = parents(objects, commit)?.into_iter();
    let others: Vec<_> = parents
        .map(|parent| root_tree(objects, parent))
        .collect::<Result<_, _>>()?;
    let found = unsound_tree(objects, root_tree(objects, commit)?, &others, standard)?;
    let commit = Some(commit_id(commit)?);
    Ok(found.map(|found| Unsound { commit, ..found }))
}

/// The first entry of a tree that is refused, of those that none of `others` has.
///
/// # Errors
/// When an object is missing or damaged.
pub fn unsound_tree(
    objects: &gix::Repository,
    tree: ObjectId,
    others: &[ObjectId],
    standard: Standard,
) -> Result<Option<Unsound>, GitError> {
    let root = Folder {
        path: BString::default(),
        depth: 0,
        tree,
        others: others.iter().copied().map(Some).collect(),
    };
    let check = Check {
        objects,
        root: tree,
        landable: standard == Standard::Landable,
        submodules: OnceCell::new(),
    };
    let found = check.all(root)?;
    Ok(found.map(|(path, flaw)| Unsound {
        commit: None,
        path: path.to_str_lossy().into_owned(),
        flaw,
    }))
}

/// A folder, and the same one of each tree that it is compared with.
struct Folder {
    path: BString,
    depth: usize,
    tree: ObjectId,
    others: Vec<Option<ObjectId>>,
}

type Known = Vec<HashMap<BString, Side>>;

struct Check<'a> {
    objects: &'a gix::Repository,
    root: ObjectId,
    landable: bool,
    submodules: OnceCell<BTreeSet<BString>>,
}

impl Check<'_> {
    /// Without recursion, and the same folder once: a session can make trees of any depth, and such
    /// as have themselves a thousand times over.
    fn all(&self, root: Folder) -> Result<Option<(BString, Flaw)>, GitError> {
        let mut left = vec![root];
        let mut seen = HashSet::new();
        while let Some(folder) = left.pop() {
            let others = folder.others.clone();
            if others.contains(&Some(folder.tree))
                || !seen.insert((folder.tree, others, folder.depth))
            {
                continue;
            }
            if let Some(found) = self.folder(&folder, &mut left)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn folder(
        &self,
        folder: &Folder,
        left: &mut Vec<Folder>,
    ) -> Result<Option<(BString, Flaw)>, GitError> {
        let ours = entries_of(self.objects, Some(folder.tree))?;
        let others = folder.others.iter();
        let known: Known = others
            .map(|tree| Ok(entries_of(self.objects, *tree)?.into_iter().collect()))
            .collect::<Result<_, GitError>>()?;
        if let Some((name, flaw)) = self.as_a_whole(&ours, &known) {
            return Ok(Some((join(&folder.path, name), flaw)));
        }
        for (name, side) in &ours {
            let before = || known.iter().map(|other| other.get(name));
            if before().any(|other| other == Some(side)) {
                continue;
            }
            let path = join(&folder.path, name);
            let before: Vec<_> = before().flatten().map(|(mode, _)| *mode).collect();
            if let Some(flaw) = self.entry(&path, name, *side, &before)? {
                return Ok(Some((path, flaw)));
            }
            if side.0.is_tree() {
                let below = |other: &HashMap<BString, Side>| {
                    let same = other.get(name).filter(|(mode, _)| mode.is_tree());
                    same.map(|(_, id)| *id)
                };
                left.push(Folder {
                    path,
                    depth: folder.depth + 1,
                    tree: side.1,
                    others: known.iter().map(below).collect(),
                });
            }
        }
        Ok(None)
    }

    /// What no entry alone shows.
    fn as_a_whole<'e>(
        &self,
        ours: &'e [(BString, Side)],
        known: &Known,
    ) -> Option<(&'e BString, Flaw)> {
        let mut names = HashSet::new();
        if let Some((twice, _)) = ours.iter().find(|(name, _)| !names.insert(name)) {
            return Some((twice, Flaw::Twice));
        }
        let all_known = |other: &HashMap<_, _>| ours.iter().all(|(n, _)| other.contains_key(n));
        if !self.landable || known.iter().any(all_known) {
            return None;
        }
        let fold = Fold {
            ignore_case: true,
            precompose: true,
        };
        let mut spellings = HashMap::with_capacity(ours.len());
        let is_new = |name: &BString| !known.iter().any(|other| other.contains_key(name));
        for (name, _) in ours {
            let Some(twin) = spellings.insert(fold.path(name), name) else {
                continue;
            };
            let has_both =
                |other: &HashMap<_, _>| other.contains_key(name) && other.contains_key(twin);
            if !known.iter().any(has_both) {
                let (new, other) = match is_new(twin) && !is_new(name) {
                    true => (twin, name),
                    false => (name, twin),
                };
                return Some((new, Flaw::Twin(other.to_str_lossy().into_owned())));
            }
        }
        None
    }

    /// An entry that differs from what the other trees have at its place, whose modes are `before`.
    fn entry(
        &self,
        path: &BString,
        name: &BString,
        (mode, id): Side,
        before: &[EntryMode],
    ) -> Result<Option<Flaw>, GitError> {
        if let Some(flaw) = name_flaw(name.as_bstr(), mode).or_else(|| mode_flaw(mode)) {
            return Ok(Some(flaw));
        }
        if !self.landable {
            return Ok(None);
        }
        if before.is_empty() && has_control_characters(name) {
            return Ok(Some(Flaw::ControlCharacters));
        }
        if mode.is_link() {
            return self.link(path, id);
        }
        let is_new = !before.iter().any(|mode| mode.is_commit());
        if mode.is_commit() && is_new && !self.submodules()?.contains(path) {
            return Ok(Some(Flaw::NoSubmodule));
        }
        Ok(None)
    }

    /// The one kind of file whose content counts.
    fn link(&self, path: &BString, id: ObjectId) -> Result<Option<Flaw>, GitError> {
        let failed = || GitError::library(format!("read the link {path}"));
        let size = self
            .objects
            .find_header(id)
            .map_err(|e| failed()(e))?
            .size();
        if size > LONGEST_LINK {
            return Ok(Some(Flaw::LongLink(size)));
        }
        let blob = self.objects.find_blob(id).map_err(|e| failed()(e))?;
        Ok(link_flaw(path, &blob.data))
    }

    fn submodules(&self) -> Result<&BTreeSet<BString>, GitError> {
        if let Some(known) = self.submodules.get() {
            return Ok(known);
        }
        let read = submodules(self.objects, self.root)?;
        Ok(self.submodules.get_or_init(|| read))
    }
}
