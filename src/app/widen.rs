//! A session asks for more files while it runs.

use super::explain::refused;
use super::failure::Failure;
use super::follow::follow;
use super::project::Project;
use crate::model::ids::SessionId;
use crate::model::lock::{Conflict, LockToken};
use crate::model::scope::Scope;
use crate::proc::moment;
use crate::sessions::locks::{self, Answer, LockError};
use crate::store::{SessionRow, Store};
use crate::workspace::refresh_guard;

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
    let queue = otherwise != Otherwise::Refuse;
    let asked = locks::ask(&mut project.store, &project.repo, session, &more, queue);
    match asked {
        Ok(Answer::Granted(token)) => {
            refresh_guard(&project.repo, &project.store, session.id)?;
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
        if let Some(token) = locks::held_already(&project.store, &project.repo, id, more)? {
            return Ok(Widened::Granted(token));
        }
        match locks::ask(&mut project.store, &project.repo, session, more, true)? {
            Answer::Granted(token) => {
                refresh_guard(&project.repo, &project.store, id)?;
                return Ok(Widened::Granted(token));
            }
            Answer::Refused(next) => conflict = next,
        }
    }
}

fn wants(store: &Store, id: SessionId) -> Result<bool, Failure> {
    Ok(match store.session(id)? {
        Some(row) => row.wants()?.is_some(),
        None => false,
    })
}
