//! What the name of a file or folder begins and ends with, as far as a pattern tells.

/// One component of a pattern: literal bytes, or wildcards between literal bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Component {
    begins: Vec<u8>,
    ends: Vec<u8>,
    /// There are wildcards between the two; otherwise each is the whole name.
    open: bool,
}

impl Component {
    /// Adds a literal byte.
    pub fn push(&mut self, byte: u8) {
        if !self.open {
            self.begins.push(byte);
        }
        self.ends.push(byte);
    }

    /// Adds a wildcard.
    pub fn open(&mut self) {
        self.open = true;
        self.ends.clear();
    }

    fn meets(&self, other: &Self) -> bool {
        match (self.open, other.open) {
            (false, false) => self.begins == other.begins,
            (false, true) => other.may_be(&self.begins),
            (true, false) => self.may_be(&other.begins),
            (true, true) => {
                let (begins, ends) = (&self.begins, &self.ends);
                (begins.starts_with(&other.begins) || other.begins.starts_with(begins))
                    && (ends.ends_with(&other.ends) || other.ends.ends_with(ends))
            }
        }
    }

    fn may_be(&self, name: &[u8]) -> bool {
        name.starts_with(&self.begins) && name.ends_with(&self.ends)
    }
}

/// Whether one path may have the first components of both.
pub(super) fn components_meet(one: &[Component], other: &[Component]) -> bool {
    one.iter().zip(other).all(|(one, other)| one.meets(other))
}
