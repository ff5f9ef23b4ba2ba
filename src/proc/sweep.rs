use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
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

/// As [`sweep`], for each of these. One look at all processes tells which of them left any.
pub fn sweep_all(job_dirs: &[PathBuf]) -> Vec<Result<(), ProcError>> {
    let marks = match job_dirs {
        [] => HashSet::new(),
        _ => marks(),
    };
    let sweep_one = |dir: &PathBuf| match is_marked(dir, &marks)? {
        true => sweep(dir),
        false => Ok(()),
    };
    job_dirs.iter().map(sweep_one).collect()
}

fn is_marked(job_dir: &Path, marks: &HashSet<Vec<u8>>) -> Result<bool, ProcError> {
    let job = job::job_name(job_dir)?;
    Ok(marks.contains(format!("{JOB_VARIABLE}={job}").as_bytes()))
}

/// The marks of jobs in the environments of all processes.
fn marks() -> HashSet<Vec<u8>> {
    let is_mark = |entry: &&[u8]| entry.starts_with(JOB_VARIABLE.as_bytes());
    let mut marks = HashSet::new();
    for pid in table::pids() {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let entries = environ.split(|byte| *byte == 0);
        marks.extend(entries.filter(is_mark).map(<[u8]>::to_vec));
    }
    marks
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
