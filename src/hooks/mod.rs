//! What the git hooks decide: in a session's worktree from its guard alone, in a person's checkout
//! from who holds what. Both look at paths only, and at every commit for itself.

mod cached;
mod chain;
mod checkout;
mod error;
mod history;
mod holders;
mod overrides;
mod place;
mod pushes;
mod refusal;
mod session;
mod staged;
#[cfg(test)]
mod tests;
mod trailers;
mod updates;

pub use chain::run_behind;
pub use checkout::{Checked, checkout};
pub use error::HookError;
pub use holders::{Holder, holders};
pub use refusal::{Refusal, named, words};
pub use session::session;
