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
    let comment = comment_start();
    let is_cut = |line: &&str| line.starts_with(&comment) && line.contains(" >8 ");
    let mut lines = text.lines().take_while(|line| !is_cut(line));
    lines.all(|line| line.trim().is_empty() || line.starts_with(&comment))
}

/// What a person chose for all repositories; a session's own configuration says nothing of it.
fn comment_start() -> String {
    let chosen = gix::config::File::from_globals().ok().and_then(|settings| {
        let said = |key| settings.string(key);
        said("core.commentString").or_else(|| said("core.commentChar"))
    });
    match chosen.map(|value| value.to_string()) {
        Some(value) if !value.is_empty() && value != "auto" => value,
        _ => "#".to_owned(),
    }
}
