//! The runner's side: starting supervisors, finding them again, waiting for them.

use std::fs;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Signal, pidfd_send_signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::claim::Claim;
use super::door;
use super::error::ProcError;
use super::forkserver::{ForkServer, Request};
use super::job::{self, EXIT_FILE, ExitRecord, JobSpec, LOG_FILE, NO_RECORD};
use super::kill;
use super::program::OWN_PROGRAM;
use super::signals::{CANCEL, GO_ON, HOLD};
use super::table::{self, Entry};
use crate::model::job::Outcome;
use crate::model::recovery::Standing;

/// Starts supervisors. Copies share one fork server, which starts with the first job.
#[derive(Debug, Clone)]
pub struct Launcher {
    exe: PathBuf,
    server: Arc<Mutex<Option<ForkServer>>>,
}

impl Launcher {
    /// With the program `exe`, which runs [`super::forkserver`] when called as `exe __forkserver`.
    pub fn new(exe: PathBuf) -> Self {
        Self {
            exe,
            server: Arc::default(),
        }
    }

    /// With this program itself: the very file that runs now, also when another version has
    /// taken its place.
    pub fn current() -> Self {
        Self::new(OWN_PROGRAM.into())
    }

    /// Starts a supervisor for `spec` in the folder `job_dir`, which is made and must not exist;
    /// its name marks the job's processes, so it must be unique. The supervisor lives on when
    /// this process ends.
    pub fn spawn(&self, job_dir: &Path, spec: &JobSpec) -> Result<Supervisor, ProcError> {
        spec.check()?;
        let job_dir = std::path::absolute(job_dir).map_err(ProcError::io(job_dir))?;
        job::job_name(&job_dir)?;
        job::make_folder(&job_dir)?;
        let request = Request {
            job_dir: job_dir.clone(),
            spec: spec.clone(),
        };
        // The server, or the child that was ready, may have died before or after it did what it
        // was asked; the next one is new.
        let mut last = self.try_spawn(&request);
        if let Err(error) = last {
            match attach(&job_dir)? {
                Attached::Running(supervisor) => return Ok(supervisor),
                Attached::NotStarted => {}
                Attached::Finished(_) | Attached::Lost => return Err(error),
            }
            tracing::warn!(%error, "a supervisor did not start; it is tried once more");
            fs::remove_dir_all(&job_dir).map_err(ProcError::io(&job_dir))?;
            job::make_folder(&job_dir)?;
            last = self.try_spawn(&request);
        }
        last
    }

    fn try_spawn(&self, request: &Request) -> Result<Supervisor, ProcError> {
        let (pid, handle) = self.fork(request)?;
        Ok(Supervisor {
            job_dir: request.job_dir.clone(),
            pid,
            handle,
        })
    }

    /// A server that failed once is not asked again.
    fn fork(&self, request: &Request) -> Result<(u32, OwnedFd), ProcError> {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        let mut usable = match server.take() {
            Some(usable) if usable.is_alive() => usable,
            _ => ForkServer::start(&self.exe)?,
        };
        let forked = usable.fork(request).map_err(|source| ProcError::Start {
            program: self.exe.clone(),
            source,
        })?;
        *server = Some(usable);
        Ok(forked)
    }
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
    Lost {
        /// Why there is none, where that is known.
        why: Option<String>,
    },
}

impl Ended {
    /// With a record that cannot be read, or a supervisor that cannot be watched.
    pub fn unknown(error: &ProcError) -> Self {
        let why = Some(error.to_string());
        Self::Lost { why }
    }

    /// Without a record in the folder `job_dir`. Why is told by what its supervisor said, or by what keeps this process
    /// from writing there as well.
    pub fn lost(job_dir: &Path) -> Self {
        let said = fs::read_to_string(job_dir.join(LOG_FILE)).unwrap_or_default();
        let said = said
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix(NO_RECORD));
        let why = said.map(str::to_owned).or_else(|| cannot_write(job_dir));
        Self::Lost { why }
    }

    /// Whether nobody knows how it ended.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Lost { .. })
    }

    /// How long it ran, in milliseconds; 0 when nobody knows.
    pub fn duration_ms(&self) -> u64 {
        match self {
            Self::Finished(exit) => exit.ended_ms.saturating_sub(exit.started_ms).max(0) as u64,
            Self::Lost { .. } => 0,
        }
    }

    /// The job's outcome.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Finished(record) => record.outcome.clone(),
            Self::Lost { why } => Outcome::Lost { why: why.clone() },
        }
    }
}

/// Finds out how the job of the folder `job_dir` stands, whoever started it. One that has no
/// supervisor yet gets none any more.
pub fn attach(job_dir: &Path) -> Result<Attached, ProcError> {
    if let Some(record) = exit_record(job_dir)? {
        return Ok(Attached::Finished(record));
    }
    if !job_dir.exists() || Claim::Nobody.stake(job_dir)? {
        return Ok(Attached::NotStarted);
    }
    let Some(Claim::By(owner)) = Claim::read(job_dir)? else {
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

/// How the job of the folder `job_dir` stands, found without deciding anything: a supervisor may still begin with it.
pub fn standing(job_dir: &Path) -> Result<Standing, ProcError> {
    if exit_record(job_dir)?.is_some() {
        return Ok(Standing::Finished);
    }
    Ok(match Claim::read(job_dir)? {
        None | Some(Claim::Nobody) => Standing::NotStarted,
        Some(Claim::By(owner)) if owner.is_alive() => Standing::Running,
        Some(Claim::By(_)) => match exit_record(job_dir)? {
            Some(_) => Standing::Finished,
            None => Standing::Lost,
        },
    })
}

impl Attached {
    /// How it stands.
    pub fn standing(&self) -> Standing {
        match self {
            Self::Finished(_) => Standing::Finished,
            Self::Running(_) => Standing::Running,
            Self::Lost => Standing::Lost,
            Self::NotStarted => Standing::NotStarted,
        }
    }
}

fn cannot_write(folder: &Path) -> Option<String> {
    let made = tempfile::tempfile_in(folder).and_then(|mut file| file.write_all(&[0; 4096]));
    let error = made.err().filter(|_| folder.exists())?;
    Some(format!(
        "nothing can be written there now: {}: {error}",
        folder.display()
    ))
}

/// A record that a falling machine left unreadable is none.
fn exit_record(job_dir: &Path) -> Result<Option<ExitRecord>, ProcError> {
    match job::read(&job_dir.join(EXIT_FILE)) {
        Err(ProcError::Malformed { .. }) => Ok(None),
        other => other,
    }
}

/// What stands at the end of what a job printed, if the end of that was lost.
pub fn lost_output(job_dir: &Path) -> Option<String> {
    let why = exit_record(job_dir).ok()??.output_lost?;
    Some(format!(
        "\ntreeyard: the end of what it printed was lost: {why}\n"
    ))
}

/// A handle on a running supervisor, by process file descriptor: it cannot come to mean another
/// process. Dropping it changes nothing for the job.
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
        self.tell(CANCEL)
    }

    /// Asks it to stop the job's process tree where it is, and the job's time with it. Returns at
    /// once.
    pub fn hold(&self) -> Result<(), ProcError> {
        self.tell(HOLD)
    }

    /// Asks it to let a job go on that it holds.
    pub fn go_on(&self) -> Result<(), ProcError> {
        self.tell(GO_ON)
    }

    /// Whether every process of the job is stopped.
    pub fn is_held(&self) -> bool {
        let answers = |entry: &Entry| entry.parent == self.pid && door::is_handler(entry.pid);
        let family = table::descendants_but(&[self.pid], answers);
        !family.is_empty() && family.iter().all(|entry| entry.stopped)
    }

    fn tell(&self, signal: Signal) -> Result<(), ProcError> {
        match pidfd_send_signal(&self.handle, signal) {
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
        loop {
            if let Some(ended) = self.wait_until(PollTimeout::NONE)? {
                return Ok(ended);
            }
        }
    }

    /// The same for a thread that has something else to do after `milliseconds`: nothing, if it has not ended
    /// by then.
    pub fn wait_for(&self, milliseconds: u16) -> Result<Option<Ended>, ProcError> {
        self.wait_until(milliseconds.into())
    }

    fn wait_until(&self, timeout: PollTimeout) -> Result<Option<Ended>, ProcError> {
        let mut files = [PollFd::new(self.handle.as_fd(), PollFlags::POLLIN)];
        match poll(&mut files, timeout) {
            Ok(0) | Err(Errno::EINTR) => Ok(None),
            Ok(_) => self.end().map(Some),
            Err(error) => Err(ProcError::process(self.pid)(error)),
        }
    }

    fn end(&self) -> Result<Ended, ProcError> {
        let record = exit_record(&self.job_dir)?;
        Ok(record.map_or_else(|| Ended::lost(&self.job_dir), Ended::Finished))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_there_is_no_record_is_what_its_supervisor_said() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Ended::lost(folder.path()), Ended::Lost { why: None });
        let said = format!("a door: refused\n{NO_RECORD}no space left\n");
        fs::write(folder.path().join(LOG_FILE), said).unwrap();
        let why = Some("no space left".to_owned());
        assert_eq!(Ended::lost(folder.path()), Ended::Lost { why });
        // Where nothing is, nothing is kept from being written.
        let none = folder.path().join("none");
        assert_eq!(Ended::lost(&none), Ended::Lost { why: None });
    }

    #[test]
    fn records_of_before_have_no_word_about_output() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{"outcome":{"how":"exited","code":0},"started_ms":1,"ended_ms":2,"max_rss_kb":3,"user_ms":4,"sys_ms":5"#;
        let file = folder.path().join(EXIT_FILE);
        fs::write(&file, format!("{text}}}")).unwrap();
        assert_eq!(lost_output(folder.path()), None);
        assert!(exit_record(folder.path()).unwrap().is_some());
        fs::write(&file, format!(r#"{text},"output_lost":"no space"}}"#)).unwrap();
        assert!(lost_output(folder.path()).unwrap().contains("no space"));
    }
}
