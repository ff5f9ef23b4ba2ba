//! Finding and reading objects.

use std::fs::{self, File, ReadDir};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{Cas, CasError, stream};
use crate::model::ids::ContentHash;

impl Cas {
    /// The object's bytes, as a file at its start. They are not checked: see [`Cas::read_to`].
    pub fn open_object(&self, hash: &ContentHash) -> Result<File, CasError> {
        let path = self.object_path(hash);
        match File::open(&path).map_err(|e| not_there(e, "open", &path, hash)) {
            Err(CasError::Unknown(_)) => Err(self.absent(hash)),
            opened => opened,
        }
    }

    /// Why an object is not there: nobody put it, or it was found damaged.
    fn absent(&self, hash: &ContentHash) -> CasError {
        match self.quarantined(hash) {
            Some(file) => CasError::Damaged {
                hash: hash.clone(),
                file,
            },
            None => CasError::Unknown(hash.clone()),
        }
    }

    /// The object's bytes, as a file at its start, once all of them were checked. A damaged object is moved to quarantine
    /// and the error says so.
    pub fn open_checked(&self, hash: &ContentHash) -> Result<File, CasError> {
        let mut object = self.open_object(hash)?;
        let at = |action| CasError::at(action, &self.object_path(hash));
        let found = stream::digest(&object, &mut Vec::new(), at("read"), |_| Ok(()))?;
        if found.hash != *hash {
            self.quarantine_if_damaged(hash)?;
            return Err(self.absent(hash));
        }
        object.seek(SeekFrom::Start(0)).map_err(at("read"))?;
        Ok(object)
    }

    /// Copies the object to `output` while checking it, and gives its length in bytes. A damaged
    /// object is moved to quarantine and the error says so; by then `output` has its bytes.
    pub fn read_to(&self, hash: &ContentHash, output: &mut impl Write) -> Result<u64, CasError> {
        let object = self.open_object(hash)?;
        let on_read = CasError::at("read", &self.object_path(hash));
        let found = stream::digest(object, &mut Vec::new(), on_read, |piece| {
            output.write_all(piece).map_err(CasError::Output)
        })?;
        if found.hash != *hash {
            self.quarantine_if_damaged(hash)?;
            return Err(self.absent(hash));
        }
        Ok(found.size)
    }

    /// The object's bytes, all of them checked; as of [`Cas::read_to`].
    pub fn bytes(&self, hash: &ContentHash) -> Result<Vec<u8>, CasError> {
        let mut bytes = Vec::new();
        self.read_to(hash, &mut bytes)?;
        Ok(bytes)
    }

    /// Whether the object is there, undamaged or not.
    pub fn contains(&self, hash: &ContentHash) -> Result<bool, CasError> {
        match self.size(hash) {
            Ok(_) => Ok(true),
            Err(CasError::Unknown(_)) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// The object's length in bytes.
    pub fn size(&self, hash: &ContentHash) -> Result<u64, CasError> {
        let path = self.object_path(hash);
        let found =
            fs::symlink_metadata(&path).map_err(|e| not_there(e, "look at", &path, hash))?;
        if found.is_file() {
            Ok(found.len())
        } else {
            Err(CasError::Unknown(hash.clone()))
        }
    }

    /// Every object, in no particular order. Objects that come or go meanwhile may be missed.
    pub fn list(&self) -> Result<Objects, CasError> {
        Ok(Objects(self.scan()?))
    }

    pub(super) fn scan(&self) -> Result<Scan, CasError> {
        let dir = self.objects_dir();
        let shards = fs::read_dir(&dir).map_err(CasError::at("list", &dir))?;
        Ok(Scan {
            objects: dir,
            shards,
            shard: None,
        })
    }
}

fn not_there(e: io::Error, action: &'static str, path: &Path, hash: &ContentHash) -> CasError {
    if e.kind() == io::ErrorKind::NotFound {
        CasError::Unknown(hash.clone())
    } else {
        CasError::at(action, path)(e)
    }
}

/// The hashes of a store's objects; made by [`Cas::list`].
#[derive(Debug)]
pub struct Objects(Scan);

impl Iterator for Objects {
    type Item = Result<ContentHash, CasError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.find_map(|found| match found {
            Ok(Found::Object(hash)) => Some(Ok(hash)),
            Ok(Found::Foreign(_)) => None,
            Err(e) => Some(Err(e)),
        })
    }
}

/// One entry below `objects/`.
#[derive(Debug)]
pub(super) enum Found {
    /// A regular file where an object of this hash belongs.
    Object(ContentHash),
    /// Anything else.
    Foreign(PathBuf),
}

/// A walk over `objects/`, one folder open at a time.
#[derive(Debug)]
pub(super) struct Scan {
    objects: PathBuf,
    shards: ReadDir,
    shard: Option<(String, ReadDir)>,
}

impl Iterator for Scan {
    type Item = Result<Found, CasError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((prefix, entries)) = &mut self.shard {
                if let Some(entry) = entries.next() {
                    let dir = self.objects.join(&*prefix);
                    return Some(classify(prefix, entry).map_err(CasError::at("list", &dir)));
                }
                self.shard = None;
            }
            match enter(self.shards.next()?) {
                Ok(Shard::Entered(prefix, entries)) => self.shard = Some((prefix, entries)),
                Ok(Shard::Foreign(path)) => return Some(Ok(Found::Foreign(path))),
                Err(e) => return Some(Err(CasError::at("list", &self.objects)(e))),
            }
        }
    }
}

enum Shard {
    Entered(String, ReadDir),
    Foreign(PathBuf),
}

fn enter(entry: io::Result<fs::DirEntry>) -> io::Result<Shard> {
    let entry = entry?;
    match entry.file_name().into_string() {
        Ok(name) if is_shard(&name) && entry.file_type()?.is_dir() => {
            Ok(Shard::Entered(name, fs::read_dir(entry.path())?))
        }
        _ => Ok(Shard::Foreign(entry.path())),
    }
}

fn is_shard(name: &str) -> bool {
    name.len() == 2 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn classify(prefix: &str, entry: io::Result<fs::DirEntry>) -> io::Result<Found> {
    let entry = entry?;
    let hash = entry
        .file_name()
        .to_str()
        .and_then(|rest| ContentHash::from_hex(&format!("{prefix}{rest}")).ok());
    match hash {
        Some(hash) if entry.file_type()?.is_file() => Ok(Found::Object(hash)),
        _ => Ok(Found::Foreign(entry.path())),
    }
}
