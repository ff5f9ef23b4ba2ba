//! Putting a session back to one of its checkpoints, as the log has it.

use super::control::{ControlError, move_session};
use super::locks::lease_of_pause;
use super::thread::queue;
use crate::model::event::{Actor, Event};
use crate::model::ids::MessageId;
use crate::model::job::{JobKind, JobState};
use crate::model::lock::Lease;
use crate::model::session::SessionState;
use crate::store::{JobRow, SessionRow, Store, StoreError, Tx};

/// Why a session's files are not to be put back now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// Its worktree was there before treeyard, and others look after it.
    Adopted,
    /// Its work is on the target.
    Landed,
    /// It has no worktree, or none any more.
    NoWorktree,
    /// It is at work, or its turn may come at any moment.
    AtWork,
    /// A command that was begun before it stopped is still to end.
    CommandRuns,
    /// Its work is being brought to the target.
    Landing,
}

impl Unfit {
    /// What is wrong, for a person.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Adopted => "its worktree is not treeyard's own",
            Self::Landed => "its work has landed",
            Self::NoWorktree => "it has no worktree",
            Self::AtWork => "it is at work",
            Self::CommandRuns => "its command still runs to its end",
            Self::Landing => "a landing goes on",
        }
    }
}

/// Looks whether anything may change the files of a session now but a person.
///
/// # Errors
/// Why they are not to be put back.
pub fn is_fit_to_restore(session: &SessionRow, jobs: &[JobRow]) -> Result<(), Unfit> {
    let mut running = jobs.iter().filter(|job| job.state == JobState::Running);
    match session.state {
        _ if session.is_adopted() => Err(Unfit::Adopted),
        _ if session.landed_commit.is_some() => Err(Unfit::Landed),
        _ if !session.has_worktree() => Err(Unfit::NoWorktree),
        SessionState::Created | SessionState::Active => Err(Unfit::AtWork),
        _ => match running.next() {
            Some(job) if job.kind == JobKind::Gate => Err(Unfit::Landing),
            Some(_) => Err(Unfit::CommandRuns),
            None => Ok(()),
        },
    }
}

/// To where a session was put back.
#[derive(Debug, Clone)]
pub struct PutBack {
    /// The checkpoint.
    pub number: u64,
    /// The one with what there was before.
    pub saved: u64,
    /// What becomes of its thread, if anything does.
    pub thread: Option<ThreadBack>,
}

/// What becomes of a thread.
#[derive(Debug, Clone)]
pub struct ThreadBack {
    /// Its last message; without one nothing is said.
    pub to: Option<MessageId>,
    /// Whether its model has something to do there.
    pub goes_on: bool,
    /// How long the session keeps its files when it waits for a person then.
    pub lease: Option<Lease>,
}

/// Records that the files of a session were put back, and takes its thread back with them.
///
/// # Errors
/// [`ControlError::Unfit`] when it went on meanwhile.
pub fn put_back(
    store: &mut Store,
    session: &SessionRow,
    back: &PutBack,
) -> Result<(), ControlError> {
    store.write(|tx| {
        let row = tx.session(session.id)?;
        let row = row.as_ref().unwrap_or(session);
        let unfit = |why| ControlError::Unfit {
            name: row.name.clone(),
            why,
        };
        is_fit_to_restore(row, &tx.jobs_of(row.id)?).map_err(unfit)?;
        if let Some(thread) = &back.thread {
            take_back(tx, row, (back.number, thread))?;
        }
        let event = Event::CheckpointRestored {
            number: back.number,
            saved: back.saved,
        };
        tx.append(Actor::Human, Some(row.id), event)?;
        Ok(())
    })
}

/// What its model waited for is gone with what was said: nobody is asked for that any more, and no answer to it holds.
fn take_back(
    tx: &mut Tx<'_>,
    row: &SessionRow,
    (number, thread): (u64, &ThreadBack),
) -> Result<(), StoreError> {
    let taken = Event::ThreadTakenBack { to: thread.to };
    tx.append(Actor::Human, Some(row.id), taken)?;
    let rules = tx.rules(row.id)?.into_iter();
    for (granted, _) in rules.filter(|(_, rule)| rule.is_once()) {
        let event = Event::ApprovalSpent { granted };
        tx.append(Actor::Human, Some(row.id), event)?;
    }
    if row.state == SessionState::Blocked && row.landing_code.is_none() {
        let why = format!("put back to checkpoint {number}");
        let (from, to) = (row.state, SessionState::Paused);
        move_session(tx, Actor::Human, row.id, from, to, &why)?;
        lease_of_pause(tx, row.id, thread.lease.clone())?;
    }
    let waits = matches!(row.state, SessionState::Paused | SessionState::Blocked);
    let is_idle = tx.next_queued(row.id)?.is_none();
    if let Some(work) = row.spec()?.run.model()
        && waits
        && thread.goes_on
        && is_idle
    {
        queue(tx, Actor::Human, row.id, work)?;
    }
    Ok(())
}
