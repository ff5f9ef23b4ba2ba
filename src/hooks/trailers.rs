//! The trailers of a session's commits.

use std::fs;
use std::path::Path;

use super::error::HookError;
use crate::git::{Git, GitError};

/// Adds trailers that a message does not have, by git's own rules of where they stand. A message
/// that has nothing but comments stays, since git gives up on it.
pub(super) fn add_trailers(
    file: &Path,
    trailers: &[(&'static str, String)],
) -> Result<(), HookError> {
    let message = fs::read(file).map_err(GitError::io(file))?;
    if is_empty(&message) {
        return Ok(());
    }
    let here = std::env::current_dir().map_err(GitError::io("."))?;
    let named = trailers
        .iter()
        .map(|(key, value)| format!("--trailer={key}={value}"));
    Git::new(&here)
        .args(["interpret-trailers", "--in-place", "--no-divider"])
        .arg("--if-exists=doNothing")
        .args(named)
        .arg(file)
        .run()?;
    Ok(())
}

fn is_empty(message: &[u8]) -> bool {
    let text = String::from_utf8_lossy(message);
    let mut lines = text.lines().take_while(|line| !line.contains(" >8 "));
    lines.all(|line| line.trim().is_empty() || line.starts_with('#'))
}
