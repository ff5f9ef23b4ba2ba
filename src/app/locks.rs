//! Who holds what, and a person's word about it.

use super::explain::conflict_failure;
use super::failure::Failure;
use super::project::Project;
use crate::model::code::Code;
use crate::model::event::{Actor, Event};
use crate::model::lock::{Lock, LockTable, LockToken, Party};
use crate::model::scope::Scope;
use crate::proc::{Wake, moment};
use crate::sessions::locks::{self, LockError};
use crate::store::SessionRow;
use crate::workspace::refresh_guard;

/// A lock, with the names of those that it is about.
#[derive(Debug, Clone)]
pub struct Held {
    /// The lock.
    pub lock: Lock,
    /// The task's or the person's name.
    pub owner: String,
    /// The session whose work it protects.
    pub session: Option<SessionRow>,
    /// Who works under it, where that is another session.
    pub passed_to: Option<String>,
}

/// Every lock that is held, the oldest first.
///
/// # Errors
/// The store cannot be read.
pub fn list(project: &Project) -> Result<Vec<Held>, Failure> {
    let locks = project.store.locks()?.into_iter();
    locks.map(|lock| held(project, lock)).collect()
}

fn held(project: &Project, lock: Lock) -> Result<Held, Failure> {
    let row = |party: &Party| match party.session_id() {
        Some(id) => project.store.session(id),
        None => Ok(None),
    };
    let session = row(&lock.owner)?;
    let owner = lock
        .owner
        .named(session.as_ref().map(|row| row.name.as_str()));
    let passed_to = match lock.holder == lock.owner {
        true => None,
        false => row(&lock.holder)?.map(|row| row.name),
    };
    Ok(Held {
        lock,
        owner,
        session,
        passed_to,
    })
}

/// The lock that a person means: by its token, or by the session that it protects.
///
/// # Errors
/// Nothing is held by that name.
pub fn find(project: &Project, selector: &str) -> Result<Held, Failure> {
    let number = selector.trim_start_matches('#').parse::<LockToken>().ok();
    let locks = project.store.locks()?;
    if let Some(lock) = locks.into_iter().find(|lock| Some(lock.token) == number) {
        return held(project, lock);
    }
    let session = project.session(selector)?;
    match project.store.lock_of(session.id)? {
        Some(lock) => held(project, lock),
        None => Err(LockError::NotHeld(session.name).into()),
    }
}

/// Gives up one lock. Whoever waits for its files starts.
///
/// # Errors
/// Nobody holds it, or a command of the session runs.
pub fn release(project: &mut Project, selector: &str) -> Result<Held, Failure> {
    let held = find(project, selector)?;
    let token = held.lock.token;
    let reason = "released by the operator";
    project
        .store
        .write(|tx| match &held.session {
            Some(session) => locks::give_up(tx, session, reason),
            None => Ok(locks::release_token(tx, Actor::Human, None, token, reason)?),
        })
        .map_err(refused)?;
    if let Some(session) = &held.session {
        refresh_guard(&project.repo, &project.store, session.id)?;
    }
    Wake::notify(&project.repo.state_dir());
    Ok(held)
}

/// Lets a session hold less, or ask for less when its turn comes. Patterns that are all negated are
/// taken out of what it has.
///
/// # Errors
/// A pattern that cannot be read, or more than it had.
pub fn narrow(
    project: &mut Project,
    selector: &str,
    patterns: Vec<String>,
) -> Result<(SessionRow, Scope), Failure> {
    let session = project.session(selector)?;
    let before = match project.store.lock_of(session.id)? {
        Some(lock) => lock.scope,
        None => session.scope()?,
    };
    let all = match patterns.iter().all(|pattern| pattern.starts_with('!')) {
        true => [before.patterns(), &patterns].concat(),
        false => patterns,
    };
    let scope = Scope::new(all).map_err(LockError::from)?;
    let table = LockTable::new(project.repo.fold());
    let narrowed = project
        .store
        .write(|tx| locks::narrow(tx, &table, &session, &scope));
    narrowed.map_err(refused)?;
    refresh_guard(&project.repo, &project.store, session.id)?;
    Wake::notify(&project.repo.state_dir());
    Ok((session, scope))
}

/// What one session holds becomes another's.
///
/// # Errors
/// The first holds nothing or is at work, the other's work is over, or somebody holds what it asks
/// for besides.
pub fn transfer(
    project: &mut Project,
    from: &str,
    to: &str,
) -> Result<(SessionRow, SessionRow, LockToken), Failure> {
    let (from, to) = (project.session(from)?, project.session(to)?);
    let mut table = LockTable::new(project.repo.fold());
    let now = moment().map_err(LockError::from)?;
    let passed = project
        .store
        .write(|tx| locks::transfer(tx, &mut table, &now, &from, &to));
    let token = match passed {
        Err(LockError::Conflict(conflict)) => {
            return Err(conflict_failure(project, *conflict)?);
        }
        passed => passed.map_err(refused)?,
    };
    refresh_guard(&project.repo, &project.store, from.id)?;
    refresh_guard(&project.repo, &project.store, to.id)?;
    Wake::notify(&project.repo.state_dir());
    Ok((from, to, token))
}

/// Gives a session another place among those that wait.
///
/// # Errors
/// Its work is over.
pub fn prioritize(
    project: &mut Project,
    selector: &str,
    priority: u8,
) -> Result<SessionRow, Failure> {
    let session = project.session(selector)?;
    if session.state.is_terminal() {
        return Err(LockError::Over(session.name).into());
    }
    let event = Event::SessionPrioritized { priority };
    project
        .store
        .write(|tx| tx.append(Actor::Human, Some(session.id), event).map(drop))?;
    Wake::notify(&project.repo.state_dir());
    Ok(session)
}

/// With what a person can do about it.
fn refused(error: LockError) -> Failure {
    let hint = match &error {
        LockError::AtWork(name) => format!(
            "it goes on changing files: `treeyard pause {name}` and wait for its command to end, or \
             `treeyard cancel {name}`"
        ),
        LockError::NotNarrower(..) => {
            "what is more than before is asked for by `treeyard scope request`".to_owned()
        }
        _ => return error.into(),
    };
    Failure::new(error.code(), error.to_string()).hint(hint)
}

/// A session that is not known is named by what it is not.
pub(super) fn not_held(selector: &str) -> Failure {
    Failure::new(Code::LockMissing, format!("{selector} holds no lock"))
}
