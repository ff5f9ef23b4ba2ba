//! Opening what is below a folder, through no link.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, readlinkat, statat};
use rustix::io::Errno;

use super::{Place, PlaceError};
use crate::agent::path::RelPath;
use crate::workspace::open_beneath;

impl Place {
    /// A folder, to make, rename and remove files in.
    pub(super) fn folder(&self, path: &RelPath) -> Result<OwnedFd, PlaceError> {
        self.descend(path, OFlags::PATH | OFlags::DIRECTORY)
    }

    /// Opens what is there, without waiting for the other end of a pipe.
    pub(super) fn descend(&self, path: &RelPath, flags: OFlags) -> Result<OwnedFd, PlaceError> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        // The two are of no meaning to a descriptor of a mere path, which the kernel insists on.
        let flags = match flags.contains(OFlags::PATH) {
            true => flags - OFlags::NONBLOCK - OFlags::NOCTTY,
            false => flags,
        };
        let opened = match self.has_openat2 {
            true => self.at_once(path, flags),
            false => self.by_steps(path, flags),
        };
        opened.map_err(|errno| self.blame(path, errno))
    }

    fn at_once(&self, path: &RelPath, flags: OFlags) -> Result<OwnedFd, Errno> {
        let path = if path.is_root() { "." } else { path.as_str() };
        open_beneath(&self.root, path.as_bytes(), flags)
    }

    /// One part after the other, each from the folder before it.
    fn by_steps(&self, path: &RelPath, flags: OFlags) -> Result<OwnedFd, Errno> {
        let on_the_way = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Some((folder, name)) = path.split() else {
            return openat(&self.root, ".", flags, Mode::empty());
        };
        let mut at: Option<OwnedFd> = None;
        for part in folder.parts() {
            let from = at.as_ref().unwrap_or(&self.root);
            at = Some(openat(from, part, on_the_way, Mode::empty())?);
        }
        let folder = at.as_ref().unwrap_or(&self.root);
        let opened = openat(folder, name, flags, Mode::empty())?;
        match flags.contains(OFlags::PATH) && is_link(opened.as_fd())? {
            true => Err(Errno::LOOP),
            false => Ok(opened),
        }
    }

    /// What stands in the way, for whoever is told. It decides nothing.
    fn blame(&self, path: &RelPath, errno: Errno) -> PlaceError {
        if !matches!(errno, Errno::LOOP | Errno::NOTDIR | Errno::XDEV) {
            return PlaceError::of(path, errno);
        }
        let mut so_far = RelPath::root();
        let mut at: Option<OwnedFd> = None;
        for part in path.parts() {
            let from = at.as_ref().unwrap_or(&self.root);
            let Ok(next) = so_far.join(part) else { break };
            so_far = next;
            if let Ok(target) = readlinkat(from, part, Vec::new()) {
                let to = format!(" to {:?}", target.to_string_lossy());
                return PlaceError::Link { path: so_far, to };
            }
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let Ok(next) = openat(from, part, flags, Mode::empty()) else {
                break;
            };
            at = Some(next);
        }
        match errno {
            // It was a link when it was opened, and is none any more.
            Errno::LOOP => PlaceError::Changed(path.clone()),
            errno => PlaceError::of(path, errno),
        }
    }
}

fn is_link(file: BorrowedFd<'_>) -> Result<bool, Errno> {
    let stat = statat(file, "", AtFlags::EMPTY_PATH)?;
    Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}
