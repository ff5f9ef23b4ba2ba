//! Points that a session can be put back to.

use gix::bstr::BString;

use super::drive::Run;
use super::error::RunError;
use crate::model::checkpoint::Cause;
use crate::model::thread::Next;
use crate::model::tool::Subject;
use crate::workspace::snapshot::restore;
use crate::workspace::{Point, changed_since, checkpoint, located};

impl Run<'_> {
    /// How the files are before the first step, and after one whose checkpoint was not recorded any more. While it is not
    /// known how far a call came, the last one is what there was before it.
    pub(super) fn checkpoint_at_start(&mut self) -> Result<(), RunError> {
        match self.ledger.thread.next() {
            Next::Act(pending) if pending.begun => Ok(()),
            _ => match self.ledger.store.last_checkpoint(self.setup.session.id)? {
                None => self.checkpoint(Cause::Began),
                Some(_) => self.checkpoint(Cause::AtWork),
            },
        }
    }

    /// Whether the files are those of the last checkpoint, so that the call after it is as if it had never been made: nothing of
    /// it was done, or it was all in files that it names, and these are as they were again.
    pub(super) fn undo_changes_of(&self, subjects: &[Subject]) -> bool {
        self.try_undo(subjects).unwrap_or_else(|error| {
            tracing::warn!(%error, "what a call changed is not known");
            false
        })
    }

    fn try_undo(&self, subjects: &[Subject]) -> Result<bool, RunError> {
        let session = self.setup.session.id;
        let store = &self.ledger.store;
        let row = store.session(session)?;
        let (Some(repo), Some(last), Some(place)) = (
            self.setup.world.repo(),
            store.last_checkpoint(session)?,
            row.as_ref().and_then(located),
        ) else {
            return Ok(false);
        };
        let changed = changed_since(&repo, &place, &last.checkpoint)?;
        let is_its_own = |path: &BString| {
            let named = |subject: &Subject| match subject {
                Subject::File(name) => *path == name.as_str(),
                Subject::Folder(_) | Subject::Command(_) => false,
            };
            subjects.iter().any(named)
        };
        if !changed.iter().all(is_its_own) {
            return Ok(false);
        }
        if !changed.is_empty() {
            let restored = restore(&repo, &place, &last.checkpoint.commit)?;
            return Ok(restored.left.is_empty());
        }
        Ok(true)
    }

    /// Records how the files are now, where they changed. What was said is durable before. A session whose files cannot
    /// be kept goes on: its work is in its worktree.
    pub(super) fn checkpoint(&mut self, cause: Cause) -> Result<(), RunError> {
        let repo = self.setup.world.repo();
        let Some(repo) = repo.filter(|_| self.setup.checkpoints.is_on) else {
            return Ok(());
        };
        self.ledger.commit()?;
        let pending = match self.ledger.thread.next() {
            Next::Act(pending) => vec![pending.id],
            Next::Ask | Next::Rest => Vec::new(),
        };
        let point = Point {
            cause,
            job: Some(self.setup.job),
            pending,
            ignored: self.setup.checkpoints.ignored.clone(),
        };
        let Some(row) = self.ledger.store.session(self.setup.session.id)? else {
            return Ok(());
        };
        if let Err(error) = checkpoint(&repo, &mut self.ledger.store, &row, point) {
            tracing::warn!(%error, "no checkpoint was recorded");
        }
        Ok(())
    }
}
