//! What git tells the `pre-push` hook.

use gix::ObjectId;
use gix::bstr::ByteSlice;

use super::error::HookError;

/// Why a push to the target is refused.
pub(super) const TO_TARGET: &str = "is the one that the work lands on, also elsewhere";

/// One ref that is pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Push {
    /// What it is called here.
    pub local_ref: String,
    /// What it is here; `None` when it is to be deleted there.
    pub local: Option<ObjectId>,
    /// What it is called there.
    pub remote_ref: String,
    /// What it is there.
    pub remote: Option<ObjectId>,
}

impl Push {
    /// Reads lines `<local ref> <local id> <remote ref> <remote id>`.
    pub fn read(input: &[u8]) -> Result<Vec<Self>, HookError> {
        input.lines().map(Self::parse).collect()
    }

    fn parse(line: &[u8]) -> Result<Self, HookError> {
        let text = line.to_str_lossy();
        let wrong = || HookError::Input(text.to_string());
        let words: Vec<&str> = text.split(' ').collect();
        let &[local_ref, local, remote_ref, remote] = words.as_slice() else {
            return Err(wrong());
        };
        let id = |hex: &str| {
            let id = ObjectId::from_hex(hex.as_bytes()).map_err(|_| wrong())?;
            Ok::<_, HookError>((!id.is_null()).then_some(id))
        };
        Ok(Self {
            local: id(local)?,
            remote: id(remote)?,
            local_ref: local_ref.to_owned(),
            remote_ref: remote_ref.to_owned(),
        })
    }
}
