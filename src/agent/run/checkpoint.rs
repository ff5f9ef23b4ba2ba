//! Points that a session can be put back to.

use super::drive::Run;
use super::error::RunError;
use crate::model::checkpoint::Cause;
use crate::model::thread::Next;
use crate::workspace::{Point, checkpoint};

impl Run<'_> {
    /// Records how the files are now, where they changed. What was said is durable before. A session whose files cannot
    /// be kept goes on: its work is in its worktree.
    pub(super) fn checkpoint(&mut self, cause: Cause) -> Result<(), RunError> {
        let Some(repo) = self.setup.world.repo() else {
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
