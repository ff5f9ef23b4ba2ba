//! Waiting until a session has answered.

use super::failure::Failure;
use super::inside;
use super::project::Project;
use super::run::to_rest;
use super::thread::thread;
use crate::model::chat::Block;
use crate::model::thread::Said;
use crate::proc::Wake;
use crate::runner::Until;
use crate::sessions;
use crate::store::{SessionRow, Store};

/// Stays until a session is over or waits for somebody: in this process, or by the runner that is active already.
/// The session as it is then.
///
/// # Errors
/// What keeps a runner from starting or going on.
pub fn settle(project: Project, session: &SessionRow) -> Result<SessionRow, Failure> {
    let state_dir = project.repo.state_dir();
    let settings = project.settings.clone();
    let head = project.store.head_seq()?;
    let until = Until::Rests(session.id);
    // What interrupts an answer is said to its session, and comes back from there.
    let never = std::future::pending();
    to_rest((project, &settings), (until, head), &mut |_| {}, never)?;
    let now = Store::open(&state_dir)?.session(session.id)?;
    Ok(now.unwrap_or_else(|| session.clone()))
}

/// Ends a session whose model waits: its work is taken in, and lands if it is to.
///
/// # Errors
/// One that is at work, over, or has no model; or when it is asked from inside of a session.
pub fn finish(project: &mut Project, session: &SessionRow) -> Result<(), Failure> {
    inside::refuse_session("a session does not end another")?;
    sessions::finish(&mut project.store, session)?;
    Wake::notify(&project.repo.state_dir());
    Ok(())
}

/// What a model said after a place in the log, thoughts and calls left out; `None` when it said nothing.
///
/// # Errors
/// When the thread cannot be read.
pub fn answer_since(
    project: &Project,
    session: &SessionRow,
    seq: u64,
) -> Result<Option<String>, Failure> {
    let mut words = Vec::new();
    for told in thread(project, session)? {
        let Ok(Said::Assistant(blocks)) = told.said else {
            continue;
        };
        let texts = blocks.into_iter().filter_map(|block| match block {
            Block::Text { text } if told.row.seq > seq => Some(text),
            _ => None,
        });
        words.extend(texts.filter(|text| !text.trim().is_empty()));
    }
    Ok((!words.is_empty()).then(|| words.join("\n")))
}
