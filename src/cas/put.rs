//! Storing: written and synced aside, then linked into place.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;
use std::time::SystemTime;

use rustix::fs::OFlags;
use tempfile::NamedTempFile;

use super::stream::{self, CHUNK, Digest};
use super::{Cas, CasError};
use crate::model::ids::ContentHash;

/// The outcome of storing some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Their name.
    pub hash: ContentHash,
    /// Their length in bytes.
    pub size: u64,
    /// False when the store had them already.
    pub new: bool,
}

impl Cas {
    /// Stores bytes in memory. When this returns they are on disk for good.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Stored, CasError> {
        let digest = Digest::of(bytes);
        if self.renew(&digest)? {
            return Ok(stored(digest, false));
        }
        let mut temp = self.temp()?;
        let path = temp.path().to_owned();
        temp.write_all(bytes)
            .map_err(CasError::at("write", &path))?;
        self.publish(temp, digest)
    }

    /// Stores several at once: the disk is waited for together. When this returns all are on disk for good.
    pub fn put_all(&self, all: &[Vec<u8>]) -> Result<(), CasError> {
        let [rest @ .., last] = all else {
            return Ok(());
        };
        thread::scope(|scope| {
            let put = |bytes| move || self.put_bytes(bytes).map(drop);
            let others: Vec<_> = rest.iter().map(|bytes| scope.spawn(put(bytes))).collect();
            let mut done = put(last)();
            for other in others {
                let joined = other.join().unwrap_or_else(|panic| resume_unwind(panic));
                done = done.and(joined);
            }
            done
        })
    }

    /// Stores everything the reader gives, in one pass, using a few MiB of memory at most.
    pub fn put_reader(&self, input: impl Read) -> Result<Stored, CasError> {
        let mut temp = self.temp()?;
        let path = temp.path().to_owned();
        let digest = stream::copy(input, temp.as_file_mut(), CasError::at("write", &path))?;
        self.publish(temp, digest)
    }

    /// Opens a file to be stored through another reader.
    pub fn open_input(&self, path: &Path) -> Result<File, CasError> {
        let opened = open_regular(path).map_err(CasError::Input);
        opened.map(|(file, _)| file)
    }

    /// Stores a file's content, sharing its blocks where the file system can. The file is only
    /// read; changing it later does not change the object.
    pub fn put_file(&self, path: &Path) -> Result<Stored, CasError> {
        let (input, size) = open_regular(path).map_err(CasError::Input)?;
        if size <= CHUNK as u64 {
            return self.put_reader(input);
        }
        let temp = self.temp()?;
        if rustix::fs::ioctl_ficlone(temp.as_file(), &input).is_err() {
            drop(temp);
            return self.put_reader(input);
        }
        // The clone is what gets the name, so the clone is what is hashed: the original may
        // change at any time.
        let on_read = CasError::at("read", temp.path());
        let digest = stream::digest(temp.as_file(), &mut Vec::new(), on_read, |_| Ok(()))?;
        self.publish(temp, digest)
    }

    /// A file to write to, locked so that `gc` knows its writer is alive.
    fn temp(&self) -> Result<NamedTempFile, CasError> {
        let dir = self.tmp_dir();
        tempfile::Builder::new()
            .prefix("put-")
            .permissions(Permissions::from_mode(0o444))
            .tempfile_in(&dir)
            .and_then(|temp| fs2::FileExt::lock_exclusive(temp.as_file()).map(|()| temp))
            .map_err(CasError::at("create a file in", &dir))
    }

    fn publish(&self, temp: NamedTempFile, digest: Digest) -> Result<Stored, CasError> {
        if self.renew(&digest)? {
            return Ok(stored(digest, false));
        }
        // The last write may be long past when the input was slow; `gc` counts from now.
        temp.as_file()
            .set_modified(SystemTime::now())
            .and_then(|()| temp.as_file().sync_all())
            .map_err(CasError::at("sync", temp.path()))?;
        let new = self.link(temp.path(), &digest)?;
        Ok(stored(digest, new))
    }

    /// Gives the finished file its name; false when somebody else was faster.
    fn link(&self, temp: &Path, digest: &Digest) -> Result<bool, CasError> {
        let path = self.object_path(&digest.hash);
        self.make_shard(&digest.hash)?;
        let lock = self.lock_to_publish()?;
        let new = match fs::hard_link(temp, &path) {
            Ok(()) => true,
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => false,
            Err(e) => return Err(CasError::at("link", &path)(e)),
        };
        if new {
            sync_dir(&self.shard_dir(&digest.hash))?;
            return Ok(true);
        }
        drop(lock);
        if self.renew(digest)? {
            return Ok(false);
        }
        // What stands there has another size, or is no file: it cannot be the object.
        self.replace(temp, digest)
    }

    fn replace(&self, temp: &Path, digest: &Digest) -> Result<bool, CasError> {
        let _lock = self.lock_to_remove()?;
        let path = self.object_path(&digest.hash);
        let wrong = !looks_right(&path, digest.size)?;
        if wrong {
            self.quarantine(&digest.hash)?;
            fs::hard_link(temp, &path).map_err(CasError::at("link", &path))?;
        }
        sync_dir(&self.shard_dir(&digest.hash))?;
        Ok(wrong)
    }

    /// True when the object is there; `gc` then treats it as new. The folder is synced because
    /// whoever linked the object may not have come that far yet.
    fn renew(&self, digest: &Digest) -> Result<bool, CasError> {
        let path = self.object_path(&digest.hash);
        if !looks_right(&path, digest.size)? {
            return Ok(false);
        }
        let _lock = self.lock_to_publish()?;
        let object = match File::open(&path) {
            Ok(object) => object,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(CasError::at("open", &path)(e)),
        };
        object
            .set_modified(SystemTime::now())
            .map_err(CasError::at("touch", &path))?;
        sync_dir(&self.shard_dir(&digest.hash))?;
        Ok(true)
    }

    fn make_shard(&self, hash: &ContentHash) -> Result<(), CasError> {
        let dir = self.shard_dir(hash);
        match fs::create_dir(&dir) {
            Ok(()) => sync_dir(&self.objects_dir()),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(e) => Err(CasError::at("create", &dir)(e)),
        }
    }
}

fn stored(digest: Digest, new: bool) -> Stored {
    Stored {
        hash: digest.hash,
        size: digest.size,
        new,
    }
}

/// Refuses pipes and devices, which may block or never end.
fn open_regular(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits() as i32)
        .open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() {
        Ok((file, metadata.len()))
    } else {
        let why = format!("{} is not a regular file", path.display());
        Err(io::Error::new(io::ErrorKind::InvalidInput, why))
    }
}

fn looks_right(path: &Path, size: u64) -> Result<bool, CasError> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(found.is_file() && found.len() == size),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(CasError::at("look at", path)(e)),
    }
}

fn sync_dir(dir: &Path) -> Result<(), CasError> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(CasError::at("sync", dir))
}
