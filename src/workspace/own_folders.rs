//! The home directory and the folder for temporary files that a session has to itself.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::error::WorkspaceError;
use super::located::{Located, own_folder};
use super::release::remove;
use crate::proc::View;

/// The folders that a session has instead of those that its person's programs share.
pub(super) struct OwnFolders {
    pub(super) home: PathBuf,
    pub(super) tmp: PathBuf,
}

impl OwnFolders {
    pub(super) fn of(ws: &Located) -> Self {
        let own = own_folder(&ws.git_dir);
        Self {
            home: own.join("home"),
            tmp: own.join("tmp"),
        }
    }

    /// Makes them, and puts into the home what is to be shown there. Only once: what is in it is the session's
    /// from then on, and may be links to anywhere.
    pub(super) fn make(&self, shown: &[(PathBuf, PathBuf)]) -> Result<(), WorkspaceError> {
        fs::create_dir_all(&self.tmp).map_err(WorkspaceError::io(&self.tmp))?;
        if self.home.exists() {
            return Ok(());
        }
        let making = self.home.with_extension("making");
        remove(&making)?;
        fs::create_dir(&making).map_err(WorkspaceError::io(&making))?;
        for (below, real) in shown {
            let link = making.join(below);
            let parent = link.parent().unwrap_or(&making);
            fs::create_dir_all(parent).map_err(WorkspaceError::io(parent))?;
            match symlink(real, &link) {
                // A folder around it is shown already.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                made => made.map_err(WorkspaceError::io(&link))?,
            }
        }
        fs::rename(&making, &self.home).map_err(WorkspaceError::io(&self.home))
    }

    /// By which programs find them.
    pub(super) fn variables(&self, view: View) -> Vec<(String, String)> {
        let tmp = match view {
            View::Own => Path::new("/tmp"),
            View::Whole => &self.tmp,
        };
        let below = |name: &str| self.home.join(name);
        let private = format!("{}:{}", tmp.display(), self.home.display());
        let all = [
            ("HOME", self.home.clone()),
            ("TMPDIR", tmp.to_owned()),
            ("TREEYARD_PRIVATE", private.into()),
            ("XDG_CACHE_HOME", below(".cache")),
            ("XDG_CONFIG_HOME", below(".config")),
            ("XDG_DATA_HOME", below(".local/share")),
            ("XDG_RUNTIME_DIR", tmp.to_owned()),
            ("XDG_STATE_HOME", below(".local/state")),
        ];
        let text = |(name, path): (&str, PathBuf)| (name.to_owned(), path.display().to_string());
        all.map(text).into()
    }
}
