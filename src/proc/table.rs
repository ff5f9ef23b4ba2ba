//! The system's table of processes, as `/proc` shows it.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

/// How a supervisor's command line begins, which it has from the server that it was forked from.
const SUPERVISOR: &[u8] = b"treeyard\0__forkserver\0";

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub pid: u32,
    pub parent: u32,
    pub zombie: bool,
    /// Whether it was told to stop, and does nothing until it is told to go on.
    pub stopped: bool,
    /// Clock ticks since boot. With the pid it names a process for good.
    pub start_time: u64,
    /// Processor time, its own and that of children that it has waited for.
    pub cpu_ticks: u64,
    /// Memory that it has now, what it shares with others included.
    pub resident_pages: u64,
}

/// The process `pid`, if there is one.
pub(super) fn entry(pid: u32) -> io::Result<Entry> {
    let text = fs::read(format!("/proc/{pid}/stat"))?;
    parse(pid, &String::from_utf8_lossy(&text))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "malformed /proc stat"))
}

/// The name stands in parentheses and may hold anything, so fields count from the last one.
fn parse(pid: u32, text: &str) -> Option<Entry> {
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let mut number = |skipped| fields.nth(skipped)?.parse::<u64>().ok();
    let (user, system) = (number(9)?, number(0)?);
    let (waited_user, waited_system) = (number(0)?, number(0)?);
    let start_time = number(4)?;
    let resident_pages = number(1)?;
    Some(Entry {
        pid,
        parent,
        zombie: matches!(state, "Z" | "X"),
        stopped: match state {
            "T" | "t" => true,
            "D" => is_to_stop(pid),
            _ => false,
        },
        start_time,
        cpu_ticks: user + system + waited_user + waited_system,
        resident_pages,
    })
}

/// Whether a process that waits in the kernel stops before it does anything else. One that waits for a child to become
/// another program (`vfork`) does not come back as long as that child is stopped itself.
fn is_to_stop(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    has_stop(&status).unwrap_or(false)
}

/// Signals to a process that it has not looked at, one bit each.
fn has_stop(status: &str) -> Option<bool> {
    const STOP: u64 = 1 << (nix::libc::SIGSTOP - 1);
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("ShdPnd:"))?;
    let pending = u64::from_str_radix(line.trim(), 16).ok()?;
    Some(pending & STOP != 0)
}

/// Every process's id.
pub(super) fn pids() -> Vec<u32> {
    let Ok(folder) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    folder
        .flatten()
        .filter_map(|item| item.file_name().to_str()?.parse().ok())
        .collect()
}

/// How many threads the whole machine has: one cheap look, whatever there are.
pub(super) fn threads() -> Option<u64> {
    threads_in(&fs::read_to_string("/proc/loadavg").ok()?)
}

/// The fourth field is `running/all`.
fn threads_in(loadavg: &str) -> Option<u64> {
    let (_, all) = loadavg.split_ascii_whitespace().nth(3)?.split_once('/')?;
    all.parse().ok()
}

/// Whether any process that this user may look at stands in `folder` or below it. The path must be
/// canonical.
pub fn is_anybody_in(folder: &Path) -> bool {
    let stands_in = |pid: u32| fs::read_link(format!("/proc/{pid}/cwd"));
    pids()
        .into_iter()
        .flat_map(stands_in)
        .any(|place| place.starts_with(folder))
}

/// Whether this process was started by a job: it is below a supervisor then, however it was started.
pub fn is_of_job() -> bool {
    let parent = |pid: &u32| Some(entry(*pid).ok()?.parent).filter(|parent| *parent > 1);
    let above = std::iter::successors(parent(&std::process::id()), parent);
    above.into_iter().any(|pid| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        words.starts_with(SUPERVISOR)
    })
}

/// Every living process below those in `roots`, without them.
pub(super) fn descendants(roots: &[u32]) -> Vec<Entry> {
    descendants_but(roots, |_| false)
}

/// The same, without those that are `left_out` and what is below them.
pub(super) fn descendants_but(roots: &[u32], left_out: impl Fn(&Entry) -> bool) -> Vec<Entry> {
    let mut found = below_but(roots, left_out);
    found.retain(|entry| !entry.zombie);
    found
}

/// The same with those that ended and nobody has waited for.
pub(super) fn below(roots: &[u32]) -> Vec<Entry> {
    below_but(roots, |_| false)
}

fn below_but(roots: &[u32], left_out: impl Fn(&Entry) -> bool) -> Vec<Entry> {
    // By parent: a family that grows without end is looked at too.
    let mut children: HashMap<u32, Vec<Entry>> = HashMap::new();
    let all = pids().into_iter().flat_map(entry);
    for entry in all.filter(|entry| !left_out(entry)) {
        children.entry(entry.parent).or_default().push(entry);
    }
    let mut parents = roots.to_vec();
    let mut found = Vec::new();
    while let Some(parent) = parents.pop() {
        for child in children.remove(&parent).into_iter().flatten() {
            parents.push(child.pid);
            if !roots.contains(&child.pid) {
                found.push(child);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let text = "7 (a ) R 9 (b) S 3 7 7 0 -1 4 1 0 0 0 10 20 30 40 20 0 1 0 4711 1 2\n";
        let entry = parse(7, text).unwrap();
        assert_eq!(
            (entry.parent, entry.start_time, entry.zombie),
            (3, 4711, false)
        );
        assert_eq!((entry.cpu_ticks, entry.resident_pages), (100, 2));
        assert_eq!(parse(7, "7 (a) S 3"), None);
    }

    #[test]
    fn a_signal_that_waits_is_found_among_others() {
        let status = |bits: &str| {
            format!("State:\tD (disk sleep)\nSigPnd:\t0000000000040000\nShdPnd:\t{bits}\n")
        };
        for (bits, expected) in [
            ("0000000000040000", Some(true)),
            ("0000000000044200", Some(true)),
            ("0000000000020000", Some(false)),
            ("none", None),
        ] {
            assert_eq!(has_stop(&status(bits)), expected, "{bits}");
        }
        assert_eq!(has_stop("State:\tD\n"), None);
    }

    #[test]
    fn the_machine_says_how_many_threads_it_has() {
        assert_eq!(threads_in("5.53 4.79 4.65 4/107 7776\n"), Some(107));
        assert_eq!(threads_in(""), None);
        assert!(threads().unwrap() > 1);
    }

    #[test]
    fn this_process_stands_where_it_is() {
        let place = std::env::current_dir().unwrap().canonicalize().unwrap();
        assert!(is_anybody_in(&place) && is_anybody_in(place.parent().unwrap()));
        assert!(!is_anybody_in(&place.join("src/nobody")));
    }

    #[test]
    fn this_process_is_below_its_parent() {
        let own = std::process::id();
        let parent = entry(own).unwrap().parent;
        assert!(descendants(&[parent]).iter().any(|entry| entry.pid == own));
    }
}
