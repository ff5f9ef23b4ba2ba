//! The system's table of processes, as `/proc` shows it.

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
    let start_time = fields.nth(17)?.parse().ok()?;
    Some(Entry {
        pid,
        parent,
        zombie: matches!(state, "Z" | "X"),
        stopped: matches!(state, "T" | "t"),
        start_time,
    })
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
    let all = pids().into_iter().flat_map(entry);
    let mut rest: Vec<Entry> = all.filter(|entry| !left_out(entry)).collect();
    let mut parents = roots.to_vec();
    let mut found = Vec::new();
    while let Some(parent) = parents.pop() {
        for child in rest.extract_if(.., |entry| entry.parent == parent) {
            parents.push(child.pid);
            if !child.zombie && !roots.contains(&child.pid) {
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
        let text = "7 (a ) R 9 (b) S 3 7 7 0 -1 4 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 2\n";
        let entry = parse(7, text).unwrap();
        assert_eq!(
            (entry.parent, entry.start_time, entry.zombie),
            (3, 4711, false)
        );
        assert_eq!(parse(7, "7 (a) S 3"), None);
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
