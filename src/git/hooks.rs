//! Folders of hooks: what stands in them, and whether it still does.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::GitError;

/// The hooks of a session's worktree. `prepare-commit-msg` stands for `pre-commit` and
/// `pre-merge-commit`: it comes before the editor too, no `--no-verify` skips it, and git does not read
/// the whole index once more behind it.
pub const SESSION_HOOKS: [&str; 4] = [
    "prepare-commit-msg",
    "commit-msg",
    "pre-push",
    "reference-transaction",
];
/// How many files this process has written.
static WRITTEN: AtomicU64 = AtomicU64::new(0);
const SESSION_SCRIPT: &str = include_str!("../../hooks/session.sh");
/// The link beside the scripts that leads to the program.
const PROGRAM: &str = "treeyard";

/// A folder that has one script under several names, and a link to the program that it starts. It
/// belongs to treeyard alone.
#[derive(Debug, Clone)]
pub struct HookFolder {
    path: PathBuf,
    script: String,
    names: Vec<String>,
    /// Hooks that only start another one. As long as there is no other one, a link that leads nowhere
    /// stands for the script: git starts no process for it, and follows it as soon as there is.
    passing: Vec<(String, PathBuf)>,
    /// Under these names the script may stand, and need not.
    allowed: Vec<String>,
    program: PathBuf,
}

impl HookFolder {
    /// The one folder that all sessions of a repository share. It is in none of their worktrees.
    pub fn of_sessions(state_dir: &Path, program: &Path) -> Self {
        let names = SESSION_HOOKS.map(str::to_owned).to_vec();
        let path = session_hooks(state_dir);
        Self::new(path, SESSION_SCRIPT.to_owned(), names, program)
    }

    /// A folder with this script.
    pub fn new(path: PathBuf, script: String, names: Vec<String>, program: &Path) -> Self {
        Self {
            path,
            script,
            names,
            passing: Vec::new(),
            allowed: Vec::new(),
            program: program.to_owned(),
        }
    }

    /// With hooks that do nothing but start those of the same names in `behind`.
    pub fn passing(self, names: &[&str], behind: &Path) -> Self {
        let own = |name: &&str| ((*name).to_owned(), behind.join(name));
        let passing = names.iter().map(own).collect();
        Self { passing, ..self }
    }

    /// With names under which the script may stand as well.
    pub fn allowing(self, names: &[&str]) -> Self {
        let allowed = names.iter().map(|name| (*name).to_owned()).collect();
        Self { allowed, ..self }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is not as it was written, for a person; `None` when all is.
    pub fn damage(&self) -> Option<String> {
        if let Some(name) = self.wrong() {
            let path = self.path.join(name);
            return Some(format!("{} is not as it was written", path.display()));
        }
        let link = self.path.join(PROGRAM);
        if !link.is_file() {
            return Some(format!("{} leads nowhere", link.display()));
        }
        let stranger = self.strangers().into_iter().next()?;
        Some(format!("{} does not belong there", stranger.display()))
    }

    /// Writes what is not there or not as it should be. Each file is whole at any moment.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn put(&self) -> Result<(), GitError> {
        if self.leads(PROGRAM, &self.program) && self.wrong().is_none() {
            return Ok(());
        }
        self.rewrite()
    }

    /// Writes everything anew and removes what does not belong there.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn rewrite(&self) -> Result<(), GitError> {
        fs::create_dir_all(&self.path).map_err(GitError::io(&self.path))?;
        for stranger in self.strangers() {
            let removed = match fs::symlink_metadata(&stranger) {
                Ok(found) if found.is_dir() => fs::remove_dir_all(&stranger),
                _ => fs::remove_file(&stranger),
            };
            removed.map_err(GitError::io(&stranger))?;
        }
        self.replace(PROGRAM, |fresh| symlink(&self.program, fresh))?;
        for name in &self.names {
            self.replace(name, |fresh| self.write_script(fresh))?;
        }
        for (name, own) in &self.passing {
            // Once it was asked for, a script stays.
            let scripted = own.exists() || self.has(name);
            self.replace(name, |fresh| match scripted {
                true => self.write_script(fresh),
                false => symlink(own, fresh),
            })?;
        }
        Ok(())
    }

    /// Sees to it that the script runs for these names, whatever stands behind.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn start(&self, names: &[&str]) -> Result<(), GitError> {
        names
            .iter()
            .filter(|name| !self.has(name))
            .try_for_each(|name| self.replace(name, |fresh| self.write_script(fresh)))
    }

    fn write_script(&self, path: &Path) -> std::io::Result<()> {
        fs::write(path, &self.script)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o555))
    }

    /// A link and the script do the same, whatever there is to start by now.
    fn wrong(&self) -> Option<&str> {
        let passes = |name: &str, own: &Path| self.leads(name, own) || self.has(name);
        let mut passing = self.passing.iter();
        let mut names = self.names.iter();
        let lacks = |name: &str| fs::symlink_metadata(self.path.join(name)).is_err();
        let name = names.find(|name| !(self.has(name) || self.is_allowed(name) && lacks(name)));
        let name = name.or_else(|| Some(&passing.find(|(name, own)| !passes(name, own))?.0));
        name.map(String::as_str)
    }

    fn is_allowed(&self, name: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed == name)
    }

    fn has(&self, name: &str) -> bool {
        let path = self.path.join(name);
        let is_program = fs::symlink_metadata(&path)
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 == 0o111);
        is_program && fs::read(&path).is_ok_and(|text| text == self.script.as_bytes())
    }

    fn leads(&self, name: &str, to: &Path) -> bool {
        fs::read_link(self.path.join(name)).is_ok_and(|leads| leads == to)
    }

    /// Several may write the same at once, so each has a name of its own until it is done.
    fn replace(
        &self,
        name: &str,
        make: impl FnOnce(&Path) -> std::io::Result<()>,
    ) -> Result<(), GitError> {
        let count = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let fresh = format!(".{name}.{}.{count}", std::process::id());
        let fresh = self.path.join(fresh);
        let path = self.path.join(name);
        let _absent_is_fine = fs::remove_file(&fresh);
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
            fs::remove_dir_all(&path).map_err(GitError::io(&path))?;
        }
        make(&fresh).map_err(GitError::io(&fresh))?;
        fs::rename(&fresh, &path).map_err(GitError::io(&path))
    }

    /// What git would run, or may be mistaken for what it runs.
    fn strangers(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let passing = self.passing.iter().map(|(name, _)| name);
        let own: Vec<&String> = self.names.iter().chain(passing).collect();
        let belongs = |name: &str| {
            let may = self.is_allowed(name) && self.has(name);
            name == PROGRAM || name.starts_with('.') || may || own.iter().any(|own| *own == name)
        };
        let others = entries.filter(|entry| !belongs(&entry.file_name().to_string_lossy()));
        others.map(|entry| entry.path()).collect()
    }
}

/// Where the hooks of all sessions are.
pub fn session_hooks(state_dir: &Path) -> PathBuf {
    state_dir.join("hooks/session")
}
