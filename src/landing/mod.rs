//! One session's work onto its target: commit, import, merge, gate, publish, give back.

mod candidate;
mod claim;
mod error;
mod fence;
mod gate;
mod interrupted;
mod land;
mod orphans;

pub use claim::{beyond_claim, bounds};
pub use error::LandError;
pub use fence::commit_message;
pub use interrupted::{Interrupted, Settled, complete, interrupted, settle};
pub use land::{Landed, Landing, Policy};
pub use orphans::end_orphaned_gates;

pub use crate::workspace::located;
