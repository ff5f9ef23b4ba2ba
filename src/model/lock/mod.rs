//! Scope locks: who may change which files now.
//!
//! A lock is one grant: a party may change the files of a scope, and nobody else may until it is
//! released. Two locks whose scopes overlap are never held by different parties (INV-MM-003).

mod conflict;
mod held;
mod lease;
mod table;

pub use conflict::{Claimant, Conflict};
pub use held::{Lock, LockToken, Party};
pub use lease::{Lease, Moment, Process, Standing};
pub use table::{LockTable, Meeting};
