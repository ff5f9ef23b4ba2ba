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
        let last = self.ledger.store.last_checkpoint(self.setup.session.id)?;
        let tail = (last.as_ref()).and_then(|last| last.checkpoint.message_thread_tail_id);
        let mut heard = self.ledger.thread.messages().iter();
        let at = heard.rposition(|one| Some(one.record.message_id) == tail);
        self.kept_at = at.map_or(0, |at| at + 1);
        match (self.ledger.thread.next(), last) {
            (Next::Act(pending), _) if pending.begun => Ok(()),
            (_, None) => self.checkpoint(Cause::Began),
            (_, Some(_)) => self.checkpoint(Cause::AtWork),
        }
    }

    /// A point to come back to in a conversation that changes no file.
    pub(super) fn checkpoint_if_much_was_said(&mut self) -> Result<(), RunError> {
        let most = self.setup.checkpoints.messages as usize;
        let said = (self.ledger.thread.messages().len()).saturating_sub(self.kept_at);
        match most > 0 && said >= most {
            true => self.checkpoint(Cause::Said),
            false => Ok(()),
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
        match checkpoint(&repo, &mut self.ledger.store, &row, point) {
            Ok(Some(_)) => self.kept_at = self.ledger.thread.messages().len(),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "no checkpoint was recorded"),
        }
        Ok(())
    }
}
