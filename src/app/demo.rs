//! A scratch repository for the demo: a clone of the one around it, or a small new one.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use crate::git::{Git, GitError, Repo};

/// The plan of the demo: it works in any repository.
pub const PLAN: &str = include_str!("demo.toml");

/// Makes the scratch repository below `folder` and returns its path.
///
/// # Errors
/// Git's own refusal, or a folder that cannot be written.
pub fn scratch(folder: &Path, around: &Path) -> Result<PathBuf, Failure> {
    let path = folder.join("repository");
    match Repo::discover(around) {
        Ok(source) if !source.is_bare() && source.current_branch().is_ok() => {
            Git::new(folder)
                .args(["clone", "--quiet", "--no-hardlinks", "--"])
                .arg(source.main_root())
                .arg(&path)
                .run()?;
        }
        _ => small(&path)?,
    }
    std::fs::write(folder.join("plan.toml"), PLAN).map_err(|error| Failure::io(folder, &error))?;
    Ok(path)
}

fn small(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(|error| Failure::io(path, &error))?;
    let git = |args: &[&str]| -> Result<(), GitError> { Git::new(path).args(args).run().map(drop) };
    git(&["init", "--quiet", "--initial-branch=main"])?;
    std::fs::write(path.join("README.md"), "# Scratch\n")
        .map_err(|error| Failure::io(path, &error))?;
    git(&["add", "README.md"])?;
    let identity = [
        "-c",
        "user.name=treeyard",
        "-c",
        "user.email=treeyard@localhost",
    ];
    git(&[&identity[..], &["commit", "--quiet", "-m", "Start"]].concat())?;
    Ok(())
}

/// The newest commits of the target, one a line.
///
/// # Errors
/// Git's own refusal.
pub fn history(path: &Path) -> Result<String, Failure> {
    let output = Git::new(path)
        .args(["log", "--oneline", "--graph", "-12"])
        .run()?;
    Ok(output.text())
}
