//! Hashing and copying in one pass with bounded memory.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use super::CasError;
use crate::model::ids::ContentHash;

/// The unit of reading. Inputs up to this size are copied without a second thread.
pub(super) const CHUNK: usize = 1 << 20;

/// Chunks that may be on their way between the threads.
const IN_FLIGHT: usize = 4;

/// The hash and length of some bytes.
pub(super) struct Digest {
    pub hash: ContentHash,
    pub size: u64,
}

impl Digest {
    pub fn of(bytes: &[u8]) -> Self {
        Self::new(blake3::hash(bytes), bytes.len() as u64)
    }

    fn new(hash: blake3::Hash, size: u64) -> Self {
        let hash = hash_id(&hash);
        Self { hash, size }
    }
}

fn hash_id(hash: &blake3::Hash) -> ContentHash {
    match ContentHash::from_hex(hash.to_hex().as_str()) {
        Ok(id) => id,
        Err(_) => unreachable!("BLAKE3 gives 64 lower-case hex digits"),
    }
}

/// The hash of all that a reader gives.
///
/// # Errors
/// The reader's.
pub fn hash_of(mut input: impl Read) -> io::Result<ContentHash> {
    let mut hashing = Hashing::default();
    io::copy(&mut input, &mut hashing.0)?;
    Ok(hashing.hash())
}

/// The hash of bytes that come in parts. A clone goes on from what it has.
#[derive(Debug, Clone, Default)]
pub struct Hashing(blake3::Hasher);

impl Hashing {
    /// Takes in the next part.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Of all that was taken in.
    pub fn hash(&self) -> ContentHash {
        hash_id(&self.0.finalize())
    }
}

/// Copies everything from `input` to `output`, and tells what it was. `on_write` sorts the
/// errors of `output`; those of `input` become [`CasError::Input`].
pub(super) fn copy(
    mut input: impl Read,
    output: &mut File,
    on_write: impl FnOnce(io::Error) -> CasError,
) -> Result<Digest, CasError> {
    let mut first = Vec::new();
    if fill(&mut input, &mut first)? {
        output.write_all(&first).map_err(on_write)?;
        return Ok(Digest::of(&first));
    }
    copy_with_writer(input, first, output, on_write)
}

/// Reads and hashes here while a second thread writes: the two cost about the same.
fn copy_with_writer(
    mut input: impl Read,
    first: Vec<u8>,
    output: &mut File,
    on_write: impl FnOnce(io::Error) -> CasError,
) -> Result<Digest, CasError> {
    thread::scope(|scope| {
        let (full_in, full_out) = mpsc::sync_channel(IN_FLIGHT);
        let (spare_in, spare_out) = mpsc::channel();
        let writer = scope.spawn(move || write_all(full_out, output, spare_in));
        let read = read_all(&mut input, first, full_in, spare_out);
        match writer.join() {
            Ok(Ok(())) => read,
            Ok(Err(e)) => Err(on_write(e)),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn read_all(
    input: &mut impl Read,
    mut chunk: Vec<u8>,
    full: SyncSender<Vec<u8>>,
    spare: Receiver<Vec<u8>>,
) -> Result<Digest, CasError> {
    let mut hasher = blake3::Hasher::new();
    loop {
        hasher.update(&chunk);
        let last = chunk.len() < CHUNK;
        // A writer that is gone has failed; its error is the one that counts.
        if full.send(chunk).is_err() || last {
            return Ok(Digest::new(hasher.finalize(), hasher.count()));
        }
        chunk = spare.try_recv().unwrap_or_default();
        fill(input, &mut chunk)?;
    }
}

fn write_all(
    full: Receiver<Vec<u8>>,
    output: &mut File,
    spare: mpsc::Sender<Vec<u8>>,
) -> io::Result<()> {
    for chunk in full {
        output.write_all(&chunk)?;
        // The reader may have finished; then nobody wants the buffer back.
        let _ = spare.send(chunk);
    }
    Ok(())
}

/// Replaces `chunk` with the next bytes; true when that was the end of the input.
fn fill(input: &mut impl Read, chunk: &mut Vec<u8>) -> Result<bool, CasError> {
    chunk.clear();
    input
        .by_ref()
        .take(CHUNK as u64)
        .read_to_end(chunk)
        .map_err(CasError::Input)?;
    Ok(chunk.len() < CHUNK)
}

/// Reads everything, giving each piece to `each`, and tells what it was.
pub(super) fn digest<E>(
    mut input: impl Read,
    buffer: &mut Vec<u8>,
    on_read: impl FnOnce(io::Error) -> E,
    mut each: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<Digest, E> {
    buffer.resize(CHUNK, 0);
    let mut hasher = blake3::Hasher::new();
    loop {
        match input.read(buffer) {
            Ok(0) => return Ok(Digest::new(hasher.finalize(), hasher.count())),
            Ok(n) => {
                hasher.update(&buffer[..n]);
                each(&buffer[..n])?;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(on_read(e)),
        }
    }
}
