//! The files by which secrets are passed, in the session's git directory: outside of its worktree,
//! so that none of them is ever committed.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::error::SecretError;
use super::resolve::at_most;
use crate::model::secret::{SecretName, SecretValue};

/// The environment variable that names the folder.
pub const VARIABLE: &str = "TREEYARD_SECRETS";
const FOLDER: u32 = 0o700;
const FILE: u32 = 0o400;

/// Writes each value to a file of its own, which only its owner can read, and gives their folder.
/// No process of the session runs then, but earlier ones may have left anything there.
///
/// # Errors
/// The secret that could not be written; then none of them stays.
pub fn pass(git_dir: &Path, values: &[(SecretName, SecretValue)]) -> Result<PathBuf, SecretError> {
    let folder = folder(git_dir);
    for (name, value) in values {
        let path = folder.join(name.as_str());
        let fresh = name == &values[0].0;
        let written = match fresh {
            true => take_back(git_dir).and_then(|()| make_folder(git_dir)),
            false => Ok(()),
        };
        let written = written.and_then(|()| write(&path, value));
        if let Err(source) = written {
            let _ = take_back(git_dir);
            return Err(SecretError::Unwritable {
                name: name.clone(),
                path,
                source,
            });
        }
    }
    Ok(folder)
}

/// Removes the files, and whatever else stands in their place.
///
/// # Errors
/// The system's reason: then they may still be there.
pub fn take_back(git_dir: &Path) -> io::Result<()> {
    let folder = folder(git_dir);
    if !is_folder(&parent(git_dir)) {
        return Ok(());
    }
    let removed = match fs::symlink_metadata(&folder) {
        Ok(found) if found.is_dir() => {
            // A job may have closed it.
            let _ = fs::set_permissions(&folder, Permissions::from_mode(FOLDER));
            fs::remove_dir_all(&folder)
        }
        Ok(_) => fs::remove_file(&folder),
        Err(error) => Err(error),
    };
    let _ = fs::remove_dir(parent(git_dir));
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether the folder is there.
pub fn is_there(git_dir: &Path) -> bool {
    is_folder(&parent(git_dir)) && is_folder(&folder(git_dir))
}

/// A value that was passed and is still there.
pub(super) fn passed(git_dir: &Path, name: &SecretName) -> Option<SecretValue> {
    if !is_there(git_dir) {
        return None;
    }
    let file = open_file(&folder(git_dir).join(name.as_str())).ok()?;
    at_most(file).ok().map(SecretValue::new)
}

fn parent(git_dir: &Path) -> PathBuf {
    git_dir.join("treeyard")
}

fn folder(git_dir: &Path) -> PathBuf {
    parent(git_dir).join("secrets")
}

/// Not a link to one.
fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

fn make_folder(git_dir: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.mode(FOLDER);
    match builder.create(parent(git_dir)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if !is_folder(&parent(git_dir)) {
        let why = "something else stands in place of its folder";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
    }
    builder.create(folder(git_dir))
}

fn write(path: &Path, value: &SecretValue) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE)
        .custom_flags(OFlags::NOFOLLOW.bits() as i32)
        .open(path)?;
    file.write_all(value.expose())
}

fn open_file(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits() as i32)
        .open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::ErrorKind::InvalidInput.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn values() -> Vec<(SecretName, SecretValue)> {
        let value = |name: &str| {
            let value = SecretValue::new(format!("value of {name}").into_bytes());
            (name.parse().unwrap(), value)
        };
        vec![value("A"), value("B")]
    }

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn files_are_for_their_owner_and_go() {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let folder = pass(dir.path(), &values()).unwrap();
            assert_eq!((mode(&folder), mode(&folder.join("A"))), (FOLDER, FILE));
            assert_eq!(fs::read(folder.join("B")).unwrap(), b"value of B");
            let [a, _] = [&values()[0], &values()[1]];
            assert_eq!(passed(dir.path(), &a.0), Some(a.1.clone()));
        }
        take_back(dir.path()).unwrap();
        take_back(dir.path()).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn nothing_that_was_planted_is_followed() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let own = dir.path().join("treeyard");
        symlink(other.path(), &own).unwrap();
        assert!(pass(dir.path(), &values()).is_err());
        assert_eq!(fs::read_dir(other.path()).unwrap().count(), 0);
        fs::remove_file(&own).unwrap();

        fs::create_dir(&own).unwrap();
        symlink(other.path(), own.join("secrets")).unwrap();
        pass(dir.path(), &values()).unwrap();
        assert_eq!(fs::read_dir(other.path()).unwrap().count(), 0);
        assert!(is_folder(&own.join("secrets")));

        let planted = own.join("secrets/A");
        fs::remove_file(&planted).unwrap();
        symlink(other.path().join("x"), &planted).unwrap();
        assert_eq!(passed(dir.path(), &values()[0].0), None);
        fs::set_permissions(own.join("secrets"), Permissions::from_mode(0o000)).unwrap();
        pass(dir.path(), &values()).unwrap();
        assert_eq!(mode(&planted), FILE);
    }
}
