//! The files of a job's folder.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use fs2::FileExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::budget::Budget;
use super::door::Door;
use super::error::ProcError;
use super::sandbox::Confinement;
use crate::model::ids::JobId;
use crate::model::job::Outcome;

/// What a supervisor could not do, when there was something.
pub(super) const LOG_FILE: &str = "supervisor.log";
/// How the line there begins that says why a supervisor left no record.
pub(super) const NO_RECORD: &str = "how it ended is not on record: ";
/// Standard output and standard error of the job, as it wrote them. Best effort.
pub const OUTPUT_FILE: &str = "output.log";
/// How the job ended, an [`ExitRecord`].
pub const EXIT_FILE: &str = "exit.json";
/// What how a job ended takes at most, in bytes: one block.
const ROOM: u64 = 4096;
/// Why a confined program did not run.
pub(super) const REFUSED_FILE: &str = "refused";
/// The environment variable that marks every process of a job with the name of its folder.
pub const JOB_VARIABLE: &str = "TREEYARD_JOB";

/// The environment variable that tells a job the root of its session's worktree.
pub const WORKTREE_VARIABLE: &str = "TREEYARD_WORKTREE";

/// What a supervisor is to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// The program and its arguments. A name without a slash is looked up in the `PATH` of `env`.
    pub argv: Vec<String>,
    /// Where it runs.
    pub cwd: PathBuf,
    /// Its complete environment; nothing is inherited.
    pub env: BTreeMap<String, String>,
    /// What it is held to. Without, it has the rights of whoever started the runner.
    #[serde(default)]
    pub confinement: Option<Confinement>,
    /// What all of its processes together may use.
    #[serde(default)]
    pub budget: Budget,
    /// After how many milliseconds it is killed.
    pub timeout_ms: Option<u64>,
    /// How many milliseconds it has between the polite and the forceful kill.
    pub grace_ms: u64,
    /// The state folder whose runner writes down how the job ended. When none listens there, the
    /// exit record is made to survive the machine's fall instead.
    pub runner_dir: Option<PathBuf>,
    /// Where the job may ask for what is outside of its reach. Older versions had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub door: Option<Door>,
}

impl JobSpec {
    /// What the system's calls cannot express is found here, before anything is started.
    pub(super) fn check(&self) -> Result<(), ProcError> {
        let problem = if self.argv.first().is_none_or(String::is_empty) {
            "it names no program"
        } else if self.argv.iter().any(|word| word.contains('\0')) {
            "an argument holds a NUL byte"
        } else if self
            .env
            .keys()
            .any(|name| name.is_empty() || name.contains(['=', '\0']))
        {
            "the name of an environment variable is empty or holds `=` or a NUL byte"
        } else if self.env.values().any(|value| value.contains('\0')) {
            "an environment variable holds a NUL byte"
        } else if !self.cwd.is_absolute() {
            "its folder is not an absolute path"
        } else {
            return Ok(());
        };
        Err(ProcError::InvalidSpec(problem.to_owned()))
    }
}

/// How a job ended. Written last, when no process of the job is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitRecord {
    /// How the program ended.
    pub outcome: Outcome,
    /// When it was started, in milliseconds since 1970.
    pub started_ms: i64,
    /// When the last of its processes was gone, in milliseconds since 1970.
    pub ended_ms: i64,
    /// The largest resident size of one of its processes, in KiB.
    pub max_rss_kb: u64,
    /// Processor time outside the kernel, in milliseconds.
    pub user_ms: u64,
    /// Processor time in the kernel, in milliseconds.
    pub sys_ms: u64,
    /// Why the end of what it printed was not kept, where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_lost: Option<String>,
}

/// Makes a job's folder. One that is there belongs to a job that was started before.
pub(super) fn make_folder(job_dir: &Path) -> Result<(), ProcError> {
    let made = match fs::create_dir(job_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = job_dir.parent().unwrap_or(job_dir);
            fs::create_dir_all(parent).and_then(|()| fs::create_dir(job_dir))
        }
        made => made,
    };
    made.map_err(ProcError::io(job_dir))
}

/// Where a job's supervisor keeps its files, in the folder of all jobs.
pub fn job_dir(jobs: &Path, job: JobId) -> PathBuf {
    jobs.join(job.to_string())
}

/// The name that marks the job's processes.
pub(super) fn job_name(job_dir: &Path) -> Result<String, ProcError> {
    job_dir
        .file_name()
        .and_then(|name| name.to_str())
        .map(str::to_owned)
        .ok_or_else(|| ProcError::InvalidSpec(format!("{} is no job folder", job_dir.display())))
}

/// Reads a JSON file, `None` if there is none.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ProcError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ProcError::io(path)(error)),
    };
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|source| ProcError::Malformed {
            path: path.to_owned(),
            source,
        })
}

/// Whether a file has to survive the machine's fall, or only that of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    Process,
    Machine,
}

/// Sets room aside for a file that is written when its job ends: the disk may be full by then. Where that cannot be
/// done the job runs all the same.
pub(super) fn set_room_aside(path: &Path) {
    let made = File::create(draft(path)).and_then(|file| file.allocate(ROOM));
    if let Err(error) = made {
        tracing::debug!(%error, "no room was set aside for how a job ends");
    }
}

fn draft(path: &Path) -> PathBuf {
    path.with_extension("tmp")
}

/// Writes a JSON file so that a reader sees all of it or nothing. Room that was set aside for it is used.
pub(super) fn write<T: Serialize>(
    path: &Path,
    value: &T,
    durability: Durability,
) -> Result<(), ProcError> {
    let draft = draft(path);
    let save = || -> io::Result<()> {
        let text = serde_json::to_vec(value)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&draft)?;
        file.write_all(&text)?;
        file.set_len(text.len() as u64)?;
        if durability == Durability::Machine {
            file.sync_data()?;
        }
        fs::rename(&draft, path)
    };
    save().map_err(ProcError::io(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_that_was_set_aside_shows_in_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(EXIT_FILE);
        set_room_aside(&path);
        assert_eq!(read::<String>(&path).unwrap(), None);
        write(&path, &"short", Durability::Process).unwrap();
        assert_eq!(read::<String>(&path).unwrap().as_deref(), Some("short"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_the_system_cannot_express_is_refused() {
        let good = JobSpec {
            argv: vec!["true".to_owned()],
            cwd: "/".into(),
            env: BTreeMap::new(),
            confinement: None,
            budget: Budget::default(),
            timeout_ms: None,
            grace_ms: 0,
            runner_dir: None,
            door: None,
        };
        good.check().unwrap();
        let bad = [
            JobSpec {
                argv: vec![],
                ..good.clone()
            },
            JobSpec {
                argv: vec!["a\0".to_owned()],
                ..good.clone()
            },
            JobSpec {
                env: BTreeMap::from([("A=B".to_owned(), String::new())]),
                ..good.clone()
            },
            JobSpec {
                env: BTreeMap::from([("A".to_owned(), "\0".to_owned())]),
                ..good.clone()
            },
            JobSpec {
                cwd: "here".into(),
                ..good
            },
        ];
        for spec in bad {
            assert!(spec.check().is_err(), "{spec:?}");
        }
    }
}
