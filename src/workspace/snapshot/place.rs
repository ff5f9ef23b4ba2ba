//! Putting one file into an open folder: written beside it, then renamed.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;

use gix::objs::tree::EntryKind;
use rustix::fs::{AtFlags, Dir, Mode, OFlags, fchmod, openat, renameat, symlinkat, unlinkat};
use rustix::io::Errno;

use super::scene::draft_name;

/// That a file has its name.
pub(super) struct Placed;

/// Gives the file `name` this content, or makes it a link there. Whatever has the name is replaced, but no folder. Where a
/// file is there, `before` is its mode: who may read and write it stays so.
pub(super) fn place(
    folder: &OwnedFd,
    name: &[u8],
    kind: EntryKind,
    content: &[u8],
    before: Option<u32>,
) -> Result<Placed, Errno> {
    let draft = draft_name();
    let made = match kind {
        EntryKind::Link => symlinkat(content, folder, draft.as_str()),
        EntryKind::BlobExecutable => {
            // Whoever may read it may run it.
            let mode = before.map(|mode| mode | (mode & 0o444) >> 2);
            write(folder, &draft, content, (0o777, mode))
        }
        _ => write(
            folder,
            &draft,
            content,
            (0o666, before.map(|mode| mode & !0o111)),
        ),
    };
    let placed = made.and_then(|()| renameat(folder, draft.as_str(), folder, name));
    if placed.is_err() {
        let _gone = unlinkat(folder, draft.as_str(), AtFlags::empty());
    }
    placed.map(|()| Placed)
}

/// With the first of the modes, less what the process grants nobody; or with the second one as it is.
fn write(
    folder: &OwnedFd,
    name: &str,
    content: &[u8],
    (new, before): (u32, Option<u32>),
) -> Result<(), Errno> {
    // Nobody reads it before it has its mode.
    let mode = before.map_or(new, |_| 0o600);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(openat(folder, name, flags, Mode::from_raw_mode(mode))?);
    file.write_all(content)
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    match before {
        Some(mode) => fchmod(&file, Mode::from_raw_mode(mode)),
        None => Ok(()),
    }
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
