//! Signals that reach the process that was meant.

use std::io;

use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::table::{self, Entry};

/// A handle on the process `pid` that started at `start_time`, `None` if it is gone.
///
/// Looking again after opening is what makes it safe: while the handle is open, the process it
/// stands for cannot be another one.
pub(super) fn open(pid: u32, start_time: u64) -> io::Result<Option<OwnedFd>> {
    let Some(raw) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return Ok(None);
    };
    let handle = match pidfd_open(raw, PidfdFlags::empty()) {
        Ok(handle) => handle,
        Err(rustix::io::Errno::SRCH) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let same = table::entry(pid).is_ok_and(|entry| entry.start_time == start_time);
    Ok(same.then_some(handle))
}

/// Sends `signal` to every process of `targets` that is still there. One that may not be
/// signalled is passed over: whoever counts the survivors will see it.
pub(super) fn send(targets: &[Entry], signal: Signal) {
    for target in targets {
        if let Ok(Some(handle)) = open(target.pid, target.start_time) {
            let _ = pidfd_send_signal(&handle, signal);
        }
    }
}
