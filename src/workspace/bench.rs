//! The runner's own git directory over a session's worktree.
//!
//! It is made anew for each use, out of the session's reach, with the main repository's objects
//! first and the session's after, so that a planted object never stands in for a known one.

use std::fs;
use std::path::{Path, PathBuf};

use gix::bstr::{BStr, ByteSlice};
use gix::index::entry::Mode;

use super::elsewhere::{pipe_for_git, refuse_led_elsewhere};
use super::error::WorkspaceError;
use super::located::Located;
use super::pack::Pack;
use super::packing::held_back;
use super::passed_by::PassedBy;
use super::private::{self, Layout, plain};
use super::release::remove;
use super::settled::copy_index;
use super::stat::read_index;
use super::unlock::unlock;
use crate::git::{Git, GitError, Repo, object_id, open_isolated, root_tree};
use crate::model::ids::CommitId;

pub(super) struct Bench {
    dir: tempfile::TempDir,
    work_tree: PathBuf,
    /// The folders that its objects are borrowed from.
    objects: Vec<PathBuf>,
    /// The index that the session works with.
    theirs: Option<PathBuf>,
    /// The commit whose files the runner's index has.
    index_is_of: Option<CommitId>,
}

/// What the session's git directory says, read but not believed.
pub(super) struct Tips {
    /// What `HEAD` points to.
    pub head: CommitId,
    /// Whether `HEAD` is on the session's branch.
    pub on_branch: bool,
    /// Whether `HEAD` is on no branch.
    pub detached: bool,
    /// What every ref points to, `HEAD` first, without repetition.
    pub all: Vec<CommitId>,
}

impl Bench {
    pub(super) fn set_up(repo: &Repo, ws: &Located) -> Result<Self, WorkspaceError> {
        refuse_led_elsewhere(repo, ws)?;
        let (main, own) = (
            repo.common_dir().join("objects"),
            ws.git_dir.join("objects"),
        );
        let mut alternates = vec![main.as_path()];
        if !ws.is_linked(repo) {
            alternates.push(&own);
        }
        let mut bench = Self::over(repo, &ws.path, &ws.base, &alternates)?;
        bench.theirs = Some(ws.git_dir.join("index"));
        bench.index_is_of = copy_index(repo, ws, &bench.path().join("index"))?;
        Ok(bench)
    }

    /// Over any directory, without an index, with the objects of `alternates`.
    pub(super) fn over(
        repo: &Repo,
        work_tree: &Path,
        head: &CommitId,
        alternates: &[&Path],
    ) -> Result<Self, WorkspaceError> {
        let state = repo.state_dir();
        let dir = tempfile::Builder::new()
            .prefix("bench-")
            .tempdir_in(&state)
            .map_err(WorkspaceError::io(&state))?;
        let layout = Layout {
            work_tree,
            head: head.to_string(),
            alternates,
            identity: ("treeyard", "treeyard@localhost"),
        };
        private::make(repo, dir.path(), &layout)?;
        let mut objects: Vec<PathBuf> = alternates.iter().map(PathBuf::from).collect();
        // What a session's own folder names as borrowed from is nothing to go by.
        objects.extend(private::borrowed(&repo.common_dir().join("objects"))?);
        Ok(Self {
            dir,
            objects,
            work_tree: work_tree.to_owned(),
            theirs: None,
            index_is_of: None,
        })
    }

    pub(super) fn work_tree(&self) -> &Path {
        &self.work_tree
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The index that the session works with, if there is one.
    pub(super) fn theirs(&self) -> Option<&Path> {
        self.theirs.as_deref()
    }

    pub(super) fn git(&self) -> Git {
        Git::new(self.dir.path())
            .git_dir(self.dir.path())
            .work_tree(&self.work_tree)
    }

    /// As [`git`](Self::git), with the worktree as the current folder.
    pub(super) fn in_place(&self) -> Git {
        Git::new(&self.work_tree)
            .git_dir(self.path())
            .work_tree(&self.work_tree)
    }

    /// Puts all that is in the worktree and not ignored into a tree, on top of `tip`. Folders that
    /// were shut are opened: git passes by what it cannot look into.
    pub(super) fn snapshot(&self, tip: &CommitId) -> Result<String, WorkspaceError> {
        unlock(&self.work_tree);
        if let Some(pipe) = pipe_for_git(&self.work_tree) {
            let why = format!("{} is a pipe, at which git would wait", pipe.display());
            return Err(WorkspaceError::Refused(why));
        }
        if self.index_is_of.as_ref() != Some(tip) {
            self.git()
                .args(["read-tree", "--reset", tip.as_str()])
                .run()?;
        }
        self.add_forced()?;
        let passed_by = PassedBy::submodules(self)?;
        // Outside of a sparse checkout only what is there counts: what is absent is not deleted.
        if self.is_sparse()? {
            let _nothing_there = self
                .in_place()
                .args(["add", "--sparse", "--ignore-removal", "--", "."])
                .run();
            // It may have added some, which would be refused anyway.
            self.refuse_nested(tip)?;
        }
        let add_all = || self.in_place().args(["add", "-A", "--", "."]).run();
        if add_all().is_err() {
            // Attributes that a session wrote can make conversion fail; bytes as they are cannot.
            private::write(
                &self.path().join("info/attributes"),
                "* -text -filter -ident -working-tree-encoding\n",
            )?;
            add_all().map_err(explain_add)?;
        }
        passed_by.restore(self)?;
        let tree = self.git().arg("write-tree").run()?.text();
        if tree != self.tree_of(tip)? {
            self.refuse_nested(tip)?;
        }
        Ok(tree)
    }

    fn is_sparse(&self) -> Result<bool, WorkspaceError> {
        let own = self.objects()?;
        Ok(own.config_snapshot().boolean("core.sparseCheckout") == Some(true))
    }

    /// Ignored files that the session added all the same are work too, and `add -A` passes them by.
    fn add_forced(&self) -> Result<(), WorkspaceError> {
        let Some(Ok(theirs)) = self.theirs.as_deref().map(read_index) else {
            return Ok(());
        };
        let own = read_index(&self.path().join("index"))?;
        let is_file = |path: &BStr| {
            let found = self.work_tree.join(path.to_path_lossy()).symlink_metadata();
            found.is_ok_and(|found| !found.is_dir())
        };
        let forced: Vec<&BStr> = theirs
            .entries()
            .iter()
            .filter(|entry| entry.mode != Mode::COMMIT)
            .map(|entry| entry.path(&theirs))
            .filter(|path| own.entry_by_path(path).is_none() && is_file(path))
            .collect();
        if forced.is_empty() {
            return Ok(());
        }
        self.in_place()
            .args(["update-index", "--add", "-z", "--stdin"])
            .stdin(gix::bstr::join("\0", forced))
            .run()?;
        Ok(())
    }

    /// The commit that the base has for the submodule `path`.
    pub(super) fn pinned_at_base(&self, path: &Path) -> Result<Option<CommitId>, WorkspaceError> {
        let path = path.to_string_lossy();
        let listed = self
            .git()
            .args(["ls-tree", "-z", "HEAD", "--", &path])
            .run()?;
        let text = listed.text();
        let mut words = text.split([' ', '\t']);
        match (words.next(), words.next(), words.next()) {
            (Some("160000"), _, Some(id)) => Ok(Some(parse(id)?)),
            _ => Ok(None),
        }
    }

    /// A repository that the session made inside is not work that a commit can hold.
    fn refuse_nested(&self, tip: &CommitId) -> Result<(), WorkspaceError> {
        let index = read_index(&self.path().join("index"))?;
        let own = self.objects()?;
        let tree = own
            .find_tree(root_tree(&own, object_id(tip)?)?)
            .map_err(GitError::library(format!("read the tree of {tip}")))?;
        let nested = |entry: &&gix::index::Entry| entry.mode == Mode::COMMIT;
        for entry in index.entries().iter().filter(nested) {
            let path = entry.path(&index);
            let before = tree
                .lookup_entry_by_path(path.to_path_lossy())
                .map_err(GitError::library(format!("find {path} in {tip}")))?;
            if before.is_none_or(|before| before.object_id() != entry.id) {
                return Err(WorkspaceError::NestedRepository(path.to_string()));
            }
        }
        Ok(())
    }

    /// Without a process: the objects of this directory are read by the library.
    pub(super) fn tree_of(&self, commit: &CommitId) -> Result<String, GitError> {
        let own = self.objects()?;
        Ok(root_tree(&own, object_id(commit)?)?.to_string())
    }

    /// The index that a checkout of a commit has, as far as its content goes.
    pub(super) fn index_of(&self, commit: &CommitId) -> Result<gix::index::File, GitError> {
        let own = self.objects()?;
        let tree = root_tree(&own, object_id(commit)?)?;
        own.index_from_tree(&tree)
            .map_err(GitError::library(format!("read the files of {commit}")))
    }

    /// The objects of the session and of the repository, for the library.
    pub(super) fn objects(&self) -> Result<gix::Repository, GitError> {
        open_isolated(self.path(), &[])
    }

    /// Stores a commit in this directory. The identity is author and committer, now.
    pub(super) fn commit(
        &self,
        tree: &str,
        parents: &[CommitId],
        identity: (&str, &str),
        message: &str,
    ) -> Result<CommitId, WorkspaceError> {
        let time = gix::date::Time::now_local_or_utc().to_string();
        let signature = gix::actor::SignatureRef {
            name: identity.0.as_bytes().as_bstr(),
            email: identity.1.as_bytes().as_bstr(),
            time: &time,
        };
        let tree = gix::ObjectId::from_hex(tree.as_bytes())
            .map_err(GitError::library(format!("read the id {tree}")))?;
        let parents: Vec<_> = parents.iter().map(object_id).collect::<Result<_, _>>()?;
        let message = format!("{}\n", message.trim_end());
        let objects = self.objects()?;
        let made = objects
            .new_commit_as(signature, signature, message, tree, parents)
            .map_err(GitError::library("write a commit"))?;
        parse(&made.id.to_string())
    }

    /// Puts what `revs` reaches (one a line, `^` excludes) into a pack of this directory. `None` when
    /// there is nothing. Nothing is lost with it, so it need not be on the disk.
    pub(super) fn pack(&self, revs: &str) -> Result<Option<Pack>, WorkspaceError> {
        let base = self.path().join("objects/pack/pack");
        let name = self
            .git()
            .through(held_back(self.path(), &self.objects)?)
            .args(["-c", "core.fsync=none", "pack-objects", "--revs", "-q"])
            .args(["--threads=1", "--non-empty"])
            .arg(base)
            .stdin(revs)
            .run()?
            .text();
        let name = name.trim();
        if name.is_empty() {
            return Ok(None);
        }
        self.drop_loose()?;
        let path = self.path().join(format!("objects/pack/pack-{name}.pack"));
        Ok(Some(Pack { path }))
    }

    /// What was made here is in a pack now. On a disk that is nearly full, each copy counts.
    fn drop_loose(&self) -> Result<(), WorkspaceError> {
        let objects = self.path().join("objects");
        let folders = fs::read_dir(&objects).map_err(WorkspaceError::io(&objects))?;
        for folder in folders.flatten() {
            if folder.file_name().len() == 2 {
                remove(&folder.path())?;
            }
        }
        Ok(())
    }
}

/// Git's message is in English here: the environment says so. It cannot add a repository that has
/// no commit yet.
fn explain_add(error: GitError) -> WorkspaceError {
    let GitError::Command { stderr, .. } = &error else {
        return error.into();
    };
    match stderr.split_once("' does not have a commit checked out") {
        Some((before, _)) => {
            let path = before.rsplit('\'').next().unwrap_or_default();
            WorkspaceError::NestedRepository(path.trim_end_matches('/').to_owned())
        }
        None => error.into(),
    }
}

/// The session's git directory, for the library, which runs nothing and includes nothing.
pub(super) fn open_own(ws: &Located, settings: &[&str]) -> Result<gix::Repository, WorkspaceError> {
    open_isolated(plain(&ws.git_dir)?.as_ref(), settings)
        .map_err(|_| WorkspaceError::Refused("its git directory cannot be read".to_owned()))
}

/// Reads the session's refs with the library, which runs nothing and includes nothing.
pub(super) fn tips(repo: &Repo, ws: &Located) -> Result<Tips, WorkspaceError> {
    let refused = |what: &str| WorkspaceError::Refused(what.to_owned());
    refuse_led_elsewhere(repo, ws)?;
    let own = open_own(ws, &[])?;
    let head = own.head().map_err(|_| refused("its HEAD cannot be read"))?;
    let name = head.referent_name().map(|n| n.as_bstr().to_string());
    let head = own
        .head_id()
        .map_err(|error| refused(&format!("its HEAD leads nowhere: {error}")))?;
    let head: CommitId = parse(&head.to_string())?;
    let mut all = vec![head.clone()];
    if !ws.is_linked(repo) {
        let listed = own
            .references()
            .map_err(|_| refused("its refs cannot be listed"))?;
        let listed = listed
            .all()
            .map_err(|_| refused("its refs cannot be listed"))?;
        for mut reference in listed.flatten() {
            if let Ok(commit) = reference.peel_to_commit() {
                let id = parse(&commit.id.to_string())?;
                if !all.contains(&id) {
                    all.push(id);
                }
            }
        }
        // Older stashes are known to this log only.
        let log = std::fs::read_to_string(ws.git_dir.join("logs/refs/stash")).unwrap_or_default();
        for id in log.lines().filter_map(|line| line.split(' ').nth(1)) {
            let Ok(id) = parse(id) else { continue };
            let known = gix::ObjectId::from_hex(id.as_str().as_bytes());
            let exists = known.is_ok_and(|known| own.find_commit(known).is_ok());
            if exists && !all.contains(&id) {
                all.push(id);
            }
        }
    }
    Ok(Tips {
        head,
        on_branch: name.as_deref() == Some(ws.branch.as_str()),
        detached: name.is_none(),
        all,
    })
}

pub(super) fn parse(text: &str) -> Result<CommitId, WorkspaceError> {
    text.parse()
        .map_err(|_| WorkspaceError::Refused(format!("{text:?} is not an object id")))
}
