//! Landing what is to land by itself: one session at a time.

use super::error::RunnerError;
use super::serve::{Notice, Runner};
use crate::landing::{LandError, Landing};
use crate::model::ids::SessionId;
use crate::model::session::SessionState;
use crate::store::Store;

impl Runner {
    /// One landing at a time; each is a turn of its own, off this thread.
    pub(super) fn land_next(&mut self) -> Result<(), RunnerError> {
        if self.landing {
            return Ok(());
        }
        let Some(row) = self.store.awaiting_landing()?.into_iter().next() else {
            return Ok(());
        };
        self.landing = true;
        let (repo, cas, launcher) = (self.repo.clone(), self.cas.clone(), self.launcher.clone());
        let policy = self.config.policy.clone();
        self.elsewhere(row.id, move || {
            let land = || {
                let mut store = Store::open(&repo.state_dir())?;
                let mut landing = Landing {
                    repo: &repo,
                    store: &mut store,
                    cas: &cas,
                    launcher: &launcher,
                    policy: &policy,
                };
                landing.land(&row).map(drop)
            };
            Notice::Landed(row.id, land())
        });
        Ok(())
    }

    /// A landing that was refused waits for a person, and so does what comes after it.
    pub(super) fn landed(
        &mut self,
        id: SessionId,
        result: Result<(), LandError>,
    ) -> Result<(), RunnerError> {
        let Err(error) = result else { return Ok(()) };
        if matches!(error, LandError::Nothing { .. }) {
            return Ok(());
        }
        if matches!(error, LandError::CheckoutBehind { .. }) {
            tracing::warn!(session = %id, %error, "a checkout is behind");
            return Ok(());
        }
        let row = self.store.session(id)?;
        if row.is_some_and(|row| row.landed_commit.is_some()) {
            return Ok(());
        }
        let reason = format!("not landed ({}): {error}", error.code().id());
        self.move_from(id, SessionState::Completed, SessionState::Blocked, &reason)
    }
}
