//! Keeping snapshots: each is a commit with a ref of its own, below `refs/treeyard/checkpoints/`.

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};
use gix::objs::{Kind, WriteTo};

use super::store::store_one;
use super::take::{Bytes, Form, Taken};
use crate::git::{Expected, GitError, Repo, differing, object_id};
use crate::model::ids::{CommitId, SessionId};
use crate::model::scope::Scope;
use crate::workspace::convert::is_attributes;
use crate::workspace::error::WorkspaceError;

const PREFIX: &str = "refs/treeyard/checkpoints";
/// The headers of a commit that say in which form its files are.
const FORM: &str = "treeyard-snapshot";
const RAW: &str = "treeyard-raw";
const IGNORED: &str = "treeyard-ignored";

/// What becomes of ignored files: none is in it, or those of the patterns in further headers.
const LEFT_OUT: &str = "left-out";
const CHOSEN: &str = "chosen";

/// As what a snapshot is kept.
#[derive(Debug, Clone, Copy)]
pub struct Keeping<'a> {
    /// Whose it is.
    pub session: &'a SessionId,
    /// Its number, which none of the session's others has.
    pub number: u64,
    /// What it comes after.
    pub parents: &'a [CommitId],
    /// Name and address of author and committer.
    pub identity: (&'a str, &'a str),
    /// When, in seconds since 1970.
    pub seconds: i64,
    /// What it is.
    pub message: &'a str,
}

/// A snapshot that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its number among the session's.
    pub number: u64,
    /// The commit that has its tree.
    pub commit: CommitId,
}

/// The ref that keeps a session's snapshot of this number.
pub fn reference(session: &SessionId, number: u64) -> String {
    format!("{PREFIX}/{session}/{number}")
}

/// Puts a snapshot into a commit, and that under its ref. All of it is on the disk when this returns.
///
/// # Errors
/// [`GitError::RefMoved`] when the session has a snapshot of this number. When it cannot be written.
pub fn keep(
    repo: &Repo,
    taken: &Taken,
    keeping: &Keeping<'_>,
) -> Result<Checkpoint, WorkspaceError> {
    keep_tree(repo, (taken.tree, &taken.form), keeping)
}

/// Keeps the files of a kept snapshot once more, as they are in `tree` since others were taken in; of those the commit `from`
/// has the first ones. What the snapshot had as it was stays so, whatever the others say of conversions.
///
/// # Errors
/// As of [`keep`]; or the commit is no snapshot.
pub fn keep_again(
    repo: &Repo,
    commit: &CommitId,
    (from, tree): (&CommitId, ObjectId),
    keeping: &Keeping<'_>,
) -> Result<Checkpoint, WorkspaceError> {
    let (before, mut form) = read(repo, commit)?;
    let objects = repo.gix();
    let taken_in = differing(&objects, tree, &[before])?;
    match &mut form.bytes {
        Bytes::Converted { raw } => raw.retain(|path| !taken_in.contains(path)),
        Bytes::AsTheyWere => {
            if taken_in.iter().any(|path| is_attributes(path.as_bstr())) {
                let mut own = differing(&objects, before, &[repo.tree_of(from)?])?;
                own.retain(|path| !taken_in.contains(path));
                let raw = own.into_iter().collect();
                form.bytes = Bytes::Converted { raw };
            }
        }
    }
    keep_tree(repo, (tree, &form), keeping)
}

fn keep_tree(
    repo: &Repo,
    files: (ObjectId, &Form),
    keeping: &Keeping<'_>,
) -> Result<Checkpoint, WorkspaceError> {
    let bytes = commit(files, keeping)?;
    let id = store_one(repo, Kind::Commit, &bytes)?;
    let commit = crate::workspace::bench::parse(&id.to_string())?;
    repo.create_ref_durably(&reference(keeping.session, keeping.number), &commit)?;
    Ok(Checkpoint {
        number: keeping.number,
        commit,
    })
}

fn commit(
    (tree, form): (ObjectId, &Form),
    keeping: &Keeping<'_>,
) -> Result<Vec<u8>, WorkspaceError> {
    let identity = gix::actor::Signature {
        name: keeping.identity.0.into(),
        email: keeping.identity.1.into(),
        time: gix::date::Time::new(keeping.seconds, 0),
    };
    let parents = keeping.parents.iter().map(object_id);
    let commit = gix::objs::Commit {
        tree,
        parents: parents.collect::<Result<_, _>>()?,
        author: identity.clone(),
        committer: identity,
        encoding: None,
        message: format!("{}\n", keeping.message.trim_end()).into(),
        extra_headers: headers(form),
    };
    let mut bytes = Vec::new();
    commit
        .write_to(&mut bytes)
        .map_err(GitError::library("make a commit"))?;
    Ok(bytes)
}

fn headers(form: &Form) -> Vec<(BString, BString)> {
    let chosen = form.ignored.patterns();
    let ignored = match chosen {
        [] => LEFT_OUT,
        _ => CHOSEN,
    };
    let (bytes, raw): (_, &[BString]) = match &form.bytes {
        Bytes::AsTheyWere => ("as-they-were", &[]),
        Bytes::Converted { raw } => ("converted", raw),
    };
    let form = (FORM.into(), format!("{ignored} {bytes}").into());
    let line = |name: &str, text: &[u8]| (name.into(), escape(text).into());
    let chosen = chosen.iter().map(|one| line(IGNORED, one.as_bytes()));
    let raw = raw.iter().map(|path| line(RAW, path));
    [form].into_iter().chain(chosen).chain(raw).collect()
}

/// Which of the files that are ignored a kept snapshot has all the same.
///
/// # Errors
/// When the commit is no snapshot, or cannot be read.
pub fn ignored_of(repo: &Repo, commit: &CommitId) -> Result<Scope, WorkspaceError> {
    Ok(read(repo, commit)?.1.ignored)
}

/// What a kept snapshot is: its tree, and the form of its files.
pub(super) fn read(repo: &Repo, commit: &CommitId) -> Result<(ObjectId, Form), WorkspaceError> {
    let failed = || GitError::library(format!("read the snapshot {commit}"));
    let objects = repo.gix();
    let found = objects
        .find_commit(object_id(commit)?)
        .map_err(|error| failed()(error))?;
    let decoded = found.decode().map_err(|error| failed()(error))?;
    let header = |name: &str| {
        let headers = decoded.extra_headers.iter();
        let named = headers.filter(move |(key, _)| *key == name);
        let values: Vec<String> = named
            .map(|(_, value)| value.to_str_lossy().into_owned())
            .collect();
        values
    };
    let unknown = || WorkspaceError::Unusable(format!("{commit} is no snapshot of a worktree"));
    let form = header(FORM).pop().ok_or_else(unknown)?;
    let (ignored, bytes) = form.split_once(' ').ok_or_else(unknown)?;
    let lines = |name: &str| {
        let lines = header(name).into_iter().map(|line| unescape(&line));
        lines.collect::<Option<Vec<_>>>().ok_or_else(unknown)
    };
    let form = Form {
        ignored: match ignored {
            LEFT_OUT => Scope::nothing(),
            CHOSEN => {
                let patterns = lines(IGNORED)?.into_iter().map(String::try_from);
                let patterns = patterns.collect::<Result<_, _>>();
                Scope::new(patterns.map_err(|_| unknown())?).map_err(|_| unknown())?
            }
            _ => return Err(unknown()),
        },
        bytes: match bytes {
            "as-they-were" => Bytes::AsTheyWere,
            "converted" => Bytes::Converted { raw: lines(RAW)? },
            _ => return Err(unknown()),
        },
    };
    let tree = decoded.tree();
    Ok((tree, form))
}

/// A session's kept snapshots, by number.
///
/// # Errors
/// When refs cannot be read.
pub fn list(repo: &Repo, session: &SessionId) -> Result<Vec<Checkpoint>, WorkspaceError> {
    let prefix = format!("{PREFIX}/{session}/");
    let refs = repo.refs_below(&prefix)?.into_iter();
    let mut found: Vec<_> = refs
        .filter_map(|(name, commit)| {
            let number = name.strip_prefix(&prefix)?.parse().ok()?;
            Some(Checkpoint { number, commit })
        })
        .collect();
    found.sort_by_key(|one| one.number);
    Ok(found)
}

/// All kept snapshots, with their sessions.
///
/// # Errors
/// When refs cannot be read.
pub fn list_all(repo: &Repo) -> Result<Vec<(SessionId, Checkpoint)>, WorkspaceError> {
    let refs = repo.refs_below(&format!("{PREFIX}/"))?.into_iter();
    let found = refs.filter_map(|(name, commit)| {
        let (session, number) = name
            .strip_prefix(PREFIX)?
            .strip_prefix('/')?
            .split_once('/')?;
        let number = number.parse().ok()?;
        Some((session.parse().ok()?, Checkpoint { number, commit }))
    });
    Ok(found.collect())
}

/// When a snapshot was kept, in seconds since 1970.
///
/// # Errors
/// When its commit cannot be read.
pub fn kept_at(repo: &Repo, commit: &CommitId) -> Result<i64, WorkspaceError> {
    let failed = || GitError::library(format!("read the snapshot {commit}"));
    let objects = repo.gix();
    let found = objects
        .find_commit(object_id(commit)?)
        .map_err(|error| failed()(error))?;
    Ok(found.time().map_err(|error| failed()(error))?.seconds)
}

/// Keeps a snapshot no longer. What others do not have either goes with the next `git gc`.
///
/// # Errors
/// [`GitError::RefMoved`] when it is another one by now.
pub fn drop(
    repo: &Repo,
    session: &SessionId,
    checkpoint: &Checkpoint,
) -> Result<(), WorkspaceError> {
    let expected = Expected::At(checkpoint.commit.clone());
    Ok(repo.delete_ref(&reference(session, checkpoint.number), expected)?)
}

/// A path in a header, which has lines of text.
fn escape(path: &[u8]) -> String {
    let one = |byte: &u8| match byte {
        b'%' => "%25".to_owned(),
        byte if byte.is_ascii_graphic() => char::from(*byte).to_string(),
        byte => format!("%{byte:02x}"),
    };
    path.iter().map(one).collect()
}

fn unescape(text: &str) -> Option<BString> {
    let mut path = Vec::with_capacity(text.len());
    let mut left = text.as_bytes();
    while let Some((first, rest)) = left.split_first() {
        left = rest;
        match first {
            b'%' => {
                let (digits, rest) = rest.split_at_checked(2)?;
                let digits = std::str::from_utf8(digits).ok()?;
                path.push(u8::from_str_radix(digits, 16).ok()?);
                left = rest;
            }
            byte => path.push(*byte),
        }
    }
    Some(path.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_path_comes_back_from_a_line_of_text(path: Vec<u8>) {
            let line = escape(&path);
            prop_assert!(line.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert_eq!(unescape(&line), Some(path.into()));
        }
    }
}
