//! Landing a session's commits on the target branch.
//!
//! Deciding ([`prepare`], [`sync_plan`]) writes at most unreferenced objects; acting ([`publish`],
//! [`update_checkouts`]) moves one ref and the files of its checkouts, and needs a [`LandingLock`].

mod bounds;
#[cfg(test)]
mod bounds_tests;
mod checkout;
mod conflict;
mod durable;
mod entries;
mod error;
mod files;
mod message;
mod prepare;
mod publish;
mod rebase;

#[cfg(test)]
mod conflict_tests;
#[cfg(test)]
mod tests;

pub use bounds::{Beyond, Bounds, check_commits, check_sound};
pub use checkout::{Finish, SyncPlan, checkouts_of, finish_checkout, sync_plan, update_checkouts};
pub use conflict::{ConflictKind, ConflictPath, ConflictReport};
pub use error::MergeError;
pub use files::{Merged, merge_files, preview_files};
pub use message::MergeMethod;
pub use prepare::{Candidate, LandingPlan, Prepared, commits_in, new_messages, prepare};
pub use publish::{LandingLock, publish};
