//! How two trees differ, and how a worktree differs from a tree.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};

use super::keep;
use super::record;
use super::state::State;
use super::store::Store;
use super::take::see;
use crate::git::{GitError, Repo, Side, entries_of, hunks, join};
use crate::model::ids::CommitId;
use crate::workspace::error::WorkspaceError;
use crate::workspace::located::Located;

/// The largest file whose lines are compared, in bytes.
const LARGEST: usize = 4 << 20;

/// What became of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
    /// It has other bytes, or leads elsewhere.
    Modified,
    /// It became a program, or is none any more; its bytes may differ as well.
    Mode,
    /// It is another kind of thing: a file, a link, a submodule.
    Type,
}

/// A path that differs. A file that became a folder is gone, and what is in the folder is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// From the root.
    pub path: BString,
    /// What became of it.
    pub kind: Kind,
    /// What it was.
    pub before: Option<Side>,
    /// What it is.
    pub after: Option<Side>,
}

impl Difference {
    fn new(path: BString, before: Option<Side>, after: Option<Side>) -> Self {
        let kind = match (before, after) {
            (None, _) => Kind::Added,
            (_, None) => Kind::Deleted,
            (Some((old, _)), Some((new, _))) if old == new => Kind::Modified,
            (Some((old, _)), Some((new, _))) if old.is_blob() && new.is_blob() => Kind::Mode,
            _ => Kind::Type,
        };
        Self {
            path,
            kind,
            before,
            after,
        }
    }
}

/// The paths at which two trees differ, sorted.
///
/// # Errors
/// When a tree cannot be read.
pub fn difference(
    repo: &Repo,
    before: ObjectId,
    after: ObjectId,
) -> Result<Vec<Difference>, WorkspaceError> {
    let objects = repo.gix();
    let listing = |_: &BStr, tree| by_name(&objects, tree);
    compare((before, &listing), (after, &listing))
}

/// The paths at which a worktree differs from a kept snapshot, by what that takes of ignored files, sorted. Nothing is stored.
///
/// # Errors
/// When the worktree, its base or the snapshot cannot be read.
pub fn worktree_difference(
    repo: &Repo,
    ws: &Located,
    snapshot: &CommitId,
) -> Result<Vec<Difference>, WorkspaceError> {
    let (tree, form) = keep::read(repo, snapshot)?;
    let ignored = &form.ignored;
    let mut state = record::read(repo, ws, ignored)?;
    let seen = see(repo, ws, ignored, &mut state, &mut Store::nowhere(repo))?;
    let objects = repo.gix();
    let is = listing_of(&state);
    compare((tree, &|_, tree| by_name(&objects, tree)), (seen.tree, &is))
}

type Listing<'a> = dyn Fn(&BStr, ObjectId) -> Result<BTreeMap<BString, Side>, GitError> + 'a;

/// What a look at a worktree found, as trees would have it.
pub(super) fn listing_of(
    state: &State,
) -> impl Fn(&BStr, ObjectId) -> Result<BTreeMap<BString, Side>, GitError> {
    let listings: HashMap<&BStr, _> = state.listings();
    move |path: &BStr, _| Ok(listings.get(path).cloned().unwrap_or_default())
}

pub(super) fn by_name(
    objects: &gix::Repository,
    tree: ObjectId,
) -> Result<BTreeMap<BString, Side>, GitError> {
    Ok(entries_of(objects, Some(tree))?.into_iter().collect())
}

/// Trees are compared by id, so nothing is read that is the same.
pub(super) fn compare(
    before: (ObjectId, &Listing<'_>),
    after: (ObjectId, &Listing<'_>),
) -> Result<Vec<Difference>, WorkspaceError> {
    let mut found = Vec::new();
    let mut left = vec![(BString::default(), Some(before.0), Some(after.0))];
    while let Some((folder, old, new)) = left.pop() {
        if old == new {
            continue;
        }
        let list = |tree: Option<ObjectId>, listing: &Listing<'_>| match tree {
            Some(tree) => listing(folder.as_bstr(), tree),
            None => Ok(BTreeMap::new()),
        };
        let (olds, news) = (list(old, before.1)?, list(new, after.1)?);
        let names: BTreeSet<&BString> = olds.keys().chain(news.keys()).collect();
        for name in names {
            let (old, new) = (olds.get(name).copied(), news.get(name).copied());
            if old == new {
                continue;
            }
            let path = join(&folder, name);
            let tree = |side: Option<Side>| side.filter(|(mode, _)| mode.is_tree());
            let file = |side: Option<Side>| side.filter(|(mode, _)| !mode.is_tree());
            if tree(old).or(tree(new)).is_some() {
                let id = |(_, id)| id;
                left.push((path.clone(), tree(old).map(id), tree(new).map(id)));
            }
            if file(old).or(file(new)).is_some() {
                found.push(Difference::new(path, file(old), file(new)));
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// The differences as a unified diff, as git prints it, with three lines around. Blobs that are no text, or larger
/// than 4 MiB, are only said to differ. Names and lines are as they are: whoever prints them to
/// a terminal has control characters taken out.
///
/// # Errors
/// When a blob is not there.
pub fn unified(repo: &Repo, differences: &[Difference]) -> Result<Vec<u8>, WorkspaceError> {
    let objects = repo.gix();
    let mut text = Vec::new();
    for one in differences {
        let path = &one.path;
        let mut line = |parts: &[&[u8]]| {
            parts.iter().for_each(|part| text.extend_from_slice(part));
            text.push(b'\n');
        };
        line(&[b"diff --git a/", path, b" b/", path]);
        let mode = |(mode, _): Side| format!("{:06o}", mode.value());
        match (one.before.map(mode), one.after.map(mode)) {
            (None, Some(mode)) => line(&[b"new file mode ", mode.as_bytes()]),
            (Some(mode), None) => line(&[b"deleted file mode ", mode.as_bytes()]),
            (Some(old), Some(new)) if old != new => {
                line(&[b"old mode ", old.as_bytes()]);
                line(&[b"new mode ", new.as_bytes()]);
            }
            _ => {}
        }
        let id = |side: Option<Side>| side.map(|(_, id)| id);
        if id(one.before) == id(one.after) {
            continue;
        }
        let (old, new) = (
            content(&objects, one.before)?,
            content(&objects, one.after)?,
        );
        let (Some(old), Some(new)) = (old, new) else {
            line(&[b"Binary files a/", path, b" and b/", path, b" differ"]);
            continue;
        };
        let side = |there: bool, letter: &str| match there {
            true => [letter.as_bytes(), b"/", path].concat(),
            false => b"/dev/null".to_vec(),
        };
        let hunks = hunks(&old, &new);
        if !hunks.is_empty() {
            line(&[b"--- ", &side(one.before.is_some(), "a")]);
            line(&[b"+++ ", &side(one.after.is_some(), "b")]);
            text.extend_from_slice(&hunks);
        }
    }
    Ok(text)
}

/// `None` when it is not to be shown.
fn content(
    objects: &gix::Repository,
    side: Option<Side>,
) -> Result<Option<Vec<u8>>, WorkspaceError> {
    const WHAT: &str = "read a file of a tree";
    let Some((mode, id)) = side else {
        return Ok(Some(Vec::new()));
    };
    if mode.is_commit() {
        return Ok(Some(format!("Subproject commit {id}\n").into_bytes()));
    }
    let header = objects.find_header(id).map_err(GitError::library(WHAT))?;
    if header.size() > LARGEST as u64 {
        return Ok(None);
    }
    let found = objects.find_object(id).map_err(GitError::library(WHAT))?;
    let bytes = found.detach().data;
    Ok((!bytes.contains(&0)).then_some(bytes))
}
