//! Opening what is below a worktree's root through no symbolic link, whatever is swapped in on the way.

use std::os::fd::OwnedFd;
use std::path::Path;

use gix::bstr::{BStr, ByteSlice};
use rustix::fs::{Mode, OFlags, ResolveFlags, fstat, mkdirat, open, openat, openat2};
use rustix::io::Errno;

use super::untouched::Opened;

/// How often the kernel may be interrupted by folders that are moved about.
const TRIES: usize = 64;
const BENEATH: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS);
const FOLDER: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Whether the kernel keeps paths below a folder by itself, and lets this process ask for it.
pub fn has_openat2(root: &OwnedFd) -> bool {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    openat2(root, ".", flags, Mode::empty(), BENEATH).is_ok()
}

/// Opens what is below a folder through no link, in one call of the system.
///
/// # Errors
/// What the system says.
pub fn open_beneath(root: &OwnedFd, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let mut tried = 0;
    loop {
        match openat2(root, path, flags, Mode::empty(), BENEATH) {
            Err(Errno::AGAIN | Errno::INTR) if tried < TRIES => tried += 1,
            opened => return opened,
        }
    }
}

/// The root of a worktree.
pub(super) struct Beneath {
    root: OwnedFd,
    /// Whether the kernel keeps paths below the root by itself.
    has_openat2: bool,
}

impl Beneath {
    /// # Errors
    /// When there is no such folder.
    pub(super) fn open(root: &Path) -> Result<Self, Errno> {
        let root = open(root, FOLDER | OFlags::PATH, Mode::empty())?;
        let has_openat2 = has_openat2(&root);
        Ok(Self { root, has_openat2 })
    }

    /// A folder, to look into. It is the root when `path` is empty.
    ///
    /// # Errors
    /// When it is not there, or something on the way to it is no folder.
    pub(super) fn folder(&self, path: &BStr) -> Result<Opened, Errno> {
        let folder = match (path.is_empty(), self.has_openat2) {
            (true, _) => openat(&self.root, ".", FOLDER, Mode::empty())?,
            (false, true) => self.at_once(path)?,
            (false, false) => self.by_steps(path)?,
        };
        let stat = fstat(&folder)?;
        Ok(Opened { folder, stat })
    }

    /// The same, made when it is missing.
    ///
    /// # Errors
    /// When something else is in the way.
    pub(super) fn make_folder(&self, path: &BStr) -> Result<Opened, Errno> {
        match self.folder(path) {
            Err(Errno::NOENT) if !path.is_empty() => {
                let (above, name) = match path.rfind_byte(b'/') {
                    Some(at) => (path[..at].as_bstr(), path[at + 1..].as_bytes()),
                    None => (BStr::new(""), path.as_bytes()),
                };
                let above = self.make_folder(above)?;
                match mkdirat(&above.folder, name, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => self.folder(path),
                    Err(errno) => Err(errno),
                }
            }
            opened => opened,
        }
    }

    fn at_once(&self, path: &BStr) -> Result<OwnedFd, Errno> {
        match open_beneath(&self.root, path.as_bytes(), FOLDER) {
            // A path that is longer than one call takes.
            Err(Errno::NAMETOOLONG) => self.by_steps(path),
            opened => opened,
        }
    }

    /// One part after the other, each from the folder before it.
    fn by_steps(&self, path: &BStr) -> Result<OwnedFd, Errno> {
        let mut at: Option<OwnedFd> = None;
        for part in path.split(|byte| *byte == b'/') {
            if matches!(part, b"" | b"." | b"..") {
                return Err(Errno::INVAL);
            }
            let from = at.as_ref().unwrap_or(&self.root);
            at = Some(openat(from, part, FOLDER, Mode::empty())?);
        }
        at.ok_or(Errno::INVAL)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn no_link_on_the_way_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("root/a/b")).unwrap();
        fs::create_dir_all(dir.path().join("out/b")).unwrap();
        symlink("a", dir.path().join("root/near")).unwrap();
        symlink("../out", dir.path().join("root/far")).unwrap();
        for has_openat2 in [true, false] {
            let mut root = Beneath::open(&dir.path().join("root")).unwrap();
            root.has_openat2 &= has_openat2;
            assert!(root.folder("a/b".into()).is_ok());
            assert!(root.folder("".into()).is_ok());
            assert!(root.make_folder("new/deep".into()).is_ok());
            for path in ["near", "near/b", "far", "far/b", "../out", "a/../../out"] {
                assert!(root.folder(path.into()).is_err(), "{path}");
                assert!(root.make_folder(path.into()).is_err(), "{path}");
            }
        }
        let outside = fs::read_dir(dir.path().join("out")).unwrap().count();
        assert_eq!(outside, 1);
    }
}
