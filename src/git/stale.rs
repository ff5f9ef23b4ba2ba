//! Locks on refs that a killed process left: a file beside the ref, which git makes, fills, and
//! renames over it within moments.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::patience::retry;
use super::repo::Repo;

const PATIENCE: Duration = Duration::from_secs(1);

impl Repo {
    /// What somebody who moves a ref has written into its lock so far. `None` when nobody has it.
    pub fn ref_lock(&self, full_name: &str) -> Option<String> {
        let bytes = fs::read(self.lock_path(full_name)).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim_end().to_owned())
    }

    /// [`outwait`] for the lock of a ref. Only for one that is known to be treeyard's own.
    pub fn outwait_ref_lock(&self, full_name: &str) -> bool {
        outwait(&self.lock_path(full_name))
    }

    fn lock_path(&self, full_name: &str) -> PathBuf {
        self.common_dir().join(format!("{full_name}.lock"))
    }
}

/// Waits until nobody has a lock, and takes away one that stays the same for a second. Whether what it
/// locks is free.
pub fn outwait(lock: &Path) -> bool {
    let look = || {
        let found = fs::symlink_metadata(lock).ok()?;
        Some((found.ino(), found.mtime(), found.mtime_nsec(), found.len()))
    };
    let first = look();
    let stays = |found: &Option<_>| found.is_some() && *found == first;
    if !stays(&retry(PATIENCE, look, stays)) {
        return true;
    }
    tracing::warn!(lock = %lock.display(), "a killed process left a lock; it is taken away");
    fs::remove_file(lock).is_ok()
}
