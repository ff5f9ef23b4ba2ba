//! Reading without secrets.

use std::io::{self, Read};

use crate::model::redact::{Findings, RedactStream, Redactor};

const CHUNK: usize = 256 * 1024;

/// Gives what another reader gives, without secrets, however its pieces are cut.
#[derive(Debug)]
pub struct RedactingReader<R> {
    input: R,
    stream: RedactStream,
    chunk: Vec<u8>,
    out: Vec<u8>,
    /// How much of `out` was given.
    given: usize,
    over: bool,
}

impl<R: Read> RedactingReader<R> {
    /// Reads through `redactor`.
    pub fn new(input: R, redactor: &Redactor) -> Self {
        Self {
            input,
            stream: redactor.stream(),
            chunk: vec![0; CHUNK],
            out: Vec::new(),
            given: 0,
            over: false,
        }
    }

    /// What was replaced so far.
    pub fn findings(&self) -> &Findings {
        self.stream.findings()
    }
}

impl<R: Read> Read for RedactingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.out.len() && !self.over {
            let count = self.input.read(&mut self.chunk)?;
            (self.given, self.over) = (0, count == 0);
            self.out.clear();
            match self.over {
                true => self.stream.finish(&mut self.out),
                false => self.stream.push(&self.chunk[..count], &mut self.out),
            }
        }
        let rest = &self.out[self.given..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_what_the_redactor_gives() {
        let secret = format!("ghp_{}", "a1B2".repeat(9));
        let text = format!("{secret}\n{}\n", "x y z\n".repeat(100_000)).repeat(3);
        let mut reader = RedactingReader::new(text.as_bytes(), &Redactor::patterns());
        let mut read = String::new();
        reader.read_to_string(&mut read).unwrap();
        assert_eq!(read, text.replace(&secret, "[redacted:github-token]"));
        assert_eq!(reader.findings().count, 3);
    }
}
