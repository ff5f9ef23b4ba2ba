//! The value of one secret, from where the person's own file says.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::error::SecretError;
use super::program;
use crate::config::SecretSource;
use crate::model::secret::{SecretName, SecretValue};

/// One more byte than a secret may have is enough to see that it has too many.
pub(super) const MOST: u64 = 64 * 1024 + 1;
/// Rights of anybody but the owner.
const OTHERS: u32 = 0o077;

pub(super) fn resolve(
    name: &SecretName,
    source: &SecretSource,
) -> Result<SecretValue, SecretError> {
    let bytes = match source {
        SecretSource::Env(variable) => match std::env::var_os(variable) {
            Some(value) => value.into_vec(),
            None => {
                return Err(SecretError::Unset {
                    name: name.clone(),
                    variable: variable.clone(),
                });
            }
        },
        SecretSource::File(path) => from_file(name, &at_home(path))?,
        SecretSource::Command(argv) => {
            program::output(argv).map_err(|why| SecretError::Program {
                name: name.clone(),
                program: argv.first().cloned().unwrap_or_default(),
                why,
            })?
        }
    };
    Ok(SecretValue::new(bytes))
}

/// The content of a file that only its owner may read.
///
/// # Errors
/// A file that cannot be read, or that others may read.
pub fn read_file(name: &SecretName, path: &Path) -> Result<SecretValue, SecretError> {
    from_file(name, path).map(SecretValue::new)
}

fn from_file(name: &SecretName, path: &Path) -> Result<Vec<u8>, SecretError> {
    let unreadable = |source| SecretError::Unreadable {
        name: name.clone(),
        path: path.to_owned(),
        source,
    };
    // A pipe that nobody writes to would hold up the runner.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits() as i32)
        .open(path)
        .map_err(unreadable)?;
    let found = file.metadata().map_err(unreadable)?;
    if !found.is_file() {
        let why = io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
        return Err(unreadable(why));
    }
    if found.mode() & OTHERS != 0 {
        return Err(SecretError::Exposed {
            name: name.clone(),
            path: path.to_owned(),
        });
    }
    at_most(file).map_err(unreadable)
}

/// What can be read, as far as it can be a secret.
pub(super) fn at_most(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn at_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), etcetera::home_dir()) {
        (Ok(rest), Ok(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        fs::write(&path, "hunter2222\n").unwrap();
        let name: SecretName = "A".parse().unwrap();
        let source = SecretSource::File(path.clone());
        for (mode, good) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let value = resolve(&name, &source);
            assert_eq!(value.is_ok(), good, "{mode:o}");
        }
        let missing = SecretSource::File(dir.path().join("none"));
        let error = resolve(&name, &missing).unwrap_err().to_string();
        assert!(error.starts_with("secret A: cannot read"), "{error}");
        assert!(resolve(&name, &SecretSource::File(dir.path().to_owned())).is_err());
    }

    #[test]
    fn a_variable_or_a_program_gives_it() {
        let name: SecretName = "A".parse().unwrap();
        let unset = SecretSource::Env("TREEYARD_TEST_NO_SUCH_VARIABLE".to_owned());
        assert!(resolve(&name, &unset).is_err());
        let program = |line: &str| {
            let argv = ["sh", "-c", line].map(str::to_owned).to_vec();
            resolve(&name, &SecretSource::Command(argv))
        };
        assert_eq!(
            program("echo hunter2222").unwrap().expose(),
            b"hunter2222\n"
        );
        let error = program("echo hunter2222; exit 3").unwrap_err().to_string();
        assert!(error.contains("3") && !error.contains("hunter"), "{error}");
    }
}
