//! The person's own hooks, which run behind treeyard's.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Becomes the hook of this name in `folder`, with its arguments and with what git gave to read; so
/// its exit code, output and signals are its own. Comes back when there is none.
///
/// # Errors
/// When it is there and cannot be started.
pub fn run_behind(
    folder: &Path,
    name: &str,
    args: &[OsString],
    input: Option<&[u8]>,
) -> io::Result<()> {
    let hook = folder.join(name);
    let is_program = hook
        .metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    if !is_program {
        return Ok(());
    }
    let mut command = Command::new(&hook);
    command.args(args);
    if let Some(input) = input {
        command.stdin(Stdio::from(as_file(input)?));
    }
    Err(command.exec())
}

/// A file without a name can be read like a pipe, and nobody has to stay to write it.
fn as_file(input: &[u8]) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(input)?;
    file.rewind()?;
    Ok(file)
}
