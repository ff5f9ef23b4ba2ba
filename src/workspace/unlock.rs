//! Folders that a job shut, as package managers do with their caches: nobody but root can remove
//! what is in them, or look into them, before they are opened again.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What the owner of a folder needs to look into it and to change what it holds.
const OWNER: u32 = 0o700;

/// Whether its owner may do everything with a folder of this mode.
pub(super) fn is_open(mode: u32) -> bool {
    mode & OWNER == OWNER
}

/// Opens the folder at `path` and all below it to their owner; links are not followed. What cannot
/// be opened is for the next step to tell, which may not need it.
pub(super) fn unlock(path: &Path) {
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(found) = fs::symlink_metadata(&folder) else {
            continue;
        };
        if !found.is_dir() {
            continue;
        }
        let mode = found.permissions().mode();
        if !is_open(mode) {
            let _told_by_the_next_step =
                fs::set_permissions(&folder, Permissions::from_mode(mode | OWNER));
        }
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let below = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        folders.extend(below.map(|entry| entry.path()));
    }
}
