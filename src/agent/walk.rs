//! Going through folders as git does: without what `.gitignore` files name, without git's own folder, and
//! without following links.

use std::ops::ControlFlow;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::path::RelPath;
use super::place::{Kind, PlaceError};
use super::world::World;
use crate::model::code::Code;
use crate::model::tool::{ErrorKind, Pattern, ToolError};

/// Folders in one another, and names in all. Nobody reads more than that.
const DEEPEST: usize = 64;
const MOST_NAMES: usize = 200_000;
/// The largest `.gitignore` that is read.
const LARGEST_IGNORE: u64 = 1 << 20;
const IGNORE_FILE: &str = ".gitignore";

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk<'a> {
    pub world: &'a World,
    /// What a person closed to this tool.
    pub closed: &'a [Pattern],
    /// How many folders deep; the folder itself is one.
    pub depth: usize,
    /// Whether what is ignored is looked at as well.
    pub ignored: bool,
}

/// A folder that waits.
struct Folder {
    path: RelPath,
    depth: usize,
    /// Those of the folders above, the outermost first.
    ignores: Vec<Gitignore>,
}

impl Walk<'_> {
    /// Shows everything below a folder to `visit`, in the order of the paths, until that breaks off. It
    /// tells whether it saw everything.
    ///
    /// # Errors
    /// When `from` is no folder, or the call was called off. Folders that vanish or are closed are left
    /// out.
    pub fn each(
        &self,
        from: &RelPath,
        mut visit: impl FnMut(&RelPath, Kind) -> ControlFlow<()>,
    ) -> Result<bool, ToolError> {
        let place = &self.world.place;
        place.entries(from)?;
        let mut names = 0;
        let mut waiting = vec![Folder {
            path: from.clone(),
            depth: 1,
            ignores: self.above(from),
        }];
        let mut is_whole = true;
        while let Some(folder) = waiting.pop() {
            if self.world.is_canceled() {
                return Err(canceled());
            }
            let Ok(entries) = place.entries(&folder.path) else {
                continue;
            };
            let mut ignores = folder.ignores;
            ignores.extend(self.ignores_of(&folder.path));
            let mut below = Vec::new();
            for entry in entries {
                names += 1;
                if names > MOST_NAMES {
                    return Ok(false);
                }
                // Names that no tool takes are told by none.
                let name = String::from_utf8(entry.name).ok();
                let Some(path) = name.and_then(|name| folder.path.join(&name).ok()) else {
                    continue;
                };
                let is_folder = entry.kind == Kind::Folder;
                if self.leaves_out(&path, is_folder, &ignores) {
                    continue;
                }
                if visit(&path, entry.kind).is_break() {
                    return Ok(false);
                }
                if is_folder && folder.depth < self.depth.min(DEEPEST) {
                    below.push(Folder {
                        path,
                        depth: folder.depth + 1,
                        ignores: ignores.clone(),
                    });
                } else if is_folder && folder.depth >= DEEPEST {
                    is_whole = false;
                }
            }
            waiting.extend(below.into_iter().rev());
        }
        Ok(is_whole)
    }

    fn leaves_out(&self, path: &RelPath, is_folder: bool, ignores: &[Gitignore]) -> bool {
        if self.closed.iter().any(|one| one.has_path(path.as_str())) {
            return true;
        }
        let full = format!("/{}", path.as_str());
        let mut verdicts = ignores.iter().rev();
        let said = verdicts.find_map(|one| match one.matched(&full, is_folder) {
            Match::None => None,
            Match::Ignore(_) => Some(true),
            Match::Whitelist(_) => Some(false),
        });
        !self.ignored && said == Some(true)
    }

    /// What the folders above say, the root's first.
    fn above(&self, path: &RelPath) -> Vec<Gitignore> {
        let mut found = Vec::new();
        let above = |path: &RelPath| path.split().map(|(folder, _)| folder);
        let mut at = above(path);
        while let Some(folder) = at {
            found.extend(self.ignores_of(&folder));
            at = above(&folder);
        }
        found.reverse();
        found
    }

    fn ignores_of(&self, folder: &RelPath) -> Option<Gitignore> {
        let path = folder.join(IGNORE_FILE).ok().filter(|_| !self.ignored)?;
        let found = match self.world.place.read(&path, LARGEST_IGNORE) {
            Ok(found) => found,
            Err(PlaceError::Missing(_)) => return None,
            Err(error) => {
                tracing::debug!("{error}");
                return None;
            }
        };
        let mut builder = GitignoreBuilder::new(format!("/{}", folder.as_str()));
        for line in String::from_utf8_lossy(&found.bytes).lines() {
            // Git reads on behind a line that it does not understand.
            let _unread = builder.add_line(None, line);
        }
        builder.build().ok()
    }
}

/// That a call was called off.
pub(super) fn canceled() -> ToolError {
    let message = "the call was called off";
    ToolError::new(Code::Interrupted, ErrorKind::Canceled, message).retryable()
}
