//! Writing the files of a base straight from the objects, on all cores, when nothing converts them.
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

use gix::bstr::{BStr, ByteSlice};
use gix::index::entry::{Mode, Stat, stat};

use super::error::WorkspaceError;
use super::private::personal_file;
use crate::git::{GitError, Repo};

/// How many files a thread takes at a time.
const CHUNK: usize = 128;
/// More threads than this wait for the directory locks of the file system.
const MOST_THREADS: usize = 8;
/// How far into the past: git compares whole seconds.
const PAST: Duration = Duration::from_secs(2);

/// Whether the files of `index` are written byte for byte as they are stored.
pub(super) fn fits(repo: &Repo, index: &gix::index::File) -> bool {
    let main = repo.gix();
    let settings = main.config_snapshot();
    let set = |key: &str| settings.string(key).is_some();
    let is = |key: &str| settings.boolean(key);
    let converted = is("core.autocrlf") != Some(false) && set("core.autocrlf")
        || set("core.eol")
        || personal_file(&settings, "attributesFile", "attributes").is_some()
        || repo.common_dir().join("info/attributes").exists();
    let unusual_files = is("core.symlinks") == Some(false)
        || is("core.fileMode") == Some(false)
        || is("core.ignoreCase") == Some(true)
        || is("core.precomposeUnicode") == Some(true);
    let plain = |entry: &gix::index::Entry| {
        let path = entry.path(index);
        let known = [
            Mode::FILE,
            Mode::FILE_EXECUTABLE,
            Mode::SYMLINK,
            Mode::COMMIT,
        ];
        known.contains(&entry.mode)
            && path != ".gitattributes"
            && !path.ends_with(b"/.gitattributes")
    };
    !converted && !unusual_files && index.entries().iter().all(plain)
}

/// Writes every file below `root`, where none is yet, and its stat data into `index`.
pub(super) fn write_files(
    repo: &Repo,
    index: &mut gix::index::File,
    root: &Path,
) -> Result<(), WorkspaceError> {
    make_directories(index, root)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (entries, paths) = index.entries_mut_and_pathbacking();
    let threads = threads.min(MOST_THREADS).min(entries.len() / CHUNK + 1);
    let past = SystemTime::now() - PAST;
    let chunks = Mutex::new(entries.chunks_mut(CHUNK));
    let next = || {
        let mut chunks = chunks.lock().unwrap_or_else(PoisonError::into_inner);
        chunks.next()
    };
    let work = || -> Result<(), WorkspaceError> {
        let objects = repo.gix();
        let mut buffer = Vec::new();
        while let Some(chunk) = next() {
            for entry in chunk {
                let path = root.join(entry.path_in(paths).to_path_lossy());
                entry.stat = write_one(&objects, entry, &path, past, &mut buffer)?;
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mine = work();
        others.into_iter().fold(mine, |so_far, other| {
            let stopped = || WorkspaceError::Unusable("a thread that wrote files stopped".into());
            so_far.and(other.join().unwrap_or_else(|_| Err(stopped())))
        })
    })
}

/// Whether `root` holds the files of the index at `index`, each with the stat data recorded there,
/// and nothing else but `.git`.
pub(super) fn untouched(root: &Path, index: &Path) -> Result<bool, WorkspaceError> {
    let options = gix::index::decode::Options::default();
    let index = gix::index::File::at(index, gix::hash::Kind::Sha1, false, options)
        .map_err(GitError::library("read the index"))?;
    let mut expected = BTreeSet::new();
    for entry in index.entries() {
        let name = entry.path(&index);
        let found = fs::symlink_metadata(root.join(name.to_path_lossy()));
        let same = match found {
            Ok(meta) if entry.mode == Mode::COMMIT => meta.is_dir(),
            Ok(meta) => stat_of(&meta) == entry.stat,
            Err(_) => false,
        };
        if !same {
            return Ok(false);
        }
        let mut rest = name;
        while expected.insert(rest) {
            match rest.rfind_byte(b'/') {
                Some(at) => rest = rest[..at].as_bstr(),
                None => break,
            }
        }
    }
    only_expected(root, Path::new(""), &expected)
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

fn only_expected(
    root: &Path,
    below: &Path,
    expected: &BTreeSet<&BStr>,
) -> Result<bool, WorkspaceError> {
    let directory = root.join(below);
    for entry in fs::read_dir(&directory).map_err(WorkspaceError::io(&directory))? {
        let entry = entry.map_err(WorkspaceError::io(&directory))?;
        let path = below.join(entry.file_name());
        if path == Path::new(".git") {
            continue;
        }
        if !expected.contains(path.as_os_str().as_bytes().as_bstr()) {
            return Ok(false);
        }
        let kind = entry.file_type().map_err(WorkspaceError::io(&directory))?;
        if kind.is_dir() && !only_expected(root, &path, expected)? {
            return Ok(false);
        }
    }
    Ok(true)
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

fn write_one(
    objects: &gix::Repository,
    entry: &gix::index::Entry,
    path: &Path,
    past: SystemTime,
    buffer: &mut Vec<u8>,
) -> Result<Stat, WorkspaceError> {
    use gix::objs::FindExt;
    if entry.mode == Mode::COMMIT {
        return Ok(Stat::default());
    }
    let content = objects
        .objects
        .find_blob(&entry.id, buffer)
        .map_err(GitError::library("read a file of the base"))?
        .data;
    let written = if entry.mode == Mode::SYMLINK {
        write_link(content, path, past)
    } else {
        let mode = if entry.mode == Mode::FILE {
            0o666
        } else {
            0o777
        };
        write_file(content, path, mode, past)
    };
    written
        .map(|m| stat_of(&m))
        .map_err(WorkspaceError::io(path))
}

fn write_file(
    content: &[u8],
    path: &Path,
    mode: u32,
    past: SystemTime,
) -> std::io::Result<Metadata> {
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(content)?;
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
fn stat_of(meta: &Metadata) -> Stat {
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
