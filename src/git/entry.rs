//! What a single entry of a tree may be.

use gix::bstr::{BStr, BString, ByteSlice};
use gix::objs::tree::{EntryKind, EntryMode};
use gix::validate::path::component;

/// The longest target that a symbolic link may have, in bytes: no system follows a longer one.
pub(super) const LONGEST_LINK: u64 = 4096;

/// Why an entry is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// `.git` in any case or disguise, `.`, `..`, a slash; or `.gitmodules` as a link.
    #[error("has a name that git refuses to check out: {0}")]
    Name(String),
    /// Its folder has two entries of that name.
    #[error("is there twice")]
    Twice,
    /// A mode that git does not write.
    #[error("has the unusual mode {0:o}")]
    Mode(u16),
    /// As in a name that a terminal would take for commands.
    #[error("has control characters in its name")]
    ControlCharacters,
    /// Two names for one file, where case or the composition of letters does not count.
    #[error("is the same file as {0:?} on macOS or Windows")]
    Twin(String),
    /// Absolute, or above the root.
    #[error("is a link that leaves the repository, to {0:?}")]
    LeavingLink(String),
    /// Into `.git`, of the repository or of another one in it.
    #[error("is a link into a git directory, to {0:?}")]
    GitLink(String),
    /// More bytes than any system follows.
    #[error("is a link whose target has {0} bytes")]
    LongLink(u64),
    /// No target, or a zero byte in it.
    #[error("is a link that no system follows")]
    BrokenLink,
    /// A repository in the repository, mostly added unawares.
    #[error("is a git repository of its own and no submodule: .gitmodules does not name it")]
    NoSubmodule,
}

/// A backslash is part of a name here and a separator elsewhere, so that each part has to be sound.
/// The disguises of HFS+ and NTFS are refused everywhere, since the repository is cloned elsewhere
/// later. What Windows alone reserves (`aux`, `a:b`) is an ordinary name.
pub(super) fn name_flaw(name: &BStr, mode: EntryMode) -> Option<Flaw> {
    let kind = mode.is_link().then_some(component::Mode::Symlink);
    let unsound = |part: &[u8]| sound_component(part.as_bstr(), kind).err();
    let parts = name.split(|b| *b == b'\\').filter(|part| !part.is_empty());
    let flaw = match name.is_empty() {
        true => unsound(name),
        false => parts.map(unsound).find(Option::is_some).flatten(),
    };
    flaw.map(|error| Flaw::Name(error.to_string()))
}

fn sound_component(name: &BStr, kind: Option<component::Mode>) -> Result<(), component::Error> {
    let options = component::Options {
        protect_windows: false,
        protect_hfs: true,
        protect_ntfs: true,
    };
    gix::validate::path::component(name, kind, options).map(drop)
}

pub(super) fn mode_flaw(mode: EntryMode) -> Option<Flaw> {
    const USUAL: [EntryKind; 5] = [
        EntryKind::Tree,
        EntryKind::Blob,
        EntryKind::BlobExecutable,
        EntryKind::Link,
        EntryKind::Commit,
    ];
    let is_usual = USUAL.iter().any(|kind| *kind as u16 == mode.value());
    (!is_usual).then(|| Flaw::Mode(mode.value()))
}

/// Of ASCII and of the rest of Unicode. What is not UTF-8 is nobody's command.
pub(super) fn has_control_characters(name: &[u8]) -> bool {
    let mut texts = name.utf8_chunks().map(|chunk| chunk.valid());
    texts.any(|text| text.contains(char::is_control))
}

/// Where the link at `path` leads, by its text alone: the folders on the way are taken for what they
/// are called. As Linux reads it and as Windows does, to which a backslash is a separator.
pub(super) fn link_flaw(path: &BString, target: &[u8]) -> Option<Flaw> {
    if target.is_empty() || target.contains(&0) {
        return Some(Flaw::BrokenLink);
    }
    let told = || target.to_str_lossy().into_owned();
    let depth = path.iter().filter(|b| **b == b'/').count();
    let forward = target.replace(b"\\", b"/");
    if leaves(depth, target) || leaves(depth, &forward) || has_drive(&forward) {
        return Some(Flaw::LeavingLink(told()));
    }
    let is_git = |part: &[u8]| {
        let unsound = sound_component(part.as_bstr(), None);
        matches!(unsound, Err(component::Error::DotGitDir))
    };
    let into_git = forward.split(|b| *b == b'/').any(is_git);
    into_git.then(|| Flaw::GitLink(told()))
}

/// Whether a link in a folder `depth` levels below the root goes above that.
fn leaves(mut depth: usize, target: &[u8]) -> bool {
    if target.starts_with(b"/") {
        return true;
    }
    for part in target.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." if depth == 0 => return true,
            b".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

fn has_drive(target: &[u8]) -> bool {
    matches!(target, [letter, b':', b'/', ..] if letter.is_ascii_alphabetic())
}

/// Why no entry of a tree can have this name, such as `.git` in any disguise; nothing, if one can.
pub fn component_flaw(name: &[u8]) -> Option<Flaw> {
    name_flaw(name.as_bstr(), EntryKind::Blob.into())
}
