//! Refs that are on the disk when they are made. The library syncs neither a ref nor its folder.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use super::error::GitError;
use super::refs::checked_name;
use super::repo::Repo;
use crate::model::ids::CommitId;

impl Repo {
    /// Makes a ref of treeyard's own that is not there yet, as git does it: written into its lock, and renamed. The commit has
    /// to be on the disk before.
    ///
    /// # Errors
    /// [`GitError::RefMoved`] when it is there; nothing is changed then.
    pub fn create_ref_durably(&self, full_name: &str, new: &CommitId) -> Result<(), GitError> {
        checked_name(full_name)?;
        let path = self.common_dir().join(full_name);
        let lock = self.common_dir().join(format!("{full_name}.lock"));
        let failed = || GitError::io(&path);
        let mut locked = lock_new(&lock);
        let is_held = |found: &io::Result<File>| matches!(found, Err(error) if error.kind() == ErrorKind::AlreadyExists);
        if is_held(&locked) && self.outwait_ref_lock(full_name) {
            locked = lock_new(&lock);
        }
        let file = locked.map_err(failed())?;
        let made = match self.ref_target(full_name) {
            Ok(None) => fill(file, new)
                .and_then(|()| fs::rename(&lock, &path))
                .map_err(failed()),
            Ok(Some(found)) => Err(GitError::RefMoved {
                name: full_name.to_owned(),
                found: found.to_string(),
            }),
            Err(error) => Err(error),
        };
        if made.is_err() {
            let _ours = fs::remove_file(&lock);
        }
        made?;
        // Each folder on the way may be new.
        let folders = path.ancestors().skip(1);
        let below = folders.take_while(|folder| folder.starts_with(self.common_dir().join("refs")));
        below.into_iter().try_for_each(|folder| {
            let synced = File::open(folder).and_then(|folder| folder.sync_all());
            synced.map_err(GitError::io(folder))
        })
    }
}

fn fill(mut file: File, commit: &CommitId) -> io::Result<()> {
    writeln!(file, "{commit}")?;
    file.sync_all()
}

/// Git removes folders of refs that become empty, also between two steps of ours.
fn lock_new(lock: &Path) -> io::Result<File> {
    let mut tries = 3;
    loop {
        if let Some(folder) = lock.parent() {
            fs::create_dir_all(folder)?;
        }
        match File::create_new(lock) {
            Err(error) if error.kind() == ErrorKind::NotFound && tries > 0 => tries -= 1,
            made => return made,
        }
    }
}
