//! Starting and stopping the runner in the background.

use std::ffi::OsStr;
use std::time::Duration;

use super::control;
use super::failure::Failure;
use super::project::Project;
use super::run::wait_until;
use crate::model::code::Code;
use crate::proc::{Owner, detach, runner_owner};

/// Starts a runner that survives the terminal, and waits until it has the lock.
///
/// # Errors
/// One is active already, or the new one did not come up; its log says why.
pub fn up(project: &Project, settings: &[(String, String)]) -> Result<Owner, Failure> {
    let state_dir = project.repo.state_dir();
    if let Some(owner) = runner_owner(&state_dir) {
        let message = format!("a runner is active already (process {})", owner.pid);
        return Err(Failure::new(Code::RunnerHeld, message));
    }
    let exe = std::env::current_exe()
        .map_err(|error| Failure::new(Code::Io, format!("this program's own path: {error}")))?;
    // Not the folder of the command: a session's worktree goes while the runner stays.
    let root = project.repo.main_root();
    let set: Vec<String> = settings
        .iter()
        .map(|(key, value)| format!("--set={key}={value}"))
        .collect();
    let mut args: Vec<&OsStr> = vec![OsStr::new("-C"), root.as_os_str()];
    args.extend(set.iter().map(OsStr::new));
    args.extend([OsStr::new("up"), OsStr::new("--foreground")]);
    let log = state_dir.join("runner.log");
    let pid = detach(&exe, &args, &log)?;
    let came = wait_until(Duration::from_secs(10), || {
        runner_owner(&state_dir).is_some()
    });
    match runner_owner(&state_dir) {
        Some(owner) if came => Ok(owner),
        _ => Err(Failure::new(
            Code::Io,
            format!("the runner (process {pid}) did not start"),
        )
        .hint(format!("its log is {}", log.display()))),
    }
}

/// What `down` did.
#[derive(Debug, Clone, Copy)]
pub struct Stopped {
    /// The process that was stopped.
    pub pid: u32,
    /// Sessions that were cancelled before.
    pub cancelled: usize,
}

/// Stops the runner. Jobs that run now go on under their supervisors and are found by the next
/// runner, unless `cancel` ends them first.
///
/// # Errors
/// No runner is active, or it does not end in time.
pub fn down(project: &mut Project, cancel: bool) -> Result<Stopped, Failure> {
    let state_dir = project.repo.state_dir();
    let owner = runner_owner(&state_dir)
        .ok_or_else(|| Failure::new(Code::RunnerAbsent, "no runner is active"))?;
    let cancelled = if cancel { cancel_all(project)? } else { 0 };
    let pid = nix::unistd::Pid::from_raw(owner.pid as i32);
    if owner.is_alive() {
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).map_err(|error| {
            Failure::new(Code::RunnerHeld, format!("process {}: {error}", owner.pid))
        })?;
    }
    if wait_until(Duration::from_secs(20), || {
        runner_owner(&state_dir).is_none()
    }) {
        return Ok(Stopped {
            pid: owner.pid,
            cancelled,
        });
    }
    let message = format!(
        "the runner (process {}) did not stop within 20 s",
        owner.pid
    );
    Err(Failure::new(Code::RunnerHeld, message))
}

fn cancel_all(project: &mut Project) -> Result<usize, Failure> {
    let cancelled = control::cancel_open(project, "cancelled by `down`")?;
    let grace = u64::from(project.settings.grace_seconds());
    wait_until(Duration::from_secs(grace + 20), || {
        let running = project.store.jobs_in(crate::model::job::JobState::Running);
        running.is_ok_and(|jobs| jobs.is_empty())
    });
    Ok(cancelled.len())
}
