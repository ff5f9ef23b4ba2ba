use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::owner::Owner;
use crate::model::code::Code;

const LOCK_FILE: &str = "runner.lock";

/// Why this process may not be the runner.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another one is.
    #[error("{}", held(owner.as_ref()))]
    Held {
        /// The other one, if it has written its name already.
        owner: Option<Owner>,
    },
    /// The lock's file could not be used.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl LockError {
    /// The registered code.
    pub fn code(&self) -> Code {
        match self {
            Self::Held { .. } => Code::RunnerHeld,
            Self::Io { source, .. } => Code::of_system(source),
        }
    }
}

fn held(owner: Option<&Owner>) -> String {
    match owner {
        Some(owner) => format!("another runner is active: process {}", owner.pid),
        None => "another runner is starting".to_owned(),
    }
}

/// The right to be the one runner of a state folder, until it is dropped or the process ends.
///
/// The kernel releases the lock with its process, so a stale one needs no clearing: its file is
/// simply written anew. Children never hold it, because the file is close-on-exec.
#[derive(Debug)]
pub struct RunnerLock {
    file: File,
}

impl RunnerLock {
    /// Takes the lock of `state_dir`, or says who has it. Does not wait for it.
    pub fn acquire(state_dir: &Path) -> Result<Self, LockError> {
        let path = state_dir.join(LOCK_FILE);
        let failed = |source| LockError::Io {
            path: path.clone(),
            source,
        };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match fs2::FileExt::try_lock_exclusive(&file) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(LockError::Held {
                    owner: owner_soon(state_dir),
                });
            }
            Err(error) => return Err(failed(error)),
        }
        let mut lock = Self { file };
        lock.sign().map_err(failed)?;
        Ok(lock)
    }

    fn sign(&mut self) -> io::Result<()> {
        let text = serde_json::to_vec(&Owner::current()?)?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&text)
    }
}

impl Drop for RunnerLock {
    fn drop(&mut self) {
        // The process may live on: without this it would still be named as the runner.
        let _ = self.file.set_len(0);
        // Closing is not enough: a child between fork and exec may still share the open file.
        let _ = fs2::FileExt::unlock(&self.file);
    }
}

/// The runner of `state_dir`, if one is active. Only reads, so it never stands in one's way.
pub fn runner_owner(state_dir: &Path) -> Option<Owner> {
    last_runner(state_dir).filter(Owner::is_alive)
}

/// The runner of `state_dir` that has not signed off: it is active, or it was killed.
pub fn last_runner(state_dir: &Path) -> Option<Owner> {
    let text = fs::read(state_dir.join(LOCK_FILE)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// A holder writes its name just after it took the lock.
fn owner_soon(state_dir: &Path) -> Option<Owner> {
    (0..20).find_map(|_| {
        runner_owner(state_dir).or_else(|| {
            thread::sleep(Duration::from_millis(5));
            None
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_one_is_told_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(runner_owner(dir.path()), None);
        let lock = RunnerLock::acquire(dir.path()).unwrap();
        let own = Owner::current().unwrap();
        assert_eq!(runner_owner(dir.path()), Some(own.clone()));
        let error = RunnerLock::acquire(dir.path()).unwrap_err();
        assert_eq!(error.code(), Code::RunnerHeld);
        assert!(error.to_string().contains(&own.pid.to_string()), "{error}");
        drop(lock);
        assert_eq!(runner_owner(dir.path()), None);
    }

    #[test]
    fn a_dead_or_rebooted_holder_is_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let own = Owner::current().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let dead = Owner::of(child.id()).unwrap();
        child.wait().unwrap();
        let rebooted = Owner {
            boot_id: "another".to_owned(),
            ..own
        };
        for stale in [dead, rebooted] {
            fs::write(
                dir.path().join(LOCK_FILE),
                serde_json::to_vec(&stale).unwrap(),
            )
            .unwrap();
            assert_eq!(runner_owner(dir.path()), None);
            RunnerLock::acquire(dir.path()).unwrap();
        }
    }

    #[test]
    fn a_child_that_lives_on_does_not_hold_it() {
        let dir = tempfile::tempdir().unwrap();
        let lock = RunnerLock::acquire(dir.path()).unwrap();
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        drop(lock);
        let again = RunnerLock::acquire(dir.path());
        child.kill().unwrap();
        child.wait().unwrap();
        again.unwrap();
    }
}
