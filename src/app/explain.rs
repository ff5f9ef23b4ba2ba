//! Why a session waits for files, and what can be done about it.

use serde_json::json;

use super::failure::Failure;
use super::project::Project;
use crate::git::GitError;
use crate::model::code::Code;
use crate::model::lock::{Claimant, Conflict, LockTable, Party};
use crate::model::session::SessionState;
use crate::sessions::locks::LockError;
use crate::store::SessionRow;

/// So many files are named.
const FILES: usize = 20;

/// How a session stands with the files that it asks for.
#[derive(Debug, Clone)]
pub struct Explained {
    /// The session.
    pub session: SessionRow,
    /// Its lock, when it has one.
    pub lock: Option<crate::model::lock::Lock>,
    /// Everybody who holds some of what it asks for, in the order of their grants.
    pub conflicts: Vec<Conflict>,
    /// Those that wait for what it holds.
    pub waiting: Vec<String>,
}

/// Compares what a session asks for with everything that is held.
///
/// # Errors
/// No such session, or the store cannot be read.
pub fn explain(project: &Project, session: SessionRow) -> Result<Explained, Failure> {
    let mut table = LockTable::new(project.repo.fold());
    project.store.read_locks(&mut table)?;
    let lock = project.store.lock_of(session.id)?;
    let party = Party::session(session.id);
    let wants = session.wants()?.filter(|_| lock.is_some());
    let asks = !session.state.is_terminal() && (lock.is_none() || wants.is_some());
    let scope = match wants {
        Some(more) => more,
        None => session.scope()?,
    };
    let language = table.language(&scope).map_err(LockError::from)?;
    // What it goes on from is passed on to it.
    let before = project.store.predecessor_sessions(session.id)?;
    let is_before = |holder: &Party| match before.as_slice() {
        [only] => *holder == Party::session(only.id),
        _ => false,
    };
    let mut conflicts = Vec::new();
    let meetings = table.meetings(&party, &language);
    for meeting in meetings.filter(|met| asks && !is_before(&met.lock.holder)) {
        let conflict = Conflict {
            waiter: Claimant {
                party: party.clone(),
                name: session.name.clone(),
                scope: scope.clone(),
            },
            holder: Claimant {
                party: meeting.lock.holder.clone(),
                name: name_of(project, &meeting.lock.holder)?,
                scope: meeting.lock.scope.clone(),
            },
            token: meeting.lock.token,
            witness: meeting.witness(),
            paths: Vec::new(),
        };
        conflicts.push(with_files(project, conflict)?);
    }
    let mut waiting = Vec::new();
    for row in project.store.open_sessions()? {
        let waits = row.waits_for.is_some() && project.store.lock_of(row.id)?.is_none();
        let theirs = table.language(&row.scope()?).map_err(LockError::from)?;
        let other = Party::session(row.id);
        let mut meets = table.meetings(&other, &theirs);
        if waits && meets.any(|met| met.lock.holder == party) {
            waiting.push(row.name);
        }
    }
    Ok(Explained {
        session,
        lock,
        conflicts,
        waiting,
    })
}

/// The name of a party.
pub(super) fn name_of(project: &Project, party: &Party) -> Result<String, Failure> {
    let row = match party.session_id() {
        Some(id) => project.store.session(id)?,
        None => None,
    };
    Ok(party.named(row.as_ref().map(|row| row.name.as_str())))
}

/// With the files that are there today and that both scopes have.
///
/// # Errors
/// They cannot be listed.
pub fn with_files(project: &Project, mut conflict: Conflict) -> Result<Conflict, Failure> {
    let table = LockTable::new(project.repo.fold());
    let read = |scope| table.language(scope).map_err(LockError::from);
    let scopes = (read(&conflict.waiter.scope)?, read(&conflict.holder.scope)?);
    let current = || project.repo.current_branch().unwrap_or_default();
    let target = project.settings.target().clone().unwrap_or_else(current);
    let found = project
        .repo
        .shared_files((&scopes.0, &scopes.1), &target, FILES);
    conflict.paths = match found {
        Ok(found) => found
            .first
            .iter()
            .map(|path| String::from_utf8_lossy(path).into_owned())
            .collect(),
        // It is a conflict all the same.
        Err(GitError::Unborn(_)) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    Ok(conflict)
}

/// What can be done about a conflict, the most ordinary first.
pub fn choices(conflict: &Conflict, holder: Option<&SessionRow>) -> Vec<String> {
    let (waiter, name) = (&conflict.waiter.name, &conflict.holder.name);
    let wait = match holder {
        Some(row) if row.state == SessionState::Completed => {
            format!("wait until {name} has landed: treeyard land {name}")
        }
        Some(row) if row.state == SessionState::Paused => {
            format!("wait until {name} is done: treeyard resume {name}")
        }
        Some(row) if row.state == SessionState::Blocked => {
            format!("wait until {name} has landed; what blocks it: treeyard show {name}")
        }
        Some(_) => format!("wait until {name} is done"),
        None => format!(
            "wait until the claim ends, or: treeyard release {}",
            conflict.token
        ),
    };
    let mut narrow = format!("narrow it: treeyard locks narrow {waiter} PATTERN...");
    let mut patterns = conflict
        .waiter
        .scope
        .patterns()
        .iter()
        .chain(conflict.holder.scope.patterns());
    if let Some(loose) = patterns.find(|pattern| is_loose(pattern)) {
        narrow.push_str(&format!(
            " (`{loose}` matches at any depth, folders too; `./{loose}` is the one at the root)"
        ));
    }
    let urgent = format!("go before others that wait: treeyard priority {waiter} 0");
    match conflict.waiter.party.session_id() {
        Some(_) => vec![wait, narrow, urgent],
        None => vec![wait, "or claim less".to_owned()],
    }
}

/// A name that matches wherever it stands, which is often not what was meant.
fn is_loose(pattern: &str) -> bool {
    !pattern.contains('/') && !pattern.starts_with('!') && pattern != "**"
}

/// A refused request, for a person and for programs, with the files that are there today.
///
/// # Errors
/// Never another one than the refusal, unless the store cannot be read.
pub fn conflict_failure(project: &Project, conflict: Conflict) -> Result<Failure, Failure> {
    let conflict = &with_files(project, conflict)?;
    let holder = match conflict.holder.party.session_id() {
        Some(id) => project.store.session(id)?,
        None => None,
    };
    let message = LockError::Conflict(Box::new(conflict.clone())).to_string();
    let failure = Failure::new(Code::ScopeConflict, message);
    let failure = failure.with_details(conflict_json(conflict, holder.as_ref()));
    let choices = choices(conflict, holder.as_ref()).into_iter();
    Ok(choices.fold(failure, Failure::hint))
}

/// [`conflict_failure`] for one that does not wait in the queue: its choices are others.
///
/// # Errors
/// As there.
pub(super) fn refused(
    project: &Project,
    conflict: Conflict,
    choice: &str,
) -> Result<Failure, Failure> {
    let failure = conflict_failure(project, conflict)?;
    Ok(Failure {
        hints: vec![choice.to_owned()],
        ..failure
    })
}

/// What programs are told of a conflict.
pub fn conflict_json(conflict: &Conflict, holder: Option<&SessionRow>) -> serde_json::Value {
    json!({
        "code": Code::ScopeConflict.id(),
        "waiter": conflict.waiter,
        "holder": conflict.holder,
        "token": conflict.token,
        "witness": conflict.witness,
        "paths": conflict.paths,
        "choices": choices(conflict, holder),
    })
}
