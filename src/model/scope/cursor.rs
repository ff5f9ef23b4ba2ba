//! Reading a pattern byte by byte, and what can be wrong with it.

/// A place in a pattern. Patterns are read as bytes, since git matches bytes.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Cursor<'t> {
    /// Reads `text` from `at` on.
    pub fn new(text: &'t str, at: usize) -> Self {
        let text = text.as_bytes();
        Self { text, at }
    }

    /// The offset of the next byte.
    pub fn at(&self) -> usize {
        self.at
    }

    /// What has been read, and what has not.
    pub fn before(&self) -> &'t [u8] {
        &self.text[..self.at]
    }

    pub fn rest(&self) -> &'t [u8] {
        &self.text[self.at..]
    }

    pub fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub fn take(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// The next byte; the one after it if that is a backslash.
    pub fn take_escaped(&mut self) -> Option<u8> {
        match self.take()? {
            b'\\' => self.take(),
            byte => Some(byte),
        }
    }

    pub fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }
}

/// What makes a pattern unreadable, and the offset of the byte where that begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flaw {
    pub at: usize,
    pub kind: FlawKind,
}

impl Flaw {
    pub fn new(at: usize, kind: FlawKind) -> Self {
        Self { at, kind }
    }
}

/// Where git lets a pattern match nothing, silently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FlawKind {
    /// A `[` without its `]`.
    #[error("`[` is not closed; write `\\[` for the character itself")]
    UnclosedBracket,
    /// `[:name:]` with a name that is none.
    #[error("there is no such character class; `[:alpha:]` is one")]
    UnknownClass,
    /// A backslash with nothing after it.
    #[error("`\\` has nothing to escape; write `\\\\` for the character itself")]
    LoneBackslash,
}
