//! What a job as a whole may use: memory, processes, processor time, room on the disk.
//!
//! Its supervisor does the accounting, so that it goes on when the runner is gone. Nothing is looked at
//! without a limit, and what looking costs is bounded: after a look comes a rest many times as long.

mod accountant;
mod folders;
mod group;
mod limits;
mod memory;
mod pace;
mod place;
mod processes;
mod walk;

pub(super) use accountant::{Accountant, Finding};
pub(super) use group::Cgroup;
pub use limits::Budget;
pub(super) use limits::Overrun;
pub(super) use place::Place;
pub(super) use processes::milliseconds;
