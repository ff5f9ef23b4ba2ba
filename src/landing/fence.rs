//! That a session lands under the lock that it has, and nothing that it made under one that it lost.

use super::error::LandError;
use super::land::Landing;
use crate::git::Repo;
use crate::merge::new_messages;
use crate::model::event::{Actor, Event};
use crate::model::guard::LOCK;
use crate::model::identity::RoleExecutionIdentity;
use crate::model::ids::CommitId;
use crate::model::lock::{Lock, LockTable, LockToken, Moment};
use crate::model::provenance::{Provenance, SESSION};
use crate::proc::moment;
use crate::sessions::locks::{Answer, LockError, hold, settle_leases};
use crate::store::{SessionRow, Tx};
use crate::workspace::{located, update_guard};

impl Landing<'_> {
    /// The lock that protects the session's work, also when another session works under it now. One
    /// that lost its lock asks for it again.
    pub(super) fn hold(&mut self, session: &SessionRow, tip: &CommitId) -> Result<Lock, LandError> {
        if session.base.as_ref() == Some(tip) {
            return Err(LandError::Nothing {
                name: session.name.clone(),
                target: session.target.clone(),
            });
        }
        let now = moment().map_err(LockError::from)?;
        let mut table = LockTable::new(self.repo.fold());
        let held = self
            .store
            .write(|tx| lock_to_land(tx, &mut table, &now, session))?;
        if let Some(place) = located(session) {
            // One that it had lost: its commits are to be made anew under this one.
            update_guard(self.repo, &place, Some(&held))?;
        }
        let lost = self.store.had_lock_before(session.id, held.since)?;
        match stale(self.repo, session, tip, &held, lost)? {
            None => Ok(held),
            Some((commit, token)) => Err(LandError::Stale {
                name: session.name.clone(),
                commit,
                token,
            }),
        }
    }

    /// Writes an event down, if the session still has the lock.
    pub(super) fn append_under(
        &mut self,
        session: &SessionRow,
        lock: &Lock,
        event: Event,
    ) -> Result<(), LandError> {
        self.store.write(|tx| {
            let now = tx.proved_lock_of(session.id)?;
            if now.is_none_or(|now| now.token != lock.token || now.scope != lock.scope) {
                let name = session.name.clone();
                return Err(LandError::LockLost { name });
            }
            tx.append(Actor::System, Some(session.id), event)?;
            Ok(())
        })
    }
}

/// The lock under which a session lands: the one it has, or a new one.
///
/// # Errors
/// [`LandError::Held`] when somebody else has some of its files; those of the store.
pub fn lock_to_land(
    tx: &mut Tx<'_>,
    table: &mut LockTable,
    now: &Moment,
    session: &SessionRow,
) -> Result<Lock, LandError> {
    settle_leases(tx, table, now)?;
    if let Some(lock) = tx.proved_lock_of(session.id)? {
        return Ok(lock);
    }
    let name = session.name.clone();
    match hold(tx, table, now, session, None)? {
        Answer::Refused(conflict) => Err(LandError::Held { name, conflict }),
        Answer::Granted(_) => tx.lock_of(session.id)?.ok_or(LandError::LockLost { name }),
    }
}

/// The message of a commit that is made of what the session left uncommitted: under the lock that it
/// had when it was at work, and by whoever worked in it last.
pub fn commit_message(session: &SessionRow, identity: Option<RoleExecutionIdentity>) -> String {
    let provenance = Provenance {
        session: session.id,
        task: session.name.clone(),
        identity,
        lock: session.last_lock,
    };
    format!("{}\n\n{}", session.name, provenance.lines().join("\n"))
}

/// The first commit of the session that names a grant before the unbroken row that its lock ends. One
/// that has lost a lock must say of each commit that it was made since. What came in from the target
/// was checked when it landed there.
fn stale(
    repo: &Repo,
    session: &SessionRow,
    tip: &CommitId,
    lock: &Lock,
    lost: bool,
) -> Result<Option<(CommitId, Option<LockToken>)>, LandError> {
    let target = repo.branch_tip(&session.target)?;
    let known: Vec<CommitId> = session.base.iter().cloned().chain(target).collect();
    let id = session.id.to_string();
    for (commit, message) in new_messages(&repo.gix(), &known, tip)? {
        let value = |key: &str| {
            let mut lines = message.lines().rev();
            lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
        };
        let token = value(LOCK).and_then(|token| token.trim().parse::<LockToken>().ok());
        let is_own = value(SESSION).is_none_or(|named| named.trim() == id);
        let fits = token.map_or(!lost, |token| (lock.since..=lock.token).contains(&token));
        if is_own && !fits {
            return Ok(Some((commit, token)));
        }
    }
    Ok(None)
}
