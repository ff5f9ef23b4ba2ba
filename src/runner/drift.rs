//! What the runner does about sessions that change what is not theirs while they work.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use gix::bstr::BString;
use tokio::sync::Semaphore;

use super::error::RunnerError;
use super::looks::Looker;
use super::serve::Runner;
use super::warning::warning;
use crate::landing::located;
use crate::model::drift::{Drift, Verdict, in_both, judge};
use crate::model::event::Actor;
use crate::model::ids::SessionId;
use crate::model::session::SessionState;
use crate::sessions::locks::{lease_of_pause, new_pause};
use crate::sessions::{ControlError, move_session};
use crate::store::{SessionRow, StoreError};
use crate::workspace::{Changed, leave_note};

/// What configuration says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DriftPolicy {
    /// How often a session at work is looked at; `None`: never.
    pub check: Option<Duration>,
    /// Whether one that leaves its scope is paused, its command stopped where it is.
    pub pause: bool,
    /// How long it then keeps its files while others ask for them, in milliseconds; `None`: without
    /// an end.
    pub keep_ms: Option<u64>,
}

/// What the looks of this runner have found so far.
pub(super) struct Looks {
    /// One look at a time: disks are slow, and sessions have their work to do.
    turn: Arc<Semaphore>,
    /// The changed paths of each session at its last look, sorted.
    seen: HashMap<SessionId, Vec<BString>>,
    /// What was said last of each.
    said: HashMap<SessionId, Drift>,
}

impl Default for Looks {
    fn default() -> Self {
        Self {
            turn: Arc::new(Semaphore::new(1)),
            seen: HashMap::new(),
            said: HashMap::new(),
        }
    }
}

impl Runner {
    /// What looks at the session while its command runs.
    pub(super) fn looker(&self, row: &SessionRow) -> Option<Looker> {
        Some(Looker {
            repo: self.repo.clone(),
            session: row.id,
            checkpoints: self.config.checkpoints.clone(),
            place: located(row)?,
            sight: self.active.get(&row.id)?.sight.clone(),
            every: self.config.drift.check?,
            turn: Arc::clone(&self.looks.turn),
            held: self.active.get(&row.id)?.held.subscribe(),
        })
    }

    /// Says what a look found, when that is something else than before.
    pub(super) fn looked(
        &mut self,
        session: SessionId,
        changed: Changed,
    ) -> Result<(), RunnerError> {
        let row = self.store.session(session)?;
        let Some(row) = row.filter(|row| row.state == SessionState::Active) else {
            return Ok(());
        };
        let scope = match self.store.lock_of(session)? {
            Some(lock) => lock.scope,
            None => row.scope()?,
        };
        let language = self.locks.language(&scope);
        let language = language.map_err(|error| StoreError::Malformed(error.to_string()))?;
        let said = match self.looks.said.remove(&session) {
            Some(said) => said,
            None => self.store.last_drift(session)?.unwrap_or_default(),
        };
        let others = self.others(&row, &changed.paths)?;
        let others: Vec<(SessionId, &[BString])> = others
            .iter()
            .filter_map(|other| Some((*other, self.looks.seen.get(other)?.as_slice())))
            .collect();
        let verdict = judge(&language, &changed.paths, &others, &said);
        self.remember(session, changed.paths)?;
        if verdict.is_news {
            let text = warning(&self.store, &row, &scope, &verdict.drift)?;
            if let Some(place) = located(&row)
                && let Err(error) = leave_note(&place, text.as_deref())
            {
                tracing::warn!(%error, %session, "it is not told in its git directory");
            }
            self.tell(session, &verdict)?;
        }
        self.looks.said.insert(session, verdict.drift);
        Ok(())
    }

    /// Stopped before it is written down: what it does meanwhile would only be more to undo.
    fn tell(&mut self, session: SessionId, verdict: &Verdict) -> Result<(), RunnerError> {
        let policy = self.config.drift;
        let lease = new_pause(policy.keep_ms)?;
        let pauses = policy.pause && verdict.went_further;
        if pauses {
            self.hold_still(session);
        }
        let (from, to) = (SessionState::Active, SessionState::Paused);
        let told = self.store.write(|tx| -> Result<(), ControlError> {
            tx.append(Actor::System, Some(session), verdict.drift.event())?;
            let now = tx.session(session)?.map(|row| row.state);
            if !pauses || now != Some(from) {
                return Ok(());
            }
            let reason = verdict.drift.describe();
            move_session(tx, Actor::System, session, from, to, &reason)?;
            Ok(lease_of_pause(tx, session, lease)?)
        });
        Ok(told?)
    }

    fn hold_still(&mut self, session: SessionId) {
        let Some(active) = self.active.get(&session) else {
            return;
        };
        let Some(supervisor) = &active.supervisor else {
            return;
        };
        match supervisor.hold() {
            Ok(()) => drop(active.held.send_replace(true)),
            Err(error) => tracing::warn!(%error, %session, "its command goes on"),
        }
    }

    /// The sessions that changed some of `paths` too and whose changes are still to land, but for
    /// those that this one goes on from.
    fn others(
        &mut self,
        row: &SessionRow,
        paths: &[BString],
    ) -> Result<Vec<SessionId>, RunnerError> {
        let seen = self.looks.seen.iter();
        let meet = |theirs: &[BString]| in_both(paths, theirs).next().is_some();
        let mut others: Vec<SessionId> = seen
            .filter(|(other, theirs)| **other != row.id && meet(theirs))
            .map(|(other, _)| *other)
            .collect();
        if others.is_empty() {
            return Ok(others);
        }
        let before = self.line_of(row.id)?;
        let mut counts = Vec::new();
        for other in others.drain(..) {
            let theirs = self.store.session(other)?;
            if !before.contains(&other) && theirs.is_some_and(|theirs| is_to_land(&theirs)) {
                counts.push(other);
            }
        }
        counts.sort_unstable();
        Ok(counts)
    }

    /// The sessions whose work this one began with.
    fn line_of(&self, session: SessionId) -> Result<HashSet<SessionId>, RunnerError> {
        let mut line = HashSet::new();
        let mut next = session;
        loop {
            match self.store.predecessor_sessions(next)?.as_slice() {
                [only] if line.insert(only.id) => next = only.id,
                _ => return Ok(line),
            }
        }
    }

    /// Keeps what was seen for the looks at others. What no worktree has any more goes when a
    /// session is seen for the first time.
    fn remember(&mut self, session: SessionId, paths: Vec<BString>) -> Result<(), RunnerError> {
        if self.looks.seen.insert(session, paths).is_some() {
            return Ok(());
        }
        let mut gone = Vec::new();
        for known in self.looks.seen.keys() {
            let row = self.store.session(*known)?;
            if !row.is_some_and(|row| row.has_worktree()) {
                gone.push(*known);
            }
        }
        for session in gone {
            self.looks.seen.remove(&session);
            self.looks.said.remove(&session);
        }
        Ok(())
    }
}

/// What failed or was cancelled holds no files, and lands only after it is tried again.
fn is_to_land(row: &SessionRow) -> bool {
    let is_given_up = matches!(row.state, SessionState::Failed | SessionState::Cancelled);
    row.has_worktree() && !is_given_up
}
