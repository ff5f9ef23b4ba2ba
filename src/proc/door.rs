//! The door of a job: a socket in the session's git directory, through which its processes ask for
//! what is outside of their reach. The supervisor only lets them in. It never waits for one and
//! reads nothing: each is handed to a process of its own, this program with `__door`.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::SigSet;
use serde::{Deserialize, Serialize};

use super::doorway::{Place, unusable};
use super::job::JOB_VARIABLE;
use super::launch::{self, Launch};
use super::program::OWN_PROGRAM;
use crate::model::ids::SessionId;

/// The argument that makes this binary answer at a door.
pub const VERB: &str = "__door";
/// The environment variable that tells a job where its door is.
pub const DOOR_VARIABLE: &str = "TREEYARD_DOOR";
/// The program's name for itself, by which handlers are known.
const NAME: &str = "treeyard";
/// How many are answered at once; the others wait.
const MOST_HANDLERS: usize = 8;
/// After a failure that is the machine's, such as too many open files.
const REST: Duration = Duration::from_secs(1);

/// Where a job may ask, and who answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Door {
    /// The socket: `<git directory>/<folder>/<name>`. The folder is made, and goes with the job.
    pub socket: PathBuf,
    /// Whose door it is. No request can say otherwise.
    pub session: SessionId,
    /// The repository, as those who answer find it.
    pub repository: PathBuf,
    /// The environment of those who answer: the runner's, and nothing of the job's.
    pub env: BTreeMap<String, String>,
}

/// A door that is open, and those who answer at it.
pub(super) struct Doorkeeper {
    path: String,
    _removed_with_it: Place,
    listener: UnixListener,
    argv: [String; 4],
    env: Vec<CString>,
    handlers: Vec<u32>,
    rests_until: Option<Instant>,
}

impl Doorkeeper {
    /// Opens it for the job with this mark.
    pub(super) fn open(door: &Door, mark: &str) -> io::Result<Self> {
        let text = |path: &Path| path.to_str().map(str::to_owned).ok_or_else(unusable);
        let place = Place::make(&door.socket)?;
        let env = door.env.iter().map(|(name, value)| (&**name, &**value));
        let env = env.chain([(JOB_VARIABLE, mark)]);
        Ok(Self {
            path: text(&door.socket)?,
            listener: place.listen()?,
            _removed_with_it: place,
            argv: [
                NAME.to_owned(),
                VERB.to_owned(),
                door.session.to_string(),
                text(&door.repository)?,
            ],
            env: env
                .map(|(name, value)| launch::env_entry(name.as_ref(), value.as_ref()))
                .collect::<io::Result<_>>()?,
            handlers: Vec::new(),
            rests_until: None,
        })
    }

    /// What the job is told.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Readable when somebody waits who can be let in now.
    pub(super) fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        let is_open = self.rests_until().is_none() && self.handlers.len() < MOST_HANDLERS;
        is_open.then(|| self.listener.as_fd())
    }

    /// Until when nobody is let in.
    pub(super) fn rests_until(&self) -> Option<Instant> {
        self.rests_until.filter(|end| Instant::now() < *end)
    }

    /// Lets one in.
    pub(super) fn let_in(&mut self) {
        let started = match self.listener.accept() {
            Ok((client, _)) => self.start(&client),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(error) => Err(error),
        };
        match started {
            Ok(pid) => self.handlers.push(pid),
            Err(_) => self.rests_until = Some(Instant::now() + REST),
        }
    }

    fn start(&self, client: &UnixStream) -> io::Result<u32> {
        let null = launch::null().map_err(io::Error::other)?;
        let started = Launch {
            program: Path::new(OWN_PROGRAM),
            argv: &self.argv.each_ref().map(OsStr::new),
            env: &self.env,
            blocked: SigSet::empty(),
            stdio: [client.as_fd(), null.as_fd(), null.as_fd()],
        };
        Ok(started.start()?.as_raw().unsigned_abs())
    }

    /// Whether this process of the job is one that answers.
    pub(super) fn has_sent(&self, pid: u32) -> bool {
        self.handlers.contains(&pid)
    }

    /// Takes note of a child that ended.
    pub(super) fn has_ended(&mut self, pid: u32) {
        self.handlers.retain(|known| *known != pid);
    }
}

/// Whether a child of a supervisor is one that answers at its door, as another process sees it.
pub(super) fn is_handler(pid: u32) -> bool {
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    words.starts_with(format!("{NAME}\0{VERB}\0").as_bytes())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::super::doorway::knock;
    use super::*;

    fn door(git_dir: &Path) -> Door {
        Door {
            socket: git_dir.join("treeyard/door"),
            session: SessionId::new(),
            repository: "/".into(),
            env: BTreeMap::new(),
        }
    }

    #[test]
    fn a_long_path_is_no_hindrance_and_nothing_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let git_dir = dir.path().join("x".repeat(200));
        std::fs::create_dir(&git_dir).unwrap();
        let door = door(&git_dir);
        let opened = Doorkeeper::open(&door, "job").unwrap();
        let mode = door.socket.symlink_metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut client = knock(&door.socket).unwrap();
        drop(opened);
        assert_eq!(client.read(&mut [0]).unwrap_or(0), 0);
        assert!(!git_dir.join("treeyard").exists());
        assert!(knock(&door.socket).is_err());
    }

    #[test]
    fn what_an_earlier_job_left_is_replaced_and_no_link_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (git_dir, outside) = (dir.path().join("git"), dir.path().join("outside"));
        std::fs::create_dir_all(git_dir.join("treeyard")).unwrap();
        std::fs::create_dir(&outside).unwrap();
        let door = door(&git_dir);
        symlink(outside.join("door"), &door.socket).unwrap();
        drop(Doorkeeper::open(&door, "job").unwrap());
        assert!(outside.read_dir().unwrap().next().is_none());
        symlink(&outside, git_dir.join("treeyard")).unwrap();
        assert!(Doorkeeper::open(&door, "job").is_err());
        assert!(outside.read_dir().unwrap().next().is_none());
    }
}
