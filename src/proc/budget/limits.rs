//! The limits of a job over all of its processes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::job::Outcome;
use crate::model::resource::Resource;

/// What all processes of a job together may use; `None` is no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Budget {
    /// Memory that cannot be taken back, in bytes.
    pub memory_bytes: Option<u64>,
    /// Processes at once.
    pub processes: Option<u64>,
    /// Processor time, in milliseconds.
    pub cpu_ms: Option<u64>,
    /// What its folders take of the disk, in bytes.
    pub disk_bytes: Option<u64>,
    /// How many files and folders are in its folders.
    pub disk_files: Option<u64>,
    /// The folders that count.
    pub folders: Vec<PathBuf>,
}

/// That a job used more than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proc) struct Overrun {
    pub what: Resource,
    pub limit: u64,
    pub used: u64,
}

impl Overrun {
    /// The first of these that is over its limit.
    pub(super) fn find(
        all: impl IntoIterator<Item = (Resource, Option<u64>, u64)>,
    ) -> Option<Self> {
        all.into_iter().find_map(|(what, limit, used)| {
            let limit = limit.filter(|limit| used > *limit)?;
            Some(Self { what, limit, used })
        })
    }

    /// How a job ends that did it.
    pub(in crate::proc) fn outcome(self) -> Outcome {
        let Self { what, limit, used } = self;
        Outcome::OverLimit { what, limit, used }
    }
}

/// How much of its limit is used at most: 0 is nothing, 1 all.
pub(super) fn share(all: impl IntoIterator<Item = (Option<u64>, u64)>) -> f64 {
    all.into_iter()
        .filter_map(|(limit, used)| Some(used as f64 / limit?.max(1) as f64))
        .fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_over_its_limit_is_an_overrun() {
        let all = [
            (Resource::Memory, None, 1 << 40),
            (Resource::Processes, Some(4), 4),
            (Resource::Cpu, Some(10), 11),
        ];
        let found = Overrun::find(all).unwrap();
        assert_eq!(
            (found.what, found.limit, found.used),
            (Resource::Cpu, 10, 11)
        );
        assert_eq!(Overrun::find(all.into_iter().take(2)), None);
        assert!((share([(None, 5), (Some(4), 1), (Some(10), 5)]) - 0.5).abs() < 0.001);
    }
}
