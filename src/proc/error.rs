use std::io;
use std::path::{Path, PathBuf};

use crate::model::code::Code;

/// Why a process could not be started, watched or ended.
#[derive(Debug, thiserror::Error)]
pub enum ProcError {
    /// A file of the job's folder could not be used.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file of the job's folder is not what its name says.
    #[error("{}: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The job cannot be run as described.
    #[error("the job cannot be run: {0}")]
    InvalidSpec(String),
    /// A program could not be started.
    #[error("cannot start {}: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A process could not be watched or signalled.
    #[error("process {pid}: {source}")]
    Process {
        /// The process.
        pid: u32,
        /// The system's reason.
        source: io::Error,
    },
    /// A job was to be swept up, or started again, while its supervisor works.
    #[error("the job in {} still runs", .0.display())]
    StillRunning(PathBuf),
    /// Processes of a lost job withstood being killed.
    #[error("{count} processes of the job {job} could not be killed")]
    Unkillable {
        /// The name of the job's folder.
        job: String,
        /// How many are left.
        count: usize,
    },
}

impl ProcError {
    /// The registered code.
    pub fn code(&self) -> Code {
        match self {
            Self::Start { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Code::ProgramMissing
            }
            Self::InvalidSpec(_) => Code::ConfigInvalid,
            Self::Io { source, .. } | Self::Start { source, .. } => Code::of_system(source),
            _ => Code::Io,
        }
    }

    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn process<E: Into<io::Error>>(pid: u32) -> impl FnOnce(E) -> Self {
        move |source| Self::Process {
            pid,
            source: source.into(),
        }
    }
}
