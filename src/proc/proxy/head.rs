//! The header section of a request, taken from a connection.

use std::io::{self, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::answer::Failure;
use super::request::RequestFlaw;

/// The longest header section.
pub(super) const LONGEST: usize = 16 * 1024;

/// The bytes of a connection up to the end of the header section, and those that came with them.
#[derive(Debug, Default)]
pub(super) struct Head {
    bytes: Vec<u8>,
    /// Nothing stands in the current line yet.
    line_is_empty: bool,
    after_return: bool,
    end: Option<usize>,
}

impl Head {
    /// Takes the header section from `stream`, and maybe more.
    pub fn take(stream: &TcpStream, limit: Duration) -> Result<Self, Failure> {
        let deadline = Instant::now() + limit;
        let mut head = Self::default();
        let mut buffer = [0; 4096];
        while !head.is_whole() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Failure::TooSlow);
            }
            stream.set_read_timeout(Some(left))?;
            let mut stream = stream;
            match stream.read(&mut buffer) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Ok(count) => head.push(&buffer[..count])?,
                Err(error) if is_timeout(&error) || is_interrupted(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(head)
    }

    /// Adds what has come. Lines end in CR and LF together: either of them alone is the end of a
    /// line to some readers and not to others, which is how requests are smuggled.
    pub fn push(&mut self, more: &[u8]) -> Result<(), RequestFlaw> {
        for byte in more {
            self.bytes.push(*byte);
            if self.end.is_none() {
                self.step(*byte)?;
            }
        }
        Ok(())
    }

    fn step(&mut self, byte: u8) -> Result<(), RequestFlaw> {
        match (self.after_return, byte) {
            (true, b'\n') if self.line_is_empty => self.end = Some(self.bytes.len()),
            (true, b'\n') => (self.after_return, self.line_is_empty) = (false, true),
            (true, _) | (false, b'\n') => return Err(RequestFlaw::LineEnd),
            (false, b'\r') => self.after_return = true,
            (false, b'\t' | b' '..=b'~' | 0x80..) => self.line_is_empty = false,
            (false, _) => return Err(RequestFlaw::Control),
        }
        match self.end {
            None if self.bytes.len() >= LONGEST => Err(RequestFlaw::TooLong),
            _ => Ok(()),
        }
    }

    pub fn is_whole(&self) -> bool {
        self.end.is_some()
    }

    /// Its lines, without the empty one at the end.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let end = self.end.unwrap_or(self.bytes.len());
        self.bytes[..end]
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .take_while(|line| !line.is_empty())
    }

    /// What came behind it.
    pub fn rest(&self) -> &[u8] {
        &self.bytes[self.end.unwrap_or(self.bytes.len())..]
    }
}

pub(super) fn is_timeout(error: &io::Error) -> bool {
    use io::ErrorKind::{TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut)
}

pub(super) fn is_interrupted(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Interrupted
}
