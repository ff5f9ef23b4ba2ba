//! Where this program is.

use std::io;
use std::path::PathBuf;

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
