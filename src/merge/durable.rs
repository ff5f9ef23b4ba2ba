//! Objects reach the disk before a ref names them.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use gix::ObjectId;
use gix::objs::{Kind, Write};

use super::error::{MergeError, git};

/// Writes what the build left in memory; objects before the objects that name them, so that a kill
/// in between leaves nothing that points nowhere. All of it is on disk when this returns: the ref
/// that moves next must not outlive, in a power cut, what it points to. (Git by itself syncs packs,
/// in which sessions' commits come, and leaves single objects to the system.)
pub(super) fn persist(
    repo: &gix::Repository,
    memory: &mut gix::Repository,
) -> Result<(), MergeError> {
    let objects = memory.objects.take_object_memory().unwrap_or_default();
    let mut written = Vec::new();
    for wanted in [Kind::Blob, Kind::Tree, Kind::Commit] {
        for (kind, data) in objects.values().filter(|(kind, _)| *kind == wanted) {
            written.push(repo.objects.write_buf(*kind, data).map_err(git)?);
        }
    }
    sync(repo.objects.store_ref().path(), &written)
}

/// Syncs single objects, the folders that name them, and the folder of those.
fn sync(objects: &Path, written: &[ObjectId]) -> Result<(), MergeError> {
    let mut folders = BTreeSet::new();
    for id in written {
        let name = id.to_string();
        let folder = objects.join(&name[..2]);
        sync_one(&folder.join(&name[2..]))?;
        folders.insert(folder);
    }
    folders.insert(objects.to_owned());
    folders.iter().try_for_each(|folder| sync_one(folder))
}

fn sync_one(path: &Path) -> Result<(), MergeError> {
    match File::open(path).and_then(|file| file.sync_all()) {
        // It is in a pack already.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(MergeError::Io {
            path: path.to_owned(),
            source,
        }),
        Ok(()) => Ok(()),
    }
}
