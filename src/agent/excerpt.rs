//! The beginning and the end of what is too long to be told.

use std::str::from_utf8;

/// Text of bytes that need not be any.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// The beginning, or all of it.
    pub head: String,
    /// How many bytes are between the beginning and the end.
    pub omitted: u64,
    /// The end, where it is not all in the beginning.
    pub tail: Option<String>,
}

impl Excerpt {
    /// All of it.
    pub fn whole(bytes: &[u8]) -> Self {
        Self {
            head: String::from_utf8_lossy(bytes).into_owned(),
            omitted: 0,
            tail: None,
        }
    }

    /// Both ends of `size` bytes. Characters that the cuts go through are left out.
    pub fn of(head: &[u8], tail: &[u8], size: u64) -> Self {
        let head = without_cut_end(head);
        let tail = without_cut_start(tail);
        let told = (head.len() + tail.len()) as u64;
        Self {
            head: String::from_utf8_lossy(head).into_owned(),
            omitted: size.saturating_sub(told),
            tail: Some(String::from_utf8_lossy(tail).into_owned()),
        }
    }
}

/// All but the start of a character that goes on behind.
pub(super) fn without_cut_end(bytes: &[u8]) -> &[u8] {
    // The first byte of the last character is one of the last four.
    let last = (1..=bytes.len().min(4)).find(|back| !is_inner(bytes[bytes.len() - back]));
    match last.map(|back| bytes.split_at(bytes.len() - back)) {
        Some((before, cut)) if from_utf8(cut).is_err_and(|error| error.error_len().is_none()) => {
            before
        }
        _ => bytes,
    }
}

fn without_cut_start(bytes: &[u8]) -> &[u8] {
    let inner = bytes.iter().take(3).take_while(|byte| is_inner(**byte));
    &bytes[inner.count()..]
}

/// Whether it is a byte of a character, and not its first.
fn is_inner(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_kept_whole_or_not_at_all() {
        let text = "aé€😀";
        for end in 0..=text.len() {
            let whole = without_cut_end(&text.as_bytes()[..end]);
            assert!(text.starts_with(from_utf8(whole).unwrap()));
            assert!(end - whole.len() < 4);
        }
        assert_eq!(without_cut_end(b"a\xffb"), b"a\xffb");
    }
}
