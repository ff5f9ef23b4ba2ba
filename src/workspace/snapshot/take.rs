//! Making a tree of a worktree.

use gix::ObjectId;
use gix::bstr::BString;

use super::look::look;
use super::record;
use super::scene::{Note, Scene};
use super::state::State;
use super::store::Store;
use crate::git::Repo;
use crate::model::scope::Scope;
use crate::workspace::error::WorkspaceError;
use crate::workspace::located::Located;
use crate::workspace::pack::Kept;

/// A snapshot. What it is made of is on the disk, and no `git gc` removes it as long as this lives.
#[derive(Debug)]
#[must_use]
pub struct Taken {
    /// The tree, in the main repository.
    pub tree: ObjectId,
    /// What it has otherwise than the worktree, or not at all, by path.
    pub notes: Vec<Note>,
    pub(super) form: Form,
    _until_a_ref_has_it: Vec<Kept>,
}

/// In which form the files of a snapshot are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    /// Which of the files that the base's rules ignore are in it all the same.
    pub ignored: Scope,
    pub bytes: Bytes,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bytes {
    /// As they were in the worktree, whatever attributes say.
    AsTheyWere,
    /// As git stores them, by the attributes of the base; but these files as they were.
    Converted { raw: Vec<BString> },
}

/// Puts the files of a worktree into a tree: those of its base, and those that are new. What the last snapshot
/// found is kept, so only files whose stat data are new are read.
///
/// The rules of the base say what is ignored; files of that in `ignored` are taken like all others. Repositories inside,
/// pipes, sockets and devices are left out, and so are empty folders, which git does not have; a submodule stays at its
/// commit. Nothing of the session's git directory is read, no process is started, and no link is followed.
///
/// # Errors
/// When the worktree or its base is not there, or an object cannot be stored. No single file is a reason: see
/// [`Taken::notes`].
pub fn take(repo: &Repo, ws: &Located, ignored: &Scope) -> Result<Taken, WorkspaceError> {
    let mut state = record::read(repo, ws, ignored)?;
    let before = state.clone();
    let mut store = Store::of(repo);
    let seen = see(repo, ws, ignored, &mut state, &mut store)?;
    let kept = store.finish()?;
    if state != before {
        record::write(repo, ws, ignored, &state)?;
    }
    Ok(Taken {
        tree: seen.tree,
        notes: seen.notes,
        form: seen.form,
        _until_a_ref_has_it: kept,
    })
}

/// What a look brought.
pub(super) struct Seen {
    pub tree: ObjectId,
    pub form: Form,
    pub notes: Vec<Note>,
}

/// Brings `state` up to date and makes its trees.
pub(super) fn see(
    repo: &Repo,
    ws: &Located,
    ignored: &Scope,
    state: &mut State,
    store: &mut Store,
) -> Result<Seen, WorkspaceError> {
    see_with(repo, ws, ignored, state, store, |_, _| {}).map(|(_, seen)| seen)
}

/// The same, in a scene that is set otherwise.
pub(super) fn see_with(
    repo: &Repo,
    ws: &Located,
    ignored: &Scope,
    state: &mut State,
    store: &mut Store,
    prepare: impl FnOnce(&mut Scene, &mut State),
) -> Result<(Scene, Seen), WorkspaceError> {
    let mut scene = Scene::set(repo, ws, state, ignored)?;
    prepare(&mut scene, state);
    let lost = look(&mut scene, state, store)?;
    let tree = state.make_trees(&lost, store)?;
    let mut notes = std::mem::take(&mut scene.notes);
    notes.sort_by(|one, other| one.path.cmp(&other.path));
    let bytes = match scene.converts() {
        false => Bytes::AsTheyWere,
        true => Bytes::Converted { raw: state.raw() },
    };
    let form = Form {
        ignored: ignored.clone(),
        bytes,
    };
    Ok((scene, Seen { tree, form, notes }))
}
