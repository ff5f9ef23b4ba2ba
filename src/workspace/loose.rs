//! Handing on loose objects, as files.

use std::fs;
use std::io;
use std::path::Path;

use super::error::WorkspaceError;

/// Moves every loose object of the object folder `from` into `to`, so that whoever has `to` does not
/// depend on others to keep them.
///
/// # Errors
/// When one cannot be moved, or `to` has something else in place of a folder.
pub(super) fn hand_on(from: &Path, to: &Path) -> Result<(), WorkspaceError> {
    for folder in fs::read_dir(from).map_err(WorkspaceError::io(from))? {
        let folder = folder.map_err(WorkspaceError::io(from))?;
        let name = folder.file_name();
        if !is_fan_out(&name.to_string_lossy()) {
            continue;
        }
        let (from, to) = (folder.path(), to.join(&name));
        make_folder(&to).map_err(WorkspaceError::io(&to))?;
        for object in fs::read_dir(&from).map_err(WorkspaceError::io(&from))? {
            let object = object.map_err(WorkspaceError::io(&from))?;
            let target = to.join(object.file_name());
            hand_over(&object.path(), &target).map_err(WorkspaceError::io(&target))?;
        }
    }
    Ok(())
}

/// Two hexadecimal digits.
fn is_fan_out(name: &str) -> bool {
    name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A link that a session made there would lead out of its git directory.
fn make_folder(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            match fs::symlink_metadata(path)?.is_dir() {
                true => Ok(()),
                false => Err(error),
            }
        }
        made => made,
    }
}

/// An object appears under its name with all of its bytes, also across file systems.
fn hand_over(from: &Path, to: &Path) -> io::Result<()> {
    if fs::symlink_metadata(to).is_ok() {
        return Ok(());
    }
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let draft = to.with_extension("treeyard");
            fs::copy(from, &draft)?;
            fs::rename(&draft, to)
        }
        moved => moved,
    }
}
