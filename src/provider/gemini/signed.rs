//! Signatures of words and calls, kept as withheld thoughts beside them.

use crate::model::chat::Block;
use crate::model::chat::Wire;

/// What a signature belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signed<'s> {
    /// The thought that has it.
    Thought(&'s str),
    /// The words before it.
    Words(&'s str),
    /// The call behind it.
    Call(&'s str),
}

/// Signatures are base64, so these cannot be the beginning of one.
const WORDS: &str = "words:";
const CALL: &str = "call:";

/// Beside words that are signed.
pub(super) fn of_words(signature: &str) -> Block {
    withheld(WORDS, signature)
}

/// Beside a call that is signed.
pub(super) fn of_call(signature: &str) -> Block {
    withheld(CALL, signature)
}

fn withheld(what: &str, signature: &str) -> Block {
    Block::Thinking {
        text: String::new(),
        signature: Some(Wire::Gemini.seal(&format!("{what}{signature}"))),
        redacted: true,
    }
}

/// What this signature belongs to; nothing when it is not of Gemini.
pub(super) fn read(sealed: &str) -> Option<Signed<'_>> {
    let signature = Wire::Gemini.unseal(sealed)?;
    let words = signature.strip_prefix(WORDS).map(Signed::Words);
    let call = signature.strip_prefix(CALL).map(Signed::Call);
    Some(words.or(call).unwrap_or(Signed::Thought(signature)))
}
