//! Plan files and configuration, with the origin of each value.

mod advice;
mod graph;
mod groups;
mod idle;
mod load;
mod plan;
mod prices;
mod problem;
mod programs;
mod reader;
mod sandbox;
mod schema;
mod secrets;
mod settings;
mod values;

#[cfg(test)]
mod tests;

pub use idle::idle_patterns;
pub use load::{ConfigError, read_plan_file, user_file};
pub use plan::{Plan, PlanError, single_task};
pub use prices::{known_prices, price_file, price_table};
pub use problem::Problem;
pub use schema::{
    BackoffText, BypassTable, GroupTable, GroupText, LaneText, OnCrashText, PlanDefaults, PlanFile,
    PlanLimits, RetriesTable, RetriesText, TaskOptions, TimeText, plan_schema,
};
pub use secrets::{SecretSource, SecretSources};
pub use settings::{
    Entry, KEYS, Key, Origin, RootRefused, Settings, key_table, template, worktree_root,
};
pub use values::{Isolation, LandMethod, OnDrift, Uncommitted, WorktreesRoot, length_of_time};
