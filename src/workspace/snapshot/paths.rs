//! A look at a few files of a worktree alone.

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::objs::Kind;
use rustix::fs::readlinkat;
use rustix::io::Errno;

use super::keep;
use super::state::{name, parent};
use super::store::Store;
use super::take::Bytes;
use crate::git::{GitError, Repo};
use crate::model::ids::CommitId;
use crate::workspace::beneath::Beneath;
use crate::workspace::error::WorkspaceError;
use crate::workspace::located::Located;
use crate::workspace::reference::{hash, open_file};

/// What a file has in it, as git would store it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Nothing,
    File(ObjectId),
    Link(ObjectId),
}

/// Those of these paths that have something else in them than in a kept snapshot; whether they are programs is not looked at.
/// `None` where attributes ask for conversions: only a look at everything tells then.
///
/// # Errors
/// When the snapshot cannot be read.
pub fn differing(
    repo: &Repo,
    ws: &Located,
    snapshot: &CommitId,
    paths: impl IntoIterator<Item = BString>,
) -> Result<Option<Vec<BString>>, WorkspaceError> {
    let (tree, form) = keep::read(repo, snapshot)?;
    if form.bytes != Bytes::AsTheyWere {
        return Ok(None);
    }
    let objects = repo.gix();
    let io = |error: Errno| WorkspaceError::Git(GitError::io(&ws.path)(error.into()));
    let root = Beneath::open(&ws.path).map_err(io)?;
    let mut found = Vec::new();
    for path in paths {
        let then = match super::restore::side_at(&objects, tree, path.as_bstr())? {
            Some((mode, id)) if mode.is_blob() => Content::File(id),
            Some((mode, id)) if mode.is_link() => Content::Link(id),
            _ => Content::Nothing,
        };
        // What cannot be read is not what it was.
        if content(&root, path.as_bstr()).ok() != Some(then) {
            found.push(path);
        }
    }
    Ok(Some(found))
}

fn content(root: &Beneath, path: &BStr) -> Result<Content, WorkspaceError> {
    let failed = |error: Errno| WorkspaceError::Git(GitError::io(path.to_string())(error.into()));
    let folder = match root.folder(parent(path).as_bstr()) {
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Content::Nothing),
        found => found.map_err(failed)?,
    };
    if let Some((mut file, size)) = open_file(&folder.folder, name(path)) {
        let id = hash(&mut file, size).ok_or(Errno::IO).map_err(failed)?;
        return Ok(Content::File(id));
    }
    match readlinkat(&folder.folder, name(path), Vec::new()) {
        Err(Errno::NOENT) => Ok(Content::Nothing),
        target => {
            let target = target.map_err(failed)?;
            Ok(Content::Link(Store::id(Kind::Blob, target.to_bytes())?))
        }
    }
}
