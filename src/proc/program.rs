//! Where this program is.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

/// The file that runs now, also when another version has taken its place.
pub const OWN_PROGRAM: &str = "/proc/self/exe";

/// Where this program is. One that was replaced while it runs is where its successor is.
///
/// # Errors
/// When the system does not say.
pub fn own_program() -> io::Result<PathBuf> {
    let exe = std::env::current_exe()?;
    if exe.exists() {
        return Ok(exe);
    }
    let text = exe.to_string_lossy();
    let successor = text.strip_suffix(" (deleted)").map(PathBuf::from);
    Ok(successor.unwrap_or(exe))
}

/// The program `name` in the first folder of `path` that has it. Relative folders count from `cwd`.
pub fn find_in(path: &OsStr, cwd: &Path, name: &str) -> Option<PathBuf> {
    std::env::split_paths(path)
        .map(|folder| cwd.join(folder).join(name))
        .find(|file| access(file, AccessFlags::X_OK).is_ok() && file.is_file())
}
