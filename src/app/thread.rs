//! A session's thread, read for a person.

use super::failure::Failure;
use super::inside;
use super::project::Project;
use crate::agent::read_message;
use crate::model::thread::{Said, Thread};
use crate::store::{MessageRow, SessionRow};

/// A message of a thread.
#[derive(Debug, Clone)]
pub struct Told {
    /// What the log has of it.
    pub row: MessageRow,
    /// What it says; or why that cannot be read.
    pub said: Result<Said, String>,
}

/// All that was said in a session, in the order of the log. What cannot be read keeps nothing else back.
///
/// # Errors
/// When it is asked from inside of a session, or the store cannot be read.
pub fn thread(project: &Project, session: &SessionRow) -> Result<Vec<Told>, Failure> {
    refuse_inside()?;
    tell(project, project.store.messages(session.id, 0)?)
}

/// The same, with what was taken back.
///
/// # Errors
/// As of [`thread`].
pub fn whole_thread(project: &Project, session: &SessionRow) -> Result<Vec<Told>, Failure> {
    refuse_inside()?;
    tell(project, project.store.all_messages(session.id)?)
}

fn refuse_inside() -> Result<(), Failure> {
    inside::refuse_session("a session does not read threads, neither its own nor another's")
}

/// These messages as their model would go on from them.
///
/// # Errors
/// What one of them says is damaged or gone.
pub(super) fn thread_of(project: &Project, rows: Vec<MessageRow>) -> Result<Thread, Failure> {
    let mut thread = Thread::default();
    for row in rows {
        thread.push(read_message(&project.cas, &row)?);
    }
    Ok(thread)
}

fn tell(project: &Project, rows: Vec<MessageRow>) -> Result<Vec<Told>, Failure> {
    let told = rows.into_iter().map(|row| Told {
        said: said(project, &row),
        row,
    });
    Ok(told.collect())
}

fn said(project: &Project, row: &MessageRow) -> Result<Said, String> {
    let read = project.cas.bytes(&row.record.content_hash);
    let bytes =
        read.map_err(|error| format!("{}: {error}; {}", error.code().id(), error.code().hint()))?;
    Said::read(row.record.role, &bytes).map_err(|error| error.to_string())
}
