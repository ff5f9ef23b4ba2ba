//! Points that sessions can be put back to, recorded while they work and when they have to wait.

use super::serve::Runner;
use crate::git::Repo;
use crate::model::checkpoint::Cause;
use crate::model::ids::SessionId;
use crate::store::Store;
use crate::workspace::{Point, WorkspaceError, checkpoint};

/// Records how a session's files are, where they changed. It reads every file's stat data, so it is done beside the
/// loop. A session whose files cannot be kept goes on: its work is in its worktree.
pub(super) fn record(repo: &Repo, session: SessionId, point: Point) {
    let recorded = || -> Result<(), WorkspaceError> {
        let mut store = Store::open(&repo.state_dir())?;
        match store.session(session)?.filter(|row| row.has_worktree()) {
            Some(row) => checkpoint(repo, &mut store, &row, point).map(drop),
            None => Ok(()),
        }
    };
    if let Err(error) = recorded() {
        tracing::warn!(%error, %session, "no checkpoint was recorded");
    }
}

impl Runner {
    /// Of a session that waits, for its turn or for somebody, or that is over before its work was taken in.
    pub(super) fn record_ended(&mut self, session: SessionId) {
        let repo = self.repo.clone();
        let point = Point::new(Cause::JobEnded, &self.config.checkpoints.ignored);
        let recording = tokio::task::spawn_blocking(move || record(&repo, session, point));
        self.recording.retain(|one| !one.is_finished());
        self.recording.push(recording);
    }

    /// Waits for what is being recorded, before this process ends.
    pub(super) async fn finish_recording(&mut self) {
        for recording in self.recording.drain(..) {
            if let Err(error) = recording.await {
                tracing::warn!(%error, "a checkpoint was not recorded");
            }
        }
    }
}
