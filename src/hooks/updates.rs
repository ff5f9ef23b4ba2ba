//! What git tells the `reference-transaction` hook.

use gix::ObjectId;
use gix::bstr::ByteSlice;

use super::error::HookError;

/// Where a ref is about to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum To {
    /// At an object.
    Object(ObjectId),
    /// At another ref.
    Ref(String),
    /// Nowhere: deleted, locked to be checked, or packed.
    Nothing,
}

/// One ref of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Update {
    /// Its full name.
    pub name: String,
    /// Where it will be.
    pub to: To,
}

impl Update {
    /// The updates of branches, out of lines `<old> <new> <ref>`. What git says of the old value is
    /// left aside: it is zero for "whatever it is" as well.
    pub fn of_branches(input: &[u8]) -> Result<Vec<Self>, HookError> {
        let mut updates = Vec::new();
        for line in input.lines() {
            let mut words = line.splitn(3, |byte| *byte == b' ');
            let (Some(_old), Some(new), Some(name)) = (words.next(), words.next(), words.next())
            else {
                return Err(HookError::Input(line.to_str_lossy().into_owned()));
            };
            if name.starts_with(b"refs/heads/") {
                let name = name.to_str_lossy().into_owned();
                updates.push(Self {
                    name,
                    to: To::parse(new)?,
                });
            }
        }
        Ok(updates)
    }
}

impl To {
    fn parse(word: &[u8]) -> Result<Self, HookError> {
        if let Some(name) = word.strip_prefix(b"ref:") {
            return Ok(Self::Ref(name.to_str_lossy().into_owned()));
        }
        let id = ObjectId::from_hex(word)
            .map_err(|_| HookError::Input(word.to_str_lossy().into_owned()))?;
        Ok(if id.is_null() {
            Self::Nothing
        } else {
            Self::Object(id)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_other_refs_left_aside() {
        let (zero, one) = ("0".repeat(40), "1".repeat(40));
        let input = format!(
            "{zero} {one} HEAD\n{zero} {one} refs/heads/a b\n{one} {zero} refs/heads/gone\n\
             {zero} ref:refs/heads/x refs/heads/link\n{zero} {one} refs/tags/t\n"
        );
        let found = Update::of_branches(input.as_bytes()).unwrap();
        let names: Vec<_> = found.iter().map(|update| update.name.as_str()).collect();
        assert_eq!(
            names,
            ["refs/heads/a b", "refs/heads/gone", "refs/heads/link"]
        );
        assert!(matches!(found[0].to, To::Object(_)));
        assert_eq!(found[1].to, To::Nothing);
        assert_eq!(found[2].to, To::Ref("refs/heads/x".into()));
        assert!(Update::of_branches(b"nonsense\n").is_err());
        assert!(Update::of_branches(b"0 x refs/heads/a\n").is_err());
    }
}
