//! One session's work onto its target: commit, import, merge, gate, publish, give back.

mod candidate;
mod claim;
mod error;
mod fence;
mod gate;
mod interrupted;
mod land;
mod orphans;

pub use candidate::conflicted;
pub use claim::{beyond_claim, bounds};
pub use error::LandError;
pub use fence::{commit_message, lock_to_land};
pub use interrupted::{
    Interrupted, Settled, complete, interrupted, judge_by, record, record_updated, settle,
};
pub use land::{Landed, Landing, Policy, refuse_unfinished, refused};
pub use orphans::end_orphaned_gates;

pub use crate::workspace::located;
