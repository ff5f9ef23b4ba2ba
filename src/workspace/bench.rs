//! The runner's own git directory over a session's worktree.
//!
//! It is made anew for each use, out of the session's reach, with the main repository's objects
//! first and the session's after, so that a planted object never stands in for a known one.

use std::path::{Path, PathBuf};

use gix::bstr::{BStr, ByteSlice};
use gix::index::entry::Mode;

use super::error::WorkspaceError;
use super::located::Located;
use super::private::{self, Layout, copy_if_there, plain};
use super::stat::{distrust_hidden, read_index};
use super::unlock::unlock;
use crate::git::{Git, GitError, Repo};
use crate::model::ids::CommitId;

pub(super) struct Bench {
    dir: tempfile::TempDir,
    work_tree: PathBuf,
    /// The index that the session works with.
    theirs: Option<PathBuf>,
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
        let index = bench.path().join("index");
        copy_if_there(&ws.record(repo)?.join("index"), &index)?;
        if index.exists() {
            distrust_hidden(&ws.path, &index)?;
        }
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
        Ok(Self {
            dir,
            work_tree: work_tree.to_owned(),
            theirs: None,
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
    fn in_place(&self) -> Git {
        Git::new(&self.work_tree)
            .git_dir(self.path())
            .work_tree(&self.work_tree)
    }

    /// Puts all that is in the worktree and not ignored into a tree, on top of `tip`. Folders that
    /// were shut are opened: git passes by what it cannot look into.
    pub(super) fn snapshot(&self, tip: &CommitId) -> Result<String, WorkspaceError> {
        unlock(&self.work_tree);
        self.git()
            .args(["read-tree", "--reset", tip.as_str()])
            .run()?;
        self.add_forced()?;
        // Outside of a sparse checkout only what is there counts: what is absent is not deleted.
        let _no_sparse_checkout = self
            .in_place()
            .args(["add", "--sparse", "--ignore-removal", "--", "."])
            .run();
        let add_all = || self.in_place().args(["add", "-A", "--", "."]).run();
        if add_all().is_err() {
            // Attributes that a session wrote can make conversion fail; bytes as they are cannot.
            private::write(
                &self.path().join("info/attributes"),
                "* -text -filter -ident -working-tree-encoding\n",
            )?;
            add_all().map_err(explain_add)?;
        }
        let tree = self.git().arg("write-tree").run()?.text();
        if tree != self.tree_of(tip)? {
            self.refuse_nested(tip, &tree)?;
        }
        Ok(tree)
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

    fn refuse_nested(&self, tip: &CommitId, tree: &str) -> Result<(), WorkspaceError> {
        let changed = self
            .git()
            .args(["diff-tree", "-r", "--no-renames", tip.as_str(), tree])
            .run()?
            .text();
        let nested = changed
            .lines()
            .find(|line| line.split(' ').nth(1) == Some("160000"));
        match nested.and_then(|line| line.split('\t').nth(1)) {
            Some(path) => Err(WorkspaceError::NestedRepository(path.to_owned())),
            None => Ok(()),
        }
    }

    /// Without a process: the objects of this directory are read by the library.
    pub(super) fn tree_of(&self, commit: &CommitId) -> Result<String, GitError> {
        let own = self.objects()?;
        Ok(tree_id(&own, commit)?.to_string())
    }

    /// The index that a checkout of a commit has, as far as its content goes.
    pub(super) fn index_of(&self, commit: &CommitId) -> Result<gix::index::File, GitError> {
        let own = self.objects()?;
        let tree = tree_id(&own, commit)?;
        own.index_from_tree(&tree)
            .map_err(GitError::library(format!("read the files of {commit}")))
    }

    fn objects(&self) -> Result<gix::Repository, GitError> {
        let options = gix::open::Options::isolated().open_path_as_is(true);
        gix::open_opts(self.path(), options)
            .map_err(GitError::library("open the session's objects"))
    }

    pub(super) fn commit(
        &self,
        tree: &str,
        parents: &[CommitId],
        identity: (&str, &str),
        message: &str,
    ) -> Result<CommitId, WorkspaceError> {
        let mut git = self.git().args(["commit-tree", tree]);
        for parent in parents {
            git = git.args(["-p", parent.as_str()]);
        }
        let made = git
            .env("GIT_AUTHOR_NAME", identity.0)
            .env("GIT_AUTHOR_EMAIL", identity.1)
            .env("GIT_COMMITTER_NAME", identity.0)
            .env("GIT_COMMITTER_EMAIL", identity.1)
            .stdin(format!("{message}\n"))
            .run()?;
        parse(&made.text())
    }

    /// Copies what `revs` reaches (one a line, `^` excludes) to the objects at `into`, checked.
    pub(super) fn send(&self, revs: &str, into: Git) -> Result<(), WorkspaceError> {
        let pack = [
            "pack-objects",
            "--revs",
            "--thin",
            "--stdout",
            "-q",
            "--threads=1",
        ];
        let unpack = ["index-pack", "--strict", "--fix-thin", "--stdin"];
        self.git()
            .args(pack)
            .stdin(revs)
            .pipe_into(into.args(unpack))?;
        Ok(())
    }

    /// Like [`send`](Self::send), into the main repository.
    pub(super) fn send_to_main(&self, repo: &Repo, revs: &str) -> Result<(), WorkspaceError> {
        let main = Git::new(repo.common_dir()).git_dir(repo.common_dir());
        self.send(revs, main)
    }
}

fn tree_id(own: &gix::Repository, commit: &CommitId) -> Result<gix::ObjectId, GitError> {
    let rev = format!("{commit}^{{tree}}");
    let id = own
        .rev_parse_single(rev.as_str())
        .map_err(GitError::library(format!("find the tree of {commit}")))?;
    Ok(id.detach())
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

/// Reads the session's refs with the library, which runs nothing and includes nothing.
pub(super) fn tips(repo: &Repo, ws: &Located) -> Result<Tips, WorkspaceError> {
    let options = gix::open::Options::isolated().open_path_as_is(true);
    let refused = |what: &str| WorkspaceError::Refused(what.to_owned());
    let own = gix::open_opts(plain(&ws.git_dir)?, options)
        .map_err(|_| refused("its git directory cannot be read"))?;
    let head = own.head().map_err(|_| refused("its HEAD cannot be read"))?;
    let name = head.referent_name().map(|n| n.as_bstr().to_string());
    let head = own
        .head_id()
        .map_err(|_| refused("its HEAD points to nothing"))?;
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
