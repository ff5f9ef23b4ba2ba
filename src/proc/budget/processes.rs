//! What the processes of a job use. Where they have no control group, counting them takes a look at every
//! process of the machine, and so is done seldom. In between, two cheap numbers of the whole machine tell
//! whether it is worth while.

use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

use super::super::room;
use super::super::table::{self, Entry};
use super::accountant::{Finding, Gauge};
use super::group::{Cgroup, Used};
use super::limits::{Budget, Overrun, share};
use super::memory;
use super::pace::{Pace, SHORTEST};
use crate::model::resource::Resource;

/// When the machine has so many new threads, whoever counts them first may not get to anything else.
const STORM: u64 = 500;

/// The processes below this one.
pub(super) struct Processes {
    pace: Pace,
    /// When they are counted again.
    due: Instant,
    last: Seen,
    /// The processor time from before they had a group, in milliseconds.
    before_group: Option<u64>,
}

/// What there was at a look.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    processes: u64,
    memory: u64,
    /// Of the whole machine.
    threads: u64,
    available: u64,
}

impl Processes {
    /// `None` when none of their limits is set.
    pub(super) fn of(budget: &Budget) -> Option<Self> {
        let limits = [budget.memory_bytes, budget.processes, budget.cpu_ms];
        let is_limited = limits.iter().any(Option::is_some);
        is_limited.then(|| Self {
            pace: Pace::new(),
            due: Instant::now() + SHORTEST,
            last: Seen::default().with_machine(budget),
            before_group: None,
        })
    }

    fn count(&mut self, budget: &Budget, group: Option<&Cgroup>) -> Result<(), Overrun> {
        let start = Instant::now();
        if let Some(overrun) = group.and_then(|group| group.refused(budget)) {
            return Err(overrun);
        }
        let used = self.used_by(group, budget);
        let used = used.unwrap_or_else(|| used_below(budget));
        let all = [
            (Resource::Processes, budget.processes, used.processes),
            (Resource::Memory, budget.memory_bytes, used.memory),
            (Resource::Cpu, budget.cpu_ms, used.cpu_ms),
        ];
        let share = share(all.map(|(_, limit, used)| (limit, used)));
        self.due = start + self.pace.next(share, start.elapsed());
        let seen = Seen {
            processes: used.processes,
            memory: used.memory,
            ..self.last
        };
        self.last = seen.with_machine(budget);
        Overrun::find(all).map_or(Ok(()), Err)
    }

    fn used_by(&mut self, group: Option<&Cgroup>, budget: &Budget) -> Option<Used> {
        let used = group?.used(budget)?;
        let before = self.before_group.get_or_insert_with(|| {
            let all = used_below(&Budget::default());
            all.cpu_ms.saturating_sub(used.cpu_ms)
        });
        Some(Used {
            cpu_ms: used.cpu_ms + *before,
            ..used
        })
    }
}

impl Gauge for Processes {
    fn look(&mut self, budget: &Budget, group: Option<&Cgroup>) -> Result<Duration, Finding> {
        let now = self.last.with_machine(budget);
        if budget.processes.is_some() && now.is_storm(&self.last) {
            self.due = Instant::now();
            self.last.threads = now.threads;
            return Err(Finding::Storm);
        }
        if self.due <= Instant::now() || now.may_be_over(&self.last, budget) {
            self.count(budget, group).map_err(Finding::Over)?;
        }
        let left = self.due.saturating_duration_since(Instant::now());
        Ok(left.min(SHORTEST))
    }
}

impl Seen {
    /// What the machine says now. What no limit needs is not asked for.
    fn with_machine(self, budget: &Budget) -> Self {
        let asked = budget.processes.is_some();
        let threads = asked.then(table::threads).flatten();
        let asked = budget.memory_bytes.is_some();
        let available = asked.then(room::available_memory).flatten();
        Self {
            threads: threads.unwrap_or(self.threads),
            available: available.unwrap_or(self.available),
            ..self
        }
    }

    fn is_storm(&self, before: &Self) -> bool {
        self.threads.saturating_sub(before.threads) > STORM
    }

    /// Whether a limit has been reached if all that is new on the machine is of this job.
    fn may_be_over(&self, before: &Self, budget: &Budget) -> bool {
        let threads = self.threads.saturating_sub(before.threads);
        let memory = before.available.saturating_sub(self.available);
        let all = [
            (
                Resource::Processes,
                budget.processes,
                before.processes + threads,
            ),
            (
                Resource::Memory,
                budget.memory_bytes,
                before.memory + memory,
            ),
        ];
        Overrun::find(all).is_some()
    }
}

/// What the processes below this one use, by the table of all.
fn used_below(budget: &Budget) -> Used {
    let family = table::below(&[std::process::id()]);
    Used {
        processes: family.len() as u64,
        memory: match budget.memory_bytes {
            Some(limit) => memory::used(&family, limit),
            None => 0,
        },
        cpu_ms: cpu_ms(&family),
    }
}

/// What they have used, and what those have that are gone.
fn cpu_ms(family: &[Entry]) -> u64 {
    let gone = getrusage(UsageWho::RUSAGE_CHILDREN).map_or(0, |usage| {
        milliseconds(usage.user_time()) + milliseconds(usage.system_time())
    });
    let ticks: u64 = family.iter().map(|entry| entry.cpu_ticks).sum();
    gone + ticks * 1000 / rustix::param::clock_ticks_per_second().max(1)
}

/// A length of time as the system has it.
pub(in crate::proc) fn milliseconds(time: TimeVal) -> u64 {
    time.tv_sec().unsigned_abs() * 1000 + time.tv_usec().unsigned_abs() / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_on_the_machine_may_be_of_this_job() {
        let budget = Budget {
            processes: Some(100),
            memory_bytes: Some(1000),
            ..Budget::default()
        };
        let before = Seen {
            processes: 60,
            memory: 700,
            threads: 500,
            available: 9000,
        };
        let all = [
            (540, 9000, false, false),
            (541, 9000, true, false),
            (400, 8700, false, false),
            (400, 8699, true, false),
            (1001, 9000, true, true),
        ];
        for (threads, available, over, storm) in all {
            let now = Seen {
                threads,
                available,
                ..before
            };
            assert_eq!(now.may_be_over(&before, &budget), over, "{now:?}");
            assert_eq!(now.is_storm(&before), storm, "{now:?}");
        }
    }
}
