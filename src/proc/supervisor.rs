//! The runner's side: starting supervisors, finding them again, waiting for them.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::error::ProcError;
use super::job::{
    self, Durability, EXIT_FILE, ExitRecord, JOB_VARIABLE, JobSpec, LOG_FILE, OWNER_FILE, SPEC_FILE,
};
use super::kill;
use super::launch::{self, Group, Launch};
use super::owner::Owner;
use super::signals::Signals;
use super::sweep;
use crate::model::job::Outcome;

const START_PATIENCE: Duration = Duration::from_secs(5);

/// Starts supervisors.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// The program that runs [`super::supervise`] when called as `exe __supervise FOLDER`.
    pub exe: PathBuf,
}

impl Launcher {
    /// With this program itself.
    pub fn current() -> Result<Self, ProcError> {
        let exe = std::env::current_exe().map_err(ProcError::io(Path::new("/proc/self/exe")))?;
        Ok(Self { exe })
    }

    /// Starts a supervisor for `spec` in the folder `job_dir`, which is created and must not have
    /// been used before; its name marks the job's processes, so it must be unique. The supervisor
    /// lives on when this process ends.
    pub fn spawn(&self, job_dir: &Path, spec: &JobSpec) -> Result<Supervisor, ProcError> {
        spec.check()?;
        let job_dir = std::path::absolute(job_dir).map_err(ProcError::io(job_dir))?;
        let name = job::job_name(&job_dir)?;
        fs::create_dir_all(&job_dir).map_err(ProcError::io(&job_dir))?;
        if job_dir.join(OWNER_FILE).exists() {
            return Err(ProcError::StillRunning(job_dir));
        }
        job::write(&job_dir.join(SPEC_FILE), spec, Durability::Process)?;
        let pid = self.start(&job_dir, &name)?;
        let failed = ProcError::process(pid.as_raw_nonzero().get().unsigned_abs());
        let handle = pidfd_open(pid, PidfdFlags::empty()).map_err(failed)?;
        Ok(Supervisor {
            job_dir,
            pid: pid.as_raw_nonzero().get().unsigned_abs(),
            handle,
        })
    }

    fn start(&self, job_dir: &Path, name: &str) -> Result<Pid, ProcError> {
        let failed = |source| ProcError::Start {
            program: self.exe.clone(),
            source,
        };
        let null = launch::null()?;
        let log = launch::appending(&job_dir.join(LOG_FILE))?;
        let mark = launch::env_entry(JOB_VARIABLE.as_ref(), name.as_ref()).map_err(failed)?;
        let argv = [
            self.exe.as_os_str(),
            OsStr::new("__supervise"),
            job_dir.as_os_str(),
        ];
        let pid = Launch {
            program: &self.exe,
            argv: &argv,
            env: &[mark],
            group: Group::NewSession,
            blocked: Signals::blocked(),
            stdio: [null.as_fd(), null.as_fd(), log.as_fd()],
        }
        .start()
        .map_err(failed)?;
        Pid::from_raw(pid.as_raw()).ok_or_else(|| failed(io::Error::other("no process id")))
    }
}

/// [`Launcher::spawn`] with this program itself.
pub fn spawn(job_dir: &Path, spec: &JobSpec) -> Result<Supervisor, ProcError> {
    Launcher::current()?.spawn(job_dir, spec)
}

/// How a job stands.
#[derive(Debug)]
pub enum Attached {
    /// It ended.
    Finished(ExitRecord),
    /// Its supervisor works.
    Running(Supervisor),
    /// Its supervisor is gone and left no exit record: [`super::sweep`] what it left instead.
    Lost,
    /// No supervisor ever began with it.
    NotStarted,
}

/// How a supervisor ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// With an exit record.
    Finished(ExitRecord),
    /// Without: [`super::sweep`] what it left.
    Lost,
}

impl Ended {
    /// The job's outcome.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Finished(record) => record.outcome.clone(),
            Self::Lost => Outcome::Lost,
        }
    }
}

/// Finds out how the job of the folder `job_dir` stands, whoever started it.
pub fn attach(job_dir: &Path) -> Result<Attached, ProcError> {
    if let Some(record) = exit_record(job_dir)? {
        return Ok(Attached::Finished(record));
    }
    let Some(owner) = owner_soon(job_dir)? else {
        return Ok(Attached::NotStarted);
    };
    let handle = match owner.is_alive() {
        true => kill::open(owner.pid, owner.start_time).map_err(ProcError::process(owner.pid))?,
        false => None,
    };
    if let Some(handle) = handle {
        return Ok(Attached::Running(Supervisor {
            job_dir: job_dir.to_owned(),
            pid: owner.pid,
            handle,
        }));
    }
    // It may have ended between the two looks.
    Ok(exit_record(job_dir)?.map_or(Attached::Lost, Attached::Finished))
}

/// A supervisor that was just started has not written its name yet; its mark tells of it.
fn owner_soon(job_dir: &Path) -> Result<Option<Owner>, ProcError> {
    let path = job_dir.join(OWNER_FILE);
    let deadline = Instant::now() + START_PATIENCE;
    loop {
        let known = job::read(&path)?;
        if known.is_some() || !job_dir.join(SPEC_FILE).exists() {
            return Ok(known);
        }
        if sweep::marked(&job::job_name(job_dir)?).is_empty() || Instant::now() > deadline {
            return job::read(&path);
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// A record that a falling machine left unreadable is none.
fn exit_record(job_dir: &Path) -> Result<Option<ExitRecord>, ProcError> {
    match job::read(&job_dir.join(EXIT_FILE)) {
        Err(ProcError::Malformed { .. }) => Ok(None),
        other => other,
    }
}

/// A handle on a running supervisor, by process file descriptor: it cannot come to mean another
/// process. Dropping it changes nothing for the job; wait for it, or its own parent keeps a zombie.
#[derive(Debug)]
pub struct Supervisor {
    job_dir: PathBuf,
    pid: u32,
    handle: OwnedFd,
}

impl Supervisor {
    /// Its process id, for people.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Asks it to end the job's process tree. Returns at once; wait for the end as usual.
    pub fn cancel(&self) -> Result<(), ProcError> {
        match pidfd_send_signal(&self.handle, Signal::TERM) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(ProcError::process(self.pid)(error)),
        }
    }

    /// Waits for its end. Safe to drop half-way. Needs a tokio runtime.
    pub async fn wait(&self) -> Result<Ended, ProcError> {
        let failed = || ProcError::process::<io::Error>(self.pid);
        let watched = self.watched().map_err(|error| failed()(error))?;
        let _ready = watched.readable().await.map_err(|error| failed()(error))?;
        self.end()
    }

    #[expect(
        deprecated,
        reason = "its successor is unsafe, for types whose descriptor may change; a borrowed one cannot"
    )]
    fn watched(&self) -> io::Result<AsyncFd<BorrowedFd<'_>>> {
        AsyncFd::with_interest(self.handle.as_fd(), Interest::READABLE)
    }

    /// [`Supervisor::wait`] for a thread.
    pub fn wait_blocking(&self) -> Result<Ended, ProcError> {
        let mut files = [PollFd::new(self.handle.as_fd(), PollFlags::POLLIN)];
        loop {
            match poll(&mut files, PollTimeout::NONE) {
                Ok(_) => return self.end(),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(ProcError::process(self.pid)(error)),
            }
        }
    }

    fn end(&self) -> Result<Ended, ProcError> {
        // Fails when another process started it, which then has to do this itself.
        let _ = waitid(
            WaitId::PidFd(self.handle.as_fd()),
            WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
        );
        Ok(exit_record(&self.job_dir)?.map_or(Ended::Lost, Ended::Finished))
    }
}
