use std::fmt;
use std::fs;
use std::io;
use std::str::FromStr;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::table;
use crate::model::lock::{Moment, Process};

/// A process, named so that a later one with the same pid is not mistaken for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its process id.
    pub pid: u32,
    /// When it started, in clock ticks since boot.
    pub start_time: u64,
    /// The boot it belongs to.
    pub boot_id: String,
}

impl Owner {
    /// This process.
    pub fn current() -> io::Result<Self> {
        Self::of(std::process::id())
    }

    /// The process that now has the id `pid`.
    pub fn of(pid: u32) -> io::Result<Self> {
        Ok(Self {
            pid,
            start_time: table::entry(pid)?.start_time,
            boot_id: boot_id()?.to_owned(),
        })
    }

    /// Whether this very process still runs. A zombie does not.
    pub fn is_alive(&self) -> bool {
        boot_id().is_ok_and(|boot| boot == self.boot_id)
            && table::entry(self.pid)
                .is_ok_and(|entry| !entry.zombie && entry.start_time == self.start_time)
    }
}

/// In one line of ASCII.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.pid, self.start_time, self.boot_id)
    }
}

impl FromStr for Owner {
    type Err = io::Error;

    fn from_str(text: &str) -> io::Result<Self> {
        let malformed = || io::Error::new(io::ErrorKind::InvalidData, "it names no process");
        let mut words = text.split(' ');
        let mut next = || words.next().ok_or_else(malformed);
        let owner = Self {
            pid: next()?.parse().map_err(|_| malformed())?,
            start_time: next()?.parse().map_err(|_| malformed())?,
            boot_id: next()?.to_owned(),
        };
        match words.next() {
            None => Ok(owner),
            Some(_) => Err(malformed()),
        }
    }
}

/// Whether a process of this run of the machine still is the one that it was.
pub fn is_alive(process: Process) -> bool {
    let owner = boot_id().map(|boot| Owner {
        pid: process.pid,
        start_time: process.start_time,
        boot_id: boot.to_owned(),
    });
    owner.is_ok_and(|owner| owner.is_alive())
}

/// Names this run of the machine.
pub fn boot_id() -> io::Result<&'static str> {
    static BOOT: OnceLock<String> = OnceLock::new();
    if let Some(known) = BOOT.get() {
        return Ok(known);
    }
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(BOOT.get_or_init(|| text.trim().to_owned()))
}

/// Now, counted from the start of the machine, sleep included.
pub fn moment() -> io::Result<Moment> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let (seconds, nanos) = (time.tv_sec.max(0) as u64, time.tv_nsec.max(0) as u64);
    Ok(Moment {
        boot_id: boot_id()?.to_owned(),
        since_boot_ms: seconds * 1_000 + nanos / 1_000_000,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_same_process_is_alive() {
        let own = Owner::current().unwrap();
        assert!(own.is_alive());
        let later = Owner {
            start_time: own.start_time + 1,
            ..own.clone()
        };
        let rebooted = Owner {
            boot_id: "another".to_owned(),
            ..own.clone()
        };
        assert!(!later.is_alive() && !rebooted.is_alive());
        assert_eq!(own.to_string().parse::<Owner>().unwrap(), own);
    }

    #[test]
    fn a_zombie_is_not_alive() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let owner = Owner::of(child.id()).unwrap();
        assert!(owner.is_alive());
        child.kill().unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while owner.is_alive() {
            assert!(std::time::Instant::now() < deadline);
            std::thread::yield_now();
        }
        child.wait().unwrap();
    }
}
