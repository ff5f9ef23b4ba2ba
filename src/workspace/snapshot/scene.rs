//! What a look at a worktree goes by: the base and its rules, and how one file becomes a blob.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::SystemTime;

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::State as Index;
use gix::index::entry::{Flags, Mode, Stat};
use gix::objs::Kind;
use gix::objs::tree::EntryKind;
use rustix::fs::{AtFlags, FileType, fstat, readlinkat, statat};
use rustix::io::Errno;

use super::state::{File, State, name};
use super::store::{SMALL, Store};
use crate::git::{GitError, Repo, Side, entries_of};
use crate::model::scope::{Scope, ScopeLanguage};
use crate::workspace::beneath::Beneath;
use crate::workspace::convert::Conversion;
use crate::workspace::error::WorkspaceError;
use crate::workspace::located::Located;
use crate::workspace::names::{Names, is_work};
use crate::workspace::reference::open_file;
use crate::workspace::settled::Recorded;
use crate::workspace::stat::{is_over, stat_of};
use crate::workspace::untouched::Opened;

/// How often a file is read that changes while it is read.
const TRIES: usize = 3;

/// Something that a snapshot does not have as it is in the worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Where, from the root.
    pub path: BString,
    /// Why not.
    pub why: Why,
}

/// Why a snapshot does not have something as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It cannot be read. What was known of it before is in the snapshot, if anything was.
    Unreadable,
    /// Another repository, which is left out.
    Repository,
    /// It changed each time it was read. What was read last is in the snapshot.
    Changing,
    /// No tree of git can have such a name. It is left out.
    Name,
}

pub(super) struct Scene {
    pub root: Beneath,
    path: PathBuf,
    pub objects: gix::Repository,
    base: ObjectId,
    listings: HashMap<BString, Option<Rc<BTreeMap<BString, Side>>>>,
    names: Names,
    conversion: Option<Conversion>,
    /// Saves reading what is the base's, when nothing is known yet.
    recorded: Option<Recorded>,
    /// The files of the base that a sparse checkout leaves out.
    pub left_out: Vec<BString>,
    /// What is taken although it is ignored.
    chosen: Option<ScopeLanguage>,
    has_modes: bool,
    has_links: bool,
    pub notes: Vec<Note>,
    /// Whether files that somebody left half-written are told.
    pub takes_drafts: bool,
}

impl Scene {
    /// Sets out to look at a worktree of which `state` is known.
    pub(super) fn set(
        repo: &Repo,
        ws: &Located,
        state: &mut State,
        ignored: &Scope,
    ) -> Result<Self, WorkspaceError> {
        let mut objects = repo.gix();
        objects.object_cache_size_if_unset(1 << 20);
        let base = repo.tree_of(&ws.base)?;
        if state.folders.is_empty() {
            state.rules = rules_of(&objects, base)?;
        }
        let rules = index_of(&state.rules);
        let conversion = Conversion::of(&objects, &rules)?;
        if state.converts != conversion.is_some() {
            state.converts = conversion.is_some();
            state.folders.clear();
        }
        let is_new = state.folders.is_empty();
        let recorded = match is_new || state.is_sparse {
            true => Recorded::read(repo, ws)?,
            false => None,
        };
        let left_out: Vec<BString> = recorded.as_ref().map(left_out).unwrap_or_default();
        state.is_sparse = !left_out.is_empty();
        let is_on = |key: &str| objects.config_snapshot().boolean(key) != Some(false);
        let (has_modes, has_links) = (is_on("core.fileMode"), is_on("core.symlinks"));
        Ok(Self {
            root: Beneath::open(&ws.path)
                .map_err(|errno| WorkspaceError::io(&ws.path)(errno.into()))?,
            path: ws.path.clone(),
            names: Names::of(&objects, &rules)?,
            conversion,
            listings: HashMap::new(),
            recorded: recorded.filter(|_| is_new),
            notes: Vec::new(),
            takes_drafts: false,
            objects,
            base,
            left_out,
            chosen: chosen(repo, ignored)?,
            has_modes,
            has_links,
        })
    }

    pub(super) fn note(&mut self, path: BString, why: Why) {
        self.notes.push(Note { path, why });
    }

    pub(super) fn failed(&self, errno: Errno) -> WorkspaceError {
        WorkspaceError::io(&self.path)(errno.into())
    }

    /// From now on every file is read, and taken as it is.
    pub(super) fn convert_nothing(&mut self) {
        (self.conversion, self.recorded) = (None, None);
    }

    /// Whether attributes may ask for anything.
    pub(super) fn converts(&self) -> bool {
        self.conversion.is_some()
    }

    pub(super) fn conversion(&mut self) -> Option<(&gix::Repository, &mut Conversion)> {
        Some((&self.objects, self.conversion.as_mut()?))
    }

    /// What the base has in a folder.
    pub(super) fn base_entries(
        &mut self,
        folder: &BStr,
    ) -> Result<Rc<BTreeMap<BString, Side>>, WorkspaceError> {
        Ok(self.base_folder(folder)?.unwrap_or_default())
    }

    pub(super) fn is_in_base(&mut self, folder: &BStr) -> Result<bool, WorkspaceError> {
        Ok(self.base_folder(folder)?.is_some())
    }

    fn base_folder(
        &mut self,
        folder: &BStr,
    ) -> Result<Option<Rc<BTreeMap<BString, Side>>>, WorkspaceError> {
        if let Some(known) = self.listings.get(folder) {
            return Ok(known.clone());
        }
        let tree = match folder.is_empty() {
            true => Some(self.base),
            false => {
                let above = super::state::parent(folder).as_bstr().to_owned();
                let above = self.base_folder(above.as_bstr())?;
                let side = above.and_then(|above| above.get(name(folder).as_bstr()).copied());
                side.filter(|(mode, _)| mode.is_tree()).map(|(_, id)| id)
            }
        };
        let entries = |tree| entries_of(&self.objects, Some(tree));
        let found = tree.map(entries).transpose()?;
        let found = found.map(|found| Rc::new(found.into_iter().collect()));
        self.listings.insert(folder.to_owned(), found.clone());
        Ok(found)
    }

    /// Whether what is at `path` belongs into a snapshot.
    pub(super) fn counts(&mut self, path: &BStr, kind: FileType, base: Option<Side>) -> bool {
        let base = base.map(|(mode, _)| Mode::from(mode));
        match base {
            Some(Mode::COMMIT) => true,
            Some(mode) if kind.is_dir() == (mode == Mode::DIR) => true,
            _ => self.is_wanted(path, kind.is_dir()),
        }
    }

    /// Whether what the base does not have belongs into a snapshot; of a folder, whether anything below it may.
    pub(super) fn is_wanted(&mut self, path: &BStr, is_folder: bool) -> bool {
        let is_chosen = |chosen: &ScopeLanguage| match is_folder {
            true => chosen.may_have_below(path),
            false => chosen.contains(path),
        };
        self.chosen.as_ref().is_some_and(is_chosen)
            || !self.names.is_ignored(&self.objects, path, is_folder)
    }

    /// The same for what is no folder. Files that are written beside others and renamed at once are nobody's.
    pub(super) fn takes(
        &mut self,
        name: &[u8],
        path: &BStr,
        kind: FileType,
        base: Option<Side>,
    ) -> bool {
        let is_draft = base.is_none() && is_draft(name) && !self.takes_drafts;
        is_work(kind) && !is_draft && self.counts(path, kind, base)
    }

    /// The file at `path`, which belongs into the folder `open`. `None` when there is none.
    pub(super) fn file(
        &mut self,
        open: &Opened,
        path: &BStr,
        before: Option<&File>,
        base: Option<Side>,
        store: &mut Store,
    ) -> Result<Option<File>, WorkspaceError> {
        let name = name(path);
        for attempt in 1.. {
            let Ok(found) = statat(&open.folder, name, AtFlags::SYMLINK_NOFOLLOW) else {
                return Ok(None);
            };
            let stat = stat_of(&found);
            let known = before.filter(|before| before.stat == Some(stat));
            if let Some(known) = known {
                return Ok(Some(known.clone()));
            }
            if let Some(known) = self.as_recorded(path, stat, base) {
                return Ok(Some(known));
            }
            // What is written after this has another time, unless it is too soon to tell.
            let now = SystemTime::now();
            let file = |kind, (id, is_raw)| File {
                name: name.into(),
                stat: is_over(stat.ctime, now).then_some(stat),
                is_own: base.is_none_or(|(_, known)| known != id),
                kind,
                id,
                is_raw,
            };
            let kind = FileType::from_raw_mode(found.st_mode);
            let before_id = before.map(|before| before.id).or(base.map(|(_, id)| id));
            if kind.is_dir() {
                let submodule = base.filter(|(mode, _)| mode.is_commit());
                return Ok(submodule.map(|(_, id)| file(EntryKind::Commit, (id, false))));
            }
            if kind.is_symlink() {
                let Ok(target) = readlinkat(&open.folder, name, Vec::new()) else {
                    continue;
                };
                let id = self.keep_new(store, target.as_bytes(), before_id)?;
                return Ok(Some(file(EntryKind::Link, (id, false))));
            }
            if !kind.is_file() {
                return Ok(None);
            }
            let is_last = attempt >= TRIES;
            let read = match open_file(&open.folder, name) {
                Some((opened, size)) => {
                    self.read(opened, size, path, stat, before_id, is_last, store)?
                }
                None => match is_last {
                    true => Content::Unreadable,
                    false => Content::Changing,
                },
            };
            let had = before.map(|before| before.kind);
            let had = had.or(base.map(|(mode, _)| mode.kind()));
            match read {
                Content::Whole(content) => {
                    return Ok(Some(file(self.kind(found.st_mode, had), content)));
                }
                Content::Changing if !is_last => {}
                Content::Last(content) => {
                    self.note(path.to_owned(), Why::Changing);
                    let file = file(self.kind(found.st_mode, had), content);
                    return Ok(Some(File { stat: None, ..file }));
                }
                Content::Changing | Content::Unreadable => {
                    self.note(path.to_owned(), Why::Unreadable);
                    let known = before.cloned();
                    let known = known.or_else(|| self.of_base(name, base?));
                    return Ok(known.map(|known| File {
                        stat: None,
                        ..known
                    }));
                }
            }
        }
        Ok(None)
    }

    /// The blob of a file, as long as it is the one of `stat` before and after.
    #[expect(clippy::too_many_arguments)]
    fn read(
        &mut self,
        mut file: std::fs::File,
        size: u64,
        path: &BStr,
        stat: Stat,
        before: Option<ObjectId>,
        is_last: bool,
        store: &mut Store,
    ) -> Result<Content, WorkspaceError> {
        let content = match size > SMALL {
            true => match store.put_large(&mut file, size, before)? {
                Some(id) => (id, self.converts()),
                None if is_last => return Ok(Content::Unreadable),
                None => return Ok(Content::Changing),
            },
            false => {
                let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
                if (&mut file).take(SMALL).read_to_end(&mut bytes).is_err() {
                    return Ok(Content::Unreadable);
                }
                if bytes.len() as u64 != size && !is_last {
                    return Ok(Content::Changing);
                }
                self.convert(path, bytes, before, store)?
            }
        };
        let is_same = fstat(&file).is_ok_and(|now| stat_of(&now) == stat);
        Ok(match (is_same, is_last) {
            (true, _) => Content::Whole(content),
            (false, false) => Content::Changing,
            (false, true) => Content::Last(content),
        })
    }

    /// Stores bytes in the form from which they come back, and whether that is not the one that attributes
    /// ask for.
    fn convert(
        &mut self,
        path: &BStr,
        bytes: Vec<u8>,
        before: Option<ObjectId>,
        store: &mut Store,
    ) -> Result<(ObjectId, bool), WorkspaceError> {
        let mut stored = None;
        if let Some(conversion) = &mut self.conversion {
            let candidate = conversion.undo(&self.objects, path, &bytes);
            stored = Some(false);
            if let Some(candidate) = candidate {
                let id = Store::id(Kind::Blob, &candidate)?;
                let back = conversion.apply(&self.objects, &id, path, &candidate)?;
                if back.is_some_and(|back| *back == *bytes) {
                    return Ok((self.keep_new(store, &candidate, before)?, false));
                }
            }
        }
        let is_raw = stored.is_some();
        Ok((self.keep_new(store, &bytes, before)?, is_raw))
    }

    /// Stores a blob, unless it is the one that is known.
    fn keep_new(
        &self,
        store: &mut Store,
        bytes: &[u8],
        known: Option<ObjectId>,
    ) -> Result<ObjectId, WorkspaceError> {
        match known {
            Some(known) if Store::id(Kind::Blob, bytes)? == known => Ok(known),
            _ => store.put(Kind::Blob, bytes),
        }
    }

    /// A file that is as the runner saw it when it was the base's.
    fn as_recorded(&mut self, path: &BStr, stat: Stat, base: Option<Side>) -> Option<File> {
        let recorded = self.recorded.as_ref()?;
        let (mode, id) = base?;
        let entry = recorded.index.entry_by_path(path)?;
        let is_same = entry.stat == stat
            && entry.id == id
            && entry.mode == Mode::from(mode)
            && recorded.tells_changes(entry);
        if !is_same {
            return None;
        }
        // What the library cannot write again is taken byte for byte.
        if let Some(conversion) = &mut self.conversion
            && conversion.is_encoded(&self.objects, path)
        {
            return None;
        }
        let known = self.of_base(name(path), (mode, id))?;
        Some(File {
            stat: Some(stat),
            ..known
        })
    }

    /// A file of the base, of which nothing is known.
    pub(super) fn of_base(&self, name: &[u8], (mode, id): Side) -> Option<File> {
        let file = File {
            name: name.into(),
            kind: mode.kind(),
            id,
            stat: None,
            is_own: false,
            is_raw: false,
        };
        (!mode.is_tree()).then_some(file)
    }

    fn kind(&self, mode: u32, had: Option<EntryKind>) -> EntryKind {
        match had {
            Some(EntryKind::Link) if !self.has_links => EntryKind::Link,
            Some(EntryKind::BlobExecutable) if !self.has_modes => EntryKind::BlobExecutable,
            _ if self.has_modes && mode & 0o100 != 0 => EntryKind::BlobExecutable,
            _ => EntryKind::Blob,
        }
    }
}

fn chosen(repo: &Repo, ignored: &Scope) -> Result<Option<ScopeLanguage>, WorkspaceError> {
    if ignored.patterns().is_empty() {
        return Ok(None);
    }
    let read = ScopeLanguage::new(ignored, repo.fold());
    let unusable = |error| WorkspaceError::Unusable(format!("checkpoints.ignored: {error}"));
    read.map(Some).map_err(unusable)
}

/// How files begin and end that are written beside others, to be renamed.
const DRAFT: (&[u8], &[u8]) = (b".treeyard-", b".tmp");

fn is_draft(name: &[u8]) -> bool {
    name.starts_with(DRAFT.0) && name.ends_with(DRAFT.1)
}

/// A name for such a file, which nothing has.
pub(super) fn draft_name() -> String {
    format!(".treeyard-{}.tmp", uuid::Uuid::now_v7().simple())
}

/// What came of reading a file.
enum Content {
    Whole((ObjectId, bool)),
    /// It changed meanwhile.
    Changing,
    /// It changed meanwhile, and this was the last try.
    Last((ObjectId, bool)),
    Unreadable,
}

fn left_out(recorded: &Recorded) -> Vec<BString> {
    let index = &recorded.index;
    let entries = index.entries().iter();
    let skipped = entries.filter(|entry| entry.flags.contains(Flags::SKIP_WORKTREE));
    skipped.map(|entry| entry.path(index).to_owned()).collect()
}

/// The `.gitignore` and `.gitattributes` files of a tree.
fn rules_of(
    objects: &gix::Repository,
    tree: ObjectId,
) -> Result<Vec<(BString, ObjectId)>, GitError> {
    let index = objects
        .index_from_tree(&tree)
        .map_err(GitError::library("read the files of the base"))?;
    let entries = index.entries().iter();
    let named = entries.map(|entry| (entry.path(&index), entry.id));
    let is_rule = |path: &BStr| matches!(name(path), b".gitignore" | b".gitattributes");
    let rules = named.filter(|(path, _)| is_rule(path));
    Ok(rules.map(|(path, id)| (path.to_owned(), id)).collect())
}

/// They are looked up in an index, which has nothing else.
fn index_of(rules: &[(BString, ObjectId)]) -> Index {
    let mut index = Index::new(gix::hash::Kind::Sha1);
    for (path, id) in rules {
        let (stat, flags) = (Stat::default(), Flags::empty());
        index.dangerously_push_entry(stat, *id, flags, Mode::FILE, path.as_bstr());
    }
    index.sort_entries();
    index
}
