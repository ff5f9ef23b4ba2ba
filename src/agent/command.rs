//! Running programs in the worktree, held back as the session's own commands are. A supervisor runs each,
//! so that nothing of it is left when it ends, reaches its time or is called off.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::walk::canceled;
use super::world::World;
use crate::model::code::Code;
use crate::model::ids::JobId;
use crate::model::job::Outcome;
use crate::model::tool::{ErrorKind, ToolError};
use crate::proc::{
    Attached, Door, Ended, JobSpec, Launcher, OUTPUT_FILE, ProcError, Supervisor, attach, job_dir,
    lost_output, sweep,
};
use crate::workspace::Equipment;

/// How often it is looked at whether a program was called off or floods the disk, in milliseconds.
const BEAT_MS: u16 = 20;
/// The most bytes that a program may print. It is ended when it prints more.
pub(super) const MOST_PRINTED: u64 = 128 << 20;

/// How a session's tools run programs.
#[derive(Debug, Clone)]
pub struct Commands {
    /// Starts them.
    pub launcher: Launcher,
    /// The folder in which each has one of its own while it runs.
    pub jobs: PathBuf,
    /// With what, and what they are held to.
    pub equipment: Equipment,
    /// The worktree.
    pub cwd: PathBuf,
    /// From the polite to the forceful end, in milliseconds.
    pub grace_ms: u64,
    /// Where they ask for what is out of their reach.
    pub door: Option<Door>,
    /// Of which call the next program is, so that what becomes of it is found again by whoever goes on after a crash.
    pub call: CallKey,
}

/// The job that a call's program is, and whether it runs once more where nobody knows how it went before.
#[derive(Debug, Clone, Default)]
pub struct CallKey(Arc<Mutex<Option<(JobId, bool)>>>);

impl CallKey {
    fn take(&self) -> Option<(JobId, bool)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, job: JobId, again: bool) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((job, again));
    }
}

/// What is left of a call's program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// It never began.
    Nothing,
    /// How it ended is on record, or it runs still.
    Found,
    /// It began, and nobody knows how it went.
    Lost,
}

/// A program that ran. What it printed goes with the value.
#[derive(Debug)]
pub(super) struct Ran {
    pub outcome: Outcome,
    pub duration_ms: u64,
    /// It was ended because it printed too much.
    pub has_flooded: bool,
    /// What stands at the end of what it printed, if the end of that was lost.
    pub lost: Option<String>,
    folder: JobFolder,
}

/// A job's folder, which goes with the value; that of a call goes when what it came to is on record.
#[derive(Debug)]
struct JobFolder {
    path: PathBuf,
    stays: bool,
}

impl Drop for JobFolder {
    fn drop(&mut self) {
        if !self.stays {
            remove(&self.path);
        }
    }
}

fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder) {
        tracing::debug!(%error, "the folder of a command stays");
    }
}

impl Ran {
    /// What it printed, in the order in which it did, without what was lost.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn output(&self) -> Result<File, ToolError> {
        let path = self.folder.path.join(OUTPUT_FILE);
        File::open(path).map_err(|error| failed(format!("what it printed was lost: {error}")))
    }

    /// The same, and a word where the end of it was lost.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn told(&self) -> Result<impl Read, ToolError> {
        let lost = self.lost.as_deref().unwrap_or_default();
        Ok(self.output()?.chain(lost.as_bytes()))
    }
}

impl Commands {
    /// Runs a program to its end.
    ///
    /// # Errors
    /// When it cannot be started, it was called off, or nobody knows how it ended. That it fails is none.
    pub(super) fn run(
        &self,
        argv: Vec<String>,
        timeout_ms: u64,
        world: &World,
    ) -> Result<Ran, ToolError> {
        if world.is_canceled() {
            return Err(canceled());
        }
        let call = self.call.take();
        let (job, again) = call.unwrap_or_else(|| (JobId::new(), false));
        let folder = JobFolder {
            path: job_dir(&self.jobs, job),
            stays: call.is_some(),
        };
        if let Some(ended) = found(&folder, again, world)? {
            return ran(ended, folder, world);
        }
        let spec = JobSpec {
            argv,
            cwd: self.cwd.clone(),
            env: self.equipment.env.clone(),
            confinement: self.equipment.confinement.clone(),
            budget: self.equipment.budget.clone(),
            timeout_ms: Some(timeout_ms),
            grace_ms: self.grace_ms,
            runner_dir: None,
            door: self.door.clone(),
        };
        let supervisor = self.launcher.spawn(&folder.path, &spec).map_err(not_run)?;
        let ended = watch(&supervisor, &folder, world).map_err(not_run)?;
        ran(ended, folder, world)
    }

    /// The next program is this job, and runs `again` where nobody knows how it went before.
    pub(super) fn begin_call(&self, job: JobId, again: bool) {
        self.call.set(job, again);
    }

    /// What it came to is on record.
    pub(super) fn end_call(&self, job: JobId) {
        self.call.take();
        let folder = job_dir(&self.jobs, job);
        if folder.exists() {
            remove(&folder);
        }
    }

    /// What is left of a call's program. That it never began is sure only where the machine was not restarted since.
    pub(super) fn left_of(&self, job: JobId) -> Left {
        let folder = job_dir(&self.jobs, job);
        match attach(&folder) {
            Ok(Attached::Finished(_) | Attached::Running(_)) => Left::Found,
            Ok(Attached::NotStarted) => Left::Nothing,
            Ok(Attached::Lost) | Err(_) => Left::Lost,
        }
    }
}

/// How a program ended, and whether it printed too much.
type HowItEnded = (Ended, bool);

fn ran(
    (ended, has_flooded): HowItEnded,
    folder: JobFolder,
    world: &World,
) -> Result<Ran, ToolError> {
    if world.is_canceled() {
        return Err(canceled());
    }
    let duration_ms = ended.duration_ms();
    match ended.outcome() {
        Outcome::Lost { why } => {
            sweep(&folder.path).map_err(not_run)?;
            let because = why.map_or(String::new(), |why| format!(": {why}"));
            let what = format!("it was ended from outside, and nobody knows how it went{because}");
            Err(failed(what).retryable())
        }
        Outcome::NotStarted { error } => Err(not_started(&error)),
        outcome => Ok(Ran {
            outcome,
            duration_ms,
            has_flooded,
            lost: lost_output(&folder.path),
            folder,
        }),
    }
}

/// How the program of a call ended that an earlier process began. `None` when it is to run: nothing ever began, or nobody
/// knows how it went, and it runs `again`.
fn found(folder: &JobFolder, again: bool, world: &World) -> Result<Option<HowItEnded>, ToolError> {
    if !folder.stays || !folder.path.exists() {
        return Ok(None);
    }
    Ok(match attach(&folder.path).map_err(not_run)? {
        Attached::Finished(exit) => Some((Ended::Finished(exit), false)),
        Attached::Running(supervisor) => Some(watch(&supervisor, folder, world).map_err(not_run)?),
        Attached::Lost if again => {
            sweep(&folder.path).map_err(not_run)?;
            remove(&folder.path);
            None
        }
        Attached::Lost => Some((Ended::lost(&folder.path), false)),
        Attached::NotStarted => {
            remove(&folder.path);
            None
        }
    })
}

/// Waits for the end, and brings it about where it has to. Whether the program printed too much.
fn watch(
    supervisor: &Supervisor,
    folder: &JobFolder,
    world: &World,
) -> Result<(Ended, bool), ProcError> {
    let output = folder.path.join(OUTPUT_FILE);
    let is_too_much = || fs::metadata(&output).is_ok_and(|found| found.len() > MOST_PRINTED);
    loop {
        if let Some(ended) = supervisor.wait_for(BEAT_MS)? {
            return Ok((ended, false));
        }
        let floods = is_too_much();
        if floods || world.is_canceled() {
            supervisor.cancel()?;
            return Ok((supervisor.wait_blocking()?, floods));
        }
    }
}

fn not_started(why: &str) -> ToolError {
    let message = format!("it could not be started: {why}");
    ToolError::new(Code::ProgramMissing, ErrorKind::Tool, message)
}

fn not_run(error: ProcError) -> ToolError {
    failed(format!("it could not be run: {error}"))
}

fn failed(message: impl Into<String>) -> ToolError {
    ToolError::new(Code::JobFailed, ErrorKind::Tool, message)
}
