//! Snapshots of a session's worktree as trees of git, in the main repository: what checkpoints are made of.

#[cfg(test)]
mod crash_tests;
mod difference;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod ignored_tests;
mod keep;
mod look;
mod packed;
mod paths;
mod place;
#[cfg(test)]
mod property_tests;
mod record;
mod restore;
mod scene;
mod state;
mod store;
mod take;
#[cfg(test)]
mod tests;

pub use difference::{Difference, Kind, difference, unified, worktree_difference};
pub use keep::{
    Checkpoint, Keeping, drop, ignored_of, keep, keep_again, kept_at, list, list_all, reference,
};
pub use paths::differing;
pub use restore::{Restored, restore};
pub use scene::{Note, Why};
pub use take::{Taken, take};
