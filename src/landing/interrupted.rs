//! What a landing leaves when its process ends between two of its steps: a target that moved while
//! the record does not say so, or a checkout that still has the files from before.
//!
//! The order is: intent (`TargetMoving`), target, record (`Landed`), checkouts, and their record
//! (`CheckoutsUpdated`). One landing goes on at a time and each begins by settling the one before,
//! so only the last one can be missing in the record.

use std::collections::HashSet;

use super::error::LandError;
use super::land::run_git;
use crate::git::Repo;
use crate::merge::{LandingLock, MergeError, checkouts_of, finish_checkout};
use crate::model::event::{Actor, Event, Record};
use crate::model::ids::{CommitId, SessionId};
use crate::model::session::SessionState;
use crate::sessions::locks::release_all;
use crate::sessions::move_session;
use crate::store::{EventFilter, SessionRow, Store, StoreError};

/// A landing that moved its target, and whose record does not say that all of it was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interrupted {
    /// Whose work.
    pub session: SessionId,
    /// The branch, without `refs/heads/`.
    pub target: String,
    /// Where it was.
    pub from: CommitId,
    /// Where the landing moved it.
    pub to: CommitId,
    /// Whether the session is recorded as landed; then only checkouts may be behind.
    pub recorded: bool,
}

/// An interrupted landing that is recorded now, and completed as far as that is possible.
#[derive(Debug)]
pub struct Settled {
    /// Which.
    pub landing: Interrupted,
    /// Why a checkout still has the files from before.
    pub behind: Option<MergeError>,
}

/// The last landing of each target, where it was cut short.
///
/// # Errors
/// The store or the repository cannot be read.
pub fn interrupted(repo: &Repo, store: &Store) -> Result<Vec<Interrupted>, LandError> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for moved in store.moves(None)? {
        if let Event::TargetMoving { target, .. } = &moved.event
            && seen.insert(target.clone())
        {
            found.extend(judge(repo, store, moved)?);
        }
    }
    Ok(found)
}

/// Records the last landing if it moved its target and could not say so, so that no work lands twice,
/// and completes its checkouts, which would be in the way of every landing after it.
///
/// # Errors
/// The store or the repository cannot be read or written. A checkout that cannot be completed is
/// no error: it stands in the answer.
pub fn settle(
    repo: &Repo,
    store: &mut Store,
    lock: &LandingLock,
) -> Result<Option<Settled>, LandError> {
    let Some(moved) = store.moves(Some(1))?.pop() else {
        return Ok(None);
    };
    free_target(repo, &moved.event)?;
    judge(repo, store, moved)?
        .map(|landing| complete(repo, store, lock, landing))
        .transpose()
}

/// A process that was killed while it moved the target left the target's lock: with the commit that
/// nobody else would write there, or still empty.
fn free_target(repo: &Repo, moved: &Event) -> Result<(), LandError> {
    let Event::TargetMoving { target, from, to } = moved else {
        return Ok(());
    };
    let name = format!("refs/heads/{target}");
    let is_ours = match repo.ref_lock(&name) {
        Some(content) if content.is_empty() => repo.branch_tip(target)?.as_ref() == Some(from),
        Some(content) => content == to.as_str(),
        None => false,
    };
    if is_ours {
        repo.outwait_ref_lock(&name);
    }
    Ok(())
}

/// Brings the record to what is, and the checkouts to what landed.
///
/// # Errors
/// The store cannot be written.
pub fn complete(
    repo: &Repo,
    store: &mut Store,
    _no_landing_goes_on: &LandingLock,
    landing: Interrupted,
) -> Result<Settled, LandError> {
    if !landing.recorded {
        record(store, &landing)?;
    }
    let behind = finish(repo, &landing).err();
    if behind.is_none() {
        record_updated(store, &landing)?;
    }
    Ok(Settled { landing, behind })
}

/// Writes down that the target moved. A session that was blocked is complete by that.
///
/// # Errors
/// The store cannot be written.
pub fn record(store: &mut Store, landing: &Interrupted) -> Result<(), StoreError> {
    let id = landing.session;
    let landed = Event::Landed {
        target: landing.target.clone(),
        from: landing.from.clone(),
        to: landing.to.clone(),
    };
    store.write(|tx| {
        tx.append(Actor::System, Some(id), landed)?;
        release_all(tx, Actor::System, id, "landed")?;
        match tx.session(id)?.map(|row| row.state) {
            // What others worked on is complete by that too.
            Some(from @ (SessionState::Blocked | SessionState::Active)) => {
                let to = SessionState::Completed;
                move_session(tx, Actor::System, id, from, to, "landed")
            }
            _ => Ok(()),
        }
    })
}

/// Writes down that every checkout has what landed.
///
/// # Errors
/// The store cannot be written.
pub fn record_updated(store: &mut Store, landing: &Interrupted) -> Result<(), StoreError> {
    let updated = Event::CheckoutsUpdated {
        target: landing.target.clone(),
        to: landing.to.clone(),
    };
    let id = Some(landing.session);
    store.write(|tx| tx.append(Actor::System, id, updated).map(drop))
}

fn judge(repo: &Repo, store: &Store, moved: Record) -> Result<Option<Interrupted>, LandError> {
    judge_by(store, moved, |target, to| is_on(repo, target, to))
}

/// Whether a landing was cut short that was about to move its target. `is_on` says whether the target has a commit.
///
/// # Errors
/// The store cannot be read, or those of `is_on`.
pub fn judge_by(
    store: &Store,
    moved: Record,
    is_on: impl FnOnce(&str, &CommitId) -> Result<bool, LandError>,
) -> Result<Option<Interrupted>, LandError> {
    let (Some(session), Event::TargetMoving { target, from, to }) =
        (moved.model_session_id, moved.event)
    else {
        return Ok(None);
    };
    let since = EventFilter {
        after: moved.seq,
        session: Some(session),
        limit: None,
    };
    let since: Vec<Event> = store.events(&since)?.into_iter().map(|r| r.event).collect();
    let has = |wanted: fn(&Event) -> bool| since.iter().any(wanted);
    if has(|event| matches!(event, Event::CheckoutsUpdated { .. })) {
        return Ok(None);
    }
    let recorded = has(|event| matches!(event, Event::Landed { .. }));
    let could_land = store.session(session)?.is_some_and(|row| may_land(&row));
    let happened = recorded || (could_land && is_on(&target, &to)?);
    Ok(happened.then_some(Interrupted {
        session,
        target,
        from,
        to,
        recorded,
    }))
}

/// One that was taken up again since is at other work.
fn may_land(session: &SessionRow) -> bool {
    match session.state {
        SessionState::Completed | SessionState::Blocked => true,
        // One that others work in lands while it is at work.
        state => state == SessionState::Active && session.is_adopted(),
    }
}

fn is_on(repo: &Repo, target: &str, commit: &CommitId) -> Result<bool, LandError> {
    let Some(tip) = repo.branch_tip(target)? else {
        return Ok(false);
    };
    if tip == *commit {
        return Ok(true);
    }
    // A commit that never got a name may have been collected since.
    if repo.resolve(commit.as_str()).is_err() {
        return Ok(false);
    }
    Ok(repo.is_in_history(&tip, commit)?)
}

fn finish(repo: &Repo, landing: &Interrupted) -> Result<(), MergeError> {
    let git = repo.gix();
    for path in checkouts_of(&git, &format!("refs/heads/{}", landing.target))? {
        finish_checkout(&git, &path, &landing.from, &landing.to, &run_git)?;
    }
    Ok(())
}
