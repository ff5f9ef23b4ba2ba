//! Reading and moving refs.

use gix::refs::transaction::{Change, LogChange, PreviousValue, RefEdit, RefLog};
use gix::refs::{FullName, Target};

use super::error::GitError;
use super::repo::Repo;
use crate::model::ids::CommitId;

/// What a ref must be before it is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// It must not exist.
    Absent,
    /// It must point to this commit.
    At(CommitId),
    /// Whatever it is.
    Any,
}

impl Repo {
    /// The commit that a revision names.
    ///
    /// # Errors
    /// When it names none, or something that is not a commit.
    pub fn resolve(&self, rev: &str) -> Result<CommitId, GitError> {
        let wanted = format!("{rev}^{{commit}}");
        let repo = self.gix();
        let id = repo
            .rev_parse_single(wanted.as_str())
            .map_err(GitError::library(format!("find the commit {rev:?}")))?;
        commit_id(id.detach())
    }

    /// Where a branch is, by its name with or without `refs/heads/`; `None` when there is none.
    ///
    /// # Errors
    /// When refs cannot be read.
    pub fn branch_tip(&self, branch: &str) -> Result<Option<CommitId>, GitError> {
        let full = if branch.starts_with("refs/") {
            branch.to_owned()
        } else {
            format!("refs/heads/{branch}")
        };
        self.ref_target(&full)
    }

    /// Where a ref is, by its full name.
    ///
    /// # Errors
    /// When it cannot be read, or points to no commit.
    pub fn ref_target(&self, full_name: &str) -> Result<Option<CommitId>, GitError> {
        let name = checked_name(full_name)?;
        let repo = self.gix();
        let found = repo
            .try_find_reference(name.as_ref())
            .map_err(GitError::library(format!("read {full_name}")))?;
        let Some(mut reference) = found else {
            return Ok(None);
        };
        let id = reference
            .peel_to_commit()
            .map_err(GitError::library(format!("follow {full_name}")))?
            .id;
        commit_id(id).map(Some)
    }

    /// The branch that is checked out in the worktree it was discovered from, without `refs/heads/`.
    ///
    /// # Errors
    /// When it has no commit yet, or HEAD is detached.
    pub fn current_branch(&self) -> Result<String, GitError> {
        let head = self
            .gix()
            .head_name()
            .map_err(GitError::library("read HEAD"))?
            .ok_or(GitError::Detached)?;
        let full = head.as_bstr().to_string();
        let short = full
            .strip_prefix("refs/heads/")
            .ok_or(GitError::Detached)?
            .to_owned();
        match self.ref_target(&full)? {
            Some(_) => Ok(short),
            None => Err(GitError::Unborn(short)),
        }
    }

    /// Moves a ref when it is where it is expected to be, in one step.
    ///
    /// # Errors
    /// [`GitError::RefMoved`] when it is elsewhere; nothing is changed then.
    pub fn update_ref(
        &self,
        full_name: &str,
        new: &CommitId,
        expected: Expected,
        message: &str,
    ) -> Result<(), GitError> {
        let change = Change::Update {
            log: LogChange {
                mode: RefLog::AndReference,
                force_create_reflog: false,
                message: message.into(),
            },
            expected: previous(&expected)?,
            new: Target::Object(object_id(new)?),
        };
        self.edit(full_name, change, &expected)
    }

    /// Deletes a ref when it is where it is expected to be. Expecting [`Expected::Absent`] does
    /// nothing.
    ///
    /// # Errors
    /// [`GitError::RefMoved`] when it is elsewhere.
    pub fn delete_ref(&self, full_name: &str, expected: Expected) -> Result<(), GitError> {
        if expected == Expected::Absent {
            return Ok(());
        }
        let change = Change::Delete {
            expected: previous(&expected)?,
            log: RefLog::AndReference,
        };
        self.edit(full_name, change, &expected)
    }

    /// The refs below a prefix such as `refs/treeyard/`, with the commits they point to.
    ///
    /// # Errors
    /// When refs cannot be read.
    pub fn refs_below(&self, prefix: &str) -> Result<Vec<(String, CommitId)>, GitError> {
        let repo = self.gix();
        let platform = repo.references().map_err(GitError::library("list refs"))?;
        let found = platform
            .prefixed(prefix)
            .map_err(GitError::library(format!("list {prefix}")))?;
        let mut refs = Vec::new();
        for reference in found {
            let mut reference =
                reference.map_err(|e| GitError::library(format!("read {prefix}"))(e))?;
            let name = reference.name().as_bstr().to_string();
            if let Ok(commit) = reference.peel_to_commit() {
                refs.push((name, commit_id(commit.id)?));
            }
        }
        Ok(refs)
    }

    fn edit(&self, full_name: &str, change: Change, expected: &Expected) -> Result<(), GitError> {
        let edit = RefEdit {
            change,
            name: checked_name(full_name)?,
            deref: false,
        };
        let repo = self.main_gix()?;
        let mut edited = repo.edit_reference(edit.clone());
        let locked = || is_own(full_name) && self.ref_lock(full_name).is_some();
        if edited.is_err() && locked() && self.outwait_ref_lock(full_name) {
            edited = repo.edit_reference(edit);
        }
        match edited {
            Ok(_) => Ok(()),
            Err(error) => Err(self
                .moved(full_name, expected)
                .unwrap_or_else(|| GitError::library(format!("change {full_name}"))(error))),
        }
    }

    fn moved(&self, full_name: &str, expected: &Expected) -> Option<GitError> {
        let found = self.ref_target(full_name).ok()?;
        let as_expected = match expected {
            Expected::Any => true,
            Expected::Absent => found.is_none(),
            Expected::At(commit) => found.as_ref() == Some(commit),
        };
        (!as_expected).then(|| GitError::RefMoved {
            name: full_name.to_owned(),
            found: found.map_or_else(|| "nothing".to_owned(), |c| c.to_string()),
        })
    }
}

/// Refs that nobody but treeyard moves.
fn is_own(full_name: &str) -> bool {
    ["refs/heads/ty/", "refs/treeyard/"]
        .iter()
        .any(|prefix| full_name.starts_with(prefix))
}

/// The library's form of a commit id.
pub fn object_id(commit: &CommitId) -> Result<gix::ObjectId, GitError> {
    gix::ObjectId::from_hex(commit.as_str().as_bytes())
        .map_err(GitError::library(format!("read the id {commit}")))
}

/// The project's form of an object id.
pub(super) fn commit_id(id: gix::ObjectId) -> Result<CommitId, GitError> {
    id.to_string()
        .parse()
        .map_err(GitError::library("read an object id"))
}

fn previous(expected: &Expected) -> Result<PreviousValue, GitError> {
    Ok(match expected {
        Expected::Absent => PreviousValue::MustNotExist,
        Expected::At(commit) => {
            PreviousValue::MustExistAndMatch(Target::Object(object_id(commit)?))
        }
        Expected::Any => PreviousValue::Any,
    })
}

pub(super) fn checked_name(full_name: &str) -> Result<FullName, GitError> {
    FullName::try_from(full_name).map_err(GitError::library(format!("use the ref {full_name:?}")))
}
