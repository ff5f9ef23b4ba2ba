//! The process that supervisors are forked from, as the runner sees it. Starting this binary anew
//! for each job would cost several times what a short job costs itself; a copy of a small process
//! that is already there costs almost nothing.
//!
//! The runner sends a request (length and JSON), gets the new process's id or an error number,
//! takes a handle on it, and says so with one byte: until then the process does nothing, so that
//! its id cannot come to mean another one.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid,
};
use serde::{Deserialize, Serialize};

use super::error::ProcError;
use super::job::JobSpec;
use super::launch::{self, Launch};
use super::signals::Signals;

/// The argument that makes this binary a fork server.
pub const VERB: &str = "__forkserver";
/// A server that is healthy answers in a millisecond.
const PATIENCE: Duration = Duration::from_secs(30);
/// No job description comes near; more is a broken peer.
const LARGEST_REQUEST: usize = 64 << 20;

/// The job that a new supervisor is for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub job_dir: PathBuf,
    pub spec: JobSpec,
}

/// The runner's end of a fork server. The server ends with it; the supervisors live on.
#[derive(Debug)]
pub(super) struct ForkServer {
    socket: UnixStream,
    handle: OwnedFd,
}

impl ForkServer {
    /// Starts `exe` as a fork server.
    pub(super) fn start(exe: &Path) -> Result<Self, ProcError> {
        let failed = |source| ProcError::Start {
            program: exe.to_owned(),
            source,
        };
        let (socket, theirs) = UnixStream::pair().map_err(failed)?;
        socket.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        socket.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
        let null = launch::null()?;
        let pid = Launch {
            program: exe,
            argv: &[OsStr::new("treeyard"), OsStr::new(VERB)],
            env: &[],
            blocked: Signals::blocked(),
            stdio: [theirs.as_fd(), null.as_fd(), null.as_fd()],
        }
        .start()
        .map_err(failed)?;
        let handle = handle_on(pid.as_raw()).map_err(|error| {
            // It ends with its socket; without a handle this is the way to reap it.
            drop(socket.shutdown(Shutdown::Both));
            let _ = nix::sys::wait::waitpid(pid, None);
            failed(error)
        })?;
        Ok(Self { socket, handle })
    }

    /// Whether it runs. A runner that was idle for days may find it killed.
    pub(super) fn is_alive(&self) -> bool {
        let mut files = [PollFd::new(self.handle.as_fd(), PollFlags::POLLIN)];
        matches!(poll(&mut files, PollTimeout::ZERO), Ok(0))
    }

    /// A new supervisor: its process id, and a handle that stands for this very process.
    pub(super) fn fork(&mut self, request: &Request) -> io::Result<(u32, OwnedFd)> {
        let text = serde_json::to_vec(request)?;
        let length = u32::try_from(text.len()).map_err(io::Error::other)?;
        self.socket
            .write_all(&[&length.to_le_bytes(), text.as_slice()].concat())?;
        let mut answer = [0; 4];
        self.socket.read_exact(&mut answer)?;
        let pid = i32::from_le_bytes(answer);
        if pid < 0 {
            return Err(io::Error::from_raw_os_error(-pid));
        }
        let handle = handle_on(pid)?;
        self.socket.write_all(&[1])?;
        Ok((pid.unsigned_abs(), handle))
    }
}

impl Drop for ForkServer {
    fn drop(&mut self) {
        // It would end by itself, but one that is stopped or stuck would never be reaped.
        let _ = pidfd_send_signal(&self.handle, Signal::KILL);
        let _ = waitid(WaitId::PidFd(self.handle.as_fd()), WaitIdOptions::EXITED);
    }
}

fn handle_on(pid: i32) -> io::Result<OwnedFd> {
    let pid = Pid::from_raw(pid).ok_or_else(|| io::Error::other("no process id"))?;
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

/// `None` when the runner is gone.
pub(super) fn read_request(runner: &mut UnixStream) -> io::Result<Option<Request>> {
    let mut length = [0; 4];
    match runner.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > LARGEST_REQUEST {
        return Err(io::Error::other("a request of impossible length"));
    }
    let mut text = vec![0; length];
    runner.read_exact(&mut text)?;
    Ok(Some(serde_json::from_slice(&text)?))
}
