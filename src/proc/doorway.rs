//! Where a door is: a socket in a folder that belongs to a session, which may do there what it likes.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::sys::stat;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, openat, unlinkat};
use rustix::io::Errno;

/// The longest path that an address of a socket holds.
const LONGEST_ADDRESS: usize = 107;

/// A socket's folder, held by descriptors: the session may put links wherever it can write.
pub(super) struct Place {
    git_dir: OwnedFd,
    folder: OwnedFd,
    folder_name: PathBuf,
    name: PathBuf,
}

impl Place {
    /// Makes the folder of a socket `<git directory>/<folder>/<name>`.
    pub(super) fn make(socket: &Path) -> io::Result<Self> {
        let folder = socket.parent().ok_or_else(unusable)?;
        let git_dir = folder.parent().ok_or_else(unusable)?;
        let named = |path: &Path| path.file_name().map(PathBuf::from).ok_or_else(unusable);
        let (folder_name, name) = (named(folder)?, named(socket)?);
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let git_dir = openat(CWD, git_dir, flags, Mode::empty())?;
        match mkdirat(&git_dir, &folder_name, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let folder = openat(&git_dir, &folder_name, flags, Mode::empty())?;
        Ok(Self {
            git_dir,
            folder,
            folder_name,
            name,
        })
    }

    /// The address goes by the open folder: it is short, and leads nowhere else. Only this user may
    /// come in.
    pub(super) fn listen(&self) -> io::Result<UnixListener> {
        match unlinkat(&self.folder, &self.name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let before = stat::umask(stat::Mode::from_bits_truncate(0o177));
        let listener = UnixListener::bind(through(self.folder.as_fd(), &self.name));
        stat::umask(before);
        let listener = listener?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What else the session has put there is the session's.
        let _ = unlinkat(&self.folder, &self.name, AtFlags::empty());
        let _ = unlinkat(&self.git_dir, &self.folder_name, AtFlags::REMOVEDIR);
    }
}

/// Connects to a door, however long its path is.
///
/// # Errors
/// When there is none, or nobody listens there.
pub fn knock(socket: &Path) -> io::Result<UnixStream> {
    if socket.as_os_str().len() <= LONGEST_ADDRESS {
        return UnixStream::connect(socket);
    }
    let folder = socket.parent().ok_or_else(unusable)?;
    let name = socket.file_name().ok_or_else(unusable)?;
    let folder = File::from(openat(
        CWD,
        folder,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?);
    UnixStream::connect(through(folder.as_fd(), Path::new(name)))
}

fn through(folder: BorrowedFd<'_>, name: &Path) -> PathBuf {
    Path::new("/proc/self/fd")
        .join(folder.as_raw_fd().to_string())
        .join(name)
}

pub(super) fn unusable() -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, "no path for a door")
}
