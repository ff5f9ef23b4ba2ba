//! The tree that an index stands for, where the index says it itself: without reading its entries, of
//! which there are as many as the repository has files.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use gix::ObjectId;

/// Times, owner, mode, size, id and flags of an entry; its path follows.
const ENTRY: usize = 62;
/// What stands in the flags for a path that is longer than they can say.
const LONG: u16 = 0xfff;
const EXTENDED: u16 = 0x4000;
const ID: usize = 20;
/// The note at the end that says where the entries end, as long as git is configured to make it.
const END_NOTE: usize = 32;

/// What git noted of the whole index when it last wrote its tree, and found still true when it
/// wrote the index. `None` when there is no such note, or the index is not of a plain kind (split, sparse,
/// or with compressed paths and no word of where they end): its entries say it then.
pub(super) fn whole_tree(index: &Path) -> Option<ObjectId> {
    let file = File::open(index).ok()?;
    let length = file.metadata().ok()?.len();
    let mut index = Index {
        left: length.checked_sub(ID as u64)?,
        from: BufReader::with_capacity(1 << 16, file),
    };
    index.whole_tree().ok().flatten()
}

struct Index {
    from: BufReader<File>,
    /// How many bytes there are before the checksum at the end.
    left: u64,
}

impl Index {
    fn whole_tree(&mut self) -> io::Result<Option<ObjectId>> {
        let [b'D', b'I', b'R', b'C', version @ .., a, b, c, d] = self.read::<12>()? else {
            return Ok(None);
        };
        let entries = u32::from_be_bytes([a, b, c, d]);
        if !self.seek_end_of_entries()? {
            if !matches!(version, [0, 0, 0, 2 | 3]) {
                return Ok(None);
            }
            for _ in 0..entries {
                if !self.pass_entry()? {
                    return Ok(None);
                }
            }
        }
        let mut found = None;
        while self.left > 0 {
            let [name @ .., a, b, c, d] = self.read::<8>()?;
            let size = u64::from(u32::from_be_bytes([a, b, c, d]));
            match &name {
                b"TREE" => {
                    let mut text = vec![0; usize::try_from(self.within(size)?).unwrap_or(0)];
                    self.from.read_exact(&mut text)?;
                    self.left -= size;
                    found = root(&text).filter(|(count, _)| *count == entries);
                }
                // What is not optional changes what the entries mean.
                [b'A'..=b'Z', ..] => self.pass(size)?,
                _ => return Ok(None),
            }
        }
        Ok(found.map(|(_, id)| id))
    }

    /// Goes to where the entries end, if the index says where that is.
    fn seek_end_of_entries(&mut self) -> io::Result<bool> {
        let here = self.from.stream_position()?;
        let all = here + self.left;
        let Some(note) = all.checked_sub(END_NOTE as u64).filter(|at| *at >= here) else {
            return Ok(false);
        };
        self.from.seek(SeekFrom::Start(note))?;
        let mut text = [0; END_NOTE];
        self.from.read_exact(&mut text)?;
        let end = match text {
            [b'E', b'O', b'I', b'E', 0, 0, 0, 24, a, b, c, d, ..] => {
                u32::from_be_bytes([a, b, c, d])
            }
            _ => 0,
        };
        let is_known = (here..=note).contains(&u64::from(end));
        let next = if is_known { end.into() } else { here };
        self.from.seek(SeekFrom::Start(next))?;
        self.left = all - next;
        Ok(is_known)
    }

    /// False for one whose end is not known beforehand.
    fn pass_entry(&mut self) -> io::Result<bool> {
        let entry = self.read::<ENTRY>()?;
        let flags = u16::from_be_bytes([entry[ENTRY - 2], entry[ENTRY - 1]]);
        let length = usize::from(flags & LONG);
        let before = ENTRY + if flags & EXTENDED == 0 { 0 } else { 2 };
        // At least one zero, up to a multiple of eight.
        let whole = (before + length + 8) & !7;
        self.pass((whole - ENTRY) as u64)?;
        Ok(length < usize::from(LONG))
    }

    fn read<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.left -= self.within(N as u64)?;
        self.from.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn pass(&mut self, count: u64) -> io::Result<()> {
        self.left -= self.within(count)?;
        let mut count = count as usize;
        while count > 0 {
            let there = self.from.fill_buf()?.len().min(count);
            if there == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.from.consume(there);
            count -= there;
        }
        Ok(())
    }

    fn within(&self, count: u64) -> io::Result<u64> {
        let cut_short = || io::Error::from(io::ErrorKind::UnexpectedEof);
        (count <= self.left).then_some(count).ok_or_else(cut_short)
    }
}

/// Of the note about all folders the first one, which is the root: an empty name, how many entries it
/// has, how many folders are in it, and its tree. No count is negative but that of a tree that is not
/// known any more.
fn root(note: &[u8]) -> Option<(u32, ObjectId)> {
    let line = note.strip_prefix(b"\0")?;
    let end = line.iter().position(|byte| *byte == b'\n')?;
    let (line, rest) = (line.get(..end)?, line.get(end + 1..)?);
    let (count, _folders) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let id = ObjectId::try_from(rest.get(..ID)?).ok()?;
    Some((count.parse().ok()?, id))
}
