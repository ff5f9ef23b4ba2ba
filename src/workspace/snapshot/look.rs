//! Bringing what is known of a worktree up to date: first one `lstat` for each file, on all cores, then
//! a second look at the folders in which something is new.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use gix::bstr::{BStr, BString, ByteSlice};
use gix::objs::tree::EntryKind;
use rustix::fs::{AtFlags, FileType, statat};
use rustix::io::Errno;

use super::scene::{Scene, Why};
use super::state::{Folder, State, name, parent};
use super::store::Store;
use crate::git::component_flaw;
use crate::workspace::beneath::Beneath;
use crate::workspace::error::WorkspaceError;
use crate::workspace::names::each_in;
use crate::workspace::stat::{is_over, stat_of};
use crate::workspace::untouched::{Opened, below};

/// Few folders are looked through sooner than a thread starts.
const FOLDERS_A_THREAD: usize = 16;
const MOST_THREADS: usize = 8;

/// How a known folder looks at first sight.
enum Glance {
    Same,
    /// Some of its files may be others: those of these numbers.
    Files(Vec<usize>),
    /// It may have other names in it.
    Names,
    /// It is not there, or is no folder any more.
    Gone,
    /// It cannot be looked into.
    Shut,
}

/// Brings `state` up to date. Contents that are new go to `store`. The folders that are gone.
///
/// # Errors
/// When the base cannot be read, or an object cannot be stored. No file of the worktree is a reason.
pub(super) fn look(
    scene: &mut Scene,
    state: &mut State,
    store: &mut Store,
) -> Result<HashSet<BString>, WorkspaceError> {
    let glances = glance_at_all(&scene.root, &state.folders);
    let folders = std::mem::take(&mut state.folders);
    let mut found = Found::default();
    let mut again = Vec::new();
    for (mut folder, glance) in folders.into_iter().zip(glances) {
        match glance {
            Glance::Gone => drop(found.lost.insert(folder.path)),
            Glance::Same => found.keep(folder),
            Glance::Shut => {
                scene.note(folder.path.clone(), Why::Unreadable);
                found.keep(folder);
            }
            Glance::Files(which) => {
                if let Ok(open) = scene.root.folder(folder.path.as_bstr()) {
                    renew(scene, &mut folder, &open, &which, store)?;
                }
                found.keep(folder);
            }
            Glance::Names => {
                found.paths.insert(folder.path.clone());
                again.push(folder);
            }
        }
    }
    if !found.paths.contains(BStr::new("")) {
        again.push(Folder::default());
    }
    while let Some(folder) = again.pop() {
        if let Some(listed) = list(scene, folder, &mut found, &mut again, store)? {
            found.keep(listed);
        }
    }
    add_left_out(scene, &mut found)?;
    let Found {
        mut folders,
        mut lost,
        ..
    } = found;
    forget_below_lost(&mut folders, &mut lost);
    state.folders = folders;
    Ok(lost)
}

#[derive(Default)]
struct Found {
    folders: Vec<Folder>,
    /// Those that are known, or will be.
    paths: HashSet<BString>,
    lost: HashSet<BString>,
}

impl Found {
    fn keep(&mut self, folder: Folder) {
        self.paths.insert(folder.path.clone());
        self.folders.push(folder);
    }
}

fn glance_at_all(root: &Beneath, folders: &[Folder]) -> Vec<Glance> {
    let taken = AtomicUsize::new(0);
    let work = || {
        let mut seen = Vec::new();
        loop {
            let at = taken.fetch_add(1, Ordering::Relaxed);
            let Some(folder) = folders.get(at) else {
                return seen;
            };
            match glance(root, folder) {
                Glance::Same => {}
                other => seen.push((at, other)),
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads
        .min(MOST_THREADS)
        .min(1 + folders.len() / FOLDERS_A_THREAD);
    let seen = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut seen = work();
        for other in others {
            seen.extend(other.join().unwrap_or_default());
        }
        seen
    });
    let mut glances: Vec<Glance> = folders.iter().map(|_| Glance::Same).collect();
    for (at, glance) in seen {
        glances[at] = glance;
    }
    glances
}

fn glance(root: &Beneath, folder: &Folder) -> Glance {
    let open = match root.folder(folder.path.as_bstr()) {
        Ok(open) => open,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => return Glance::Gone,
        Err(_) => return Glance::Shut,
    };
    if folder.stat != Some(stat_of(&open.stat)) {
        return Glance::Names;
    }
    let is_other = |file: &&super::state::File| {
        let found = statat(
            &open.folder,
            file.name.as_bytes(),
            AtFlags::SYMLINK_NOFOLLOW,
        );
        found.map_or(true, |found| match file.kind {
            EntryKind::Commit => !FileType::from_raw_mode(found.st_mode).is_dir(),
            _ => file.stat != Some(stat_of(&found)),
        })
    };
    let numbered = folder.files.iter().enumerate();
    let others: Vec<usize> = numbered
        .filter(|(_, file)| is_other(file))
        .map(|(at, _)| at)
        .collect();
    match others.is_empty() {
        true => Glance::Same,
        false => Glance::Files(others),
    }
}

/// Looks at some files of a folder again.
fn renew(
    scene: &mut Scene,
    folder: &mut Folder,
    open: &Opened,
    which: &[usize],
    store: &mut Store,
) -> Result<(), WorkspaceError> {
    let base = scene.base_entries(folder.path.as_bstr())?;
    let mut gone = HashSet::new();
    for at in which {
        let before = &folder.files[*at];
        let side = base.get(&before.name).copied();
        let path = below(folder.path.as_bstr(), &before.name);
        match scene.file(open, path.as_bstr(), Some(before), side, store)? {
            Some(file) => {
                folder.is_dirty |= (file.kind, file.id) != (before.kind, before.id);
                folder.files[*at] = file;
            }
            None => drop(gone.insert(before.name.clone())),
        }
    }
    folder.is_dirty |= !gone.is_empty();
    folder.files.retain(|file| !gone.contains(&file.name));
    Ok(())
}

/// Reads the names in a folder. `None` when it is not there, or is another repository's.
fn list(
    scene: &mut Scene,
    known: Folder,
    found: &mut Found,
    again: &mut Vec<Folder>,
    store: &mut Store,
) -> Result<Option<Folder>, WorkspaceError> {
    let path = known.path.clone();
    let opened = match scene.root.folder(path.as_bstr()) {
        Ok(open) => Ok(open),
        Err(errno) if path.is_empty() => return Err(scene.failed(errno)),
        Err(errno) => Err(errno),
    };
    // What changes after this gives the folder another time, unless it is too soon to tell.
    let now = SystemTime::now();
    let is_in_base = scene.is_in_base(path.as_bstr())?;
    let mut names = Vec::new();
    let mut is_nested = false;
    let listed = opened.and_then(|open| {
        each_in(&open, |name, kind| {
            if name == b".git" {
                is_nested = !is_in_base;
                return is_in_base;
            }
            names.push((BString::from(name), kind));
            true
        })?;
        Ok(open)
    });
    let open = match listed {
        Ok(open) if !is_nested => open,
        Ok(_) => {
            scene.note(path.clone(), Why::Repository);
            found.lost.insert(path);
            return Ok(None);
        }
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => {
            found.lost.insert(path);
            return Ok(None);
        }
        Err(_) => {
            scene.note(path, Why::Unreadable);
            return Ok(Some(known));
        }
    };
    let stat = stat_of(&open.stat);
    let mut folder = Folder {
        stat: is_over(stat.ctime, now).then_some(stat),
        files: Vec::with_capacity(names.len()),
        is_dirty: true,
        tree: known.tree,
        path,
    };
    let base = scene.base_entries(folder.path.as_bstr())?;
    for (name, kind) in names {
        let child = below(folder.path.as_bstr(), &name);
        let side = base.get(&name).copied();
        let is_submodule = side.is_some_and(|(mode, _)| mode.is_commit());
        if kind.is_dir() && !is_submodule {
            if found.paths.contains(&child) || !scene.counts(child.as_bstr(), kind, side) {
                continue;
            }
            if component_flaw(&name).is_some() {
                scene.note(child, Why::Name);
            } else {
                found.paths.insert(child.clone());
                again.push(Folder {
                    path: child,
                    ..Folder::default()
                });
            }
            continue;
        }
        if !scene.takes(&name, child.as_bstr(), kind, side) {
            continue;
        }
        if component_flaw(&name).is_some() {
            scene.note(child, Why::Name);
        } else if let Some(file) =
            scene.file(&open, child.as_bstr(), known.file(&name), side, store)?
        {
            folder.files.push(file);
        }
    }
    folder.files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Some(folder))
}

/// What a sparse checkout leaves out is not deleted.
fn add_left_out(scene: &mut Scene, found: &mut Found) -> Result<(), WorkspaceError> {
    for path in std::mem::take(&mut scene.left_out) {
        let (folder, name) = (parent(path.as_bstr()).as_bstr(), name(path.as_bstr()));
        let side = scene.base_entries(folder)?.get(name.as_bstr()).copied();
        let Some(file) = side.and_then(|side| scene.of_base(name, side)) else {
            continue;
        };
        let mut above = folder;
        while !above.is_empty() && found.paths.insert(above.to_owned()) {
            found.lost.remove(above);
            let path = above.to_owned();
            found.folders.push(Folder {
                path,
                is_dirty: true,
                ..Folder::default()
            });
            above = parent(above).as_bstr();
        }
        let mut folders = found.folders.iter_mut();
        let Some(folder) = folders.find(|known| known.path == folder) else {
            continue;
        };
        if folder.file(name).is_none() {
            folder.files.push(file);
            folder.files.sort_by(|one, other| one.name.cmp(&other.name));
            folder.is_dirty = true;
        }
    }
    Ok(())
}

/// What is below a folder that is gone is gone as well.
fn forget_below_lost(folders: &mut Vec<Folder>, lost: &mut HashSet<BString>) {
    if lost.is_empty() {
        return;
    }
    folders.sort_by(|one, other| one.path.cmp(&other.path));
    folders.retain(|folder| {
        let is_lost =
            !folder.path.is_empty() && lost.contains(parent(folder.path.as_bstr()).as_bstr());
        if is_lost {
            lost.insert(folder.path.clone());
        }
        !is_lost
    });
}
