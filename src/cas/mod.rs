//! The content-addressed artifact store: files named by the BLAKE3 hash of their bytes.
//!
//! ```text
//! <root>/objects/ab/<62 hex digits>   finished objects, read-only, never changed
//! <root>/tmp/put-*                    being written; each is flocked by its writer
//! <root>/quarantine/                  objects whose bytes stopped matching their name
//! <root>/lock                         shared to publish, exclusive to remove
//! ```
//!
//! An object is complete from the moment it has a name: its bytes are synced in `tmp/` and only
//! then linked into place.

mod error;
mod gc;
mod layout;
mod put;
mod read;
mod stream;
mod verify;

#[cfg(test)]
mod tests;

pub use error::CasError;
pub use gc::GcReport;
pub use layout::Cas;
pub use put::Stored;
pub use read::Objects;
pub use stream::{Hashing, hash_of};
pub use verify::{Progress, VerifyReport};
