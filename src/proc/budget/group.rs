//! Control groups, version 2: the kernel itself keeps all processes of a job within limits, counts what they
//! use and ends them at one stroke. Where a group was delegated to this process; elsewhere the table of
//! processes has to do.
//!
//! Moving a process into a group makes it wait until all processors have passed a certain point, some ten
//! milliseconds. So a job is not started in one: it is taken in when it has run for a while, and most are
//! over by then.
//!
//! The interface: `admin-guide/cgroup-v2` of the kernel's documentation. Who may make groups where:
//! `CGROUP_DELEGATION` of systemd's.

use std::fs::{self, DirEntry};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use rustix::io::Errno;

use super::limits::{Budget, Overrun};
use super::place::Place;
use crate::model::resource::Resource;
use crate::model::sandbox::Controllers;

pub(super) const PROCESSES: &str = "cgroup.procs";
/// How the names of the groups of jobs begin.
const PREFIX: &str = "treeyard-job-";
/// The kernel counts threads. So many of them for each process that is allowed are enough for anybody, and
/// few enough for a storm.
const THREADS: u64 = 4;
/// A group that is empty for so long is nobody's.
const OLD: Duration = Duration::from_secs(60);

/// The group of one job. It is removed at the end, when nobody is in it any more.
#[derive(Debug)]
pub(in crate::proc) struct Cgroup {
    folder: PathBuf,
    controllers: Controllers,
}

/// What processes were found to use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::proc) struct Used {
    pub processes: u64,
    /// Bytes that cannot be taken back.
    pub memory: u64,
    /// Milliseconds of processor time.
    pub cpu_ms: u64,
}

impl Cgroup {
    /// Makes one for the job of this supervisor, which may use so much.
    pub(in crate::proc) fn make(place: &Place, budget: &Budget) -> io::Result<Self> {
        remove_left_over(place);
        let controllers = place.enable();
        let folder = place.folder.join(format!("{PREFIX}{}", std::process::id()));
        fs::create_dir(&folder)?;
        let group = Self {
            folder,
            controllers,
        };
        if let Some(limit) = budget.memory_bytes.filter(|_| controllers.memory) {
            group.set("memory.max", limit)?;
            // Half of a job is of no use.
            group.set("memory.oom.group", 1)?;
        }
        if let Some(limit) = budget.processes.filter(|_| controllers.processes) {
            group.set("pids.max", limit.saturating_mul(THREADS))?;
        }
        Ok(group)
    }

    /// Moves a process into it that was seen a moment ago, and with it all that it starts from now on; one
    /// that is gone needs nothing. Nobody else has its number yet: the kernel gives out all others first.
    pub(in crate::proc) fn take_in(&self, pid: u32) -> io::Result<()> {
        match self.set(PROCESSES, pid.into()) {
            Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => Ok(()),
            done => done,
        }
    }

    /// Ends all that is in it, at one stroke.
    pub(in crate::proc) fn kill(&self) {
        // Before Linux 5.14 there is no such file; each is ended by itself anyway.
        let _ = self.set("cgroup.kill", 1);
    }

    /// Has all that is in it stand still, or go on.
    pub(in crate::proc) fn freeze(&self, still: bool) {
        let _ = self.set("cgroup.freeze", still.into());
    }

    /// What those in it use. `None` when it does not know all that is limited.
    pub(in crate::proc) fn used(&self, budget: &Budget) -> Option<Used> {
        let memory = match budget.memory_bytes {
            Some(_) if !self.controllers.memory => return None,
            Some(_) => self.memory()?,
            None => 0,
        };
        Some(Used {
            processes: lines(&self.text(PROCESSES)?).count() as u64,
            memory,
            cpu_ms: field(&self.text("cpu.stat")?, "usage_usec")? / 1000,
        })
    }

    /// That the kernel did not let it have more than its limit. Its processes may carry on as if nothing was.
    pub(in crate::proc) fn refused(&self, budget: &Budget) -> Option<Overrun> {
        let what = self.refused_resource()?;
        let limit = match what {
            Resource::Memory => budget.memory_bytes?,
            _ => budget.processes?,
        };
        let used = limit;
        Some(Overrun { what, limit, used })
    }

    fn refused_resource(&self) -> Option<Resource> {
        let happened = |file: &str, event: &str| {
            let count = self.text(file).and_then(|text| field(&text, event));
            count.is_some_and(|count| count > 0)
        };
        if happened("memory.events", "oom_kill") {
            return Some(Resource::Memory);
        }
        happened("pids.events", "max").then_some(Resource::Processes)
    }

    fn memory(&self) -> Option<u64> {
        let text = self.text("memory.stat")?;
        let swapped = self.text("memory.swap.current");
        let swapped = swapped.and_then(|text| text.trim().parse().ok());
        Some(field(&text, "anon")? + field(&text, "shmem")? + swapped.unwrap_or(0))
    }

    fn set(&self, file: &str, value: u64) -> io::Result<()> {
        fs::write(self.folder.join(file), value.to_string())
    }

    fn text(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(file)).ok()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Those of supervisors that were killed. The kernel keeps each that somebody is in, but not those that
/// somebody is about to enter.
fn remove_left_over(place: &Place) {
    let all = fs::read_dir(&place.folder).into_iter().flatten().flatten();
    for one in all.filter(is_of_a_job).filter(is_old) {
        let _ = fs::remove_dir(one.path());
    }
}

fn is_of_a_job(entry: &DirEntry) -> bool {
    entry.file_name().to_string_lossy().starts_with(PREFIX)
}

fn is_old(entry: &DirEntry) -> bool {
    let made = entry.metadata().and_then(|found| found.modified());
    let age = made.ok().and_then(|made| made.elapsed().ok());
    age.is_some_and(|age| age > OLD)
}

/// One number a line, as in `cgroup.procs`.
pub(super) fn lines(text: &str) -> impl Iterator<Item = u32> {
    text.lines().filter_map(|line| line.parse().ok())
}

/// One name and number a line, as in `memory.stat`.
fn field(text: &str, name: &str) -> Option<u64> {
    let value = |line: &str| {
        line.strip_prefix(name)?
            .strip_prefix(' ')?
            .trim()
            .parse()
            .ok()
    };
    text.lines().find_map(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A group in a folder, which keeps what is written as the kernel would not.
    fn group(controllers: Controllers) -> (tempfile::TempDir, Cgroup) {
        let folder = tempfile::tempdir().unwrap();
        let group = Cgroup {
            folder: folder.path().to_owned(),
            controllers,
        };
        (folder, group)
    }

    fn budget() -> Budget {
        Budget {
            memory_bytes: Some(1 << 20),
            processes: Some(10),
            ..Budget::default()
        }
    }

    #[test]
    fn it_limits_what_can_be_limited() {
        let folder = tempfile::tempdir().unwrap();
        let enable = |text: &str| {
            for name in ["cgroup.controllers", "cgroup.subtree_control"] {
                fs::write(folder.path().join(name), text).unwrap();
            }
        };
        let place = Place::at(folder.path(), &folder.path().join("absent")).unwrap();
        enable("memory pids");
        let group = Cgroup::make(&place, &budget()).unwrap();
        assert_eq!(group.text("memory.max").as_deref(), Some("1048576"));
        assert_eq!(group.text("memory.oom.group").as_deref(), Some("1"));
        assert_eq!(group.text("pids.max").as_deref(), Some("40"));
        assert!(Cgroup::make(&place, &budget()).is_err(), "it is there");
        fs::remove_dir_all(&group.folder).unwrap();
        enable("");
        let group = Cgroup::make(&place, &budget()).unwrap();
        assert_eq!(
            (group.text("memory.max"), group.text("pids.max")),
            (None, None)
        );
        let made = group.folder.clone();
        drop(group);
        assert!(!made.exists());
    }

    #[test]
    fn it_tells_what_is_used_if_it_knows_all_that_is_limited() {
        let both = Controllers {
            memory: true,
            processes: true,
        };
        let (folder, mut group) = group(both);
        let files = [
            (PROCESSES, "17\n18\n"),
            ("cpu.stat", "usage_usec 2500000\nuser_usec 1\n"),
            (
                "memory.stat",
                "anon 4096\nanon_thp 7\nfile 900000\nshmem 8192\n",
            ),
        ];
        // Machines without swap do not have this one.
        fs::write(folder.path().join("memory.swap.current"), "100\n").unwrap();
        for (name, text) in files {
            assert_eq!(group.used(&budget()), None, "without {name}");
            fs::write(folder.path().join(name), text).unwrap();
        }
        let used = Used {
            processes: 2,
            memory: 4096 + 8192 + 100,
            cpu_ms: 2500,
        };
        assert_eq!(group.used(&budget()), Some(used));
        group.controllers.memory = false;
        assert_eq!(group.used(&budget()), None, "memory is limited");
        let unlimited = Budget::default();
        assert_eq!(group.used(&unlimited), Some(Used { memory: 0, ..used }));
    }

    #[test]
    fn what_the_kernel_refused_is_told() {
        let (folder, group) = group(Controllers::default());
        assert_eq!(group.refused(&budget()), None);
        let all = [
            ("memory.events", "low 0\nmax 9\noom 1\noom_kill 0\n", None),
            ("pids.events", "max 0\n", None),
            ("pids.events", "max 3\n", Some(Resource::Processes)),
            ("memory.events", "oom_kill 2\n", Some(Resource::Memory)),
        ];
        for (name, text, refused) in all {
            fs::write(folder.path().join(name), text).unwrap();
            assert_eq!(group.refused_resource(), refused, "{text}");
        }
        let overrun = group.refused(&budget()).unwrap();
        assert_eq!((overrun.limit, overrun.used), (1 << 20, 1 << 20));
    }
}
