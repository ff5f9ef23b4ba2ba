//! Where links of the worktree lead, by name.

use std::collections::VecDeque;

use rustix::fs::readlinkat;
use rustix::io::Errno;

use super::{Place, PlaceError};
use crate::agent::path::RelPath;

/// As many links as systems follow on one way.
const MOST_LINKS: usize = 40;

impl Place {
    /// The same file by a path without links. What is not there keeps its name. Of links only those are
    /// followed that stay in the worktree, also in between, and whose text says so: absolute ones lead
    /// elsewhere in another checkout.
    ///
    /// What it gives may be wrong as soon as somebody changes the folders; opening it then fails.
    ///
    /// # Errors
    /// When a link leads out of the worktree or into a git directory, or there are too many.
    pub fn settle(&self, path: &RelPath) -> Result<RelPath, PlaceError> {
        let mut left: VecDeque<String> = path.parts().map(str::to_owned).collect();
        let mut done: Vec<String> = Vec::new();
        let mut links = 0;
        // The link that the parts come from, once there was one.
        let mut told = path.clone();
        while let Some(part) = left.pop_front() {
            let refused = |why: &str| PlaceError::LeavingLink {
                path: told.clone(),
                why: why.to_owned(),
            };
            if matches!(part.as_str(), "" | ".") {
                continue;
            }
            if part == ".." {
                done.pop()
                    .ok_or_else(|| refused("it leaves the worktree"))?;
                continue;
            }
            let here = joined(&done).map_err(|error| refused(&error.to_string()))?;
            let next = here.join(&part);
            let next = next.map_err(|error| refused(&error.to_string()))?;
            let Some(target) = self.link_at(&here, &part)? else {
                done.push(part);
                continue;
            };
            told = next;
            let refused = |why: &str| PlaceError::LeavingLink {
                path: told.clone(),
                why: why.to_owned(),
            };
            links += 1;
            if links > MOST_LINKS {
                return Err(refused("there are too many links on the way"));
            }
            if target.starts_with('/') {
                return Err(refused("it is absolute"));
            }
            for part in target.rsplit('/') {
                left.push_front(part.to_owned());
            }
        }
        joined(&done).map_err(|error| PlaceError::LeavingLink {
            path: told,
            why: error.to_string(),
        })
    }

    /// Where the link of this name leads, if it is one.
    fn link_at(&self, folder: &RelPath, name: &str) -> Result<Option<String>, PlaceError> {
        let folder = match self.folder(folder) {
            Ok(folder) => folder,
            Err(PlaceError::Missing(_) | PlaceError::NoFolder(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let path = || name.parse().unwrap_or_default();
        match readlinkat(&folder, name, Vec::new()) {
            Ok(target) => match target.into_string() {
                Ok(target) => Ok(Some(target)),
                Err(_) => Err(PlaceError::LeavingLink {
                    path: path(),
                    why: "where it leads is not UTF-8".to_owned(),
                }),
            },
            Err(Errno::INVAL | Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(PlaceError::of(&path(), errno)),
        }
    }
}

fn joined(parts: &[String]) -> Result<RelPath, crate::agent::path::InvalidPath> {
    match parts {
        [] => Ok(RelPath::root()),
        parts => parts.join("/").parse(),
    }
}
