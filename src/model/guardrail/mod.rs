//! Guardrails: patterns of harm that are known, and what follows when one is met. The registry is a file that is
//! part of the product (`registry.toml`); each entry is a condition over named signals (`signal`, `trigger`). It is
//! the same one, with the same digest, at the tool gate and in `treeyard guardrails check`.
//!
//! `line` says which signals a command line gives. What else gives signals is looked at where it is known: calls of
//! tools in `agent`, settings, plans and commits in `app`.
//!
//! *Invariant:* ids are append-only, and what one means never changes: `registry.ids` has the digest of each meaning.

mod entry;
mod line;
mod reference;
mod registry;
mod signal;
mod trigger;

#[cfg(test)]
mod tests;

pub use entry::{Answer, Detection, Domain, Guardrail, GuardrailHit, Severity, Standing};
pub use line::{Around, line_signals, write_signals};
pub use registry::{Found, InvalidRegistry, Registry, bundled};
pub use signal::{Signal, Signals, Source};
pub use trigger::Trigger;

/// So often in a row the very same call may fail; the next one is not made.
pub const SAME_FAILURES: usize = 8;
