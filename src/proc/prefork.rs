//! The fork server's own life. It keeps one child ready, so that a job waits neither for the fork
//! nor for what every supervisor does first.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{WaitOptions, wait};

use super::forkserver::{Request, read_request};
use super::launch;
use super::owner::Owner;
use super::signals::{Signals, Told};
use super::supervise::Supervision;
use crate::raw::{Side, SingleThreaded, fork};

/// The whole life of a fork server: its runner is at the other end of standard input. In each
/// child this is the whole life of a supervisor.
pub fn forkserver() -> ExitCode {
    match serve() {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some((supervision, request))) => supervision.run(&request.job_dir, &request.spec),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Serves until the runner is gone. In a child it returns what to do.
fn serve() -> io::Result<Option<(Supervision, Request)>> {
    let alone = SingleThreaded::prove()?;
    drop_inherited()?;
    let signals = Signals::take()?;
    let null = launch::null().map_err(io::Error::other)?;
    // What every supervisor asks of the system and has the same answer is asked once.
    let _ = Owner::current()?;
    let mut runner = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    nix::unistd::dup2_stdin(&null)?;
    // The runner may stand in a worktree, which goes before its supervisors do.
    std::env::set_current_dir("/")?;
    loop {
        let (waiting, taken) = io::pipe()?;
        match fork(&alone) {
            Ok(Side::Child) => {
                drop(waiting);
                return wait_for_job(runner, taken);
            }
            Ok(Side::Parent) => {
                drop(taken);
                if !has_taken_job(waiting, &signals)? {
                    return Ok(None);
                }
            }
            Err(error) => {
                if !refuse(&mut runner, &signals, &error)? {
                    return Ok(None);
                }
            }
        }
    }
}

/// Closes what whoever started the runner had open and did not mean for it. A job would get it, and no rule
/// is asked about a file that is open.
fn drop_inherited() -> io::Result<()> {
    let open = std::fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let others: Vec<i32> = open.filter(|number| *number > 2).collect();
    for number in others {
        // The folder that listed them is closed by now.
        let _closed_already = nix::unistd::close(number);
    }
    Ok(())
}

/// The child: `None` when no job comes.
fn wait_for_job(
    mut runner: UnixStream,
    mut taken: PipeWriter,
) -> io::Result<Option<(Supervision, Request)>> {
    nix::unistd::setsid()?;
    let supervision = Supervision::prepare()?;
    if !is_asked(&runner, supervision.signals())? {
        return Ok(None);
    }
    let Some(request) = read_request(&mut runner)? else {
        return Ok(None);
    };
    let pid = std::process::id().cast_signed();
    runner.write_all(&pid.to_le_bytes())?;
    runner.read_exact(&mut [0])?;
    // Only now: what comes next on the socket is for the next child. The server may be gone with
    // its runner by now; the job goes on without them.
    let _ = taken.write_all(&[1]);
    Ok(Some((supervision, request)))
}

/// Reaps supervisors until the ready child has taken a job; `false` when none will. A child that
/// ended without one may have left the runner in the middle of a talk that nobody else can go on
/// with, so the server ends with it.
fn has_taken_job(mut waiting: PipeReader, signals: &Signals) -> io::Result<bool> {
    loop {
        let heard = ready(&[waiting.as_fd(), signals.as_fd()])?;
        if signals.drain().is_some_and(Told::ends) {
            return Ok(false);
        }
        while matches!(
            wait(WaitOptions::NOHANG),
            Ok(Some(_)) | Err(rustix::io::Errno::INTR)
        ) {}
        if heard[0] {
            return Ok(waiting.read(&mut [0])? > 0);
        }
    }
}

/// Without a child there is nobody else to answer. Whether to go on.
fn refuse(runner: &mut UnixStream, signals: &Signals, error: &io::Error) -> io::Result<bool> {
    if !is_asked(runner, signals)? || read_request(runner)?.is_none() {
        return Ok(false);
    }
    let number = error.raw_os_error().unwrap_or(1);
    runner.write_all(&(-number).to_le_bytes())?;
    Ok(true)
}

/// Waits for the runner's word. `false` when somebody ends this process instead.
fn is_asked(runner: &UnixStream, signals: &Signals) -> io::Result<bool> {
    loop {
        let heard = ready(&[runner.as_fd(), signals.as_fd()])?;
        if heard[0] {
            return Ok(true);
        }
        if signals.drain().is_some_and(Told::ends) {
            return Ok(false);
        }
    }
}

/// Waits until one of the files can be read; which ones.
fn ready<const N: usize>(files: &[std::os::fd::BorrowedFd<'_>; N]) -> io::Result<[bool; N]> {
    let mut files = files.map(|file| PollFd::new(file, PollFlags::POLLIN));
    match poll(&mut files, PollTimeout::NONE) {
        Ok(_) => Ok(files.map(|file| file.any().unwrap_or(true))),
        Err(Errno::EINTR) => Ok([false; N]),
        Err(error) => Err(error.into()),
    }
}
