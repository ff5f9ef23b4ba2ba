use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use tokio::net::unix::pipe;

use super::error::ProcError;

const WAKE_FILE: &str = "wake";

/// A tap on the runner's shoulder: something may have changed, look at the store.
#[derive(Debug)]
pub struct Wake;

impl Wake {
    /// Wakes the runner of `state_dir`, if there is one. Never blocks, and never fails: a runner
    /// that is not there will look when it starts, and a full pipe wakes it anyhow.
    pub fn notify(state_dir: &Path) {
        if let Some(mut pipe) = open(state_dir) {
            let _ = pipe.write(&[1]);
        }
    }

    /// Whether a runner listens in `state_dir`.
    pub fn is_heard(state_dir: &Path) -> bool {
        open(state_dir).is_some()
    }
}

/// The pipe, if somebody reads it.
fn open(state_dir: &Path) -> Option<File> {
    let pipe = OpenOptions::new()
        .write(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(state_dir.join(WAKE_FILE))
        .ok()?;
    let is_pipe = pipe.metadata().is_ok_and(|data| data.file_type().is_fifo());
    is_pipe.then_some(pipe)
}

/// The runner's end.
#[derive(Debug)]
pub struct WakeListener {
    pipe: pipe::Receiver,
}

impl WakeListener {
    /// Listens in `state_dir`. Needs a tokio runtime.
    pub fn open(state_dir: &Path) -> Result<Self, ProcError> {
        let path = state_dir.join(WAKE_FILE);
        match nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(error) => return Err(ProcError::io(&path)(error.into())),
        }
        // Read and write: with the last writer gone, a reader alone would be woken without end.
        let pipe = pipe::OpenOptions::new()
            .read_write(true)
            .open_receiver(&path)
            .map_err(ProcError::io(&path))?;
        Ok(Self { pipe })
    }

    /// Returns when somebody called [`Wake::notify`] since the last return. Any number of calls
    /// count as one. Safe to drop half-way.
    pub async fn notified(&mut self) -> io::Result<()> {
        loop {
            self.pipe.readable().await?;
            if self.drain()? > 0 {
                return Ok(());
            }
        }
    }

    fn drain(&self) -> io::Result<usize> {
        let mut buffer = [0; 4096];
        let mut total = 0;
        loop {
            match self.pipe.try_read(&mut buffer) {
                Ok(0) => return Ok(total),
                Ok(count) => total += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(total),
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test]
    async fn many_taps_wake_once_and_nobody_is_needed() {
        let dir = tempfile::tempdir().unwrap();
        Wake::notify(dir.path());
        assert!(!Wake::is_heard(dir.path()));
        let mut listener = WakeListener::open(dir.path()).unwrap();
        // More than a pipe holds: the surplus is dropped and does not block.
        for _ in 0..70_000 {
            Wake::notify(dir.path());
        }
        timeout(Duration::from_secs(10), listener.notified())
            .await
            .unwrap()
            .unwrap();
        assert!(
            timeout(Duration::from_millis(20), listener.notified())
                .await
                .is_err()
        );
        Wake::notify(dir.path());
        timeout(Duration::from_secs(10), listener.notified())
            .await
            .unwrap()
            .unwrap();
        assert!(Wake::is_heard(dir.path()));
        drop(listener);
        // Another test's child may hold the pipe for a moment, between its fork and exec.
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while Wake::is_heard(dir.path()) {
            assert!(std::time::Instant::now() < deadline);
            std::thread::yield_now();
        }
        Wake::notify(dir.path());
        WakeListener::open(dir.path()).unwrap();
    }

    #[tokio::test]
    async fn a_plain_file_in_its_place_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(WAKE_FILE), "x").unwrap();
        Wake::notify(dir.path());
        assert!(!Wake::is_heard(dir.path()));
        assert!(WakeListener::open(dir.path()).is_err());
        assert_eq!(std::fs::read(dir.path().join(WAKE_FILE)).unwrap(), b"x");
    }
}
