//! How a landing describes itself: the method, and trailers that say where a commit came from.

use gix::bstr::{BStr, BString, ByteSlice, ByteVec};
use serde::{Deserialize, Serialize};

use crate::model::provenance::Provenance;

/// How a session's commits reach the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MergeMethod {
    /// A merge commit, also where a fast-forward is possible, so that the trailers are recorded.
    Merge,
    /// One commit with everything.
    Squash,
    /// Each commit again, on top of the target.
    Rebase,
}

/// Runs of white space and control characters become one space, so that a value cannot start
/// another trailer or paragraph.
pub(super) fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// `subject`, an optional body, and the trailers.
pub(super) fn compose(subject: &str, body: &[String], provenance: &Provenance) -> BString {
    let mut text = BString::from(one_line(subject));
    if !body.is_empty() {
        text.push_str("\n\n");
        text.push_str(body.join("\n"));
    }
    with_trailers(text.as_bstr(), provenance)
}

/// `message` with the trailers at its end, joined to a trailer paragraph that is there already.
pub(super) fn with_trailers(message: &BStr, provenance: &Provenance) -> BString {
    let mut text = BString::from(message.trim_end());
    let joined = ends_in_trailers(text.as_bstr());
    text.push_str(if joined { "\n" } else { "\n\n" });
    let lines: Vec<&[u8]> = message.lines().collect();
    for trailer in provenance.lines() {
        if !(joined && lines.contains(&trailer.as_bytes())) {
            text.push_str(trailer);
            text.push(b'\n');
        }
    }
    text
}

fn ends_in_trailers(message: &BStr) -> bool {
    // The first paragraph is the subject: `fix: it` is no trailer.
    let Some(start) = message.rfind("\n\n") else {
        return false;
    };
    message[start + 2..].lines().all(is_trailer)
}

fn is_trailer(line: &[u8]) -> bool {
    line.find(": ").is_some_and(|at| {
        at > 0
            && line[..at]
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || *b == b'-')
    })
}
