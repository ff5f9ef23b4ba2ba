use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::claim::Claim;
use super::error::ProcError;
use super::job::{self, JOB_VARIABLE};
use super::kill;
use super::table::{self, Entry};

const PATIENCE: Duration = Duration::from_secs(10);

/// Kills what is left of a job whose supervisor is gone, and returns when nothing is.
///
/// The processes are known by the mark in their environment, and by standing below one so marked.
pub fn sweep(job_dir: &Path) -> Result<(), ProcError> {
    if matches!(Claim::read(job_dir)?, Some(Claim::By(owner)) if owner.is_alive()) {
        return Err(ProcError::StillRunning(job_dir.to_owned()));
    }
    let job = job::job_name(job_dir)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = marked(&job);
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(ProcError::Unkillable {
                job,
                count: left.len(),
            });
        }
        kill::send(&left, Signal::KILL);
        thread::sleep(Duration::from_millis(2));
    }
}

/// The living processes of `job`, without this one.
fn marked(job: &str) -> Vec<Entry> {
    let mark = format!("{JOB_VARIABLE}={job}");
    let mut found: Vec<Entry> = table::pids()
        .into_iter()
        .filter(|pid| has_mark(*pid, mark.as_bytes()))
        .flat_map(table::entry)
        .filter(|entry| !entry.zombie)
        .collect();
    if !found.is_empty() {
        let roots: Vec<u32> = found.iter().map(|entry| entry.pid).collect();
        found.extend(table::descendants(&roots));
    }
    found.retain(|entry| entry.pid != std::process::id());
    found
}

fn has_mark(pid: u32, mark: &[u8]) -> bool {
    fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|entry| entry == mark))
}
