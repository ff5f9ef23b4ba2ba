//! How much memory processes have that the system cannot take back from them.
//!
//! The resident size of each is in the table already, but what a process and its children share counts
//! once for each of them there, and so do files that are merely mapped. So the sum is only asked whether
//! a limit can have been reached at all. When it can, the kernel is asked for the proportional share
//! of each process, which takes it about as long as a look at everything else.

use std::fs;

use super::super::room::kibibytes;
use super::super::table::Entry;

/// What all of them have, in bytes. Exact only when it is more than `enough`.
pub(super) fn used(family: &[Entry], enough: u64) -> u64 {
    let page = rustix::param::page_size() as u64;
    let resident = |entry: &Entry| entry.resident_pages * page;
    let sum: u64 = family.iter().map(resident).sum();
    // What was swapped out is not resident.
    if sum <= enough && !is_swapping() {
        return sum;
    }
    let exactly = |entry: &Entry| kept(entry.pid).unwrap_or_else(|| resident(entry));
    family.iter().map(exactly).sum()
}

/// `None` when it is gone, or not for this user to look at.
fn kept(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    proportional(&text)
}

/// Its share of private and shared memory, swap included. Before Linux 5.3 files are not told apart.
fn proportional(text: &str) -> Option<u64> {
    let of = |name: &str| kibibytes(text, name);
    let swapped = of("SwapPss").unwrap_or(0);
    let here = match (of("Pss_Anon"), of("Pss_Shmem")) {
        (Some(private), Some(shared)) => private + shared,
        _ => of("Pss")?,
    };
    Some((here + swapped) * 1024)
}

fn is_swapping() -> bool {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    kibibytes(&text, "SwapTotal") > kibibytes(&text, "SwapFree")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proc::table;

    const ROLLUP: &str = "7f00-7fff ---p 00000000 00:00 0 [rollup]\nRss: 900 kB\nPss:  532 kB\n\
                          Pss_Anon:             152 kB\nPss_File:             380 kB\nPss_Shmem:              8 kB\nSwapPss:                4 kB\n";

    #[test]
    fn files_that_are_mapped_do_not_count_where_they_are_told_apart() {
        assert_eq!(proportional(ROLLUP), Some(164 * 1024));
        let old: String = ROLLUP
            .lines()
            .filter(|line| !line.starts_with("Pss_"))
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(proportional(&old), Some(536 * 1024));
        assert_eq!(proportional("Rss: 3 kB"), None);
    }

    #[test]
    fn the_exact_number_is_not_above_the_sum() {
        let own = table::entry(std::process::id()).unwrap();
        let (sum, exact) = (used(&[own], u64::MAX), used(&[own], 0));
        assert!(exact > 0 && exact <= sum, "{exact} {sum}");
    }
}
