//! What the index changes against a commit. Folders whose tree the index knows are not looked into,
//! so this costs as much as is changed, not as much as there is.

use std::collections::BTreeMap;
use std::path::Path;

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::entry::{Flags, Mode, Stage};
use gix::index::{Entry, State, extension};
use gix::objs::tree::EntryMode;

use super::cached::whole_tree;
use super::error::HookError;
use super::history::Paths;
use super::place::{index_path, is_replaying, merge_heads, tip};
use crate::git::{differing, entries_of, parents, root_tree};

/// What a commit made here would change itself: against HEAD, and of a merge what it has of none of
/// the commits that are merged. What it takes over as it is was made elsewhere. A rebase makes commits
/// again that were there before; what comes of them is seen when it moves the branch.
pub(super) fn staged_here(repo: &gix::Repository) -> Result<Paths, HookError> {
    if is_replaying(repo) {
        return Ok(Paths::new());
    }
    let mut changed = staged_against(repo, tip(repo, "HEAD"))?;
    for merged in merge_heads(repo) {
        let differs = staged_against(repo, Some(merged))?;
        changed.retain(|path| differs.contains(path));
    }
    Ok(changed)
}

/// Of `found` those whose path is not as a parent of HEAD has it: an amended commit takes the others back. Git
/// does not say of every amended one that it is; what comes of one that is not is seen when the branch moves.
pub(super) fn not_taken_back<T>(
    repo: &gix::Repository,
    mut found: Vec<T>,
    path: impl Fn(&T) -> &BString,
) -> Result<Vec<T>, HookError> {
    let Some(head) = tip(repo, "HEAD").filter(|_| !found.is_empty()) else {
        return Ok(found);
    };
    for parent in parents(repo, head)? {
        let differs = staged_against(repo, Some(parent))?;
        found.retain(|item| differs.contains(path(item)));
    }
    Ok(found)
}

fn staged_against(repo: &gix::Repository, commit: Option<ObjectId>) -> Result<Paths, HookError> {
    let tree = commit.map(|id| root_tree(repo, id)).transpose()?;
    staged(repo, &index_path(repo), tree)
}

/// The paths in which an index differs from a tree. A rename is a deletion and an addition.
pub(super) fn staged(
    repo: &gix::Repository,
    index: &Path,
    tree: Option<ObjectId>,
) -> Result<Paths, HookError> {
    if !index.exists() {
        return match tree {
            None => Ok(Paths::new()),
            Some(tree) => Ok(differing(repo, ObjectId::empty_tree(tree.kind()), &[tree])?),
        };
    }
    // So it is when git starts the hook: it has just made the tree that it is about to commit.
    if let Some(whole) = whole_tree(index).filter(|id| repo.has_object(*id)) {
        return Ok(differing(repo, whole, tree.as_slice())?);
    }
    let file = gix::index::File::at(index, repo.object_hash(), true, Default::default())
        .map_err(HookError::library("read the index"))?;
    let mut walk = Walk {
        repo,
        state: &file,
        found: Paths::new(),
    };
    walk.folder(BStr::new(""), tree, file.tree(), file.entries())?;
    Ok(walk.found)
}

struct Walk<'a> {
    repo: &'a gix::Repository,
    state: &'a State,
    found: Paths,
}

/// What stands under one name in a folder.
#[derive(Default)]
struct Sides<'a> {
    tree: Option<(EntryMode, ObjectId)>,
    file: Option<&'a Entry>,
    below: &'a [Entry],
}

impl<'a> Walk<'a> {
    fn folder(
        &mut self,
        prefix: &BStr,
        tree: Option<ObjectId>,
        cached: Option<&extension::Tree>,
        entries: &'a [Entry],
    ) -> Result<(), HookError> {
        let known = cached.filter(|cached| cached.num_entries.is_some());
        if known.is_some_and(|cached| Some(cached.id) == tree) {
            return Ok(());
        }
        // A sparse index has one entry for a whole folder.
        if let [only] = entries
            && only.mode == Mode::DIR
            && only.path(self.state) == prefix
        {
            return self.whole(prefix, tree, only.id);
        }
        let mut names = self.names(prefix, entries);
        for (name, side) in entries_of(self.repo, tree)? {
            names.entry(name).or_default().tree = Some(side);
        }
        for (name, sides) in names {
            self.name(prefix, &name, &sides, cached)?;
        }
        Ok(())
    }

    fn name(
        &mut self,
        prefix: &BStr,
        name: &BString,
        sides: &Sides<'a>,
        cached: Option<&extension::Tree>,
    ) -> Result<(), HookError> {
        let path: BString = [prefix.as_bytes(), name.as_bytes()].concat().into();
        let file = sides.file.and_then(|entry| {
            let mode = entry.mode.to_tree_entry_mode()?;
            Some((mode.kind(), entry.id))
        });
        let (folder, before) = match sides.tree {
            Some((mode, id)) if mode.is_tree() => (Some(id), None),
            Some((mode, id)) => (None, Some((mode.kind(), id))),
            None => (None, None),
        };
        if file != before {
            self.found.insert(path.clone());
        }
        if folder.is_none() && sides.below.is_empty() {
            return Ok(());
        }
        let children = cached.map_or(&[][..], |cached| &cached.children);
        let child = children.iter().find(|child| child.name[..] == name[..]);
        let below: BString = [path.as_bytes(), b"/"].concat().into();
        self.folder(below.as_bstr(), folder, child, sides.below)
    }

    fn whole(
        &mut self,
        prefix: &BStr,
        old: Option<ObjectId>,
        new: ObjectId,
    ) -> Result<(), HookError> {
        if old == Some(new) {
            return Ok(());
        }
        for path in differing(self.repo, new, old.as_slice())? {
            self.found
                .insert([prefix.as_bytes(), path.as_bytes()].concat().into());
        }
        Ok(())
    }

    /// The names that the entries have in this folder. Entries are sorted, so those below one name
    /// stand together.
    fn names(&self, prefix: &BStr, entries: &'a [Entry]) -> BTreeMap<BString, Sides<'a>> {
        let mut names: BTreeMap<BString, Sides<'a>> = BTreeMap::new();
        let mut at = 0;
        while let Some(entry) = entries.get(at) {
            let rest = &entry.path(self.state)[prefix.len()..];
            let Some(slash) = rest.find_byte(b'/') else {
                // Only announced by `git add -N`, or one side of a conflict.
                let counts = !entry.flags.contains(Flags::INTENT_TO_ADD)
                    && entry.stage() == Stage::Unconflicted;
                if counts {
                    names.entry(rest.into()).or_default().file = Some(entry);
                }
                at += 1;
                continue;
            };
            let folder = &entry.path(self.state)[..prefix.len() + slash + 1];
            let below = entries[at..]
                .iter()
                .take_while(|entry| entry.path(self.state).starts_with(folder))
                .count();
            let name = rest[..slash].into();
            names.entry(name).or_default().below = &entries[at..at + below];
            at += below;
        }
        names
    }
}
