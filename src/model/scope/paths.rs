//! Which byte strings are paths of files that git can track.

/// How far a path has been read: where in its current component it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Reading {
    /// At the beginning of a component.
    Start,
    Dot,
    DotDot,
    DotG,
    DotGi,
    DotGit,
    /// In a component that may end here and may go on in any way.
    Name,
}

impl Reading {
    /// One byte further, or nothing if no path begins like that.
    pub fn step(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (_, 0) => None,
            (Self::Start | Self::Dot | Self::DotDot | Self::DotGit, b'/') => None,
            (_, b'/') => Some(Self::Start),
            (Self::Start, b'.') => Some(Self::Dot),
            (Self::Dot, b'.') => Some(Self::DotDot),
            (Self::Dot, b'g' | b'G') => Some(Self::DotG),
            (Self::DotG, b'i' | b'I') => Some(Self::DotGi),
            (Self::DotGi, b't' | b'T') => Some(Self::DotGit),
            _ => Some(Self::Name),
        }
    }

    /// Whether a path may end here.
    pub fn may_end(self) -> bool {
        matches!(self, Self::DotG | Self::DotGi | Self::Name)
    }

    /// Bytes of one group take every reading to the same next one.
    pub fn group(byte: u8) -> u8 {
        match byte {
            0 | b'/' | b'.' => byte,
            b'g' | b'G' => b'g',
            b'i' | b'I' => b'i',
            b't' | b'T' => b't',
            _ => b'a',
        }
    }
}

/// Whether git can track a file of this path: no empty component, none of `.`, `..` and `.git` in
/// any case, no NUL.
pub(super) fn is_path(path: &[u8]) -> bool {
    path.iter()
        .try_fold(Reading::Start, |reading, byte| reading.step(*byte))
        .is_some_and(Reading::may_end)
}
