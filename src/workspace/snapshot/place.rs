//! Putting one file into an open folder: written beside it, then renamed.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;

use gix::objs::tree::EntryKind;
use rustix::fs::{AtFlags, Dir, Mode, OFlags, openat, renameat, symlinkat, unlinkat};
use rustix::io::Errno;

use super::scene::draft_name;

/// That a file has its name.
pub(super) struct Placed;

/// Gives the file `name` this content, or makes it a link there. Whatever has the name is replaced, but no folder.
pub(super) fn place(
    folder: &OwnedFd,
    name: &[u8],
    kind: EntryKind,
    content: &[u8],
) -> Result<Placed, Errno> {
    let draft = draft_name();
    let made = match kind {
        EntryKind::Link => symlinkat(content, folder, draft.as_str()),
        EntryKind::BlobExecutable => write(folder, &draft, content, 0o777),
        _ => write(folder, &draft, content, 0o666),
    };
    let placed = made.and_then(|()| renameat(folder, draft.as_str(), folder, name));
    if placed.is_err() {
        let _gone = unlinkat(folder, draft.as_str(), AtFlags::empty());
    }
    placed.map(|()| Placed)
}

fn write(folder: &OwnedFd, name: &str, content: &[u8], mode: u32) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(openat(folder, name, flags, Mode::from_raw_mode(mode))?);
    file.write_all(content)
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
}

/// Removes a folder that has nothing but folders in it.
pub(super) fn clear(folder: &OwnedFd, name: &[u8]) -> Result<(), Errno> {
    match unlinkat(folder, name, AtFlags::REMOVEDIR) {
        Err(Errno::NOTEMPTY | Errno::EXIST) => {}
        done => return done,
    }
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let inner = openat(folder, name, flags, Mode::empty())?;
    for found in Dir::read_from(&inner)? {
        let found = found?;
        let name = found.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            clear(&inner, name)?;
        }
    }
    unlinkat(folder, name, AtFlags::REMOVEDIR)
}
