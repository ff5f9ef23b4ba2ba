//! Inside of a session: what is out of reach there, and asking for it at the session's door.

use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use crate::git::Repo;
use crate::model::code::Code;
use crate::model::door::{Reply, Request};
use crate::proc::{DOOR_VARIABLE, JOB_VARIABLE, is_of_job, knock};
use crate::workspace::is_private;

/// Asks at the door of the session in whose worktree `start` lies. `None` when that is no worktree of
/// the session that this process belongs to, or nobody answers there.
///
/// It is asked also where the store could be opened, so that a session is told the same, and the same
/// is recorded, whether it is confined or not.
///
/// # Errors
/// When there is an end of it before the reply.
pub fn ask(start: &Path, request: &Request) -> Result<Option<Reply>, Failure> {
    let Some(door) = door_at(start) else {
        return Ok(None);
    };
    let Ok(connection) = knock(&door) else {
        return Ok(None);
    };
    let text = serde_json::to_vec(request)
        .map_err(|error| Failure::new(Code::Usage, error.to_string()))?;
    // What would be refused there is better said here.
    Request::read(&text).map_err(|bad| Failure::new(Code::Usage, bad.to_string()))?;
    talk(connection, &text).map(Some).map_err(|error| {
        let message = format!("nobody answered at the session's door: {error}");
        Failure::new(Code::InsideSession, message)
    })
}

fn talk(mut connection: UnixStream, request: &[u8]) -> std::io::Result<Reply> {
    connection.write_all(request)?;
    connection.shutdown(Shutdown::Write)?;
    let mut reply = Vec::new();
    connection.read_to_end(&mut reply)?;
    Ok(serde_json::from_slice(&reply)?)
}

/// Whether `selector` means the session that this process belongs to.
pub fn is_own(selector: &str) -> bool {
    let told = |name: &str| std::env::var(name).unwrap_or_default();
    let id = told("TREEYARD_SESSION");
    !selector.is_empty() && (selector == told("TREEYARD_TASK") || id.starts_with(selector))
}

/// Refuses what only a person may say.
///
/// # Errors
/// When this process belongs to a session.
pub(super) fn refuse_word_of_session() -> Result<(), Failure> {
    refuse_session("a session does not approve commands, neither its own nor those of another")
}

/// Refuses what only a person may do, with these words.
///
/// # Errors
/// When this process belongs to a session.
pub(super) fn refuse_session(message: &str) -> Result<(), Failure> {
    let told = [DOOR_VARIABLE, JOB_VARIABLE];
    if told.iter().any(|name| std::env::var_os(name).is_some()) || is_of_job() {
        let hint = "ask a person outside to do it";
        return Err(Failure::new(Code::InsideSession, message).hint(hint));
    }
    Ok(())
}

/// Says what kept a command from the runner's records, when it is that it runs inside of a session.
pub(super) fn explain(failure: Failure) -> Failure {
    let out_of_reach = [Code::StoreReadOnly, Code::Io, Code::GitFailed];
    if own_git_dir().is_none() || !out_of_reach.contains(&failure.code) {
        return failure;
    }
    let why = serde_json::json!({ "reason": failure.message, "code": failure.code.id() });
    out_of_reach_failure().with_details(why)
}

/// A repository that is only a session's own git directory has no records: the repository that it
/// belongs to is out of reach.
///
/// # Errors
/// When it is one.
pub(super) fn refuse_own(repo: &Repo) -> Result<(), Failure> {
    match is_private(repo.common_dir()) && is_of_job() {
        true => Err(out_of_reach_failure()),
        false => Ok(()),
    }
}

fn out_of_reach_failure() -> Failure {
    let message = "the runner's records cannot be read from inside a session";
    Failure::new(Code::InsideSession, message)
}

fn door_at(start: &Path) -> Option<PathBuf> {
    let door = PathBuf::from(std::env::var_os(DOOR_VARIABLE)?);
    (git_dir_at(start)? == own_git_dir()?).then_some(door)
}

/// The git directory of the session that this process belongs to.
fn own_git_dir() -> Option<PathBuf> {
    let door = PathBuf::from(std::env::var_os(DOOR_VARIABLE)?);
    door.parent()?.parent()?.canonicalize().ok()
}

/// The git directory of the worktree that `start` lies in. Not by way of the repository, which may be
/// out of reach.
fn git_dir_at(start: &Path) -> Option<PathBuf> {
    let start = start.canonicalize().ok()?;
    let mut above = start.ancestors().map(|folder| folder.join(".git"));
    let git_file = above.find(|file| file.exists())?;
    let text = fs::read_to_string(git_file).ok()?;
    let named = text.strip_prefix("gitdir: ")?.trim_end();
    Path::new(named).canonicalize().ok()
}
