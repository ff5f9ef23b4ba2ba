//! SQLite: the event log, its projections, and the one write path between them.
//!
//! [`Tx::append`] is the only way to change anything: it checks the event, chains it to the one
//! before it and folds it into the tables, all in one transaction.

mod approvals;
mod calls;
mod chain;
mod checkpoints;
mod connect;
mod consents;
mod doomed;
mod error;
mod fold_locks;
mod fold_models;
mod locks;
mod models;
mod open;
mod overrides;
mod project;
mod prune;
mod query;
mod queue;
mod rebuild;
mod reserve;
mod rows;
mod starts;
mod status;
mod taken_back;
mod tx;

#[cfg(test)]
mod clock_tests;
#[cfg(test)]
mod move_tests;
#[cfg(test)]
mod recovery_tests;
#[cfg(test)]
mod tests;

pub use approvals::{Approval, Asked};
pub use calls::{CallTook, ModelCallRow, Spending};
pub use chain::ChainReport;
pub use checkpoints::{CheckpointRow, Origin};
pub use consents::Consent;
pub use error::StoreError;
pub use locks::Holder;
pub use models::MessageRow;
pub use open::{DATABASE, SCHEMA_VERSION, Store};
pub use overrides::Override;
pub use query::EventFilter;
pub use queue::QueueRow;
pub use reserve::{keep_reserve, takes_writes};
pub use rows::{ADOPTED, ArtifactRow, ELSEWHERE, JobRow, SessionRow};
pub use tx::Tx;
