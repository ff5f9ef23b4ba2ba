//! Answering at the door of a session, outside of its confinement: one request is read, checked, and
//! done by the ordinary command line, for that session only.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::proc::OWN_PROGRAM;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::approvals::spend;
use super::failure::Failure;
use super::project::open_store;
use crate::git::Repo;
use crate::model::code::{Code, Exit};
use crate::model::door::{BadRequest, LARGEST_REQUEST, Print, Reply, Request};
use crate::model::ids::SessionId;

/// How long one may take to ask, and to take the reply. Who waits longer has other intentions.
const PATIENCE: Duration = Duration::from_secs(5);
/// The command line says a few lines.
const LONGEST_OUTPUT: u64 = 1 << 20;

/// Whose door it is.
pub struct House<'a> {
    /// The session. Requests do not name it.
    pub session: SessionId,
    /// Where its repository is found.
    pub repository: &'a Path,
}

impl House<'_> {
    /// Answers one who came in.
    ///
    /// # Errors
    /// When the one who asked is gone or too slow; or this program cannot be started again.
    pub fn answer(&self, mut client: UnixStream) -> io::Result<()> {
        let asked = read(&mut client)?;
        let reply = match Request::read(&asked) {
            Ok(request) => self.carry_out(&request, &client)?,
            Err(bad) => Some(refused(&bad)),
        };
        let Some(reply) = reply else {
            return Ok(());
        };
        client.set_write_timeout(Some(PATIENCE))?;
        client.write_all(&serde_json::to_vec(&reply)?)?;
        client.shutdown(Shutdown::Write)
    }

    /// `None` when nobody waits for the reply any more.
    fn carry_out(&self, request: &Request, client: &UnixStream) -> io::Result<Option<Reply>> {
        match request {
            Request::Scope {
                patterns,
                queue,
                wait,
                print,
            } => {
                let session = self.session.to_string();
                let mut command = self.treeyard(*print);
                command.args(["scope", "request", "--session", &session]);
                command.args(queue.then_some("--queue"));
                command.args(wait.then_some("--wait"));
                // What follows is never taken for a flag.
                command.arg("--").args(patterns);
                finish(command, client)
            }
            Request::Run { words, rule, cwd } => {
                let allowed = self.may_run(words, rule, cwd);
                // What cannot be written down is not allowed.
                let exit = match allowed.unwrap_or(false) {
                    true => Exit::Ok,
                    false => Exit::Held,
                };
                Ok(Some(Reply::only(exit as u8)))
            }
        }
    }

    fn may_run(&self, words: &[String], rule: &str, cwd: &str) -> Result<bool, Failure> {
        let mut store = open_store(&Repo::discover(self.repository)?)?;
        Ok(spend(&mut store, self.session, words, rule, cwd)?)
    }

    /// The very program that runs now, also when another version has taken its place.
    fn treeyard(&self, print: Print) -> Command {
        let mut command = Command::new(OWN_PROGRAM);
        command.arg("-C").arg(self.repository);
        command.args(print.json.then_some("--json"));
        command.args(print.quiet.then_some("--quiet"));
        command.arg(match print.color {
            true => "--color=always",
            false => "--color=never",
        });
        command
    }
}

/// All of the request, up to the end that the client sets by closing its half. It is one deadline
/// for all of it: a byte now and then keeps nobody here.
fn read(client: &mut UnixStream) -> io::Result<Vec<u8>> {
    let end = Instant::now() + PATIENCE;
    let (mut asked, mut part) = (Vec::new(), [0; 8 << 10]);
    while asked.len() <= LARGEST_REQUEST {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        client.set_read_timeout(Some(left))?;
        match client.read(&mut part)? {
            0 => break,
            count => asked.extend_from_slice(&part[..count]),
        }
    }
    Ok(asked)
}

/// Runs it to its end, or until the client is gone.
fn finish(mut command: Command, client: &UnixStream) -> io::Result<Option<Reply>> {
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
    if !has_ended(&child, client)? {
        child.kill()?;
        child.wait()?;
        return Ok(None);
    }
    let text = |output: thread::JoinHandle<Vec<u8>>| {
        let bytes = output.join().unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let code = child
        .wait()?
        .code()
        .and_then(|code| u8::try_from(code).ok());
    Ok(Some(Reply {
        exit: code.unwrap_or(Exit::System as u8),
        stdout: text(stdout),
        stderr: text(stderr),
    }))
}

fn collect(output: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(output) = output {
            // What was read until an error is what there is.
            let _cut_short = output.take(LONGEST_OUTPUT).read_to_end(&mut bytes);
        }
        bytes
    })
}

/// Waits for the child's end or the client's, whichever is first. Whether it was the child's.
fn has_ended(child: &Child, client: &UnixStream) -> io::Result<bool> {
    let pid = Pid::from_raw(child.id().cast_signed()).ok_or(io::ErrorKind::NotFound)?;
    let handle = pidfd_open(pid, PidfdFlags::empty())?;
    // A client that only has nothing more to say is no hang-up.
    let mut files = [
        PollFd::new(handle.as_fd(), PollFlags::POLLIN),
        PollFd::new(client.as_fd(), PollFlags::empty()),
    ];
    loop {
        match poll(&mut files, PollTimeout::NONE) {
            Ok(_) => return Ok(files[0].any() == Some(true)),
            Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn refused(bad: &BadRequest) -> Reply {
    let code = Code::Usage;
    let id = code.id();
    Reply {
        stderr: format!("error: the request was refused: {bad}\n  code: {id}\n"),
        ..Reply::only(code.exit() as u8)
    }
}
