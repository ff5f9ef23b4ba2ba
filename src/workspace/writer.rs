//! One thread's way of writing files: below an open folder, so that no path is walked twice.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::Entry;
use gix::index::entry::{Mode, Stat};
use gix::objs::FindExt;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{self, AtFlags, OFlags, Timestamps};

use super::convert::Conversion;
use super::error::WorkspaceError;
use super::source::Source;
use super::stat::stat_of;
use crate::git::GitError;

/// What the files of a worktree are written with.
pub(super) struct Writer<'a> {
    /// The worktree, whose folders exist.
    pub root: &'a Path,
    /// Where the bytes come from.
    pub objects: gix::Repository,
    /// What is made of them.
    pub conversion: Option<Conversion>,
    /// Where files come from instead, if they can.
    pub source: Option<&'a Source>,
    /// Whether the file system has symbolic links, as git's settings say.
    pub links: bool,
    /// The time that the files get.
    pub times: &'a Timestamps,
    /// The folder of the last file.
    pub folder: Folder,
    /// The last object.
    pub buffer: Vec<u8>,
}

/// An open folder, and the same one of the main checkout if files can come from there.
pub(super) struct Folder {
    path: BString,
    target: OwnedFd,
    source: Option<OwnedFd>,
}

impl Folder {
    /// The folder `path` below `root`.
    pub(super) fn open(
        root: &Path,
        path: &BStr,
        source: Option<&Source>,
    ) -> Result<Self, WorkspaceError> {
        let whole = root.join(path.to_path_lossy());
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self {
            path: path.to_owned(),
            target: fs::open(&whole, flags, fs::Mode::empty())
                .map_err(|error| WorkspaceError::io(&whole)(error.into()))?,
            source: source.and_then(|source| source.folder(path)),
        })
    }
}

impl Writer<'_> {
    /// Writes the file `path`. Its stat data, `None` when it is left to git.
    pub(super) fn write(
        &mut self,
        entry: &Entry,
        path: &BStr,
    ) -> Result<Option<Stat>, WorkspaceError> {
        if entry.mode == Mode::COMMIT {
            return Ok(Some(Stat::default()));
        }
        let (parent, name) = split(path);
        if self.folder.path != parent {
            self.folder = Folder::open(self.root, parent, self.source)?;
        }
        let target = Target {
            folder: &self.folder.target,
            name,
            mode: entry.mode,
            times: self.times,
        };
        let failed = |error| refused(self.root, path, error);
        if let (Some(source), Some(folder)) = (self.source, &self.folder.source)
            && let Some(found) = source.find(entry, path, (folder, name))
        {
            let same_size = || found.has_size(stored_size(&self.objects, entry));
            let taken = match found.shared {
                true if same_size() => target.share(|file| found.share(file)),
                false
                    if found.read(&mut self.buffer)
                        && (!may_be_converted(&self.buffer) || same_size()) =>
                {
                    target.file(&self.buffer).map(Some)
                }
                _ => Ok(None),
            };
            if let Some(written) = taken.map_err(failed)? {
                return Ok(Some(written));
            }
        }
        let content = self
            .objects
            .objects
            .find_blob(&entry.id, &mut self.buffer)
            .map_err(GitError::library("read a file of the base"))?
            .data;
        let written = match (entry.mode, &mut self.conversion) {
            (Mode::SYMLINK, _) if self.links => target.link(content),
            (Mode::SYMLINK, _) | (_, None) => target.file(content),
            (_, Some(conversion)) => {
                match conversion.apply(&self.objects, &entry.id, path, content)? {
                    Some(content) => target.file(&content),
                    None => return Ok(None),
                }
            }
        };
        written.map(Some).map_err(failed)
    }
}

/// Bytes of the object as it is stored.
fn stored_size(objects: &gix::Repository, entry: &Entry) -> Option<u64> {
    Some(objects.find_header(entry.id).ok()?.size())
}

/// Whether something may have made line endings or an id of it, by settings that do not hold any
/// more. To look at the stored size of each file would cost as much as is won.
fn may_be_converted(bytes: &[u8]) -> bool {
    bytes.find_byte(b'\r').is_some() || bytes.contains_str("$Id:")
}

fn split(path: &BStr) -> (&BStr, &BStr) {
    match path.rfind_byte(b'/') {
        Some(at) => (path[..at].as_bstr(), path[at + 1..].as_bstr()),
        None => (BStr::new(""), path),
    }
}

fn refused(root: &Path, path: &BStr, error: io::Error) -> WorkspaceError {
    if error.kind() == io::ErrorKind::AlreadyExists {
        let what = format!("two files of the base have the same name here: {path}");
        return WorkspaceError::Unusable(what);
    }
    WorkspaceError::io(&root.join(path.to_path_lossy()))(error)
}

/// A file that is not there yet.
struct Target<'a> {
    folder: &'a OwnedFd,
    name: &'a BStr,
    mode: Mode,
    times: &'a Timestamps,
}

impl Target<'_> {
    fn create(&self) -> io::Result<File> {
        let executable = self.mode == Mode::FILE_EXECUTABLE;
        let mode = if executable { 0o777 } else { 0o666 };
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = fs::openat(self.folder, self.name.as_bytes(), flags, mode.into())?;
        Ok(File::from(file))
    }

    fn file(&self, content: &[u8]) -> io::Result<Stat> {
        let mut file = self.create()?;
        file.write_all(content)?;
        self.finish(&file)
    }

    /// With the content that `fill` gives it, if it can.
    fn share(&self, fill: impl FnOnce(&File) -> bool) -> io::Result<Option<Stat>> {
        let file = self.create()?;
        if fill(&file) {
            return self.finish(&file).map(Some);
        }
        fs::unlinkat(self.folder, self.name.as_bytes(), AtFlags::empty())?;
        Ok(None)
    }

    fn finish(&self, file: &File) -> io::Result<Stat> {
        fs::futimens(file.as_fd(), self.times)?;
        Ok(stat_of(&fs::fstat(file)?))
    }

    fn link(&self, content: &[u8]) -> io::Result<Stat> {
        let (name, flags) = (self.name.as_bytes(), AtFlags::SYMLINK_NOFOLLOW);
        fs::symlinkat(content, self.folder, name)?;
        fs::utimensat(self.folder, name, self.times, flags)?;
        Ok(stat_of(&fs::statat(self.folder, name, flags)?))
    }
}
