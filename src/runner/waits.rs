//! What the runner does about locks that stand in the way of what could start.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::dispatch::Wait;
use super::error::RunnerError;
use super::serve::Runner;
use crate::git::Repo;
use crate::landing::located;
use crate::model::event::Actor;
use crate::model::ids::SessionId;
use crate::model::lock::{Claimant, Conflict, LockTable, LockToken, Party};
use crate::model::scope::shared;
use crate::proc::moment;
use crate::sessions::locks::{
    Answer, LockError, answer, claimant, next_end_ms, note_conflict, settle_leases, widen,
};
use crate::store::QueueRow;
use crate::workspace::update_guard;

/// The end of a process is seen only by looking.
const LOOK_AT_PROCESSES: Duration = Duration::from_secs(5);
/// So many files of a conflict are on record.
const FILES: usize = 20;

impl Runner {
    /// Reads who holds what, and lets go what ended by itself.
    pub(super) fn look_at_locks(&mut self) -> Result<(), RunnerError> {
        self.store.read_locks(&mut self.locks)?;
        if self.locks.locks().all(|lock| lock.lease.is_none()) {
            return Ok(());
        }
        let now = moment()?;
        if next_end_ms(self.locks.locks(), &now) != Some(0) {
            return Ok(());
        }
        let table = &mut self.locks;
        let ended = self.store.write(|tx| settle_leases(tx, table, &now))?;
        self.store.read_locks(&mut self.locks)?;
        ended
            .into_iter()
            .try_for_each(|session| self.refresh_guard(session))
    }

    /// When the next lock may end by itself, in milliseconds since the epoch. Where nobody waits, it
    /// ends when somebody asks.
    pub(super) fn next_lease_end(&self) -> Result<Option<i64>, RunnerError> {
        let mut leases = self.locks.locks().filter_map(|lock| lock.lease.as_ref());
        if self.waits.is_empty() && !self.wanted {
            return Ok(None);
        }
        let by_time = next_end_ms(self.locks.locks(), &moment()?);
        let of_process = leases.any(|lease| lease.process.is_some());
        let by_process = of_process.then_some(LOOK_AT_PROCESSES.as_millis() as u64);
        let left = by_time.into_iter().chain(by_process).min();
        let now_ms = jiff::Timestamp::now().as_millisecond();
        Ok(left.map(|left| now_ms + left as i64))
    }

    /// Says once, each time that a session has to wait for files, who is in its way.
    pub(super) fn note_waiting(
        &mut self,
        queue: &[QueueRow],
        waiting: &[(SessionId, Wait)],
    ) -> Result<(), RunnerError> {
        self.waits.clear();
        let unsaid = queue.iter().filter(|row| row.waits_for_token.is_none());
        let unsaid: HashSet<SessionId> = unsaid.map(|row| row.session).collect();
        let mut new = Vec::new();
        for (session, wait) in waiting {
            let Wait::Lock(wait) = wait else { continue };
            self.waits.insert(*session, wait.holder.clone());
            if let Some(token) = wait.token.filter(|_| unsaid.contains(session)) {
                new.push((*session, token, wait.witness.clone()));
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let mut conflicts = Vec::new();
        for (session, token, witness) in new {
            conflicts.extend(self.conflict(session, token, witness)?);
        }
        let mut files = Files::new(&self.repo, &self.repo.current_branch().unwrap_or_default());
        for conflict in &mut conflicts {
            files.fill(&self.locks, conflict);
        }
        self.store.write(|tx| {
            conflicts.iter_mut().try_for_each(|conflict| {
                let holder = &mut conflict.holder;
                *holder = claimant(tx, &holder.party, &holder.scope)?;
                note_conflict(tx, Actor::System, conflict)
            })
        })?;
        Ok(())
    }

    fn conflict(
        &self,
        session: SessionId,
        token: LockToken,
        witness: Option<String>,
    ) -> Result<Option<Conflict>, RunnerError> {
        let (Some(row), Some(lock)) = (self.store.session(session)?, self.locks.get(token)) else {
            return Ok(None);
        };
        let scope = row.scope()?;
        Ok(Some(Conflict {
            waiter: Claimant {
                party: Party::session(session),
                name: row.name,
                scope,
            },
            holder: Claimant {
                party: lock.holder.clone(),
                name: String::new(),
                scope: lock.scope.clone(),
            },
            token,
            witness,
            paths: Vec::new(),
        }))
    }

    /// Gives sessions what they asked for while they run, as far as it is free now.
    pub(super) fn grant_wanted(&mut self) -> Result<(), RunnerError> {
        let wanting = self.store.sessions_that_want()?;
        if !wanting.is_empty() {
            // Also what has a slot waits, so this is not left to a look at the queue.
            self.look_at_locks()?;
        }
        self.wanted = !wanting.is_empty();
        for row in wanting {
            let Some(more) = row.wants()? else { continue };
            let (now, table) = (moment()?, &mut self.locks);
            let granted = self.store.write(|tx| {
                if !matches!(widen(tx, table, &now, &row, &more)?, Answer::Granted(_)) {
                    return Ok(false);
                }
                answer(tx, &row, &more, "granted")?;
                Ok(true)
            });
            if granted.is_err() {
                self.locks.distrust();
            }
            match granted {
                Ok(true) => self.refresh_guard(row.id)?,
                Ok(false) => {}
                Err(LockError::Store(error)) => return Err(error.into()),
                // It ended, or lost its files: nobody waits for an answer any more.
                Err(error) => {
                    tracing::info!(%error, session = %row.id, "a request for more was dropped");
                    self.store.write(|tx| answer(tx, &row, &more, "refused"))?;
                }
            }
        }
        Ok(())
    }

    /// What a session's hooks decide from follows what it holds now.
    pub(super) fn refresh_guard(&self, session: SessionId) -> Result<(), RunnerError> {
        let (row, lock) = (self.store.session(session)?, self.store.lock_of(session)?);
        let place = row.as_ref().and_then(located);
        if let Some(place) = place
            && let Err(error) = update_guard(&self.repo, &place, lock.as_ref())
        {
            tracing::warn!(%error, %session, "the hooks decide by what it held before");
        }
        Ok(())
    }
}

/// The files that are there today. They are listed once, and looked through once for each pair of
/// scopes: tasks without a scope are many.
struct Files {
    listed: Vec<u8>,
    known: HashMap<[String; 2], Vec<String>>,
}

impl Files {
    /// That they cannot be listed changes nothing about a conflict.
    fn new(repo: &Repo, target: &str) -> Self {
        let listed = repo.present(target).unwrap_or_else(|error| {
            tracing::warn!(%error, "the files of a conflict are not listed");
            Vec::new()
        });
        Self {
            listed,
            known: HashMap::new(),
        }
    }

    /// Those that are in both scopes.
    fn fill(&mut self, table: &LockTable, conflict: &mut Conflict) {
        let (one, other) = (&conflict.waiter.scope, &conflict.holder.scope);
        let key = [one.to_string(), other.to_string()];
        if let Some(paths) = self.known.get(&key) {
            conflict.paths.clone_from(paths);
            return;
        }
        let (Ok(one), Ok(other)) = (table.language(one), table.language(other)) else {
            return;
        };
        let found = shared(self.listed.split(|byte| *byte == 0), (&one, &other), FILES);
        let paths = found.first.iter();
        conflict.paths = paths
            .map(|path| String::from_utf8_lossy(path).into_owned())
            .collect();
        self.known.insert(key, conflict.paths.clone());
    }
}
