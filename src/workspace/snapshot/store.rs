//! Where the objects of a snapshot go: one pack for all that is small, and a loose object for each large
//! file. What has a name is on the disk; so whatever finds an object may rely on it.
//!
//! The library syncs nothing, and each loose object would need two syncs of its own: of forty objects that
//! was most of a snapshot's time.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::objs::{Kind, Write};

use super::packed::Packed;
use crate::git::{GitError, Repo};
use crate::workspace::error::WorkspaceError;
use crate::workspace::pack::Kept;
use crate::workspace::reference::hash;

/// Files up to this size are held in memory, in bytes.
pub(super) const SMALL: u64 = 4 << 20;
/// A pack is written out when it is larger, in bytes.
const FULL: usize = 64 << 20;

/// Takes objects in. Nothing has a name before [`finish`](Self::finish), but for large files and full packs.
pub(super) struct Store {
    /// The repository's objects; `None` when only ids are wanted.
    objects: Option<gix::Repository>,
    folder: PathBuf,
    pack: Packed,
    kept: Vec<Kept>,
}

impl Store {
    pub(super) fn of(repo: &Repo) -> Self {
        Self {
            objects: Some(repo.gix()),
            ..Self::nowhere(repo)
        }
    }

    /// Keeps nothing.
    pub(super) fn nowhere(repo: &Repo) -> Self {
        Self {
            objects: None,
            folder: repo.common_dir().join("objects"),
            pack: Packed::default(),
            kept: Vec::new(),
        }
    }

    pub(super) fn id(kind: Kind, bytes: &[u8]) -> Result<ObjectId, WorkspaceError> {
        let id = gix::objs::compute_hash(gix::hash::Kind::Sha1, kind, bytes);
        Ok(id.map_err(GitError::library("hash an object"))?)
    }

    /// Takes an object. Its id.
    pub(super) fn put(&mut self, kind: Kind, bytes: &[u8]) -> Result<ObjectId, WorkspaceError> {
        let id = Self::id(kind, bytes)?;
        if self.objects.is_some() {
            self.pack.add(id, kind, bytes)?;
            if self.pack.size() > FULL {
                self.write_pack()?;
            }
        }
        Ok(id)
    }

    /// Takes exactly `size` bytes of a large file, unless they are the blob `known`. They are never in memory
    /// as a whole. `None` when the file has fewer by now.
    pub(super) fn put_large(
        &mut self,
        file: &mut File,
        size: u64,
        known: Option<ObjectId>,
    ) -> Result<Option<ObjectId>, WorkspaceError> {
        let Some(id) = hash(file, size) else {
            return Ok(None);
        };
        let Some(objects) = self.objects.as_ref().filter(|_| known != Some(id)) else {
            return Ok(Some(id));
        };
        let mut exactly = Exactly { file, left: size };
        if io::Seek::rewind(&mut exactly.file).is_err() {
            return Ok(None);
        }
        let written = objects.objects.write_stream(Kind::Blob, size, &mut exactly);
        let id = match written {
            Ok(id) => id,
            // It shrank meanwhile.
            Err(_) if exactly.left > 0 => return Ok(None),
            Err(error) => return Err(GitError::library("write a large file")(error).into()),
        };
        sync_object(&self.folder, &id)?;
        Ok(Some(id))
    }

    /// Brings all of it to the disk. No `git gc` removes what is in packs as long as the marks live.
    pub(super) fn finish(mut self) -> Result<Vec<Kept>, WorkspaceError> {
        self.write_pack()?;
        Ok(self.kept)
    }

    fn write_pack(&mut self) -> Result<(), WorkspaceError> {
        let pack = std::mem::take(&mut self.pack);
        if !pack.is_empty() {
            self.kept.push(pack.write(&self.folder.join("pack"))?);
        }
        Ok(())
    }
}

/// Stores one object by itself, on the disk.
pub(super) fn store_one(repo: &Repo, kind: Kind, bytes: &[u8]) -> Result<ObjectId, WorkspaceError> {
    let objects = repo.gix();
    let id = objects
        .objects
        .write_buf(kind, bytes)
        .map_err(GitError::library("write an object"))?;
    sync_object(&repo.common_dir().join("objects"), &id)?;
    Ok(id)
}

/// Syncs a loose object, the folder that names it, and the folder of that.
fn sync_object(objects: &Path, id: &ObjectId) -> Result<(), WorkspaceError> {
    let name = id.to_string();
    let folder = objects.join(&name[..2]);
    for path in [&folder.join(&name[2..]), &folder, objects] {
        sync(path)?;
    }
    Ok(())
}

pub(super) fn sync(path: &Path) -> Result<(), WorkspaceError> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(WorkspaceError::io(path))
}

/// So many bytes of a file, and an error when it has fewer: the header of an object says how many there are.
struct Exactly<'a> {
    file: &'a mut File,
    left: u64,
}

impl Read for Exactly<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(into.len(), |left| left.min(into.len()));
        let read = self.file.read(&mut into[..most])?;
        if read == 0 && self.left > 0 && !into.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}
