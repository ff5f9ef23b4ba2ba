//! Which files there are.

use gix::bstr::BString;

use super::changes::{entries_of, join, root_tree};
use super::command::Git;
use super::error::GitError;
use super::refs::object_id;
use super::repo::Repo;
use crate::model::ids::CommitId;
use crate::model::scope::{ScopeLanguage, Shared, shared};

impl Repo {
    /// The files of a commit, in no order. Submodules count as files.
    ///
    /// # Errors
    /// When an object is missing or damaged.
    pub fn files_of(&self, commit: &CommitId) -> Result<Vec<BString>, GitError> {
        let repo = self.gix();
        let root = root_tree(&repo, object_id(commit)?)?;
        let mut files = Vec::new();
        let mut left = vec![(BString::default(), root)];
        while let Some((folder, tree)) = left.pop() {
            for (name, (mode, id)) in entries_of(&repo, Some(tree))? {
                let path = join(&folder, &name);
                match mode.is_tree() {
                    true => left.push((path, id)),
                    false => files.push(path),
                }
            }
        }
        Ok(files)
    }

    /// Whether a commit has something at this path.
    ///
    /// # Errors
    /// When an object is missing or damaged.
    pub fn has_path(&self, commit: &CommitId, path: &str) -> Result<bool, GitError> {
        let repo = self.gix();
        let failed = || GitError::library(format!("look for {path} in {commit}"));
        let tree = repo
            .find_tree(root_tree(&repo, object_id(commit)?)?)
            .map_err(|error| failed()(error))?;
        let found = tree.lookup_entry_by_path(path);
        Ok(found.map_err(|error| failed()(error))?.is_some())
    }

    /// The files that are in both scopes today, at most `most` of them by name; see
    /// [`present`](Self::present).
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn shared_files(
        &self,
        scopes: (&ScopeLanguage, &ScopeLanguage),
        target: &str,
        most: usize,
    ) -> Result<Shared, GitError> {
        let listed = self.present(target)?;
        Ok(shared(listed.split(|byte| *byte == 0), scopes, most))
    }

    /// The files that are there, each with a NUL behind it: in the main checkout those that git
    /// tracks, and those that it neither tracks nor ignores; in a bare repository those of the
    /// branch `target`.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn present(&self, target: &str) -> Result<Vec<u8>, GitError> {
        if !self.is_bare() {
            return self.list_checkout();
        }
        let Some(tip) = self.branch_tip(target)? else {
            return Ok(Vec::new());
        };
        let files = self.files_of(&tip)?;
        let ended = files.iter().map(|path| [path.as_slice(), b"\0"].concat());
        Ok(ended.collect::<Vec<_>>().concat())
    }

    /// The paths of the main checkout, each with a NUL behind it. The configuration that says what
    /// the person ignores everywhere is not read by git here.
    fn list_checkout(&self) -> Result<Vec<u8>, GitError> {
        let list = [
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ];
        let mut git = Git::in_checkout(self.main_root()).args(list);
        let repo = self.gix();
        let ignored = repo.config_snapshot().trusted_path("core.excludesFile");
        if let Ok(Some(file)) = ignored
            && file.is_file()
        {
            git = git.arg("--exclude-from").arg(file);
        }
        Ok(git.run()?.stdout)
    }
}
