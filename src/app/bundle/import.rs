//! Taking in a session that was written into a file elsewhere. It is over here: it can be looked at, replayed, and gone on
//! from as another session, and no runner touches it.

use std::collections::BTreeMap;
use std::path::Path;

use super::manifest::{Manifest, invalid};
use super::unpack::{Unpacked, read_manifest, unpack};
use crate::app::failure::Failure;
use crate::app::inside;
use crate::app::project::Project;
use crate::git::{Git, object_id};
use crate::model::code::Code;
use crate::model::event::{Actor, Event, Record};
use crate::model::ids::SessionId;
use crate::model::job::JobState;
use crate::model::session::SessionState;
use crate::store::{ELSEWHERE, SessionRow, StoreError, Tx};
use crate::workspace::scratch;
use crate::workspace::snapshot::{list, reference};

/// What was taken in.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The session as it is here.
    pub session: SessionRow,
    /// What the file said of itself.
    pub manifest: Manifest,
    /// Events that say something of the other machine alone, and were left out.
    pub left_out: u64,
}

/// Why what was open of it is over.
const REASON: &str = "taken in from a file: its work goes on elsewhere";

/// Takes in such a file. All of it is on the disk before it is recorded, and that is one transaction.
///
/// # Errors
/// A file that is none, or damaged; a session that is here already; a repository that has not what the file does without;
/// or when it is asked from inside of a session.
pub fn import(project: &mut Project, file: &Path) -> Result<Imported, Failure> {
    inside::refuse_session("a session brings no others here")?;
    let scratch = scratch(&project.repo)?;
    let unpacked = unpack(file, &project.cas, scratch.path())?;
    let id = unpacked.manifest.session_id;
    if let Some(row) = project.store.session(id)? {
        let message = format!("{} is here already, as {}", id.short(), row.name);
        return Err(
            Failure::new(Code::SessionState, message).hint("`treeyard replay S` replays it")
        );
    }
    fetch(project, &unpacked)?;
    let (events, left_out) = of_its_work(unpacked.events);
    let kept = list(&project.repo, &id)?.into_iter();
    let kept: BTreeMap<_, _> = kept.map(|kept| (kept.number, kept.commit)).collect();
    for record in &events {
        if let Event::CheckpointTaken { checkpoint } = &record.event
            && let Some(commit) = kept.get(&checkpoint.number)
            && *commit != checkpoint.commit
        {
            let number = checkpoint.number;
            return Err(invalid(format!("checkpoint {number} has another commit")));
        }
    }
    let is_kept = |number: &u64| kept.contains_key(number);
    project.store.write(|tx| record(tx, id, &events, is_kept))?;
    Ok(Imported {
        session: project.session(&id.to_string())?,
        manifest: unpacked.manifest,
        left_out,
    })
}

/// The session of such a file, which is taken in unless it is here already, and whether it is.
///
/// # Errors
/// As of [`import`].
pub fn import_once(project: &mut Project, file: &Path) -> Result<(SessionRow, bool), Failure> {
    let id = read_manifest(file)?.session_id;
    match project.store.session(id)? {
        Some(row) => Ok((row, true)),
        None => Ok((import(project, file)?.session, false)),
    }
}

/// What only a session of this repository can do.
///
/// # Errors
/// It was taken in from a file.
pub fn refuse_elsewhere(session: &SessionRow) -> Result<(), Failure> {
    if !session.is_elsewhere() {
        return Ok(());
    }
    let (name, id) = (&session.name, session.id.short());
    let message = format!("{name} was taken in from a file, and its work is elsewhere");
    let hint = format!(
        "go on from its last checkpoint in a session of this repository: treeyard fork {id}"
    );
    Err(Failure::new(Code::SessionState, message).hint(hint))
}

/// Its checkpoints get their refs. What is not sound, as git sees it, is refused.
fn fetch(project: &Project, unpacked: &Unpacked) -> Result<(), Failure> {
    let manifest = &unpacked.manifest;
    let base = &manifest.base;
    let has_base = project.repo.gix().find_commit(object_id(base)?).is_ok();
    if !manifest.has_history && !has_base {
        let message = format!(
            "{} goes on from the commit {base}, which this repository has not",
            manifest.name
        );
        let hint = "take it in where that commit is, or export it without --thin";
        return Err(Failure::new(Code::BundleInvalid, message).hint(hint));
    }
    let all = reference(&manifest.session_id, 0);
    let folder = all.trim_end_matches('0');
    let git = Git::new(project.repo.common_dir()).git_dir(project.repo.common_dir());
    git.args([
        "-c",
        "protocol.file.allow=always",
        "-c",
        "fetch.fsckObjects=true",
    ])
    .args(["-c", "core.fsync=all", "-c", "fetch.unpackLimit=1"])
    .args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"])
    .arg(unpacked.repository.path())
    .arg(format!("{folder}*:{folder}*"))
    .run()?;
    Ok(())
}

/// What is on record of its work, and how much else there was. Locks, consents and landings are not of this machine.
fn of_its_work(events: Vec<Record>) -> (Vec<Record>, u64) {
    let all = events.len();
    let kept: Vec<_> = events.into_iter().filter_map(here).collect();
    let left_out = (all - kept.len()) as u64;
    (kept, left_out)
}

fn here(mut record: Record) -> Option<Record> {
    match &mut record.event {
        Event::SessionCreated {
            after, auto_land, ..
        } => {
            after.clear();
            *auto_land = false;
        }
        Event::WorkspaceReady { path, git_dir, .. } => {
            *path = ELSEWHERE.to_owned();
            *git_dir = ELSEWHERE.to_owned();
        }
        Event::SessionMoved { .. }
        | Event::SessionCompleted { .. }
        | Event::ScopeChanged { .. }
        | Event::JobQueued { .. }
        | Event::JobDispatched { .. }
        | Event::JobCancelled { .. }
        | Event::CommandExecuted { .. }
        | Event::OutputRedacted { .. }
        | Event::SessionMessage { .. }
        | Event::ModelBegan { .. }
        | Event::ModelChosen { .. }
        | Event::ModelCallStarted { .. }
        | Event::AnswerArriving { .. }
        | Event::ModelCallEnded { .. }
        | Event::ModelStopped { .. }
        | Event::ThreadCompacted { .. }
        | Event::ToolCalled { .. }
        | Event::GuardrailHit { .. }
        | Event::WorkspaceImported { .. }
        | Event::ArtifactStored { .. }
        | Event::CheckpointTaken { .. }
        | Event::CheckpointRestored { .. }
        | Event::CheckpointsDropped { .. }
        | Event::ThreadTakenBack { .. }
        | Event::Recovered { .. } => {}
        _ => return None,
    }
    Some(record)
}

/// As it was there, and over.
fn record(
    tx: &mut Tx<'_>,
    id: SessionId,
    events: &[Record],
    is_kept: impl Fn(&u64) -> bool,
) -> Result<(), StoreError> {
    for record in events {
        tx.append_past(record)?;
    }
    let missing = tx.checkpoint_numbers(id)?.into_iter();
    let missing: Vec<_> = missing.filter(|number| !is_kept(number)).collect();
    if !missing.is_empty() {
        let event = Event::CheckpointsDropped { numbers: missing };
        tx.append(Actor::Human, Some(id), event)?;
    }
    for job in tx.jobs_of(id)? {
        if job.state == JobState::Queued {
            let event = Event::JobCancelled {
                job_id: job.id,
                reason: REASON.to_owned(),
            };
            tx.append(Actor::Human, Some(id), event)?;
        }
    }
    let Some(row) = tx.session(id)? else {
        return Ok(());
    };
    if !row.state.is_terminal() {
        let event = Event::SessionMoved {
            from: row.state,
            to: SessionState::Cancelled,
            reason: REASON.to_owned(),
        };
        tx.append(Actor::Human, Some(id), event)?;
    }
    if row.has_worktree() {
        let event = Event::WorkspaceReleased { pooled: false };
        tx.append(Actor::Human, Some(id), event)?;
    }
    Ok(())
}
