//! What the last snapshot found, kept in the runner's record of the worktree. It is whole or of no use: the
//! hash of all of it stands at its end. What it says of blobs is looked up before it is believed.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use gix::ObjectId;
use gix::bstr::BString;
use gix::index::entry::{Stat, stat::Time};
use gix::objs::tree::EntryKind;

use super::state::{File, Folder, State};
use crate::git::Repo;
use crate::model::scope::Scope;
use crate::workspace::error::WorkspaceError;
use crate::workspace::located::Located;

const MAGIC: &[u8] = b"treeyard snapshot 2\n";
const SUM: usize = 32;
const KINDS: [EntryKind; 4] = [
    EntryKind::Blob,
    EntryKind::BlobExecutable,
    EntryKind::Link,
    EntryKind::Commit,
];

fn path(repo: &Repo, ws: &Located, ignored: &Scope) -> Result<PathBuf, WorkspaceError> {
    let name = match ignored.patterns() {
        [] => "snapshot",
        _ => "snapshot-chosen",
    };
    Ok(ws.record(repo)?.join(name))
}

/// What was known last; nothing, when there is no record of this worktree, its base and the same choice of ignored
/// files, or what it speaks of is not there any more.
pub(super) fn read(repo: &Repo, ws: &Located, ignored: &Scope) -> Result<State, WorkspaceError> {
    let Ok(bytes) = fs::read(path(repo, ws, ignored)?) else {
        return Ok(State::default());
    };
    let state = decode(&bytes, ws, ignored).filter(|state| all_there(repo, state));
    Ok(state.unwrap_or_default())
}

/// Writes down what is known. A kill leaves the record before.
pub(super) fn write(
    repo: &Repo,
    ws: &Located,
    ignored: &Scope,
    state: &State,
) -> Result<(), WorkspaceError> {
    let path = path(repo, ws, ignored)?;
    let folder = ws.record(repo)?;
    let place = || {
        fs::create_dir_all(&folder)?;
        let mut draft = tempfile::NamedTempFile::new_in(&folder)?;
        draft.write_all(&encode(state, ws, ignored))?;
        draft.persist(&path).map_err(|error| error.error)
    };
    place().map(drop).map_err(WorkspaceError::io(&path))
}

/// Blobs and trees that only snapshots have may be collected once no snapshot is kept.
fn all_there(repo: &Repo, state: &State) -> bool {
    let objects = repo.gix();
    let mut folders = state.folders.iter();
    folders.all(|folder| {
        let mut own = folder.files.iter().filter(|file| file.is_own).peekable();
        let tree = folder
            .tree
            .filter(|_| folder.path.is_empty() || own.peek().is_some());
        let mut ids = own.map(|file| file.id).chain(tree);
        ids.all(|id| objects.has_object(id))
    })
}

fn encode(state: &State, ws: &Located, ignored: &Scope) -> Vec<u8> {
    let files: usize = state.folders.iter().map(|folder| folder.files.len()).sum();
    let mut to = Vec::with_capacity(files * 96 + 4096);
    to.extend_from_slice(MAGIC);
    text(&mut to, ws.base.as_str().as_bytes());
    text(&mut to, ws.path.as_os_str().as_encoded_bytes());
    let patterns = patterns_of(ignored);
    number(&mut to, patterns.len());
    patterns.iter().for_each(|pattern| text(&mut to, pattern));
    to.push(u8::from(state.is_sparse) | u8::from(state.converts) << 1);
    number(&mut to, state.rules.len());
    for (path, id) in &state.rules {
        text(&mut to, path);
        to.extend_from_slice(id.as_slice());
    }
    number(&mut to, state.folders.len());
    for folder in &state.folders {
        text(&mut to, &folder.path);
        to.push(u8::from(folder.tree.is_some()));
        to.extend_from_slice(folder.tree.unwrap_or(NO_ID).as_slice());
        put_stat(&mut to, folder.stat);
        number(&mut to, folder.files.len());
        for file in &folder.files {
            text(&mut to, &file.name);
            let kind = KINDS.iter().position(|kind| *kind == file.kind);
            let kind = kind.unwrap_or_default() as u8;
            to.push(kind | u8::from(file.is_own) << 4 | u8::from(file.is_raw) << 5);
            to.extend_from_slice(file.id.as_slice());
            put_stat(&mut to, file.stat);
        }
    }
    let sum = blake3::hash(&to);
    to.extend_from_slice(sum.as_bytes());
    to
}

const NO_ID: ObjectId = ObjectId::null(gix::hash::Kind::Sha1);

fn decode(bytes: &[u8], ws: &Located, ignored: &Scope) -> Option<State> {
    let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(SUM)?)?;
    if blake3::hash(body).as_bytes() != sum {
        return None;
    }
    let mut from = Reader(body.strip_prefix(MAGIC)?);
    let is_ours = from.text()? == ws.base.as_str().as_bytes()
        && from.text()? == ws.path.as_os_str().as_encoded_bytes()
        && from.many(Reader::text)? == patterns_of(ignored);
    if !is_ours {
        return None;
    }
    let flags = from.byte()?;
    let rules = from.many(|from| Some((from.text()?.into(), from.id()?)))?;
    let folders = from.many(|from| {
        Some(Folder {
            path: from.text()?.into(),
            tree: {
                let is_there = from.byte()? != 0;
                let id = from.id()?;
                is_there.then_some(id)
            },
            stat: from.stat()?,
            files: from.many(file)?,
            is_dirty: false,
        })
    })?;
    let state = State {
        rules,
        is_sparse: flags & 1 != 0,
        converts: flags & 2 != 0,
        folders,
    };
    from.0.is_empty().then_some(state)
}

fn patterns_of(ignored: &Scope) -> Vec<&[u8]> {
    let patterns = ignored.patterns().iter();
    patterns.map(|pattern| pattern.as_bytes()).collect()
}

fn file(from: &mut Reader<'_>) -> Option<File> {
    let name = BString::from(from.text()?);
    let kind = from.byte()?;
    Some(File {
        name,
        kind: *KINDS.get(usize::from(kind & 0xf))?,
        id: from.id()?,
        stat: from.stat()?,
        is_own: kind & 0x10 != 0,
        is_raw: kind & 0x20 != 0,
    })
}

#[expect(clippy::cast_possible_truncation)]
fn number(to: &mut Vec<u8>, number: usize) {
    to.extend_from_slice(&(number as u32).to_le_bytes());
}

fn text(to: &mut Vec<u8>, text: &[u8]) {
    number(to, text.len());
    to.extend_from_slice(text);
}

fn put_stat(to: &mut Vec<u8>, stat: Option<Stat>) {
    let known = stat.unwrap_or_default();
    to.push(u8::from(stat.is_some()));
    let numbers = [
        known.mtime.secs,
        known.mtime.nsecs,
        known.ctime.secs,
        known.ctime.nsecs,
        known.dev,
        known.ino,
        known.uid,
        known.gid,
        known.size,
    ];
    for number in numbers {
        to.extend_from_slice(&number.to_le_bytes());
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(length as usize)
    }

    fn id(&mut self) -> Option<ObjectId> {
        ObjectId::try_from(self.take(20)?).ok()
    }

    fn stat(&mut self) -> Option<Option<Stat>> {
        let is_known = self.byte()? != 0;
        let mut time = || {
            Some(Time {
                secs: self.number()?,
                nsecs: self.number()?,
            })
        };
        let stat = Stat {
            mtime: time()?,
            ctime: time()?,
            dev: self.number()?,
            ino: self.number()?,
            uid: self.number()?,
            gid: self.number()?,
            size: self.number()?,
        };
        Some(is_known.then_some(stat))
    }

    fn many<T>(&mut self, mut one: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.number()?;
        let mut found = Vec::with_capacity((count as usize).min(self.0.len()));
        for _ in 0..count {
            found.push(one(self)?);
        }
        Some(found)
    }
}
