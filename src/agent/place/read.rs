//! Looking at files and folders.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Dir, FileType, OFlags, Stat, fstat, statat};
use rustix::io::Errno;

use super::{Place, PlaceError};
use crate::agent::path::RelPath;

/// What stands under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A pipe, a socket or a device.
    Special,
}

/// By which it is seen later that a file is still the one that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) size: u64,
    pub(super) modified: (i64, u64),
    /// Who may do what, the lower nine bits.
    pub(super) mode: u32,
}

/// A file that was read.
#[derive(Debug)]
pub struct Found {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Which one it was.
    pub stamp: Stamp,
}

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name, which need not be UTF-8.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: Kind,
}

impl Kind {
    pub(super) fn of(stat: &Stat) -> Self {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Folder,
            FileType::Symlink => Self::Link,
            _ => Self::Special,
        }
    }
}

impl Stamp {
    // The types of these fields are not the same on all systems.
    #[allow(clippy::unnecessary_cast)]
    pub(super) fn of(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            size: stat.st_size as u64,
            modified: (stat.st_mtime as i64, stat.st_mtime_nsec as u64),
            mode: stat.st_mode & 0o777,
        }
    }
}

impl Place {
    /// What stands at a path, which is not followed if it is a link; nothing, if nothing does.
    ///
    /// # Errors
    /// When a link stands on the way, or the system says something else than that nothing is there.
    pub fn look(&self, path: &RelPath) -> Result<Option<(Kind, Stamp)>, PlaceError> {
        let Some((folder, name)) = path.split() else {
            let stat = fstat(&self.root).map_err(|errno| PlaceError::of(path, errno))?;
            return Ok(Some((Kind::Folder, Stamp::of(&stat))));
        };
        let folder = match self.folder(&folder) {
            Ok(folder) => folder,
            Err(PlaceError::Missing(_) | PlaceError::NoFolder(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        look_in(&folder, name).map_err(|errno| PlaceError::of(path, errno))
    }

    /// A whole file.
    ///
    /// # Errors
    /// When it is no file, or larger than `limit` bytes.
    pub fn read(&self, path: &RelPath, limit: u64) -> Result<Found, PlaceError> {
        // Opening a device does something already, so it is looked at before.
        let seen = self.look(path)?;
        match seen.map(|(kind, _)| kind) {
            None => return Err(PlaceError::Missing(path.clone())),
            Some(Kind::Folder) => return Err(PlaceError::IsFolder(path.clone())),
            Some(Kind::Special) => return Err(PlaceError::Special(path.clone())),
            // Opening says where it leads.
            Some(Kind::File | Kind::Link) => {}
        }
        let file = self.descend(path, OFlags::RDONLY)?;
        let stat = fstat(&file).map_err(|errno| PlaceError::of(path, errno))?;
        if Kind::of(&stat) != Kind::File {
            return Err(PlaceError::Special(path.clone()));
        }
        let stamp = Stamp::of(&stat);
        let too_large = |size| PlaceError::TooLarge {
            path: path.clone(),
            size,
            limit,
        };
        if stamp.size > limit {
            return Err(too_large(stamp.size));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(stamp.size).unwrap_or(0));
        let read = File::from(file).take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|error| PlaceError::of(path, error))?;
        // It may have grown since.
        match bytes.len() as u64 {
            size if size > limit => Err(too_large(size)),
            _ => Ok(Found { bytes, stamp }),
        }
    }

    /// What is in a folder, in the order of the names.
    ///
    /// # Errors
    /// When it is no folder.
    pub fn entries(&self, path: &RelPath) -> Result<Vec<Entry>, PlaceError> {
        let failed = |errno: Errno| PlaceError::of(path, errno);
        let folder = self.descend(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let names = Dir::read_from(&folder).map_err(failed)?;
        let mut entries = Vec::new();
        for found in names {
            let found = found.map_err(failed)?;
            let name = found.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let kind = match found.file_type() {
                FileType::RegularFile => Kind::File,
                FileType::Directory => Kind::Folder,
                FileType::Symlink => Kind::Link,
                // Not every file system tells.
                FileType::Unknown => match statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => Kind::of(&stat),
                    Err(Errno::NOENT) => continue,
                    Err(errno) => return Err(failed(errno)),
                },
                _ => Kind::Special,
            };
            entries.push(Entry {
                name: name.to_bytes().to_vec(),
                kind,
            });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }
}

pub(super) fn look_in(folder: &OwnedFd, name: &str) -> Result<Option<(Kind, Stamp)>, Errno> {
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some((Kind::of(&stat), Stamp::of(&stat)))),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}
