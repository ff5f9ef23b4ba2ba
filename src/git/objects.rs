//! Reading and writing objects: what workspaces and merges need.

use gix::bstr::{BString, ByteSlice};
use gix::object::tree::EntryKind;
use gix::object::tree::diff::ChangeDetached;

use super::error::GitError;
use super::refs::{commit_id, object_id};
use super::repo::Repo;
use crate::model::ids::CommitId;

/// What happened to a path between two commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
    /// Its content or mode differs.
    Modified,
}

/// A path that differs between two commits. A rename is a deletion and an addition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedPath {
    /// Relative to the root, with slashes, as the bytes that git stores.
    pub path: BString,
    /// What happened.
    pub kind: ChangeKind,
}

impl Repo {
    /// The files that differ between two commits, renames not followed, directories not named.
    ///
    /// # Errors
    /// When an object is missing.
    pub fn changed_paths(
        &self,
        old: &CommitId,
        new: &CommitId,
    ) -> Result<Vec<ChangedPath>, GitError> {
        let repo = self.gix();
        let (old, new) = (tree(&repo, old)?, tree(&repo, new)?);
        let changes = repo
            .diff_tree_to_tree(&old, &new, gix::diff::Options::default())
            .map_err(GitError::library("compare two trees"))?;
        Ok(changes
            .into_iter()
            .filter(|change| !change.entry_mode().is_tree())
            .map(|change| ChangedPath {
                kind: match &change {
                    ChangeDetached::Addition { .. } => ChangeKind::Added,
                    ChangeDetached::Deletion { .. } => ChangeKind::Deleted,
                    _ => ChangeKind::Modified,
                },
                path: change.location().to_owned(),
            })
            .collect())
    }

    /// Stores bytes as a blob and returns its id.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_blob(&self, bytes: &[u8]) -> Result<gix::ObjectId, GitError> {
        let repo = self.gix();
        let id = repo
            .write_blob(bytes)
            .map_err(GitError::library("write a blob"))?;
        Ok(id.detach())
    }

    /// Stores a commit's tree with some files replaced (`Some(blob, executable)`) or removed
    /// (`None`), and returns the new tree's id.
    ///
    /// # Errors
    /// When a path is not sound or it cannot be written.
    pub fn edit_tree(
        &self,
        base: &CommitId,
        edits: &[(BString, Option<(gix::ObjectId, bool)>)],
    ) -> Result<gix::ObjectId, GitError> {
        let repo = self.gix();
        let mut editor = repo
            .edit_tree(tree(&repo, base)?.id)
            .map_err(GitError::library("edit a tree"))?;
        for (path, edit) in edits {
            let changed = match edit {
                Some((blob, true)) => {
                    editor.upsert(path.as_bstr(), EntryKind::BlobExecutable, *blob)
                }
                Some((blob, false)) => editor.upsert(path.as_bstr(), EntryKind::Blob, *blob),
                None => editor.remove(path.as_bstr()),
            };
            changed.map_err(|e| GitError::library(format!("edit {path}"))(e))?;
        }
        let id = editor.write().map_err(GitError::library("write a tree"))?;
        Ok(id.detach())
    }

    /// Stores a commit without moving any ref. The identity is author and committer, now.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_commit(
        &self,
        tree: gix::ObjectId,
        parents: &[CommitId],
        identity: (&str, &str),
        message: &str,
    ) -> Result<CommitId, GitError> {
        let repo = self.gix();
        let time = gix::date::Time::now_local_or_utc().to_string();
        let signature = gix::actor::SignatureRef {
            name: identity.0.as_bytes().as_bstr(),
            email: identity.1.as_bytes().as_bstr(),
            time: &time,
        };
        let parents = parents
            .iter()
            .map(object_id)
            .collect::<Result<Vec<_>, _>>()?;
        let commit = repo
            .new_commit_as(signature, signature, message, tree, parents)
            .map_err(GitError::library("write a commit"))?;
        commit_id(commit.id)
    }

    /// The best common ancestor, `None` when there is none.
    ///
    /// # Errors
    /// When an object is missing.
    pub fn merge_base(&self, one: &CommitId, two: &CommitId) -> Result<Option<CommitId>, GitError> {
        let repo = self.gix();
        let bases = repo
            .merge_bases_many(object_id(one)?, &[object_id(two)?])
            .map_err(GitError::library("find a common ancestor"))?;
        bases.first().map(|id| commit_id(id.detach())).transpose()
    }

    /// Whether a commit is in the history of another one, or that one itself.
    ///
    /// # Errors
    /// When an object is missing.
    pub fn is_in_history(&self, of: &CommitId, commit: &CommitId) -> Result<bool, GitError> {
        Ok(self.merge_base(of, commit)?.as_ref() == Some(commit))
    }

    /// The id of a commit's tree.
    ///
    /// # Errors
    /// When an object is missing.
    pub fn tree_of(&self, commit: &CommitId) -> Result<gix::ObjectId, GitError> {
        Ok(tree(&self.gix(), commit)?.id)
    }
}

fn tree<'r>(repo: &'r gix::Repository, commit: &CommitId) -> Result<gix::Tree<'r>, GitError> {
    repo.find_commit(object_id(commit)?)
        .map_err(GitError::library(format!("find commit {commit}")))?
        .tree()
        .map_err(GitError::library(format!("read the tree of {commit}")))
}
