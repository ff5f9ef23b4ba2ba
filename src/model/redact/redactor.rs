//! What takes secrets out: over bytes in memory, a text, or a stream.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::encodings::Unredactable;
use super::lines::LineStream;
use super::values::{ValueStream, Values};
use crate::model::secret::{SecretName, SecretValue};

/// Knows the built-in patterns, and the values of some secrets.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    values: Option<Arc<Values>>,
}

/// What was replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Names of secrets and of patterns.
    pub names: BTreeSet<String>,
    /// How many places.
    pub count: u64,
}

impl Findings {
    pub(super) fn add(&mut self, name: &str) {
        if !self.names.contains(name) {
            self.names.insert(name.to_owned());
        }
        self.count += 1;
    }
}

impl Redactor {
    /// Looks for these values in all their forms, besides the patterns. A name may stand there more
    /// than once, with values of different times.
    ///
    /// # Errors
    /// The first value that output cannot be kept free of.
    pub fn new(values: &[(SecretName, SecretValue)]) -> Result<Self, (SecretName, Unredactable)> {
        let values = Values::new(values)?.map(Arc::new);
        Ok(Self { values })
    }

    /// Looks for what only looks like a secret.
    pub fn patterns() -> Self {
        Self::default()
    }

    /// The bytes without secrets.
    pub fn redact<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut stream = self.stream();
        let mut out = Vec::new();
        stream.push(bytes, &mut out);
        stream.finish(&mut out);
        match stream.findings.count {
            0 => Cow::Borrowed(bytes),
            _ => Cow::Owned(out),
        }
    }

    /// The text without secrets.
    pub fn redact_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.redact(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
                Ok(text) => text,
                // The value of a secret may end within a character.
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            }),
        }
    }

    /// For bytes that come piece by piece.
    pub fn stream(&self) -> RedactStream {
        RedactStream {
            values: self.values.clone(),
            by_value: ValueStream::default(),
            by_line: LineStream::default(),
            between: Vec::new(),
            findings: Findings::default(),
        }
    }
}

/// Takes secrets out of a stream, however it is cut. It holds back what is not decided: a line that
/// is not whole, up to 16 KiB, and what may be the start of a value.
#[derive(Debug)]
pub struct RedactStream {
    values: Option<Arc<Values>>,
    by_value: ValueStream,
    by_line: LineStream,
    /// What comes out of the first pass, kept for its room.
    between: Vec<u8>,
    findings: Findings,
}

impl RedactStream {
    /// Takes the next piece, and appends to `out` what is decided now.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.take(input, false, out);
    }

    /// Appends the rest: nothing more comes.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.take(&[], true, out);
    }

    /// What was replaced so far.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    fn take(&mut self, input: &[u8], last: bool, out: &mut Vec<u8>) {
        let Some(values) = &self.values else {
            self.by_line.push(input, last, out, &mut self.findings);
            return;
        };
        self.between.clear();
        let findings = &mut self.findings;
        self.by_value
            .push(values, input, last, &mut self.between, findings);
        self.by_line.push(&self.between, last, out, findings);
    }
}
