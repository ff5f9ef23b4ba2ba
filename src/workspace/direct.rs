//! Writing the files of a base straight from the objects, on all cores.
//!
//! Each file's times are set a little into the past and its true stat data goes into the index.
//! Git takes a file that is as young as its index for "may have changed" and reads it; these files
//! are older than their index, so the first `git status` reads none of them.

use std::collections::BTreeSet;
use std::fs::{self, File, FileTimes, Metadata};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::entry::{Mode, Stat, stat};

use super::convert::Conversion;
use super::error::WorkspaceError;
use super::reflink::Source;
use crate::git::{GitError, Repo};

/// How many files a thread takes at a time.
const CHUNK: usize = 128;
/// More threads than this wait for the directory locks of the file system.
const MOST_THREADS: usize = 8;
/// How far into the past: git compares whole seconds.
const PAST: Duration = Duration::from_secs(2);

/// What came of writing the files of a base.
pub(super) struct Written {
    /// Those that only git itself can write.
    pub left_to_git: Vec<BString>,
    /// How many share their blocks with the main checkout.
    pub shared: usize,
}

/// Writes every file below `root`, where none is yet, and its stat data into `index`.
pub(super) fn write_files(
    repo: &Repo,
    index: &mut gix::index::File,
    root: &Path,
) -> Result<Written, WorkspaceError> {
    make_directories(index, root)?;
    let main = repo.gix();
    let conversion = Conversion::of(&main, index)?;
    // A converted file of the main checkout may have been converted by other rules.
    let source = match conversion {
        Some(_) => None,
        None => Source::of(repo)?,
    };
    let links = main.config_snapshot().boolean("core.symlinks") != Some(false);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (entries, paths) = index.entries_mut_and_pathbacking();
    let threads = threads.min(MOST_THREADS).min(entries.len() / CHUNK + 1);
    let past = SystemTime::now() - PAST;
    let chunks = Mutex::new(entries.chunks_mut(CHUNK));
    let next = || {
        let mut chunks = chunks.lock().unwrap_or_else(PoisonError::into_inner);
        chunks.next()
    };
    let left = Mutex::new(Vec::new());
    let work = |conversion: Option<Conversion>| -> Result<(), WorkspaceError> {
        let mut writer = Writer {
            objects: repo.gix(),
            conversion,
            source: source.as_ref(),
            links,
            past,
            buffer: Vec::new(),
        };
        while let Some(chunk) = next() {
            for entry in chunk {
                let name = entry.path_in(paths);
                let path = root.join(name.to_path_lossy());
                match writer.write(entry, name, &path)? {
                    Some(stat) => entry.stat = stat,
                    None => left
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(name.to_owned()),
                }
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let start = |conversion| scope.spawn(|| work(conversion));
        let others: Vec<_> = (1..threads).map(|_| start(conversion.clone())).collect();
        let mine = work(conversion.clone());
        others.into_iter().fold(mine, |so_far, other| {
            let stopped = || WorkspaceError::Unusable("a thread that wrote files stopped".into());
            so_far.and(other.join().unwrap_or_else(|_| Err(stopped())))
        })
    })?;
    Ok(Written {
        left_to_git: left.into_inner().unwrap_or_else(PoisonError::into_inner),
        shared: source.map_or(0, |source| source.shared()),
    })
}

/// Git compares whole seconds. A file that was changed in the second in which it was written, and
/// given its old time and size back, would look untouched to it; here the recorded stat data of such
/// files are taken out of the index, so that git reads them.
pub(super) fn distrust_hidden(root: &Path, path: &Path) -> Result<(), WorkspaceError> {
    let options = gix::index::decode::Options::default();
    let mut index = gix::index::File::at(path, gix::hash::Kind::Sha1, false, options)
        .map_err(GitError::library("read the index"))?;
    let mut hidden = false;
    for (entry, name) in index.entries_mut_with_paths() {
        let Ok(meta) = fs::symlink_metadata(root.join(name.to_path_lossy())) else {
            continue;
        };
        let found = stat_of(&meta);
        if found != entry.stat && whole_seconds(found) == whole_seconds(entry.stat) {
            entry.stat = Stat::default();
            hidden = true;
        }
    }
    if hidden {
        index
            .write(gix::index::write::Options::default())
            .map_err(GitError::library("write the index"))?;
    }
    Ok(())
}

fn whole_seconds(mut stat: Stat) -> Stat {
    stat.mtime.nsecs = 0;
    stat.ctime.nsecs = 0;
    stat
}

/// All directories come first: a link cannot stand in for one then, whatever the tree says.
fn make_directories(index: &gix::index::File, root: &Path) -> Result<(), WorkspaceError> {
    let mut known: BTreeSet<&BStr> = BTreeSet::new();
    for entry in index.entries() {
        let path = entry.path(index);
        let parent = path.rfind_byte(b'/').map(|at| path[..at].as_bstr());
        known.extend(parent);
        if entry.mode == Mode::COMMIT {
            known.insert(path);
        }
    }
    for directory in known {
        let path = root.join(directory.to_path_lossy());
        fs::create_dir_all(&path).map_err(WorkspaceError::io(&path))?;
    }
    Ok(())
}

/// What one thread writes files with.
struct Writer<'a> {
    objects: gix::Repository,
    conversion: Option<Conversion>,
    source: Option<&'a Source>,
    /// Whether the file system has symbolic links, as git's settings say.
    links: bool,
    past: SystemTime,
    buffer: Vec<u8>,
}

impl Writer<'_> {
    /// The stat data of the file, `None` when it is left to git.
    fn write(
        &mut self,
        entry: &gix::index::Entry,
        name: &BStr,
        path: &Path,
    ) -> Result<Option<Stat>, WorkspaceError> {
        if entry.mode == Mode::COMMIT {
            return Ok(Some(Stat::default()));
        }
        if let Some(file) = self.shared(entry, name, path) {
            let written = finish(&file, self.past).map_err(WorkspaceError::io(path))?;
            return Ok(Some(stat_of(&written)));
        }
        use gix::objs::FindExt;
        let content = self
            .objects
            .objects
            .find_blob(&entry.id, &mut self.buffer)
            .map_err(GitError::library("read a file of the base"))?
            .data;
        let written = match (entry.mode, &mut self.conversion) {
            (Mode::SYMLINK, _) if self.links => write_link(content, path, self.past),
            (Mode::SYMLINK, _) | (_, None) => write_file(content, path, entry.mode, self.past),
            (mode, Some(conversion)) => {
                match conversion.apply(&self.objects, &entry.id, name, content)? {
                    Some(content) => write_file(&content, path, mode, self.past),
                    None => return Ok(None),
                }
            }
        };
        match written {
            Ok(meta) => Ok(Some(stat_of(&meta))),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(WorkspaceError::Unusable(format!(
                    "two files of the base have the same name here: {name}"
                )))
            }
            Err(error) => Err(WorkspaceError::io(path)(error)),
        }
    }

    fn shared(&self, entry: &gix::index::Entry, name: &BStr, path: &Path) -> Option<File> {
        let found = self.source?.find(entry, name)?;
        let file = create(path, entry.mode).ok()?;
        if found.share(&file) {
            return Some(file);
        }
        let _ = fs::remove_file(path);
        None
    }
}

fn create(path: &Path, mode: Mode) -> std::io::Result<File> {
    let executable = mode == Mode::FILE_EXECUTABLE;
    File::options()
        .write(true)
        .create_new(true)
        .mode(if executable { 0o777 } else { 0o666 })
        .open(path)
}

fn write_file(
    content: &[u8],
    path: &Path,
    mode: Mode,
    past: SystemTime,
) -> std::io::Result<Metadata> {
    let mut file = create(path, mode)?;
    file.write_all(content)?;
    finish(&file, past)
}

fn finish(file: &File, past: SystemTime) -> std::io::Result<Metadata> {
    file.set_times(FileTimes::new().set_modified(past))?;
    file.metadata()
}

fn write_link(content: &[u8], path: &Path, past: SystemTime) -> std::io::Result<Metadata> {
    symlink(PathBuf::from(std::ffi::OsStr::from_bytes(content)), path)?;
    let since = past.duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = rustix::fs::Timespec {
        tv_sec: i64::try_from(since.as_secs()).unwrap_or_default(),
        tv_nsec: since.subsec_nanos().into(),
    };
    let times = rustix::fs::Timestamps {
        last_access: time,
        last_modification: time,
    };
    let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
    rustix::fs::utimensat(rustix::fs::CWD, path, &times, flags)?;
    fs::symlink_metadata(path)
}

/// What the index holds is cut to 32 bits, as git does it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(super) fn stat_of(meta: &Metadata) -> Stat {
    let time = |secs: i64, nanos: i64| stat::Time {
        secs: secs as u32,
        nsecs: nanos as u32,
    };
    Stat {
        mtime: time(meta.mtime(), meta.mtime_nsec()),
        ctime: time(meta.ctime(), meta.ctime_nsec()),
        dev: meta.dev() as u32,
        ino: meta.ino() as u32,
        uid: meta.uid(),
        gid: meta.gid(),
        size: meta.size() as u32,
    }
}
