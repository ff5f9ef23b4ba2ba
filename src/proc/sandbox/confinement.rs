//! What a program is held to. All paths are absolute.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::network::HostPattern;

/// What a program may reach. It may read what it may change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Folders of the system that it may read, but for what is hidden.
    pub system: Vec<PathBuf>,
    /// What it may not read even though it lies in a folder of the system.
    pub hidden: Vec<PathBuf>,
    /// What it may read besides, with all below. What is not there is passed over.
    pub read: Vec<PathBuf>,
    /// What it may change, with all below. Has to be there.
    pub write: Vec<PathBuf>,
    /// What stands in for the folder of temporary files, where the view is its own.
    pub tmp: Option<PathBuf>,
    /// What it sees.
    pub view: View,
    /// What it reaches of the network.
    pub network: Reach,
    /// How much it may use.
    pub limits: Limits,
}

/// What a program sees of the file system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// All of it, and it is refused what it was not granted.
    #[default]
    Whole,
    /// What it was granted; nothing else is there.
    Own,
}

/// What a program reaches of the network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// All of it.
    #[default]
    Open,
    /// Nothing; at most itself.
    Nothing,
    /// These hosts, by way of a proxy.
    Hosts(Vec<HostPattern>),
}

/// How much one process may use; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Processor time, in seconds.
    pub cpu_seconds: Option<u64>,
    /// The size of a file that it writes, in bytes.
    pub file_bytes: Option<u64>,
    /// Files that are open at once.
    pub open_files: Option<u64>,
    /// Processes of the job at once. The system counts all of a user's, threads included, so this is no
    /// more than a net below what the supervisor counts.
    #[serde(default)]
    pub processes: Option<u64>,
}
