//! Room on the disk that is kept for the database: a file that holds nothing. It gives way when the disk is nearly full,
//! so that what fails for lack of space can be written down, and is made again when there is space.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use fs2::FileExt;

/// Its name in the state folder.
const NAME: &str = "reserve";
/// What it takes of the disk, in bytes.
const SIZE: u64 = 4 << 20;
/// With less than this free it gives way, in bytes. No transaction comes near.
const LITTLE: u64 = 1 << 20;
/// It takes no more than one part in so many of what is free.
const SHARE: u64 = 16;

/// Puts room aside in the folder of the database, unless that is done, or the disk has little itself.
///
/// # Errors
/// When the file cannot be made. Nothing depends on it but what is done on a full disk.
pub fn keep_reserve(state_dir: &Path) -> io::Result<()> {
    let path = state_dir.join(NAME);
    if fs::metadata(&path).is_ok_and(|found| found.len() >= SIZE) {
        return Ok(());
    }
    if fs2::available_space(state_dir)? < SHARE * SIZE {
        return Ok(());
    }
    let made = File::create(&path).and_then(|file| fill(&file));
    if made.is_err() {
        give_way(state_dir);
    }
    made
}

/// Not every file system can set blocks aside without anything in them.
fn fill(mut file: &File) -> io::Result<()> {
    if file.allocate(SIZE).is_ok() {
        return Ok(());
    }
    let page = [0; 1 << 16];
    for _ in 0..SIZE / page.len() as u64 {
        file.write_all(&page)?;
    }
    Ok(())
}

/// Whether the disk has room for what a transaction may need.
pub fn takes_writes(state_dir: &Path) -> bool {
    has_room(state_dir) && try_to_write(state_dir).is_ok()
}

/// Makes a file there for a moment: what is free says nothing of quotas, nor of files that may be made.
pub(super) fn try_to_write(state_dir: &Path) -> io::Result<()> {
    let file = tempfile::Builder::new()
        .prefix("probe-")
        .tempfile_in(state_dir);
    file?.write_all(&[0; 4096])
}

/// Where it cannot be told, there is.
fn has_room(state_dir: &Path) -> bool {
    fs2::available_space(state_dir).map_or(true, |free| free >= LITTLE)
}

/// Gives the room back when little else is left.
pub(super) fn make_room(state_dir: &Path) {
    if !has_room(state_dir) {
        give_way(state_dir);
    }
}

/// Gives the room back.
pub(super) fn give_way(state_dir: &Path) {
    if fs::remove_file(state_dir.join(NAME)).is_ok() {
        tracing::warn!("the disk is full; what was put aside for the database is used up");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_and_has_blocks() {
        use std::os::unix::fs::MetadataExt;
        let dir = tempfile::tempdir().unwrap();
        keep_reserve(dir.path()).unwrap();
        let first = fs::metadata(dir.path().join(NAME)).unwrap();
        assert_eq!(first.len(), SIZE);
        assert!(first.blocks() * 512 >= SIZE);
        keep_reserve(dir.path()).unwrap();
        let second = fs::metadata(dir.path().join(NAME)).unwrap();
        assert_eq!(second.mtime_nsec(), first.mtime_nsec());
        give_way(dir.path());
        assert!(!dir.path().join(NAME).exists());
    }

    #[test]
    fn one_that_was_cut_short_is_made_whole() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(NAME), "half").unwrap();
        keep_reserve(dir.path()).unwrap();
        let found = fs::metadata(dir.path().join(NAME)).unwrap();
        assert_eq!(found.len(), SIZE);
    }
}
