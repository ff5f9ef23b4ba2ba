//! Starting processes. `posix_spawn` sets session, group and signals in one cheap call, without
//! running code of ours between fork and exec.

use std::ffi::{CString, OsStr};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::Pid;

use super::error::ProcError;

/// `POSIX_SPAWN_SETSID`, of the same value in glibc and musl, which nix does not name.
const SETSID: PosixSpawnFlags = PosixSpawnFlags::from_bits_retain(0x80);

/// A process to start. `stdin`, `stdout` and `stderr` are all it gets of this one. It leads a session of its
/// own, and a group: no terminal reaches it.
pub(super) struct Launch<'a> {
    pub program: &'a Path,
    pub argv: &'a [&'a OsStr],
    pub env: &'a [CString],
    /// Signals that wait until the process looks at them.
    pub blocked: SigSet,
    pub stdio: [BorrowedFd<'a>; 3],
}

impl Launch<'_> {
    pub(super) fn start(&self) -> io::Result<Pid> {
        let mut attributes = PosixSpawnAttr::init()?;
        attributes.set_flags(
            SETSID
                | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF
                | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK,
        )?;
        attributes.set_sigmask(&self.blocked)?;
        attributes.set_sigdefault(&ignored_signals())?;
        let mut actions = PosixSpawnFileActions::init()?;
        for (number, file) in (0..).zip(self.stdio) {
            actions.add_dup2(file.as_raw_fd(), number)?;
        }
        let argv = self
            .argv
            .iter()
            .map(|word| c_string(word))
            .collect::<io::Result<Vec<_>>>()?;
        Ok(posix_spawn(
            self.program,
            &actions,
            &attributes,
            &argv,
            self.env,
        )?)
    }
}

/// Rust ignores SIGPIPE and whoever started us may ignore more; a new program expects neither.
fn ignored_signals() -> SigSet {
    [
        Signal::SIGPIPE,
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGTERM,
    ]
    .into_iter()
    .chain([Signal::SIGCHLD])
    .collect()
}

/// `name=value` for the system.
pub(super) fn env_entry(name: &OsStr, value: &OsStr) -> io::Result<CString> {
    c_string(OsStr::from_bytes(
        &[name.as_bytes(), b"=", value.as_bytes()].concat(),
    ))
}

fn c_string(text: &OsStr) -> io::Result<CString> {
    Ok(CString::new(text.as_bytes())?)
}

pub(super) fn null() -> Result<File, ProcError> {
    let path = Path::new("/dev/null");
    OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(ProcError::io(path))
}

pub(super) fn appending(path: &Path) -> Result<File, ProcError> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .map_err(ProcError::io(path))
}

/// Starts `exe` in the background, in a session of its own, with this process's environment and
/// folder and its output appended to `log`. It survives the terminal. Returns its pid.
pub fn detach(exe: &Path, args: &[&OsStr], log: &Path) -> Result<u32, ProcError> {
    use std::os::fd::AsFd;
    let failed = |source| ProcError::Start {
        program: exe.to_owned(),
        source,
    };
    let (null, log) = (null()?, appending(log)?);
    let argv: Vec<&OsStr> = std::iter::once(exe.as_os_str())
        .chain(args.iter().copied())
        .collect();
    let env = std::env::vars_os()
        .map(|(name, value)| env_entry(&name, &value))
        .collect::<io::Result<Vec<_>>>()
        .map_err(failed)?;
    let launch = Launch {
        program: exe,
        argv: &argv,
        env: &env,
        blocked: SigSet::empty(),
        stdio: [null.as_fd(), log.as_fd(), log.as_fd()],
    };
    launch
        .start()
        .map(|pid| pid.as_raw().unsigned_abs())
        .map_err(failed)
}
