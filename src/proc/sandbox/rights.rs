//! What a process may use, and what its user may do beyond other users.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
use rustix::thread::{capability_is_in_bounding_set, remove_capability_from_bounding_set};

use super::super::table::threads;
use super::confinement::Limits;

/// What root keeps: to work with files that others own where it may write at all, and to become another
/// user. Mounting, tracing, the network's and the machine's settings go.
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID);

/// How many threads a process has, in a job with as many processes as it may have.
const THREADS_EACH: u64 = 4;
/// A single program may have hundreds.
const LEAST_THREADS: u64 = 1024;
/// Where the machine does not say how many there are.
const MANY_THREADS: u64 = 10_000;

/// Gives up the rights of root but for [`KEPT`]. Without any there is nothing to give up.
pub(super) fn give_up() -> rustix::io::Result<()> {
    let now = capabilities(None)?;
    if now.permitted.contains(CapabilitySet::SETPCAP) {
        for one in CapabilitySet::all().difference(KEPT).iter() {
            // The kernel may know fewer than the library.
            if capability_is_in_bounding_set(one).unwrap_or(false) {
                remove_capability_from_bounding_set(one)?;
            }
        }
    }
    let kept = now.permitted.intersection(KEPT);
    let sets = CapabilitySets {
        effective: kept,
        permitted: kept,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, sets)
}

/// How many threads a user may have when a job of theirs may have so many processes. Never less than
/// there are on the whole machine now, so that nothing fails that would not have failed before.
fn threads_of_user(processes: u64) -> u64 {
    let there = threads().unwrap_or(MANY_THREADS);
    let more = (processes * THREADS_EACH).max(LEAST_THREADS);
    there.saturating_add(more)
}

/// Lowers the limits of this process. One that is lower already stays.
pub(super) fn limit(limits: &Limits) -> nix::Result<()> {
    let all = [
        (Resource::RLIMIT_CPU, limits.cpu_seconds),
        (Resource::RLIMIT_FSIZE, limits.file_bytes),
        (Resource::RLIMIT_NOFILE, limits.open_files),
        (
            Resource::RLIMIT_NPROC,
            limits.processes.map(threads_of_user),
        ),
        // A dump would be as large as the memory, and has in it what was there.
        (Resource::RLIMIT_CORE, Some(0)),
    ];
    for (resource, limit) in all {
        let Some(limit) = limit else { continue };
        let (_, most) = getrlimit(resource)?;
        let limit = limit.min(most);
        setrlimit(resource, limit, limit)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_net_is_above_what_is_there() {
        assert!(threads_of_user(4096) > 4 * 4096);
        assert!(threads_of_user(1) > LEAST_THREADS);
    }
}
