//! What is left of the machine: memory, and room on a disk.

use std::fs;
use std::io;
use std::path::Path;

/// Where the system says it.
const SYSTEM: &str = "/proc";

/// What the machine has left. What it does not say is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MachineRoom {
    /// Memory that a new program could have without anything being swapped out, in bytes.
    pub memory: Option<u64>,
    /// How many hundredths of the last ten seconds somebody waited for memory.
    pub pressure: Option<f64>,
    /// Room on the disk, in bytes.
    pub disk: Option<u64>,
}

impl MachineRoom {
    /// With the disk on which `folder` is, or is going to be.
    pub fn now(folder: &Path) -> Self {
        Self::told_by(Path::new(SYSTEM), folder)
    }

    fn told_by(system: &Path, folder: &Path) -> Self {
        let read = |name: &str| fs::read_to_string(system.join(name)).unwrap_or_default();
        Self {
            memory: available(&read("meminfo")),
            pressure: some_avg10(&read("pressure/memory")),
            disk: room_on_disk(folder).ok(),
        }
    }
}

/// Memory that a new program could have, in bytes.
pub(super) fn available_memory() -> Option<u64> {
    available(&fs::read_to_string(Path::new(SYSTEM).join("meminfo")).ok()?)
}

fn available(meminfo: &str) -> Option<u64> {
    kibibytes(meminfo, "MemAvailable").map(|number| number * 1024)
}

/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`
fn some_avg10(pressure: &str) -> Option<f64> {
    let some = pressure
        .lines()
        .find_map(|line| line.strip_prefix("some "))?;
    let value = |field: &str| field.strip_prefix("avg10=")?.parse().ok();
    some.split_ascii_whitespace().find_map(value)
}

/// The folder may not be there yet; one above it is.
fn room_on_disk(folder: &Path) -> io::Result<u64> {
    let mut found = Err(io::ErrorKind::NotFound.into());
    for place in folder.ancestors() {
        found = fs2::available_space(place);
        if found.is_ok() {
            break;
        }
    }
    found
}

/// The number of a line such as `Pss:   532 kB`.
pub(super) fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let number = |line: &str| {
        let (found, rest) = line.split_once(':')?;
        (found == name).then(|| rest.split_ascii_whitespace().next()?.parse().ok())?
    };
    text.lines().find_map(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_understood() {
        let system = tempfile::tempdir().unwrap();
        let nothing = MachineRoom::told_by(system.path(), system.path());
        assert_eq!((nothing.memory, nothing.pressure), (None, None));
        assert!(nothing.disk.unwrap() > 0);
        fs::create_dir(system.path().join("pressure")).unwrap();
        let meminfo = "MemTotal:       24683520 kB\nMemFree: 1 kB\nMemAvailable:   2048 kB\n";
        fs::write(system.path().join("meminfo"), meminfo).unwrap();
        let pressure = "some avg10=12.50 avg60=0.00 avg300=0.00 total=0\nfull avg10=1.00 avg60=0.00 avg300=0.00 total=0\n";
        fs::write(system.path().join("pressure/memory"), pressure).unwrap();
        let found = MachineRoom::told_by(system.path(), &system.path().join("not/there"));
        assert_eq!((found.memory, found.pressure), (Some(2 << 20), Some(12.5)));
        assert!(found.disk.unwrap() > 0);
    }

    #[test]
    fn this_machine_says_what_it_has() {
        assert!(available_memory().unwrap() > 0);
    }
}
