//! Takes secrets out of what jobs print and what messages say.
//!
//! Two passes, each over a stream of bytes that may be cut anywhere. `values` replaces every
//! occurrence of the values that were passed, in each form that `encodings` knows. `lines` replaces
//! what looks like a secret by the rules of `rules` and `shapes`, line by line. `prefilter` skips
//! what cannot begin either, which is nearly everything, so that a large output costs little.
//!
//! *Invariant:* the result does not depend on how the bytes were cut, and is not changed by
//! redacting it again (where a line has more than 16 KiB, a second time may find more).

mod encodings;
mod lines;
mod prefilter;
mod random;
mod redactor;
mod rules;
mod shapes;
mod values;

#[cfg(test)]
mod tests;

pub use encodings::Unredactable;
pub use redactor::{Findings, RedactStream, Redactor};
