//! Where the worktrees of a repository are.

use std::path::{Path, PathBuf};

use super::settings::Settings;
use super::values::WorktreesRoot;

/// Worktrees inside the repository would be found by tools that walk up to the main checkout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("worktrees cannot be placed at {root}: that is inside the repository {repository}", root = root.display(), repository = repository.display())]
pub struct RootRefused {
    root: PathBuf,
    repository: PathBuf,
}

impl RootRefused {
    /// The stable code.
    pub fn code(&self) -> crate::model::code::Code {
        crate::model::code::Code::ConfigInvalid
    }
}

/// Tells repositories of the same folder name apart.
fn short_hash(path: &Path) -> String {
    let hash = blake3::hash(path.as_os_str().as_encoded_bytes()).to_hex();
    hash.chars().take(12).collect()
}

/// The folder for the worktrees of the repository at `main_root`. Pure: the caller gives paths
/// with symbolic links resolved. Fails when the folder would be inside the repository.
pub fn worktree_root(
    settings: &Settings,
    main_root: &Path,
    data_dir: &Path,
) -> Result<PathBuf, RootRefused> {
    let name = main_root.file_name().unwrap_or_default().to_string_lossy();
    let root = match settings.root() {
        WorktreesRoot::Sibling => main_root.with_file_name(format!("{name}.treeyard")),
        WorktreesRoot::Data => data_dir
            .join("worktrees")
            .join(format!("{name}-{}", short_hash(main_root))),
        WorktreesRoot::Folder(path) => path.clone(),
    };
    if root.starts_with(main_root) {
        return Err(RootRefused {
            root,
            repository: main_root.to_owned(),
        });
    }
    Ok(root)
}
