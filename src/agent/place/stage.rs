//! The steps of changing files in one folder.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;

use rustix::fs::{
    AtFlags, Mode, OFlags, RenameFlags, fchmod, linkat, openat, renameat_with, unlinkat,
};
use rustix::io::Errno;
use uuid::Uuid;

/// A name that nothing has, for a file that waits for its own.
pub(super) fn scratch_name() -> String {
    format!(".treeyard-{}.tmp", Uuid::now_v7().simple())
}

/// Writes a new file and brings it to the disk. Without a mode it gets that of any new file.
pub(super) fn stage(
    folder: &OwnedFd,
    name: &str,
    bytes: &[u8],
    mode: Option<u32>,
) -> std::io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // Nobody else reads it before it has the mode of the one before.
    let open = Mode::from_raw_mode(if mode.is_some() { 0o600 } else { 0o666 });
    let mut file = File::from(openat(folder, name, flags, open)?);
    file.write_all(bytes)?;
    if let Some(mode) = mode {
        fchmod(&file, Mode::from_raw_mode(mode))?;
    }
    file.sync_all()
}

/// Gives a file another name, which nothing may have.
pub(super) fn move_new(from: &OwnedFd, old: &str, to: &OwnedFd, new: &str) -> Result<(), Errno> {
    match renameat_with(from, old, to, new, RenameFlags::NOREPLACE) {
        // Some network file systems cannot; a second link fails as well when the name is taken.
        Err(errno) if is_unknown(errno) => {
            linkat(from, old, to, new, AtFlags::empty())?;
            unlinkat(from, old, AtFlags::empty())
        }
        renamed => renamed,
    }
}

/// Lets two files of a folder change names.
pub(super) fn swap(folder: &OwnedFd, one: &str, other: &str) -> Result<(), Errno> {
    match renameat_with(folder, one, folder, other, RenameFlags::EXCHANGE) {
        // For a moment nothing has the second name then.
        Err(errno) if is_unknown(errno) => {
            let aside = scratch_name();
            move_new(folder, other, folder, &aside)?;
            move_new(folder, one, folder, other)?;
            move_new(folder, &aside, folder, one)
        }
        swapped => swapped,
    }
}

fn is_unknown(errno: Errno) -> bool {
    matches!(errno, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)
}
