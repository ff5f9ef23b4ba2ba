//! Bytes from one connection to another.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::head::{is_interrupted, is_timeout};

/// What is read at once.
const PIECE: usize = 64 * 1024;

/// The stack of a thread; the system's resolver takes most of it.
pub(super) const STACK: usize = 256 * 1024;

/// When something last moved between a client and its server, in either direction. A download
/// keeps the silent way up alive.
pub(super) struct Activity {
    start: Instant,
    last_ms: AtomicU64,
    limit: Duration,
}

impl Activity {
    pub fn new(limit: Duration) -> Self {
        Self {
            start: Instant::now(),
            last_ms: AtomicU64::new(0),
            limit,
        }
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn touch(&self) {
        self.last_ms.store(self.elapsed_ms(), Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        let last = self.last_ms.load(Ordering::Relaxed);
        Duration::from_millis(self.elapsed_ms().saturating_sub(last)) >= self.limit
    }
}

/// A connection whose reads and writes wait as long as there is activity.
#[derive(Clone, Copy)]
pub(super) struct Patient<'a> {
    pub stream: &'a TcpStream,
    activity: &'a Activity,
}

impl<'a> Patient<'a> {
    pub fn new(stream: &'a TcpStream, activity: &'a Activity) -> io::Result<Self> {
        let look = Some((activity.limit / 8).max(Duration::from_millis(1)));
        stream.set_read_timeout(look)?;
        stream.set_write_timeout(look)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, activity })
    }

    fn wait(&self, mut attempt: impl FnMut(&TcpStream) -> io::Result<usize>) -> io::Result<usize> {
        loop {
            match attempt(self.stream) {
                Ok(count) => {
                    self.activity.touch();
                    return Ok(count);
                }
                Err(error) if is_interrupted(&error) => {}
                Err(error) if is_timeout(&error) && !self.activity.is_over() => {}
                Err(error) if is_timeout(&error) => return Err(io::ErrorKind::TimedOut.into()),
                Err(error) => return Err(error),
            }
        }
    }
}

impl Read for Patient<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait(|mut stream| stream.read(buffer))
    }
}

impl Write for Patient<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wait(|mut stream| stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Copies until `from` ends, and returns how many bytes.
pub(super) fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<u64> {
    let mut buffer = vec![0; PIECE];
    let mut total = 0;
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(total),
            count => {
                to.write_all(&buffer[..count])?;
                total += count as u64;
            }
        }
    }
}

/// Copies both ways until both have ended. `early` came from the client already.
pub(super) fn tunnel(client: Patient<'_>, server: Patient<'_>, early: &[u8]) -> io::Result<()> {
    thread::scope(|scope| {
        beside(scope, || one_way(&mut early.chain(client), client, server))?;
        one_way(&mut { server }, server, client);
        Ok(())
    })
}

/// Runs on a thread of its own in `scope`.
pub(super) fn beside<'s>(
    scope: &'s thread::Scope<'s, '_>,
    work: impl FnOnce() + Send + 's,
) -> io::Result<()> {
    let thread = thread::Builder::new().name("proxy".to_owned());
    let started = thread.stack_size(STACK).spawn_scoped(scope, work);
    started.map(drop)
}

/// An end is passed on as an end of this direction alone. After a failure neither makes sense.
fn one_way(bytes: &mut impl Read, from: Patient<'_>, mut to: Patient<'_>) {
    let ended = copy(bytes, &mut to).and_then(|_| to.stream.shutdown(Shutdown::Write));
    if ended.is_err() {
        let _ = from.stream.shutdown(Shutdown::Both);
        let _ = to.stream.shutdown(Shutdown::Both);
    }
}
