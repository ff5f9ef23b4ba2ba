//! Claims: files that a person takes in a checkout that is no session's.

use super::explain::conflict_failure;
use super::failure::Failure;
use super::locks::{Held, not_held};
use super::project::Project;
use crate::model::code::Code;
use crate::model::event::Actor;
use crate::model::lock::{Lease, LockTable, LockToken, Party, Process};
use crate::model::scope::Scope;
use crate::proc::{Owner, Wake, moment};
use crate::sessions::locks::{self, Answer, LockError, Request};

/// What a person asks for.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The files.
    pub patterns: Vec<String>,
    /// For how long, in milliseconds; until it is released otherwise.
    pub for_ms: Option<u64>,
    /// Only as long as this process lives.
    pub pid: Option<u32>,
}

/// Takes files for the checkout in which the command was started.
///
/// # Errors
/// Somebody else holds some of them; a bare repository; a session's worktree.
pub fn claim(project: &mut Project, claim: &Claim) -> Result<(LockToken, Scope), Failure> {
    let party = here(project)?;
    let scope = Scope::new(claim.patterns.clone()).map_err(LockError::from)?;
    let now = moment().map_err(LockError::from)?;
    let process = claim.pid.map(process).transpose()?;
    let is_bound = claim.for_ms.is_some() || process.is_some();
    let Party::Place { person, .. } = &party else {
        return Err(not_a_place());
    };
    let asked = Request {
        name: person.clone(),
        scope: scope.clone(),
        lease: is_bound.then(|| Lease::new(&now, claim.for_ms, process)),
        goes_on_from: None,
        replaces: None,
        party,
    };
    let mut table = LockTable::new(project.repo.fold());
    let answer = project.store.write(|tx| {
        let answer = locks::request(tx, &mut table, &now, Actor::Human, &asked)?;
        if let Answer::Refused(conflict) = &answer {
            locks::note_conflict(tx, Actor::Human, conflict)?;
        }
        Ok::<_, LockError>(answer)
    })?;
    match answer {
        Answer::Granted(token) => Ok((token, scope)),
        Answer::Refused(conflict) => Err(conflict_failure(project, *conflict)?),
    }
}

/// Gives back every claim of the checkout in which the command was started.
///
/// # Errors
/// It has none.
pub fn release_here(project: &mut Project) -> Result<Vec<Held>, Failure> {
    let party = here(project)?;
    let mut own = super::locks::list(project)?;
    own.retain(|held| held.lock.owner.is(&party));
    if own.is_empty() {
        return Err(not_held("this checkout").hint("`treeyard locks ls` lists what is held"));
    }
    let reason = "released by the operator";
    project.store.write(|tx| {
        own.iter().try_for_each(|held| {
            locks::release_token(tx, Actor::Human, None, held.lock.token, reason)
        })
    })?;
    Wake::notify(&project.repo.state_dir());
    Ok(own)
}

/// The checkout as a party.
fn here(project: &Project) -> Result<Party, Failure> {
    if let Ok(session) = project.session_here() {
        let told = format!("this is the worktree of session {}", session.name);
        return Err(Failure::new(Code::Usage, told).hint(
            "what a session may change besides its scope: `treeyard scope request PATTERN`",
        ));
    }
    let root = project.repo.work_dir().ok_or_else(not_a_place)?;
    let repo = project.repo.gix();
    let name = repo
        .committer()
        .and_then(|found| found.ok())
        .map(|found| found.name.to_string());
    Ok(Party::Place {
        path: root.display().to_string(),
        person: name
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "somebody".to_owned()),
    })
}

fn not_a_place() -> Failure {
    Failure::new(Code::Usage, "this repository has no checkout here")
        .hint("claim files in a checkout: its commits are those that are let through")
}

pub(super) fn process(pid: u32) -> Result<Process, Failure> {
    let owner = Owner::of(pid).map_err(|error| {
        Failure::new(Code::Usage, format!("process {pid}: {error}"))
            .hint("name a process that runs, such as that of your shell: $$")
    })?;
    Ok(Process {
        pid,
        start_time: owner.start_time,
    })
}
