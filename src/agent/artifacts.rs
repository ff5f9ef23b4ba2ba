//! What tools store for later, without secrets.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use super::excerpt::Excerpt;
use super::world::World;
use crate::cas::{Cas, CasError};
use crate::model::code::Code;
use crate::model::ids::ContentHash;
use crate::model::redact::{Findings, Redactor};
use crate::model::tool::{ErrorKind, ToolError};
use crate::secrets::RedactingReader;

/// Where a session's tools store what is large, and what is taken out of it before.
#[derive(Debug)]
pub struct Artifacts {
    /// The store.
    pub cas: Cas,
    /// What the session must not keep.
    pub redactor: Redactor,
}

/// Something that a call stored. Whoever ran the call records it as the session's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its content hash.
    pub hash: ContentHash,
    /// Its size in bytes.
    pub size: u64,
    /// What it is: `command_output`, `note`.
    pub kind: &'static str,
    /// Its media type.
    pub media_type: String,
    /// What is not in it.
    pub redacted: Findings,
}

/// The type of what programs print.
pub(super) const PLAIN: &str = "text/plain";

impl Artifacts {
    /// Stores all that `input` gives, without secrets, in one pass.
    ///
    /// # Errors
    /// When it cannot be read or stored, or the call is called off meanwhile.
    pub(super) fn keep(
        &self,
        input: impl Read,
        kind: &'static str,
        media_type: &str,
        world: &World,
    ) -> Result<Artifact, ToolError> {
        let mut reader = RedactingReader::new(UntilCanceled { input, world }, &self.redactor);
        let stored =
            self.cas
                .put_reader(&mut reader)
                .map_err(|error| match world.is_canceled() {
                    true => super::walk::canceled(),
                    false => failed(&error),
                })?;
        Ok(Artifact {
            hash: stored.hash,
            size: stored.size,
            kind,
            media_type: media_type.to_owned(),
            redacted: reader.findings().clone(),
        })
    }

    /// The beginning and the end of what was stored, in no more than `limit` bytes.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn excerpt(&self, kept: &Artifact, limit: u64) -> Result<Excerpt, ToolError> {
        let mut object = self.open(&kept.hash)?;
        if kept.size <= limit {
            let head = piece(&mut object, 0, limit)?;
            return Ok(Excerpt::whole(&head));
        }
        let half = limit / 2;
        let head = piece(&mut object, 0, half)?;
        let tail = piece(&mut object, kept.size - half, half)?;
        Ok(Excerpt::of(&head, &tail, kept.size))
    }

    pub(super) fn open(&self, hash: &ContentHash) -> Result<File, ToolError> {
        self.cas.open_checked(hash).map_err(|error| failed(&error))
    }
}

/// Some bytes of a file, fewer at its end.
pub(super) fn piece(file: &mut File, from: u64, length: u64) -> Result<Vec<u8>, ToolError> {
    let mut bytes = Vec::new();
    let read = file
        .seek(SeekFrom::Start(from))
        .and_then(|_| file.take(length).read_to_end(&mut bytes));
    read.map_err(|error| ToolError::new(Code::Io, ErrorKind::Tool, error.to_string()))?;
    Ok(bytes)
}

fn failed(error: &CasError) -> ToolError {
    ToolError::new(error.code(), ErrorKind::Tool, error.to_string())
}

/// Gives what another reader gives, until somebody calls it off.
struct UntilCanceled<'a, R> {
    input: R,
    world: &'a World,
}

impl<R: Read> Read for UntilCanceled<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.world.is_canceled() {
            // Not `Interrupted`, after which readers try again.
            true => Err(std::io::Error::other("called off")),
            false => self.input.read(buffer),
        }
    }
}
