//! Holding a program back from the rest of the machine.
//!
//! `treeyard __confined` becomes the program: it takes away what it may not do from itself and then
//! executes it, so that whatever the program starts is held back too, and no code of treeyard's runs
//! between. What is taken away cannot be had back by anybody.
//!
//! Three things of the kernel do it, each alone: a view (`view`, mount and other namespaces) in which
//! nothing else exists, rules (`rules`, Landlock) of which files may be opened, and a filter (`filter`,
//! seccomp) of system calls that reach further than files. What cannot be applied is an error, and the
//! program does not run.

mod confinement;
mod enter;
mod filter;
mod mounts;
mod plan;
mod probe;
mod rights;
mod rules;
mod view;

pub use confinement::{Confinement, Limits, Reach, View};
pub(super) use enter::{Entry, is_for_the_loader, refusal};
pub use enter::{VERB as CONFINED_VERB, confined};
pub use probe::{VERB as PROBE_VERB, probe, probe_here};
