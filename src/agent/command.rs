//! Running programs in the worktree, held back as the session's own commands are. A supervisor runs each,
//! so that nothing of it is left when it ends, reaches its time or is called off.

use std::fs::{self, File};
use std::path::PathBuf;

use super::walk::canceled;
use super::world::World;
use crate::model::code::Code;
use crate::model::ids::JobId;
use crate::model::job::Outcome;
use crate::model::tool::{ErrorKind, ToolError};
use crate::proc::{
    Door, Ended, JobSpec, Launcher, OUTPUT_FILE, ProcError, Supervisor, job_dir, sweep,
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
}

/// A program that ran. What it printed goes with the value.
#[derive(Debug)]
pub(super) struct Ran {
    pub outcome: Outcome,
    pub duration_ms: u64,
    /// It was ended because it printed too much.
    pub has_flooded: bool,
    folder: JobFolder,
}

/// A job's folder, which goes with the value.
#[derive(Debug)]
struct JobFolder(PathBuf);

impl Drop for JobFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, "the folder of a command stays");
        }
    }
}

impl Ran {
    /// What it printed, in the order in which it did.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn output(&self) -> Result<File, ToolError> {
        let path = self.folder.0.join(OUTPUT_FILE);
        File::open(path).map_err(|error| failed(format!("what it printed was lost: {error}")))
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
        let folder = JobFolder(job_dir(&self.jobs, JobId::new()));
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
        let supervisor = self.launcher.spawn(&folder.0, &spec).map_err(not_run)?;
        let (ended, has_flooded) = watch(&supervisor, &folder, world).map_err(not_run)?;
        if world.is_canceled() {
            return Err(canceled());
        }
        let duration_ms = ended.duration_ms();
        match ended.outcome() {
            Outcome::Lost => {
                sweep(&folder.0).map_err(not_run)?;
                Err(failed("it was ended from outside, and nobody knows how it went").retryable())
            }
            Outcome::NotStarted { error } => Err(not_started(&error)),
            outcome => Ok(Ran {
                outcome,
                duration_ms,
                has_flooded,
                folder,
            }),
        }
    }
}

/// Waits for the end, and brings it about where it has to. Whether the program printed too much.
fn watch(
    supervisor: &Supervisor,
    folder: &JobFolder,
    world: &World,
) -> Result<(Ended, bool), ProcError> {
    let output = folder.0.join(OUTPUT_FILE);
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
