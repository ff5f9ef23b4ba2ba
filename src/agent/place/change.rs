//! Changes of files: several at once, all or none.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags, fsync, mkdirat, unlinkat};
use rustix::io::Errno;

use super::read::{Kind, Stamp, look_in};
use super::stage::{move_new, scratch_name, stage, swap};
use super::{Place, PlaceError};
use crate::agent::path::RelPath;

/// One change of a file. It says what is there now, so that nothing is lost that somebody else did in
/// the meantime.
#[derive(Debug)]
pub enum Change {
    /// New bytes for a file, or a new file with the folders that it needs.
    Write {
        /// The file.
        path: RelPath,
        /// All of it.
        bytes: Vec<u8>,
        /// The one that is there; nothing, if there is none.
        over: Option<Stamp>,
    },
    /// No file any more.
    Remove {
        /// The file.
        path: RelPath,
        /// The one that is there.
        over: Stamp,
    },
    /// Another name, which nothing has.
    Move {
        /// The file.
        from: RelPath,
        /// Its new path.
        to: RelPath,
        /// The one that is there.
        over: Stamp,
    },
}

impl Change {
    fn paths(&self) -> impl Iterator<Item = &RelPath> {
        let (one, other) = match self {
            Self::Write { path, .. } | Self::Remove { path, .. } => (path, None),
            Self::Move { from, to, .. } => (from, Some(to)),
        };
        [Some(one), other].into_iter().flatten()
    }
}

/// What was done, in the order in which it was.
#[derive(Default)]
struct Done {
    folders: Vec<(OwnedFd, String)>,
    /// Files in the way that go in any case.
    scratch: Vec<(OwnedFd, String)>,
    undo: Vec<Undo>,
    touched: Vec<OwnedFd>,
}

enum Undo {
    /// Two names of a folder are to change places again.
    Swap(OwnedFd, String, String),
    /// What is called so is to be called as before.
    Back {
        now: (OwnedFd, String),
        before: (OwnedFd, String),
    },
}

impl Place {
    /// Makes all changes, or none of them. Each file is complete from the moment it has its name, and
    /// whoever has the old one open keeps it.
    ///
    /// # Errors
    /// When one of them is not in the scope, goes through a link, or does not find what it expects.
    pub fn apply(&self, changes: &[Change]) -> Result<(), PlaceError> {
        let mut paths = changes.iter().flat_map(Change::paths);
        paths.try_for_each(|path| self.check_scope(path))?;
        let mut done = Done::default();
        let made = changes.iter().try_for_each(|one| self.make(one, &mut done));
        done.settle(made.is_ok());
        made
    }

    fn make(&self, change: &Change, done: &mut Done) -> Result<(), PlaceError> {
        match change {
            Change::Write { path, bytes, over } => {
                let (folder, name) = self.home(path, done)?;
                let failed = |errno: Errno| PlaceError::of(path, errno);
                let mode = over.map(|stamp| stamp.mode);
                let scratch = scratch_name();
                done.scratch.push((copy(&folder, path)?, scratch.clone()));
                stage(&folder, &scratch, bytes, mode)
                    .map_err(|error| PlaceError::of(path, error))?;
                match over {
                    None => {
                        move_new(&folder, &scratch, &folder, &name).map_err(failed)?;
                        let now = (copy(&folder, path)?, name);
                        let before = (copy(&folder, path)?, scratch);
                        done.undo.push(Undo::Back { now, before });
                    }
                    Some(stamp) => {
                        swap(&folder, &scratch, &name).map_err(failed)?;
                        let at = (copy(&folder, path)?, scratch.clone());
                        done.undo.push(Undo::Swap(at.0, at.1, name));
                        expect(&folder, &scratch, *stamp, path)?;
                    }
                }
                done.touched.push(folder);
            }
            Change::Remove { path, over } => {
                let scratch = scratch_name();
                let (folder, name) = self.known(path)?;
                let to = (copy(&folder, path)?, scratch.clone());
                self.rename(path, (&folder, name), to, *over, done)?;
                done.scratch.push((folder, scratch));
            }
            Change::Move { from, to, over } => {
                let (folder, name) = self.known(from)?;
                let to = self.home(to, done)?;
                self.rename(from, (&folder, name), to, *over, done)?;
                done.touched.push(folder);
            }
        }
        Ok(())
    }

    fn rename(
        &self,
        path: &RelPath,
        from: (&OwnedFd, String),
        to: (OwnedFd, String),
        over: Stamp,
        done: &mut Done,
    ) -> Result<(), PlaceError> {
        move_new(from.0, &from.1, &to.0, &to.1).map_err(|errno| PlaceError::of(path, errno))?;
        done.undo.push(Undo::Back {
            now: (copy(&to.0, path)?, to.1.clone()),
            before: (copy(from.0, path)?, from.1),
        });
        expect(&to.0, &to.1, over, path)?;
        done.touched.push(to.0);
        Ok(())
    }

    /// The folder of a file that is there.
    fn known(&self, path: &RelPath) -> Result<(OwnedFd, String), PlaceError> {
        let (folder, name) = path
            .split()
            .ok_or_else(|| PlaceError::IsFolder(path.clone()))?;
        let opened = self.descend(&folder, OFlags::RDONLY | OFlags::DIRECTORY)?;
        Ok((opened, name.to_owned()))
    }

    /// The folder of a file, made when it is missing.
    fn home(&self, path: &RelPath, done: &mut Done) -> Result<(OwnedFd, String), PlaceError> {
        let (folder, _) = path
            .split()
            .ok_or_else(|| PlaceError::IsFolder(path.clone()))?;
        if let Err(PlaceError::Missing(_)) = self.folder(&folder) {
            let mut so_far = RelPath::root();
            for part in folder.parts() {
                let above = self.folder(&so_far)?;
                so_far = so_far.join(part).unwrap_or_default();
                match mkdirat(&above, part, Mode::from_raw_mode(0o777)) {
                    Ok(()) => done.folders.push((above, part.to_owned())),
                    Err(Errno::EXIST) => {}
                    Err(errno) => return Err(PlaceError::of(&so_far, errno)),
                }
            }
        }
        self.known(path)
    }
}

impl Done {
    /// Leaves all of it as it is, or nothing. What cannot be taken back stays under a scratch name.
    fn settle(mut self, keep: bool) {
        if !keep {
            for step in self.undo.drain(..).rev() {
                let taken_back = match &step {
                    Undo::Swap(folder, one, other) => swap(folder, one, other),
                    Undo::Back { now, before } => move_new(&now.0, &now.1, &before.0, &before.1),
                };
                if let Err(errno) = taken_back {
                    tracing::error!("a change of several files could not be taken back: {errno}");
                    return;
                }
            }
        }
        for (folder, name) in &self.scratch {
            // It is not there when it has its proper name by now.
            let _gone = unlinkat(folder, name.as_str(), AtFlags::empty());
        }
        if !keep {
            for (folder, name) in self.folders.iter().rev() {
                // Somebody else may have put something into it.
                let _kept = unlinkat(folder, name.as_str(), AtFlags::REMOVEDIR);
            }
        }
        for folder in &self.touched {
            // The files themselves are on the disk; their names follow with the next sync.
            let _later = fsync(folder);
        }
    }
}

/// That what is called so now is what was meant.
fn expect(folder: &OwnedFd, name: &str, over: Stamp, path: &RelPath) -> Result<(), PlaceError> {
    let found = look_in(folder, name).map_err(|errno| PlaceError::of(path, errno))?;
    let is_same = |(kind, stamp): (Kind, Stamp)| {
        let mode = over.mode;
        kind == Kind::File && Stamp { mode, ..stamp } == over
    };
    match found.is_some_and(is_same) {
        true => Ok(()),
        false => Err(PlaceError::Changed(path.clone())),
    }
}

fn copy(folder: &OwnedFd, path: &RelPath) -> Result<OwnedFd, PlaceError> {
    folder
        .try_clone()
        .map_err(|error| PlaceError::of(path, error))
}
