//! A session asks for more files while it runs.

use super::explain::refused;
use super::failure::Failure;
use super::follow::follow;
use super::locks::refresh_guard;
use super::project::Project;
use crate::model::event::Actor;
use crate::model::ids::SessionId;
use crate::model::lock::{Conflict, LockTable, LockToken};
use crate::model::scope::{Scope, Within, within};
use crate::proc::{Wake, moment};
use crate::sessions::locks::{self, Answer, LockError};
use crate::store::{SessionRow, Store};

/// What to do when somebody else holds some of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Otherwise {
    /// Say so.
    Refuse,
    /// Ask again when they are free, and go on meanwhile.
    Queue,
    /// Ask again when they are free, and stay until then.
    Wait,
}

/// What became of it.
#[derive(Debug, Clone)]
pub enum Widened {
    /// The session holds the files now.
    Granted(LockToken),
    /// It gets them when they are free.
    Queued(Box<Conflict>),
}

/// Asks for `patterns` besides what the session has.
///
/// # Errors
/// Somebody holds them (`CX-MM-002`), the session holds nothing, or both would wait for each other.
pub fn widen(
    project: &mut Project,
    session: &SessionRow,
    patterns: Vec<String>,
    otherwise: Otherwise,
) -> Result<Widened, Failure> {
    let more = Scope::new(patterns).map_err(LockError::from)?;
    let asked = ask(project, session, &more, otherwise != Otherwise::Refuse);
    match asked {
        Ok(Answer::Granted(token)) => {
            refresh_guard(project, session.id)?;
            Ok(Widened::Granted(token))
        }
        Ok(Answer::Refused(conflict)) => match otherwise {
            Otherwise::Refuse => {
                let later = "ask with --wait or --queue, or go on without it";
                Err(refused(project, *conflict, later)?)
            }
            Otherwise::Queue => Ok(Widened::Queued(conflict)),
            Otherwise::Wait => wait(project, session, &more, conflict),
        },
        Err(LockError::Circle(conflict)) => {
            let message = LockError::Circle(conflict.clone()).to_string();
            let alone = "each would wait for the other: go on without it, or commit and end";
            let failure = refused(project, *conflict, alone)?;
            Err(Failure { message, ..failure })
        }
        Err(error) => Err(error.into()),
    }
}

fn ask(
    project: &mut Project,
    session: &SessionRow,
    more: &Scope,
    queue: bool,
) -> Result<Answer, LockError> {
    let now = moment()?;
    let mut table = LockTable::new(project.repo.fold());
    let asked = project.store.write(|tx| {
        let answer = locks::widen(tx, &mut table, &now, session, more)?;
        let word = match (&answer, queue) {
            (Answer::Granted(_), _) => "granted",
            (Answer::Refused(_), true) => "queued",
            (Answer::Refused(_), false) => "refused",
        };
        if let Answer::Refused(conflict) = &answer {
            locks::note_conflict(tx, Actor::Agent, conflict)?;
        }
        match word {
            "queued" => locks::queue(tx, session.id, more)?,
            _ => locks::answer(tx, session, more, word)?,
        }
        Ok::<_, LockError>(answer)
    })?;
    Wake::notify(&project.repo.state_dir());
    Ok(asked)
}

/// Asks again each time that what stood in the way is gone. A runner that is active may be faster.
fn wait(
    project: &mut Project,
    session: &SessionRow,
    more: &Scope,
    mut conflict: Box<Conflict>,
) -> Result<Widened, Failure> {
    let (state_dir, id) = (project.repo.state_dir(), session.id);
    loop {
        let token = conflict.token;
        let is_over = |store: &Store| {
            let mut locks = store.locks()?;
            locks.retain(|lock| lock.token == token);
            // Without a runner nobody writes down that its time is over.
            let now = moment().map_err(LockError::from)?;
            let is_free = locks.is_empty() || locks::next_end_ms(&locks, &now) == Some(0);
            Ok(is_free || !wants(store, id)?)
        };
        let head = project.store.head_seq()?;
        follow(&state_dir, head, &is_over, &mut |_| {})?;
        if let Some(token) = held_already(project, id, more)? {
            return Ok(Widened::Granted(token));
        }
        match ask(project, session, more, true)? {
            Answer::Granted(token) => {
                refresh_guard(project, id)?;
                return Ok(Widened::Granted(token));
            }
            Answer::Refused(next) => conflict = next,
        }
    }
}

/// The session's lock, when it has all of `more` in it.
fn held_already(
    project: &Project,
    id: SessionId,
    more: &Scope,
) -> Result<Option<LockToken>, LockError> {
    let table = LockTable::new(project.repo.fold());
    let Some(lock) = project.store.lock_of(id)? else {
        return Ok(None);
    };
    let has_all = within(&table.language(more)?, &table.language(&lock.scope)?);
    Ok((has_all == Within::Yes).then_some(lock.token))
}

fn wants(store: &Store, id: SessionId) -> Result<bool, Failure> {
    Ok(match store.session(id)? {
        Some(row) => row.wants()?.is_some(),
        None => false,
    })
}
