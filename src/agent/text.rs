//! Files as text, and how two of them differ.

use super::path::RelPath;
use super::place::{Found, Place, Stamp};
use crate::git::hunks;
use crate::model::code::Code;
use crate::model::tool::{ErrorKind, ToolError};

/// The largest file that tools read as text or write: 4 MiB.
pub(super) const LARGEST: u64 = 4 << 20;
/// The most text that one answer has, in bytes, so that it mostly stays below what an envelope holds.
pub(super) const ANSWER: usize = 24 * 1024;

/// A file of text.
#[derive(Debug)]
pub(super) struct Text {
    pub text: String,
    pub stamp: Stamp,
}

/// Reads a file as text.
///
/// # Errors
/// When it is none, too large, or not there.
pub(super) fn read(place: &Place, path: &RelPath) -> Result<Text, ToolError> {
    let Found { bytes, stamp } = place.read(path, LARGEST)?;
    let size = bytes.len();
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(Text { text, stamp }),
        _ => Err(unsuitable(format!(
            "{path} is not text: it has {size} bytes, and not all of them are UTF-8"
        ))),
    }
}

/// That a file is not what a tool expects.
pub(super) fn unsuitable(message: impl Into<String>) -> ToolError {
    ToolError::new(Code::FileUnsuitable, ErrorKind::Tool, message)
}

/// Whether every line ends as on Windows. A model writes such a file's lines without that.
pub(super) fn is_crlf(text: &str) -> bool {
    let ends = text.matches('\n').count();
    ends > 0 && text.matches("\r\n").count() == ends
}

/// A model's text with the line ends of a file.
pub(super) fn with_ends_of(file: &str, text: &str) -> String {
    match is_crlf(file) && !text.contains('\r') {
        true => text.replace('\n', "\r\n"),
        false => text.to_owned(),
    }
}

/// The number of the line that a byte is in; the first is 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().iter().take(at);
    before.filter(|byte| **byte == b'\n').count() + 1
}

/// The start of a text, in no more than `limit` bytes, and whether that is not all.
pub(super) fn start(text: &str, limit: usize) -> (&str, bool) {
    let ends = (0..=limit.min(text.len())).rev();
    let end = ends
        .into_iter()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    (&text[..end], end < text.len())
}

/// What changes, as a unified diff with three lines around; nothing for a side that is not there. It is
/// cut where it is too long for one answer.
pub(super) fn diff(path: &RelPath, before: Option<&str>, after: Option<&str>) -> String {
    let bytes = |text: Option<&str>| text.unwrap_or_default().as_bytes().to_vec();
    let hunks = hunks(&bytes(before), &bytes(after));
    let hunks = String::from_utf8_lossy(&hunks);
    let side = |text: Option<&str>, letter: &str| match text {
        Some(_) => format!("{letter}/{path}"),
        None => "/dev/null".to_owned(),
    };
    let (old, new) = (side(before, "a"), side(after, "b"));
    let whole = format!("--- {old}\n+++ {new}\n{hunks}");
    match start(&whole, ANSWER) {
        (all, false) => all.to_owned(),
        (start, true) => format!("{start}\n… and {} more bytes\n", whole.len() - start.len()),
    }
}
