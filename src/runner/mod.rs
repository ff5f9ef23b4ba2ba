//! The runner: one process per repository that looks at the rows, decides and acts.
//!
//! Rows go up, calls go down. A command writes rows and wakes the runner; the runner's next look
//! finds them. It sleeps until a notice or a deadline, so an idle runner costs nothing.

mod admission;
mod begin;
mod checkpoint;
mod collect;
mod context;
pub mod dispatch;
mod drift;
mod error;
mod finish;
mod groups;
mod looks;
mod passing;
mod plan;
mod recover;
mod serve;
mod settle;
mod shortage;
mod spec;
#[cfg(test)]
mod tests;
mod turn;
mod waits;
mod warning;

pub use admission::{Admission, LockWait, Verdicts};
pub use context::Config;
pub use dispatch::Limits;
pub use drift::DriftPolicy;
pub use error::RunnerError;
pub use groups::{Buckets, GroupLimits, ModelLimit, ModelLimits, Pool, buckets, claim};
pub use plan::{Step, recovery_plan};
pub use serve::{Runner, Until};
pub use shortage::{Floors, Shortage, shortage};
pub use spec::{Ground, ground};
