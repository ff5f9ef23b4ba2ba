//! Looking at what a session has changed while its command runs. A look reads every file's stat
//! data, so it is done beside the loop, one at a time over all sessions, and never most of the time.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};

use super::checkpoint::record;
use crate::git::Repo;
use crate::model::checkpoint::Cause;
use crate::model::ids::SessionId;
use crate::workspace::{Changed, Located, Point, Recording, Watch, WorkspaceError};

/// The next look comes after at least so many times as long as the last one took.
const REST: u32 = 50;

/// What is known of a session's worktree from look to look. It begins with the first look.
#[derive(Clone, Default)]
pub(super) struct Sight(Arc<Mutex<Option<Watch>>>);

/// Looks at one session.
pub(super) struct Looker {
    pub repo: Repo,
    pub session: SessionId,
    /// Whether what it changed is recorded as a checkpoint.
    pub checkpoints: Recording,
    pub place: Located,
    pub sight: Sight,
    /// How long a command runs before the first look, and at least until the next one.
    pub every: Duration,
    /// Who holds it may look.
    pub turn: Arc<Semaphore>,
    /// While the command is stopped there is nothing to look for.
    pub held: watch::Receiver<bool>,
}

impl Looker {
    /// Tells what each look finds, until it is dropped. A look that is under way then goes on to its
    /// end, and is not told.
    pub(super) async fn look_on(mut self, tell: impl Fn(Changed)) -> Infallible {
        let mut wait = self.every;
        loop {
            if self.held.wait_for(|held| !held).await.is_err() {
                return std::future::pending().await;
            }
            tokio::time::sleep(wait).await;
            let Ok(turn) = Arc::clone(&self.turn).acquire_owned().await else {
                return std::future::pending().await;
            };
            let (repo, place) = (self.repo.clone(), self.place.clone());
            let (sight, session) = (self.sight.clone(), self.session);
            let checkpoints = self.checkpoints.clone();
            let looked = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                let start = Instant::now();
                let found = sight.look(&repo, &place);
                let has_changed = |changed: &Changed| !changed.paths.is_empty();
                if checkpoints.is_on && found.as_ref().is_ok_and(has_changed) {
                    let point = Point::new(Cause::AtWork, &checkpoints.ignored);
                    record(&repo, session, point);
                }
                (found, start.elapsed())
            });
            wait = self.every;
            match looked.await {
                Ok((found, took)) => {
                    wait = wait.max(took * REST);
                    match found {
                        Ok(changed) => tell(changed),
                        Err(error) => tracing::info!(%error, "a session was not looked at"),
                    }
                }
                // A fault of this program's own is no reason to disturb the session.
                Err(error) => {
                    tracing::warn!(%error, "a session is not looked at any more");
                    return std::future::pending().await;
                }
            }
        }
    }
}

impl Sight {
    /// What cannot be looked at is begun anew the next time.
    fn look(&self, repo: &Repo, place: &Located) -> Result<Changed, WorkspaceError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut watch = match known.take() {
            Some(watch) => watch,
            None => Watch::begin(repo, place)?,
        };
        let changed = watch.look()?;
        *known = Some(watch);
        Ok(changed)
    }
}
