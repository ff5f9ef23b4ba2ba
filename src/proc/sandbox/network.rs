//! The one way out of a session that reaches only listed hosts: a port of its own on which a proxy listens
//! that stands outside. The session's process makes the port where it will be, and hands it over.

use std::ffi::OsStr;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use crate::model::network::HostPattern;
use crate::proc::program::own_program;
use crate::proc::proxy::{Refused, serve};

/// The argument that makes this binary such a proxy: `__proxy HOSTS`, with the hosts as a list in JSON and
/// the port to come on standard input.
pub const VERB: &str = "__proxy";
/// One that stays when the process that started it goes on as something else.
const STAYS: &str = "stays";

/// A proxy that waits for its port.
pub(super) struct Proxy {
    line: UnixStream,
}

impl Proxy {
    /// Starts one outside. It has to be done before anything is taken away.
    pub(super) fn start(hosts: &[HostPattern]) -> io::Result<Self> {
        let (line, theirs) = UnixStream::pair()?;
        // This process becomes the session's program, which knows nothing of a child. So the proxy is the
        // child of a process that ends, and comes to the supervisor.
        let done = command(&[&serde_json::to_string(hosts)?])?
            .stdin(OwnedFd::from(theirs))
            .status()?;
        match done.success() {
            true => Ok(Self { line }),
            false => Err(io::Error::other("the proxy did not start")),
        }
    }

    /// Opens the port where this process is now, and gives its number.
    pub(super) fn open_port(self) -> io::Result<u16> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let listener = OwnedFd::from(listener);
        let files = [listener.as_fd()];
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
        let mut message = SendAncillaryBuffer::new(&mut space);
        message.push(SendAncillaryMessage::ScmRights(&files));
        sendmsg(
            &self.line,
            &[IoSlice::new(b"p")],
            &mut message,
            SendFlags::empty(),
        )?;
        Ok(port)
    }
}

/// The whole life of a proxy. `note` hears of each host that was asked for in vain.
///
/// # Errors
/// When it is told nonsense, or gets no port.
pub fn proxy(args: &[&str], note: impl Fn(&Refused) + Send + Sync + 'static) -> io::Result<()> {
    match args {
        [hosts] => {
            let line = io::stdin().as_fd().try_clone_to_owned()?;
            command(&[hosts, STAYS])?.stdin(line).spawn().map(drop)
        }
        [hosts, stays] if *stays == STAYS => {
            let hosts: Vec<HostPattern> = serde_json::from_str(hosts)?;
            let listener = receive()?;
            serve(listener, hosts, note)
        }
        _ => Err(io::Error::other(format!("{VERB} is for treeyard itself"))),
    }
}

fn command(args: &[&str]) -> io::Result<Command> {
    let mut command = Command::new(own_program()?);
    command.arg(VERB).args(args.iter().map(OsStr::new));
    // What it says of hosts goes where the session's own output goes.
    command.env_clear().current_dir("/").stdout(Stdio::null());
    Ok(command)
}

fn receive() -> io::Result<TcpListener> {
    let line = io::stdin();
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut message = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut into = [IoSliceMut::new(&mut byte)];
    recvmsg(
        line.as_fd(),
        &mut into,
        &mut message,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let file = message.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut files) => files.next(),
        _ => None,
    });
    // The program did not run, and so has no use for a proxy.
    let file = file.ok_or_else(|| io::Error::other("no port was opened"))?;
    Ok(TcpListener::from(file))
}
