//! Where things lie on disk, and the lock that orders publishing and removing.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::CasError;
use crate::model::ids::ContentHash;

/// A content-addressed store rooted at one folder. Cheap to clone; safe to use from many threads
/// and processes at once.
#[derive(Debug, Clone)]
pub struct Cas {
    root: PathBuf,
}

impl Cas {
    /// Opens the store at `root`, making its folders where they are missing. A store that exists
    /// already opens on a read-only file system too, for reading.
    pub fn open(root: &Path) -> Result<Self, CasError> {
        let cas = Self {
            root: root.to_owned(),
        };
        for dir in [cas.objects_dir(), cas.tmp_dir(), cas.quarantine_dir()] {
            fs::create_dir_all(&dir).map_err(CasError::at("create", &dir))?;
        }
        Ok(cas)
    }

    pub(super) fn objects_dir(&self) -> PathBuf {
        self.root.join("objects")
    }

    pub(super) fn tmp_dir(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// Where damaged objects are put aside.
    pub fn quarantine_dir(&self) -> PathBuf {
        self.root.join("quarantine")
    }

    /// The folder that holds the object, one of 256.
    pub(super) fn shard_dir(&self, hash: &ContentHash) -> PathBuf {
        self.objects_dir().join(&hash.hex()[..2])
    }

    pub(super) fn object_path(&self, hash: &ContentHash) -> PathBuf {
        self.shard_dir(hash).join(&hash.hex()[2..])
    }

    /// Held while an object is given its name or found to have it already, and its time renewed.
    ///
    /// Without it `gc` could look at an old object, a `put` of the same bytes could find it there
    /// and report success, and `gc` would then remove it. A rename aside and a second look would
    /// leave a moment in which readers miss the object; the lock leaves none, and costs a `put`
    /// one `flock` after its bytes are written.
    pub(super) fn lock_to_publish(&self) -> Result<Lock, CasError> {
        self.lock(fs2::FileExt::lock_shared)
    }

    /// Held, for a short time each, while objects lose their names.
    pub(super) fn lock_to_remove(&self) -> Result<Lock, CasError> {
        self.lock(fs2::FileExt::lock_exclusive)
    }

    fn lock(&self, take: fn(&File) -> io::Result<()>) -> Result<Lock, CasError> {
        let path = self.root.join("lock");
        // A file of its own for each holder: flock belongs to the open file, not to the process.
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .and_then(|file| take(&file).map(|()| file))
            .map_err(CasError::at("lock", &path))?;
        Ok(Lock { _file: file })
    }

    /// Moves the file that stands in the object's place aside, under a name never used before.
    pub(super) fn quarantine(&self, hash: &ContentHash) -> Result<(), CasError> {
        let path = self.object_path(hash);
        let name = format!("{}.{}", hash.hex(), uuid::Uuid::now_v7().simple());
        match fs::rename(&path, self.quarantine_dir().join(name)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(CasError::at("quarantine", &path)(e))
            }
            _ => Ok(()),
        }
    }

    /// What was moved aside last from the object's place.
    pub(super) fn quarantined(&self, hash: &ContentHash) -> Option<PathBuf> {
        let of_object = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with(hash.hex()))
        };
        let entries = fs::read_dir(self.quarantine_dir()).ok()?.flatten();
        // Their names end with a time.
        entries.map(|entry| entry.path()).filter(of_object).max()
    }
}

/// Released when dropped, or by the kernel when the process dies.
#[must_use]
pub(super) struct Lock {
    _file: File,
}
