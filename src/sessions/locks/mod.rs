//! Who may change which files: asking for a lock, giving it back, and what lies between. Each is a
//! few events in one transaction, in which nobody else can be granted anything.

mod error;
mod leases;
mod narrow;
mod pass;
#[cfg(test)]
mod property_tests;
mod release;
mod request;
#[cfg(test)]
mod tests;
mod widen;

pub use error::LockError;
pub use leases::{lease_of_pause, new_pause, next_end_ms, settle_leases};
pub use narrow::narrow;
pub use pass::transfer;
pub use release::{give_up, release_all, release_token};
pub use request::{Answer, Request, claimant, hold, note_conflict, request};
pub use widen::{answer, ask, held_already, queue, widen};
