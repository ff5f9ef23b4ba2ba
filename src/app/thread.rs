//! A session's thread, read for a person.

use super::failure::Failure;
use super::inside;
use super::project::Project;
use crate::model::thread::Said;
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
    inside::refuse_session("a session does not read threads, neither its own nor another's")?;
    let rows = project.store.messages(session.id, 0)?;
    let told = rows.into_iter().map(|row| Told {
        said: said(project, &row),
        row,
    });
    Ok(told.collect())
}

fn said(project: &Project, row: &MessageRow) -> Result<Said, String> {
    let mut bytes = Vec::new();
    let hash = &row.record.content_hash;
    let read = project.cas.read_to(hash, &mut bytes);
    read.map_err(|error| error.to_string())?;
    Said::read(row.record.role, &bytes).map_err(|error| error.to_string())
}
