//! A word to the session, left in its git directory. The session owns that folder and may have put
//! anything there: no link is followed, and nothing that is there is written to.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;

use rustix::fs::{self, AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::error::WorkspaceError;
use super::located::Located;

/// Its file name in a session's git directory.
pub const NOTE: &str = "treeyard-drift";
const DRAFT: &str = "treeyard-drift.new";

/// Leaves `text` for the session, or takes away what was left when there is none.
///
/// # Errors
/// When its git directory cannot be written, or has a folder of that name.
pub fn leave_note(ws: &Located, text: Option<&str>) -> Result<(), WorkspaceError> {
    let left = open(ws).and_then(|folder| match text {
        Some(text) => write(&folder, text),
        None => remove(&folder, NOTE),
    });
    left.map_err(|error| WorkspaceError::io(ws.git_dir.join(NOTE))(error))
}

fn open(ws: &Located) -> std::io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(fs::open(&ws.git_dir, flags, Mode::empty())?)
}

fn write(folder: &OwnedFd, text: &str) -> std::io::Result<()> {
    remove(folder, DRAFT)?;
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o644);
    let mut draft = File::from(fs::openat(folder, DRAFT, flags, mode)?);
    draft.write_all(text.as_bytes())?;
    Ok(fs::renameat(folder, DRAFT, folder, NOTE)?)
}

fn remove(folder: &OwnedFd, name: &str) -> std::io::Result<()> {
    match fs::unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{create_dir, read_to_string, remove_dir_all, remove_file, rename, write};
    use std::os::unix::fs::symlink;

    use super::super::tests::Field;
    use super::*;

    #[test]
    fn it_is_left_and_taken_away_and_no_link_is_followed() {
        let field = Field::new();
        let ws = field.make("one").located();
        let (note, draft) = (ws.git_dir.join(NOTE), ws.git_dir.join(DRAFT));
        let outside = field.dir.path().join("outside");
        write(&outside, "mine\n").unwrap();
        symlink(&outside, &note).unwrap();
        symlink(&outside, &draft).unwrap();
        leave_note(&ws, Some("one\n")).unwrap();
        assert!(!note.is_symlink() && !draft.is_symlink());
        assert_eq!(read_to_string(&note).unwrap(), "one\n");
        leave_note(&ws, Some("two\n")).unwrap();
        assert_eq!(read_to_string(&note).unwrap(), "two\n");
        leave_note(&ws, None).unwrap();
        leave_note(&ws, None).unwrap();
        assert!(!note.exists());
        symlink(&outside, &note).unwrap();
        leave_note(&ws, None).unwrap();
        assert_eq!(read_to_string(&outside).unwrap(), "mine\n");
    }

    #[test]
    fn what_cannot_be_written_is_an_error_and_changes_nothing() {
        let field = Field::new();
        let ws = field.make("one").located();
        let note = ws.git_dir.join(NOTE);
        create_dir(&note).unwrap();
        assert!(leave_note(&ws, Some("x")).is_err());
        remove_dir_all(&note).unwrap();
        let moved = field.dir.path().join("moved");
        rename(&ws.git_dir, &moved).unwrap();
        symlink(&moved, &ws.git_dir).unwrap();
        assert!(leave_note(&ws, Some("x")).is_err());
        assert!(!moved.join(NOTE).exists());
        remove_file(&ws.git_dir).unwrap();
        assert!(leave_note(&ws, Some("x")).is_err());
    }
}
