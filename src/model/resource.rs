//! What a job as a whole uses of the machine, and the words for it.

use serde::{Deserialize, Serialize};

/// One thing of which a job may have a limit over all of its processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Bytes of memory that cannot be taken back.
    Memory,
    /// Processes at once.
    Processes,
    /// Processor time, in milliseconds.
    Cpu,
    /// Bytes of its folders on the disk.
    Disk,
    /// Files and folders in its folders.
    Files,
}

impl Resource {
    /// The setting that limits it.
    pub fn setting(self) -> &'static str {
        match self {
            Self::Memory => "sandbox.memory",
            Self::Processes => "sandbox.processes",
            Self::Cpu => "sandbox.total_cpu",
            Self::Disk => "sandbox.disk",
            Self::Files => "sandbox.files",
        }
    }

    /// So much of it, for a person.
    pub fn amount(self, value: u64) -> String {
        match self {
            Self::Memory => format!("{} of memory", bytes(value)),
            Self::Processes => format!("{value} processes"),
            Self::Cpu => format!("{:.1} s of processor time", value as f64 / 1000.0),
            Self::Disk => format!("{} on the disk", bytes(value)),
            Self::Files => format!("{value} files"),
        }
    }

    /// That so much was used with this limit, or that the kernel did not let it be more.
    pub fn overrun(self, limit: u64, used: u64) -> String {
        let had = match used > limit {
            true => format!("it had {}", self.amount(used)),
            false => "the kernel did not let it have more".to_owned(),
        };
        let (limit, setting) = (self.amount(limit), self.setting());
        format!("went over its limit: {had}, at most {limit} are allowed ({setting})")
    }
}

/// Bytes, such as `1.5 GiB`.
pub fn bytes(value: u64) -> String {
    const UNITS: [(&str, u64); 4] = [
        ("TiB", 1 << 40),
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("KiB", 1 << 10),
    ];
    match UNITS.into_iter().find(|(_, unit)| value >= *unit) {
        None => format!("{value} B"),
        Some((name, unit)) if value.is_multiple_of(unit) => format!("{} {name}", value / unit),
        Some((name, unit)) => format!("{:.1} {name}", value as f64 / unit as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overrun_names_the_limit_and_its_setting() {
        let all = [
            (
                Resource::Memory,
                1 << 30,
                (1 << 30) + (1 << 29),
                "went over its limit: it had 1.5 GiB of memory, at most 1 GiB of memory are allowed (sandbox.memory)",
            ),
            (
                Resource::Memory,
                1 << 30,
                1 << 30,
                "went over its limit: the kernel did not let it have more, at most 1 GiB of memory are allowed (sandbox.memory)",
            ),
            (
                Resource::Processes,
                64,
                80,
                "went over its limit: it had 80 processes, at most 64 processes are allowed (sandbox.processes)",
            ),
            (
                Resource::Cpu,
                2_000,
                2_140,
                "went over its limit: it had 2.1 s of processor time, at most 2.0 s of processor time are allowed (sandbox.total_cpu)",
            ),
            (
                Resource::Files,
                5,
                6,
                "went over its limit: it had 6 files, at most 5 files are allowed (sandbox.files)",
            ),
        ];
        for (resource, limit, used, words) in all {
            assert_eq!(resource.overrun(limit, used), words);
        }
    }

    #[test]
    fn bytes_are_in_the_unit_in_which_they_are_small() {
        let all = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1 << 20, "1 MiB"),
            (1_600_000, "1.5 MiB"),
        ];
        for (value, words) in all {
            assert_eq!(bytes(value), words);
        }
    }
}
