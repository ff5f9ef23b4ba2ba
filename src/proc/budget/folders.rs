//! What the folders of a job take of the disk.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::fs::statvfs;

use super::accountant::{Finding, Gauge};
use super::group::Cgroup;
use super::limits::{Budget, Overrun, share};
use super::pace::{LONGEST, Pace, REST};
use super::walk::{Found, Walk};
use crate::model::resource::Resource;

/// For so long folders are counted at once.
const SLICE: Duration = Duration::from_millis(5);
/// The rest after a slice while the disk fills.
const SHORT_REST: u32 = 3;

/// The folders of a job.
pub(super) struct Folders {
    paths: Vec<PathBuf>,
    walk: Walk,
    pace: Pace,
    /// How long the count under way has taken until now.
    took: Duration,
    /// When the next count begins, if none is under way.
    due: Option<Instant>,
    /// What the last count found, and what was free on its disk then.
    last: (Found, Room),
}

impl Folders {
    /// `None` when none of their limits is set.
    pub(super) fn of(budget: &Budget) -> Option<Self> {
        let is_limited = budget.disk_bytes.is_some() || budget.disk_files.is_some();
        let paths = budget.folders.clone();
        (is_limited && !paths.is_empty()).then(|| Self {
            walk: Walk::of(&paths),
            pace: Pace::new(),
            took: Duration::ZERO,
            due: None,
            last: (Found::default(), Room::of(&paths)),
            paths,
        })
    }

    /// Whether so much was written to their disk, by whomever, that a limit can have been reached.
    fn is_urgent(&self, budget: &Budget) -> bool {
        let (found, then) = &self.last;
        let now = Room::of(&self.paths);
        let bytes = found.bytes + then.bytes.saturating_sub(now.bytes);
        let files = found.files + then.files.saturating_sub(now.files);
        Overrun::find(disk(budget, Found { bytes, files })).is_some()
    }

    fn begin(&mut self) {
        self.walk = Walk::of(&self.paths);
        self.took = Duration::ZERO;
        self.due = None;
    }
}

impl Gauge for Folders {
    fn look(&mut self, budget: &Budget, _: Option<&Cgroup>) -> Result<Duration, Finding> {
        let urgent = self.is_urgent(budget);
        if let Some(due) = self.due {
            let left = due.saturating_duration_since(Instant::now());
            if !left.is_zero() && !urgent {
                return Ok(left.min(LONGEST));
            }
            self.begin();
        }
        let start = Instant::now();
        let is_through = self.walk.go_on(SLICE);
        self.took += start.elapsed();
        let found = self.walk.found();
        // What is not counted yet can only be more.
        if let Some(overrun) = Overrun::find(disk(budget, found)) {
            return Err(Finding::Over(overrun));
        }
        if !is_through {
            return Ok(start.elapsed() * if urgent { SHORT_REST } else { REST });
        }
        self.last = (found, Room::of(&self.paths));
        let share = share(disk(budget, found).map(|(_, limit, used)| (limit, used)));
        let wait = self.pace.next(share, self.took);
        self.due = Instant::now().checked_add(wait);
        Ok(wait.min(LONGEST))
    }
}

fn disk(budget: &Budget, found: Found) -> [(Resource, Option<u64>, u64); 2] {
    [
        (Resource::Disk, budget.disk_bytes, found.bytes),
        (Resource::Files, budget.disk_files, found.files),
    ]
}

/// What is free on a disk.
#[derive(Debug, Clone, Copy, Default)]
struct Room {
    bytes: u64,
    files: u64,
}

impl Room {
    fn of(paths: &[PathBuf]) -> Self {
        let found = paths.first().and_then(|path| statvfs(path).ok());
        found.map_or(Self::default(), |found| Self {
            bytes: found.f_bfree.saturating_mul(found.f_frsize),
            files: found.f_ffree,
        })
    }
}
