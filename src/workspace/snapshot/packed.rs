//! A pack of a few small objects, made in memory: each whole and compressed by itself, as `gitformat-pack(5)`
//! has it, with its index in version 2.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use gix::ObjectId;
use gix::objs::Kind;
use gix::zlib::stream::deflate::{Compress, FlushCompress};
use gix::zlib::{Compression, Status};

use super::store::sync;
use crate::git::GitError;
use crate::workspace::error::WorkspaceError;
use crate::workspace::pack::{KEEP, Kept};

const HEADER: usize = 12;
const READ_ONLY: u32 = 0o444;

/// The objects so far.
#[derive(Default)]
pub(super) struct Packed {
    bytes: Vec<u8>,
    /// Where each begins, and the checksum of what is there.
    index: BTreeMap<ObjectId, (usize, u32)>,
    compress: Option<Compress>,
}

impl Packed {
    pub(super) fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// In bytes, compressed.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn add(&mut self, id: ObjectId, kind: Kind, data: &[u8]) -> Result<(), GitError> {
        if self.index.contains_key(&id) {
            return Ok(());
        }
        if self.bytes.is_empty() {
            self.bytes.extend_from_slice(b"PACK\0\0\0\x02\0\0\0\0");
        }
        let start = self.bytes.len();
        self.bytes.extend(entry_header(kind, data.len()));
        self.deflate(data)?;
        let sum = crc32(&self.bytes[start..]);
        self.index.insert(id, (start, sum));
        Ok(())
    }

    fn deflate(&mut self, data: &[u8]) -> Result<(), GitError> {
        let compress = match &mut self.compress {
            Some(known) => {
                known.reset();
                known
            }
            none => none.insert(Compress::new(Compression::BEST_SPEED)),
        };
        loop {
            let (read, start) = (compress.total_in(), self.bytes.len());
            let left = &data[usize::try_from(read).unwrap_or(data.len())..];
            let written = compress.total_out();
            self.bytes.resize(start + left.len() / 2 + 512, 0);
            let status = compress
                .compress(left, &mut self.bytes[start..], FlushCompress::Finish)
                .map_err(GitError::library("compress an object"))?;
            let more = usize::try_from(compress.total_out() - written).unwrap_or_default();
            self.bytes.truncate(start + more);
            if status == Status::StreamEnd {
                return Ok(());
            }
        }
    }

    /// Writes it into the folder of packs, the index last: without it a pack is not looked at.
    pub(super) fn write(mut self, folder: &Path) -> Result<Kept, WorkspaceError> {
        let count = u32::try_from(self.index.len()).unwrap_or(u32::MAX);
        self.bytes[HEADER - 4..HEADER].copy_from_slice(&count.to_be_bytes());
        let sum = sha1(&self.bytes)?;
        self.bytes.extend_from_slice(sum.as_slice());
        let name = format!("pack-{sum}");
        fs::create_dir_all(folder).map_err(WorkspaceError::io(folder))?;
        let kept = Kept::mark(&folder.join(format!("{name}.keep")), KEEP);
        let pack = draft(folder, "tmp_pack_", &self.bytes)?;
        let index = draft(folder, "tmp_idx_", &self.index_file(&sum)?)?;
        for (draft, ending) in [(pack, "pack"), (index, "idx")] {
            let target = folder.join(format!("{name}.{ending}"));
            let placed = draft.persist(&target);
            placed.map_err(|error| WorkspaceError::io(&target)(error.error))?;
        }
        sync(folder)?;
        Ok(kept)
    }

    fn index_file(&self, pack: &ObjectId) -> Result<Vec<u8>, WorkspaceError> {
        let mut bytes = b"\xfftOc\0\0\0\x02".to_vec();
        let mut first_bytes = [0u32; 256];
        for id in self.index.keys() {
            first_bytes[usize::from(id.first_byte())] += 1;
        }
        let mut so_far = 0;
        for count in first_bytes {
            so_far += count;
            bytes.extend(so_far.to_be_bytes());
        }
        self.index.keys().for_each(|id| bytes.extend(id.as_slice()));
        for (_, sum) in self.index.values() {
            bytes.extend(sum.to_be_bytes());
        }
        for (start, _) in self.index.values() {
            // Packs are far smaller than what would need the table of large offsets.
            bytes.extend(u32::try_from(*start).unwrap_or(u32::MAX >> 1).to_be_bytes());
        }
        bytes.extend(pack.as_slice());
        let sum = sha1(&bytes)?;
        bytes.extend(sum.as_slice());
        Ok(bytes)
    }
}

/// On the disk, under a name that `git gc` knows as one of an unfinished file.
fn draft(
    folder: &Path,
    prefix: &str,
    bytes: &[u8],
) -> Result<tempfile::NamedTempFile, WorkspaceError> {
    let write = || {
        let mut draft = tempfile::Builder::new()
            .prefix(prefix)
            .permissions(fs::Permissions::from_mode(READ_ONLY))
            .tempfile_in(folder)?;
        draft.write_all(bytes)?;
        draft.as_file().sync_all()?;
        Ok(draft)
    };
    write().map_err(WorkspaceError::io(folder))
}

/// The type and the size, seven bits at a time, four in the first byte.
fn entry_header(kind: Kind, size: usize) -> Vec<u8> {
    let kind = match kind {
        Kind::Commit => 1,
        Kind::Tree => 2,
        Kind::Blob => 3,
        Kind::Tag => 4,
    };
    let mut left = size >> 4;
    let mut bytes = vec![(kind << 4) | (size & 0xf) as u8];
    while left > 0 {
        if let Some(last) = bytes.last_mut() {
            *last |= 0x80;
        }
        bytes.push((left & 0x7f) as u8);
        left >>= 7;
    }
    bytes
}

fn sha1(bytes: &[u8]) -> Result<ObjectId, GitError> {
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
    hasher.update(bytes);
    hasher
        .try_finalize()
        .map_err(GitError::library("hash a pack"))
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| CRC[((sum ^ u32::from(*byte)) & 0xff) as usize] ^ (sum >> 8);
    !bytes.iter().fold(!0, step)
}

/// What one byte does to the checksum.
const CRC: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 {
                0xedb8_8320 ^ (sum >> 1)
            } else {
                sum >> 1
            };
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::super::store::Store;
    use super::*;
    use crate::workspace::tests::git;

    /// Git's own reader is the judge of every byte.
    #[test]
    fn git_verifies_what_was_packed() {
        let dir = tempfile::tempdir().unwrap();
        git(dir.path(), &["init", "-q"]);
        let mut pack = Packed::default();
        let random: Vec<u8> = (0..200_000u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        for size in [0, 1, 15, 16, 17, 2047, 2048, 70_000, 200_000] {
            for bytes in [&vec![b'x'; size], &random[..size].to_vec()] {
                let id = Store::id(Kind::Blob, bytes).unwrap();
                pack.add(id, Kind::Blob, bytes).unwrap();
            }
        }
        let folder = dir.path().join(".git/objects/pack");
        let kept = pack.write(&folder).unwrap();
        git(dir.path(), &["fsck", "--full", "--strict"]);
        let named: Vec<_> = fs::read_dir(&folder).unwrap().flatten().collect();
        assert_eq!(named.len(), 3);
        let index = named
            .iter()
            .find(|file| file.path().extension() == Some("idx".as_ref()));
        git(
            dir.path(),
            &["verify-pack", index.unwrap().path().to_str().unwrap()],
        );
        drop(kept);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    }

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
