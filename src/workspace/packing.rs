//! Packing what a session made, by a git that is held back: it reads objects of which nobody knows yet
//! whether they are sound. What it makes is checked by another one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::WorkspaceError;
use crate::git::{GitError, with_causes};
use crate::model::sandbox::Level;
use crate::proc::{Confinement, Reach, View, confined_words, find_in, machine};

/// What git and its libraries need of the system.
const SYSTEM: [&str; 9] = [
    "/bin",
    "/etc/ld.so.cache",
    "/gnu/store",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/opt",
    "/usr",
];

/// The words by which git is started so that it reads these object folders, writes in `bench`, and reaches
/// nothing else. On a machine that cannot do that it is started as it is: sessions run there only without a
/// sandbox.
pub(super) fn held_back(
    bench: &Path,
    objects: &[PathBuf],
) -> Result<Vec<OsString>, WorkspaceError> {
    if machine().level() == Level::None {
        return Ok(vec!["git".into()]);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let Some(git) = find_in(&path, bench, "git") else {
        return Err(GitError::GitMissing.into());
    };
    let real = git.canonicalize().unwrap_or_else(|_| git.clone());
    let confinement = Confinement {
        system: SYSTEM.map(PathBuf::from).to_vec(),
        read: objects.iter().cloned().chain([real]).collect(),
        write: vec![bench.to_owned()],
        view: View::Whole,
        network: Reach::Nothing,
        ..Confinement::default()
    };
    let words = confined_words(&git, "git", bench, &confinement);
    Ok(words
        .map_err(|error| GitError::library("start git")(with_causes(&error)))?
        .into())
}
