//! Writing the files of a base on all cores, straight from the objects or from the main checkout.
//!
//! Each file's times are set a little into the past and its true stat data goes into the index.
//! Git takes a file that is as young as its index for "may have changed" and reads it; these files
//! are older than their index, so the first `git status` reads none of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::Entry;
use gix::index::entry::Mode;
use rustix::fs::{Timespec, Timestamps};

use super::convert::Conversion;
use super::error::WorkspaceError;
use super::source::Source;
use super::writer::{Folder, Writer};
use crate::git::Repo;

/// How many files a thread takes at a time, and rather more than to share a folder with another
/// thread: one that adds a file to a folder keeps all others out of it.
const CHUNK: usize = 128;
const LARGEST_CHUNK: usize = 1024;
/// More threads than this wait for the locks of the file system.
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
        None => Source::of(repo, root)?,
    };
    let links = main.config_snapshot().boolean("core.symlinks") != Some(false);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (entries, paths) = index.entries_mut_and_pathbacking();
    let threads = threads.min(MOST_THREADS).min(entries.len() / CHUNK + 1);
    let times = past();
    let chunks = Mutex::new(chunks(entries, paths));
    let next = || {
        let mut chunks = chunks.lock().unwrap_or_else(PoisonError::into_inner);
        chunks.pop()
    };
    let left = Mutex::new(Vec::new());
    let work = |conversion: Option<Conversion>| -> Result<(), WorkspaceError> {
        let mut writer = Writer {
            root,
            objects: repo.gix(),
            conversion,
            source: source.as_ref(),
            links,
            times: &times,
            folder: Folder::open(root, BStr::new(""), source.as_ref())?,
            buffer: Vec::new(),
        };
        while let Some(chunk) = next() {
            for entry in chunk {
                let name = entry.path_in(paths);
                match writer.write(entry, name)? {
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

/// Runs of entries that end where a folder does, unless it is a large one; the last ones first.
fn chunks<'a>(
    entries: &'a mut [Entry],
    paths: &gix::index::PathStorageRef,
) -> Vec<&'a mut [Entry]> {
    let folder = |entry: &Entry| {
        let path = entry.path_in(paths);
        path.rfind_byte(b'/').map(|at| path[..at].to_owned())
    };
    let mut chunks = Vec::new();
    let mut rest = entries;
    while !rest.is_empty() {
        let largest = rest.len().min(LARGEST_CHUNK);
        let ends = |at: &usize| folder(&rest[*at]) != folder(&rest[*at - 1]);
        let end = (CHUNK.min(largest)..largest).find(ends).unwrap_or(largest);
        let (chunk, others) = rest.split_at_mut(end);
        chunks.push(chunk);
        rest = others;
    }
    chunks.reverse();
    chunks
}

fn past() -> Timestamps {
    let past = SystemTime::now() - PAST;
    let since = past.duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = Timespec {
        tv_sec: i64::try_from(since.as_secs()).unwrap_or_default(),
        tv_nsec: since.subsec_nanos().into(),
    };
    Timestamps {
        last_access: time,
        last_modification: time,
    }
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
