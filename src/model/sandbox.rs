//! How far a session is held back from the rest of the machine, and what each level does not stop.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much holds a session back. Each level has all that the one before it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nothing: it has the rights of the person who started it.
    None,
    /// The kernel refuses to open what it was not granted, and calls that reach beyond its own processes.
    Standard,
    /// Besides, what it was not granted does not exist for it.
    Strict,
}

impl Level {
    /// The text in settings and output.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Standard => "standard",
            Self::Strict => "strict",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What of the kernel holds sessions back on a machine. Where something is missing, why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The version of Landlock: which files may be opened.
    pub landlock: Result<u32, String>,
    /// System call filters.
    pub seccomp: Result<(), String>,
    /// Namespaces for mounts: which files there are.
    pub mounts: Result<(), String>,
    /// Namespaces for the network.
    pub network: Result<(), String>,
    /// Control groups: what the kernel itself limits for a whole job.
    pub groups: Result<Controllers, String>,
}

/// What control groups can limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Controllers {
    pub memory: bool,
    pub processes: bool,
}

impl Controllers {
    /// From the kernel's names for them, with spaces in between.
    pub fn read(text: &str) -> Self {
        let has = |name| text.split_ascii_whitespace().any(|word| word == name);
        Self {
            memory: has("memory"),
            processes: has("pids"),
        }
    }

    /// Whether it is all that a job can be limited to by the kernel.
    pub fn are_all(self) -> bool {
        self.memory && self.processes
    }

    /// The kernel's names for them.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let all = [(self.memory, "memory"), (self.processes, "pids")];
        all.into_iter()
            .filter_map(|(has, name)| has.then_some(name))
    }

    /// Those that `others` does not have.
    pub fn without(self, others: Self) -> Self {
        Self {
            memory: self.memory && !others.memory,
            processes: self.processes && !others.processes,
        }
    }
}

/// The first version of Landlock without which files could still be emptied (`truncate`).
pub const LEAST_LANDLOCK: u32 = 3;
/// From this version on signals stay inside, and abstract sockets.
const SCOPES: u32 = 6;

impl Machine {
    /// A machine on which nothing of this can be had, for this reason.
    pub fn without(why: &str) -> Self {
        Self {
            landlock: Err(why.to_owned()),
            seccomp: Err(why.to_owned()),
            mounts: Err(why.to_owned()),
            network: Err(why.to_owned()),
            groups: Err(why.to_owned()),
        }
    }

    /// The level that is reached here.
    pub fn level(&self) -> Level {
        match (self.lacks_for_standard(), &self.mounts) {
            (Some(_), _) => Level::None,
            (None, Err(_)) => Level::Standard,
            (None, Ok(())) => Level::Strict,
        }
    }

    /// Why a level is not reached; `None` when it is.
    pub fn lacks(&self, level: Level) -> Option<String> {
        match level {
            Level::None => None,
            Level::Standard => self.lacks_for_standard(),
            Level::Strict => self.lacks_for_standard().or_else(|| {
                self.mounts
                    .as_ref()
                    .err()
                    .map(|why| format!("namespaces: {why}"))
            }),
        }
    }

    fn lacks_for_standard(&self) -> Option<String> {
        match &self.landlock {
            Err(why) => return Some(format!("Landlock: {why}")),
            Ok(version) if *version < LEAST_LANDLOCK => {
                return Some(format!(
                    "Landlock: version {version} is too old, {LEAST_LANDLOCK} is needed (Linux 6.2)"
                ));
            }
            Ok(_) => {}
        }
        let why = self.seccomp.as_ref().err()?;
        Some(format!("system call filter: {why}"))
    }

    /// What the person whose machine it is can do so that more is reached, one sentence each.
    pub fn fixes(&self) -> Vec<&'static str> {
        let is_old = self.landlock.as_ref().is_ok_and(|found| *found < SCOPES);
        let all = [
            (
                self.landlock.is_err(),
                "Landlock: Linux 6.2 or later, with `landlock` in the boot option `lsm=`",
            ),
            (is_old, "Landlock: Linux 6.12 or later has all of it"),
            (
                self.seccomp.is_err(),
                "seccomp: a container's own filter may forbid it; use the default one",
            ),
            (
                self.mounts.is_err(),
                "namespaces: `sysctl kernel.apparmor_restrict_unprivileged_userns=0`, or \
                 `user.max_user_namespaces` above 0; in a container, allow `unshare`",
            ),
            (
                !self.groups.as_ref().is_ok_and(|found| found.are_all()),
                "control groups: version 2 with `memory` and `pids`, delegated (Delegate=yes)",
            ),
        ];
        let missing = all.into_iter().filter(|(is_missing, _)| *is_missing);
        missing.map(|(_, fix)| fix).collect()
    }

    /// What is not stopped here at the level that is reached, one sentence each.
    pub fn gaps(&self) -> Vec<&'static str> {
        let level = self.level();
        if level == Level::None {
            return vec!["nothing is stopped, so nothing is run"];
        }
        let signals_leave = self
            .landlock
            .as_ref()
            .is_ok_and(|version| *version < SCOPES);
        let is_flat = level < Level::Strict;
        let all = [
            (
                signals_leave,
                "signals reach the person's other processes (Linux 6.12 stops them)",
            ),
            (
                is_flat,
                "modes, owners, times and attributes of files outside can be changed",
            ),
            (
                is_flat,
                "sockets that are files can be connected to, wherever they are",
            ),
            (
                is_flat,
                "names, sizes, times and links outside can be asked for one by one",
            ),
            (
                is_flat,
                "System V memory, semaphores and queues of the person can be used",
            ),
            (
                is_flat,
                "with a list of hosts, the proxy's port is open on other hosts too",
            ),
            (
                !self.groups.as_ref().is_ok_and(|found| found.are_all()),
                "memory and processes of jobs are counted: there can be more for a moment",
            ),
            (
                true,
                "command lines of other processes can be read, but nothing else of them",
            ),
            (
                true,
                "on which processors the person's other processes run can be changed",
            ),
            (
                true,
                "an open `sandbox.network` reaches services of this machine and beside it",
            ),
        ];
        let holds = all.into_iter().filter(|(holds, _)| *holds);
        holds.map(|(_, text)| text).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(landlock: u32) -> Machine {
        Machine {
            landlock: Ok(landlock),
            seccomp: Ok(()),
            mounts: Ok(()),
            network: Ok(()),
            groups: Ok(Controllers::read("cpu memory pids")),
        }
    }

    #[test]
    fn a_level_needs_all_of_its_mechanisms() {
        assert_eq!(machine(7).level(), Level::Strict);
        assert_eq!(machine(3).level(), Level::Strict);
        assert_eq!(machine(2).level(), Level::None);
        let no = || Err("no".to_owned());
        let flat = Machine {
            mounts: no(),
            ..machine(7)
        };
        assert_eq!(flat.level(), Level::Standard);
        assert_eq!(flat.lacks(Level::Standard), None);
        assert_eq!(flat.lacks(Level::Strict).as_deref(), Some("namespaces: no"));
        let open = Machine {
            seccomp: no(),
            ..machine(7)
        };
        assert_eq!(open.level(), Level::None);
        assert_eq!(Machine::without("no").level(), Level::None);
        assert_eq!(machine(7).fixes(), [""; 0]);
        assert!(flat.fixes()[0].starts_with("namespaces"));
        assert_eq!(Machine::without("no").fixes().len(), 4);
        for machine in [machine(7), flat, open] {
            let level = machine.level();
            assert_eq!(machine.lacks(level), None);
            assert!(!machine.gaps().is_empty());
        }
    }

    #[test]
    fn weaker_machines_have_more_gaps() {
        let flat = Machine {
            mounts: Err(String::new()),
            ..machine(7)
        };
        let old = Machine {
            landlock: Ok(5),
            ..flat.clone()
        };
        assert!(machine(7).gaps().len() < flat.gaps().len());
        assert!(flat.gaps().len() < old.gaps().len());
        let counted = Machine {
            groups: Ok(Controllers::read("hugetlb pids")),
            ..machine(7)
        };
        assert_eq!(counted.gaps().len(), machine(7).gaps().len() + 1);
    }
}
