//! When a lock ends by itself. Time is counted from the start of the machine, sleep included, so
//! that a clock that is set changes nothing.

use serde::{Deserialize, Serialize};

/// A time on this run of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Names the run of the machine.
    pub boot_id: String,
    /// Milliseconds since it started.
    pub since_boot_ms: u64,
}

/// A process, with what tells it from a later one of the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// When it started, in clock ticks since the machine did.
    pub start_time: u64,
}

/// For how long, or for as long as what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// The run of the machine that the rest speaks of.
    pub boot_id: String,
    /// For how long it was given, in milliseconds; `None` without a limit in time.
    pub for_ms: Option<u64>,
    /// When that is over, in milliseconds since the machine started.
    pub until_ms: Option<u64>,
    /// It ends with this process.
    pub process: Option<Process>,
}

/// How a lease stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It goes on, for so many milliseconds at most.
    Runs {
        /// `None` when nothing but a process ends it.
        left_ms: Option<u64>,
    },
    /// The machine was started anew: nobody knows how much of its time is over, so all of it is
    /// given again.
    Anew,
    /// Its time is over, or its process is gone.
    Over,
}

impl Lease {
    /// From `now` on, for so many milliseconds, and as long as the process lives.
    pub fn new(now: &Moment, for_ms: Option<u64>, process: Option<Process>) -> Self {
        Self {
            boot_id: now.boot_id.clone(),
            for_ms,
            until_ms: for_ms.map(|ms| now.since_boot_ms.saturating_add(ms)),
            process,
        }
    }

    /// How it stands at `now`; `lives` says of a process of this run of the machine whether it does.
    pub fn standing(&self, now: &Moment, lives: impl Fn(Process) -> bool) -> Standing {
        let same_boot = self.boot_id == now.boot_id;
        if self.process.is_some_and(|one| !same_boot || !lives(one)) {
            return Standing::Over;
        }
        if !same_boot {
            return Standing::Anew;
        }
        let left_ms = self
            .until_ms
            .map(|end| end.saturating_sub(now.since_boot_ms));
        match left_ms {
            Some(0) => Standing::Over,
            left_ms => Standing::Runs { left_ms },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(boot: &str, ms: u64) -> Moment {
        Moment {
            boot_id: boot.to_owned(),
            since_boot_ms: ms,
        }
    }

    #[test]
    fn a_lease_ends_with_its_time_or_its_process() {
        let process = Process {
            pid: 7,
            start_time: 9,
        };
        let timed = Lease::new(&at("a", 100), Some(50), None);
        let bound = Lease::new(&at("a", 100), None, Some(process));
        let runs = |left_ms| Standing::Runs { left_ms };
        for (lease, now, lives, expected) in [
            (&timed, at("a", 100), true, runs(Some(50))),
            (&timed, at("a", 149), true, runs(Some(1))),
            (&timed, at("a", 150), true, Standing::Over),
            (&timed, at("a", 999), true, Standing::Over),
            // What the clock shows does not matter, only how long the machine runs.
            (&timed, at("b", 3), true, Standing::Anew),
            (&bound, at("a", 999), true, runs(None)),
            (&bound, at("a", 101), false, Standing::Over),
            (&bound, at("b", 3), true, Standing::Over),
        ] {
            assert_eq!(
                lease.standing(&now, |_| lives),
                expected,
                "{lease:?} {now:?}"
            );
        }
    }
}
