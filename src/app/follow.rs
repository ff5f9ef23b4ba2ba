//! The event log, read as it grows: what a person sees of work that goes on.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::failure::Failure;
use crate::model::event::Record;
use crate::store::{EventFilter, Store};

/// How often a foreground command looks for news. The runner itself never polls.
const LOOK: Duration = Duration::from_millis(60);

/// Does `work` while every event after `after` is handed to `report`, the last ones too.
///
/// # Errors
/// Those of `work`; and a log that cannot be read.
pub fn while_following<T>(
    state_dir: &Path,
    after: u64,
    report: &mut (dyn FnMut(&Record) + Send),
    work: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let ended = AtomicBool::new(false);
    let is_over = |_: &Store| Ok(ended.load(Ordering::Acquire));
    std::thread::scope(|scope| {
        let follower = scope.spawn(|| follow(state_dir, after, &is_over, report));
        let done = work();
        ended.store(true, Ordering::Release);
        follower.thread().unpark();
        let done = done?;
        follower.join().unwrap_or(Ok(after))?;
        Ok(done)
    })
}

/// Hands every new event to `report` until `is_over`. The sequence number of the last one.
pub fn follow(
    state_dir: &Path,
    after: u64,
    is_over: &dyn Fn(&Store) -> Result<bool, Failure>,
    report: &mut (dyn FnMut(&Record) + Send),
) -> Result<u64, Failure> {
    let store = Store::open(state_dir)?;
    let mut filter = EventFilter {
        after,
        ..EventFilter::default()
    };
    let mut seen = -1;
    loop {
        // Asked before reading, so that what came in between is read once more.
        let over = is_over(&store)?;
        let version = store.data_version()?;
        if over || version != seen {
            seen = version;
            for record in store.events(&filter)? {
                filter.after = record.seq;
                report(&record);
            }
        }
        if over {
            return Ok(filter.after);
        }
        std::thread::park_timeout(LOOK);
    }
}
