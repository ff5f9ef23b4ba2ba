//! Submodules that are there, which git is to pass by when it takes in a worktree. To see whether one has
//! changes, it would start itself in there, with the settings of that repository and without a sandbox. The
//! session has written them, and a filter is a program.

use std::fs;

use gix::bstr::{BString, ByteSlice};
use gix::index::entry::Mode;

use super::bench::Bench;
use super::error::WorkspaceError;
use super::stat::read_index;

/// Those that the index takes for unchanged.
pub(super) struct PassedBy(Vec<BString>);

impl PassedBy {
    /// Marks them in the index. Those that are absent have no settings.
    ///
    /// # Errors
    /// [`WorkspaceError::NestedRepository`] when one is at another commit than the index has: such a commit is
    /// nowhere else.
    pub(super) fn submodules(bench: &Bench) -> Result<Self, WorkspaceError> {
        let index = read_index(&bench.path().join("index"))?;
        let is_there = |path: &BString| {
            let git = bench.work_tree().join(path.to_path_lossy()).join(".git");
            fs::symlink_metadata(git).is_ok()
        };
        let submodules = index.entries().iter();
        let submodules = submodules.filter(|entry| entry.mode == Mode::COMMIT);
        let paths = submodules.map(|entry| entry.path(&index).to_owned());
        let found = Self(paths.filter(is_there).collect());
        found.refuse_moved(bench)?;
        found.mark(bench, "--assume-unchanged")?;
        Ok(found)
    }

    /// Has the index say nothing of it any more: the session's own becomes the same.
    pub(super) fn restore(&self, bench: &Bench) -> Result<(), WorkspaceError> {
        self.mark(bench, "--no-assume-unchanged")
    }

    /// Only `HEAD` is read for that.
    fn refuse_moved(&self, bench: &Bench) -> Result<(), WorkspaceError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let listed = bench.in_place().args(["ls-files", "-m", "-z"]).run()?;
        let moved = listed.stdout.split(|byte| *byte == 0);
        match moved.map(BString::from).find(|path| self.0.contains(path)) {
            Some(path) => Err(WorkspaceError::NestedRepository(path.to_string())),
            None => Ok(()),
        }
    }

    fn mark(&self, bench: &Bench, how: &str) -> Result<(), WorkspaceError> {
        if self.0.is_empty() {
            return Ok(());
        }
        bench
            .in_place()
            .args(["update-index", how, "-z", "--stdin"])
            .stdin(gix::bstr::join("\0", &self.0))
            .run()?;
        Ok(())
    }
}
