//! What commits bring, one by one.

use gix::bstr::{BString, ByteSlice};

use super::changes::{changed_by, parents, root_tree};
use super::error::GitError;
use super::refs::{commit_id, object_id};
use super::repo::Repo;
use crate::model::ids::CommitId;

/// A file as a commit has it that changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    /// From the root of the repository.
    pub path: BString,
    /// What the commit has there; nothing where it removes the file, or has no file.
    pub now: Option<Vec<u8>>,
    /// What its first parent has there.
    pub before: Option<Vec<u8>>,
    /// Whether it has more bytes than were asked for, so that they are left out.
    pub is_large: bool,
}

impl Repo {
    /// The commits that `head` has and `base` has not, those that came first before others.
    ///
    /// # Errors
    /// When an object is missing or damaged.
    pub fn commits_between(
        &self,
        base: &CommitId,
        head: &CommitId,
    ) -> Result<Vec<CommitId>, GitError> {
        let repo = self.gix();
        let failed = || GitError::library(format!("walk from {base} to {head}"));
        let walk = repo
            .rev_walk([object_id(head)?])
            .with_hidden([object_id(base)?])
            .use_commit_graph(false)
            .all()
            .map_err(|error| failed()(error))?;
        let mut found = Vec::new();
        for one in walk {
            found.push(commit_id(one.map_err(|error| failed()(error))?.id)?);
        }
        found.reverse();
        Ok(found)
    }

    /// The files that a commit changes itself, in the order of their paths. Of files of more than `most` bytes, and
    /// of what is no file, nothing is read.
    ///
    /// # Errors
    /// When an object is missing or damaged.
    pub fn brought_by(&self, commit: &CommitId, most: u64) -> Result<Vec<Brought>, GitError> {
        let repo = self.gix();
        let id = object_id(commit)?;
        let ours = root_tree(&repo, id)?;
        let first = parents(&repo, id)?.first().copied();
        let theirs = first.map(|parent| root_tree(&repo, parent)).transpose()?;
        let paths = changed_by(&repo, id)?.into_iter();
        paths
            .map(|path| {
                let (now, is_large) = content(&repo, ours, &path, most)?;
                let before = theirs.map(|tree| content(&repo, tree, &path, most));
                Ok(Brought {
                    before: before.transpose()?.and_then(|(bytes, _)| bytes),
                    now,
                    is_large,
                    path,
                })
            })
            .collect()
    }

    /// The content of a file of a commit; nothing where there is no file, or one of more than `most` bytes.
    ///
    /// # Errors
    /// When an object is missing or damaged.
    pub fn content_of(
        &self,
        commit: &CommitId,
        path: &BString,
        most: u64,
    ) -> Result<Option<Vec<u8>>, GitError> {
        let repo = self.gix();
        let tree = root_tree(&repo, object_id(commit)?)?;
        Ok(content(&repo, tree, path, most)?.0)
    }
}

/// The bytes of a file, and whether it has too many.
fn content(
    repo: &gix::Repository,
    tree: gix::ObjectId,
    path: &BString,
    most: u64,
) -> Result<(Option<Vec<u8>>, bool), GitError> {
    let failed = || GitError::library(format!("read {path}"));
    let tree = repo.find_tree(tree).map_err(|error| failed()(error))?;
    let entry = tree
        .lookup_entry(path.split_str("/"))
        .map_err(|error| failed()(error))?;
    let Some(entry) = entry.filter(|entry| entry.mode().is_blob()) else {
        return Ok((None, false));
    };
    let id = entry.object_id();
    let header = repo.find_header(id).map_err(|error| failed()(error))?;
    if header.size() > most {
        return Ok((None, true));
    }
    let blob = repo.find_blob(id).map_err(|error| failed()(error))?;
    Ok((Some(blob.data.clone()), false))
}
