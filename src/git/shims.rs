//! Programs that stand in front of those of the same names on the `PATH` of jobs.

use std::path::{Path, PathBuf};

use super::hooks::HookFolder;

/// The programs that have one.
pub const SHIMMED: [&str; 2] = ["git", "rm"];
const SCRIPT: &str = include_str!("../../hooks/shim.sh");

/// The one folder with them that all sessions of a repository share. Beside them `treeyard` itself is
/// on the `PATH` too.
pub fn shims(state_dir: &Path, program: &Path) -> HookFolder {
    let names = SHIMMED.map(str::to_owned).to_vec();
    HookFolder::new(shims_folder(state_dir), SCRIPT.to_owned(), names, program)
}

/// Where they are.
pub fn shims_folder(state_dir: &Path) -> PathBuf {
    state_dir.join("shims")
}
