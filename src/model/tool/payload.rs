//! Arguments and results: in the envelope when they are small, else by the hash of an artifact.

use std::io;

use serde_json::Value;

use crate::model::ids::ContentHash;

/// The most bytes that arguments or a result have as JSON to stand in the envelope itself: 32 KiB.
pub const INLINE_LIMIT: usize = 32 * 1024;

/// Arguments or a result.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    /// At most [`INLINE_LIMIT`] bytes.
    Inline(Value),
    /// An artifact, whose bytes are JSON.
    Reference(ContentHash),
}

impl Payload {
    /// In the envelope if it is small enough, else as what `store` makes of its JSON.
    ///
    /// # Errors
    /// Whatever `store` says.
    pub fn fit<E>(
        value: Value,
        store: impl FnOnce(&[u8]) -> Result<ContentHash, E>,
    ) -> Result<Self, E> {
        match fits(&value) {
            true => Ok(Self::Inline(value)),
            false => store(value.to_string().as_bytes()).map(Self::Reference),
        }
    }
}

/// Whether it may stand in the envelope. The text is counted as it is made and not kept.
pub(super) fn fits(value: &Value) -> bool {
    serde_json::to_writer(Room(INLINE_LIMIT), value).is_ok()
}

/// Takes so many bytes and no more.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.0.checked_sub(bytes.len());
        self.0 = left.ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
