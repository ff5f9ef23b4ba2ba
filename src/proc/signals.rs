use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// What the runner sends to cancel a job. Not the signal that everybody else sends: a machine that
/// shuts down ends its processes too, and that is no decision about the job.
pub(super) const CANCEL: rustix::process::Signal = rustix::process::Signal::USR1;

/// What the runner sends to stop a job where it is, and to let it go on. Of these two the system
/// keeps the last one only.
pub(super) const HOLD: rustix::process::Signal = rustix::process::Signal::TSTP;
pub(super) const GO_ON: rustix::process::Signal = rustix::process::Signal::CONT;

/// What a supervisor is to do with its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Told {
    /// Stop it where it is.
    Hold,
    /// Let it go on.
    GoOn,
    /// End it, says somebody else: the system, or a person with `kill`.
    Stop,
    /// End it, says the runner.
    Cancel,
}

impl Told {
    /// Whether the job is to end.
    pub(super) fn ends(self) -> bool {
        self >= Self::Stop
    }
}

/// The signals a supervisor lives by, as something to wait for.
pub(super) struct Signals {
    file: SignalFd,
}

impl Signals {
    /// What a supervisor blocks. It is started that way, so that no signal can come too early.
    pub(super) fn blocked() -> SigSet {
        [
            Signal::SIGTERM,
            Signal::SIGINT,
            Signal::SIGHUP,
            Signal::SIGCHLD,
            Signal::SIGUSR1,
            Signal::SIGTSTP,
            Signal::SIGCONT,
        ]
        .into_iter()
        .collect()
    }

    /// Takes them over for this process, which must have one thread.
    pub(super) fn take() -> io::Result<Self> {
        let mut set = Self::blocked();
        set.thread_block()?;
        // A hang-up is none of its business: it stays blocked and is never looked at.
        set.remove(Signal::SIGHUP);
        let file = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Self { file })
    }

    /// Takes note of what has come, without waiting. That the job is to end outranks the others, and
    /// the runner's word that of somebody else.
    pub(super) fn drain(&self) -> Option<Told> {
        let mut told: Option<Told> = None;
        while let Ok(Some(signal)) = self.file.read_signal() {
            let this = match signal.ssi_signo {
                number if number == Signal::SIGCHLD as u32 => None,
                number if number == CANCEL.as_raw().cast_unsigned() => Some(Told::Cancel),
                number if number == HOLD.as_raw().cast_unsigned() => Some(Told::Hold),
                number if number == GO_ON.as_raw().cast_unsigned() => Some(Told::GoOn),
                _ => Some(Told::Stop),
            };
            told = match told.is_some_and(Told::ends) {
                true => told.max(this),
                false => this.or(told),
            };
        }
        told
    }

    /// Readable when a signal has come.
    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Waits until a signal comes, one of `others` can be read or, roughly, until `limit`. Which of them can.
    pub(super) fn wait_or<const N: usize>(
        &self,
        limit: Option<Instant>,
        others: [Option<BorrowedFd<'_>>; N],
    ) -> [bool; N] {
        let time = limit.map_or(LONGEST_WAIT, |limit| {
            limit
                .saturating_duration_since(Instant::now())
                .min(LONGEST_WAIT)
        });
        // Rounded up, or the last fraction of a millisecond would be spent spinning.
        let timeout = PollTimeout::try_from(time + Duration::from_millis(1));
        let files = [Some(self.file.as_fd())]
            .into_iter()
            .chain(others)
            .flatten();
        let mut files: Vec<_> = files
            .map(|file| PollFd::new(file, PollFlags::POLLIN))
            .collect();
        let found = poll(&mut files, timeout.unwrap_or(PollTimeout::ZERO));
        let mut files = files.iter().skip(1);
        others.map(|other| {
            let file = other.and_then(|_| files.next());
            found.is_ok() && file.is_some_and(|file| file.any() == Some(true))
        })
    }
}
