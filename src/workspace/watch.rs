//! What a session has changed so far, told while it works and often: a look at the stat data of
//! each file of its base, and at the names in each folder that changed since the last look.
//!
//! No process is started, nothing of the session's git directory is read, and no link is followed.
//! The reference is the commit that the session started from, whatever it committed since and
//! whatever was taken in. What is ignored is told by the `.gitignore` files of that commit and by
//! the ignore files of the repository and its owner: a session that edits its own would hide what it
//! adds.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::SystemTime;

use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::entry::{Mode, Stat};
use rustix::fs::FileType;
use rustix::io::Errno;

use super::beneath::Beneath;
use super::error::WorkspaceError;
use super::located::Located;
use super::names::{Names, each_in};
use super::reference::Reference;
use super::stat::{is_over, stat_of};
use super::untouched::{Opened, below, folders};
use crate::git::Repo;

/// The most paths that one look tells.
const MOST: usize = 10_000;

/// The changes in one session's worktree. Each look costs what changed since the last one, and one
/// `lstat` for each file of the base.
pub struct Watch {
    repo: Repo,
    root: PathBuf,
    base: Reference,
    names: Names,
    folders: HashMap<BString, Folder>,
    round: u64,
}

/// What one look found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// The paths that differ from the base, sorted, relative to the root: files with other content,
    /// mode or type, those that are gone, and those that are new and not ignored. A repository
    /// inside that the base does not have, and a folder that cannot be read, is told by its own path.
    /// A submodule counts when its folder is gone, or is none; what it holds does not.
    pub paths: Vec<BString>,
    /// Whether there are more than the 10,000 told here.
    pub more: bool,
}

/// What is known of one folder.
#[derive(Default)]
struct Folder {
    /// Whether the base has it.
    in_base: bool,
    /// The files of the base in it, by their number there.
    files: Vec<usize>,
    /// The last look that it was found by.
    round: u64,
    listing: Listing,
}

/// The names in a folder, as far as they matter.
#[derive(Default)]
struct Listing {
    /// The stat data of the folder before. `None` when a later change might not show in them, or
    /// something was left out.
    stat: Option<Stat>,
    /// Files that the base does not have.
    new: Vec<BString>,
    /// Folders to look into.
    folders: Vec<BString>,
    /// Whether there are more of either, which the look tells by the number of those here.
    more: bool,
}

impl Watch {
    /// Starts from what the base has and from what the runner recorded of the worktree. Without a
    /// record the first look reads every file.
    ///
    /// # Errors
    /// When the base or the ignore files cannot be read.
    pub fn begin(repo: &Repo, place: &Located) -> Result<Self, WorkspaceError> {
        let base = Reference::of(repo, place)?;
        Ok(Self {
            repo: repo.clone(),
            root: place.path.clone(),
            names: Names::of(&repo.gix(), base.index())?,
            folders: folders_of(&base),
            base,
            round: 0,
        })
    }

    /// What differs from the base now. What comes and goes meanwhile may be told or not.
    ///
    /// # Errors
    /// When the worktree is not there, or an object of the base cannot be read.
    pub fn look(&mut self) -> Result<Changed, WorkspaceError> {
        self.round += 1;
        let objects = self.repo.gix();
        let root = Beneath::open(&self.root)
            .map_err(|errno| WorkspaceError::io(&self.root)(errno.into()))?;
        let mut found = Changed::default();
        let mut extra_folders = 0;
        let mut next = vec![BString::default()];
        while let Some(path) = next.pop() {
            if !self.is_in_base(path.as_bstr()) {
                extra_folders += 1;
                if found.paths.len().max(extra_folders) > MOST {
                    found.more = true;
                    continue;
                }
            }
            match root.folder(path.as_bstr()) {
                Ok(open) => self.visit(&objects, path, &open, &mut found, &mut next)?,
                Err(errno) if path.is_empty() => {
                    return Err(WorkspaceError::io(&self.root)(errno.into()));
                }
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
                Err(_) => found.paths.push(path),
            }
        }
        self.forget_lost(&mut found);
        found.paths.sort_unstable();
        found.paths.dedup();
        found.more |= found.paths.len() > MOST;
        found.paths.truncate(MOST);
        Ok(found)
    }

    fn is_in_base(&self, folder: &BStr) -> bool {
        self.folders
            .get(folder)
            .is_some_and(|folder| folder.in_base)
    }

    fn visit(
        &mut self,
        objects: &gix::Repository,
        path: BString,
        open: &Opened,
        found: &mut Changed,
        next: &mut Vec<BString>,
    ) -> Result<(), WorkspaceError> {
        let stat = stat_of(&open.stat);
        let known = self.folders.get(&path);
        if known.is_none_or(|known| known.listing.stat != Some(stat)) {
            // What changes after this gives the folder another time, unless it is too soon to tell.
            let now = SystemTime::now();
            let Ok(mut listing) = self.list(objects, path.as_bstr(), open) else {
                found.paths.push(path);
                return Ok(());
            };
            let lasts = is_over(stat.ctime, now) && !listing.more;
            listing.stat = lasts.then_some(stat);
            self.folders.entry(path.clone()).or_default().listing = listing;
        }
        let Some(folder) = self.folders.get_mut(&path) else {
            return Ok(());
        };
        folder.round = self.round;
        found.paths.extend_from_slice(&folder.listing.new);
        next.extend_from_slice(&folder.listing.folders);
        for &file in &folder.files {
            if self.base.is_changed(objects, file, &open.folder)? {
                found.paths.push(self.base.path(file).to_owned());
            }
        }
        Ok(())
    }

    /// A repository that the base does not have is listed as itself and not looked into. So is every
    /// folder that has a `.git`, whatever that is: git passes by what is in one that it takes for a
    /// repository.
    fn list(
        &mut self,
        objects: &gix::Repository,
        path: &BStr,
        open: &Opened,
    ) -> Result<Listing, Errno> {
        let is_in_base = self.is_in_base(path);
        let mut listing = Listing::default();
        let mut is_nested = false;
        each_in(open, |name, kind| {
            if name == b".git" {
                is_nested = !is_in_base;
                return is_in_base;
            }
            let child = below(path, name);
            let base = self.base.mode(child.as_bstr());
            if self.is_in_base(child.as_bstr()) && kind.is_dir() {
                listing.folders.push(child);
            } else if self.names.is_new(objects, child.as_bstr(), kind, base) {
                listing.add(child, kind);
            }
            true
        })?;
        Ok(match is_nested {
            true => Listing {
                new: vec![path.to_owned()],
                ..Listing::default()
            },
            false => listing,
        })
    }

    /// The files of the base whose folders were not found are gone. What was known of other folders
    /// that are gone is of no use.
    fn forget_lost(&mut self, found: &mut Changed) {
        let Self { folders, base, .. } = self;
        folders.retain(|_, folder| {
            let is_lost = folder.round != self.round;
            if is_lost {
                let gone = folder.files.iter().filter(|file| base.is_missed(**file));
                found
                    .paths
                    .extend(gone.map(|file| base.path(*file).to_owned()));
            }
            folder.in_base || !is_lost
        });
    }
}

impl Listing {
    fn add(&mut self, path: BString, kind: FileType) {
        let list = match kind.is_dir() {
            true => &mut self.folders,
            false => &mut self.new,
        };
        match list.len() > MOST {
            true => self.more = true,
            false => list.push(path),
        }
    }
}

/// The folders of the base, with their files.
fn folders_of(base: &Reference) -> HashMap<BString, Folder> {
    let folder = |path: &BStr| {
        let folder = Folder {
            in_base: true,
            ..Folder::default()
        };
        (path.to_owned(), folder)
    };
    let submodule = |path: &&BStr| base.mode(path) == Some(Mode::COMMIT);
    let known = folders(base.index());
    let known = known.into_iter().filter(|path| !submodule(path));
    let mut known: HashMap<_, _> = known.map(folder).collect();
    for file in 0..base.index().entries().len() {
        let path = base.path(file);
        let parent = &path[..path.rfind_byte(b'/').unwrap_or_default()];
        if let Some(folder) = known.get_mut(parent.as_bstr()) {
            folder.files.push(file);
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::tests::Field;
    use super::*;

    /// Another change could come within the same step of the clock.
    #[test]
    fn what_changed_just_now_is_not_relied_on() {
        let field = Field::new();
        let ws = field.make("one");
        let mut watch = Watch::begin(&field.repo, &ws.located()).unwrap();
        let file = ws.path.join("src/a.txt");
        let place = watch.base.index().entry_index_by_path("src/a.txt".into());
        let place = place.unwrap();
        let mut relies_after = |change: bool| {
            if change {
                fs::remove_file(&file).unwrap();
                fs::write(&file, "two\n").unwrap();
            }
            assert_eq!(watch.look().unwrap().paths, ["src/a.txt"]);
            let folder = watch.folders[BStr::new("src")].listing.stat.is_some();
            (folder, watch.base.is_relied_on(place))
        };
        let deadline = SystemTime::now() + std::time::Duration::from_secs(10);
        while relies_after(true) != (false, false) {
            assert!(SystemTime::now() < deadline, "relied on at once");
        }
        while relies_after(false) != (true, true) {
            assert!(SystemTime::now() < deadline, "never relied on");
        }
    }
}
