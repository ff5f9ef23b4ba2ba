//! Handing objects on in a pack: to the repository, checked, and to the session's own directory.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::error::WorkspaceError;
use crate::git::{Git, Repo};

/// What marks a pack as being taken in; `sweep` knows it.
pub(super) const KEEP: &str = "treeyard";

/// A pack in the runner's own git directory.
pub(super) struct Pack {
    pub path: PathBuf,
}

/// A pack of the repository that no ref reaches yet. As long as this lives, no `git gc` removes it.
#[must_use]
#[derive(Debug)]
pub(super) struct Kept {
    mark: Option<PathBuf>,
}

impl Kept {
    /// Marks a pack that is about to be there. Where a mark is there already, it is somebody else's.
    pub(super) fn mark(path: &Path, by: &str) -> Self {
        let written = File::create_new(path).and_then(|mut mark| writeln!(mark, "{by}"));
        Self {
            mark: written.is_ok().then(|| path.to_owned()),
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(mark) = &self.mark {
            let _swept_later = fs::remove_file(mark);
        }
    }
}

impl Pack {
    /// Puts it into the repository, when every object of it is sound and complete.
    pub(super) fn store(&self, repo: &Repo) -> Result<Kept, WorkspaceError> {
        let pack = File::open(&self.path).map_err(WorkspaceError::io(&self.path))?;
        let stored = Git::new(repo.common_dir())
            .git_dir(repo.common_dir())
            .args(["index-pack", "--strict", "--stdin"])
            .arg(format!("--keep={KEEP}"))
            .run_reading(pack)?
            .text();
        let mark = |name: &str| {
            let pack = repo.common_dir().join("objects/pack");
            pack.join(format!("pack-{name}.keep"))
        };
        // Without `keep` a mark of somebody else is there already.
        let name = stored.trim().strip_prefix("keep\t");
        Ok(Kept {
            mark: name.map(mark),
        })
    }

    /// Moves it to the object folder `to`, so that whoever has that does not depend on others to
    /// keep what is in it. The index comes last: without it a pack is not looked at.
    pub(super) fn hand_on(self, to: &Path) -> Result<(), WorkspaceError> {
        for extension in ["pack", "idx"] {
            let from = self.path.with_extension(extension);
            let Some(name) = from.file_name() else {
                continue;
            };
            let target = to.join("pack").join(name);
            move_file(&from, &target).map_err(WorkspaceError::io(&target))?;
        }
        Ok(())
    }
}

/// Also across file systems. What is in the way is replaced, never written through: it could be a
/// link.
fn move_file(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {
            let folder = to.parent().unwrap_or(to);
            let mut draft = tempfile::NamedTempFile::new_in(folder)?;
            let mut source = File::open(from)?;
            io::copy(&mut source, &mut draft)?;
            fs::set_permissions(draft.path(), source.metadata()?.permissions())?;
            draft.persist(to)?;
            Ok(())
        }
        moved => moved,
    }
}

/// Marks that killed processes left in the repository.
pub(super) fn left_marks(repo: &Repo) -> Vec<PathBuf> {
    let packs = fs::read_dir(repo.common_dir().join("objects/pack"));
    let paths = packs.into_iter().flatten().flatten().map(|e| e.path());
    let is_ours = |path: &PathBuf| {
        path.extension().is_some_and(|end| end == "keep")
            && fs::read_to_string(path).is_ok_and(|text| text.trim_end() == KEEP)
    };
    paths.filter(is_ours).collect()
}
