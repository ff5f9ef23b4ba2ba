//! File names that one file system takes for the same.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// What the file system of the repository does not tell apart. The default tells all apart.
///
/// Patterns and paths are brought to one form, and compared as bytes then. So a scope holds all
/// spellings of a file or none, whether it includes it or takes it out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Fold {
    /// `core.ignoreCase`. Git itself folds ASCII only; file systems fold all of Unicode, each by
    /// its own table. This folds as much as any does (full case folding, so `ß` is `ss`): no two
    /// coders are in `Ä.rs` and `ä.rs`.
    pub ignore_case: bool,
    /// `core.precomposeUnicode`: composed and decomposed letters are the same (NFC).
    pub precompose: bool,
}

impl Fold {
    /// The one form of all spellings of a path. What is not UTF-8 stays as it is.
    pub fn path(self, path: &[u8]) -> Cow<'_, [u8]> {
        if !self.ignore_case && (!self.precompose || path.is_ascii()) {
            return Cow::Borrowed(path);
        }
        let mut folded = Vec::with_capacity(path.len());
        for chunk in path.utf8_chunks() {
            let text = self.composed(chunk.valid());
            text.chars().for_each(|c| self.push(c, &mut folded));
            folded.extend_from_slice(chunk.invalid());
        }
        Cow::Owned(folded)
    }

    /// Composed, if that is asked for.
    pub(super) fn composed(self, text: &str) -> Cow<'_, str> {
        if self.precompose && !is_nfc(text) {
            Cow::Owned(text.nfc().collect())
        } else {
            Cow::Borrowed(text)
        }
    }

    /// Adds one character in its folded form.
    pub(super) fn push(self, c: char, bytes: &mut Vec<u8>) {
        if !self.ignore_case {
            push_utf8(c, bytes);
        } else if c.is_ascii() {
            bytes.push(c.to_ascii_lowercase() as u8);
        } else {
            // There and back, since some letters share an upper case only (`ſ` and `s`), others a
            // lower case only (`ẞ` and `ß`).
            c.to_lowercase()
                .flat_map(char::to_uppercase)
                .flat_map(char::to_lowercase)
                .for_each(|c| push_utf8(c, bytes));
        }
    }

    /// Whether the folded form of a path can hold this byte.
    pub(super) fn keeps(self, byte: u8) -> bool {
        !(self.ignore_case && byte.is_ascii_uppercase())
    }
}

fn push_utf8(c: char, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}
