//! The loop: a model goes on with its session's thread until it has said all, or somebody has to say something.
//!
//! What happens next is decided by the thread alone ([`crate::model::thread::Thread::next`]), so that it makes no difference
//! whether a job begins a thread, goes on with it after a person's word, or finds it as a dead process left it. Before
//! an effect its intent is durable; what it came to is durable before the next intent is.

mod act;
mod again;
mod arriving;
mod before;
mod checkpoint;
mod compact;
mod drive;
mod error;
mod guard;
mod key;
mod ledger;
mod opening;
mod pace;
mod request;
mod setup;
mod spending;
mod structure;
mod turn;

#[cfg(test)]
mod tests;

pub use drive::drive;
pub use error::RunError;
pub use ledger::read_message;
pub use pace::Pace;
pub use request::Shown;
pub use setup::{Budgets, Caller, Cancel, Heard, Larger, Setup};

/// The verb by which this program is told to be a model's own process.
pub const MODEL_RUN_VERB: &str = "__model-run";
