//! Plan files and configuration, with the origin of each value.

mod advice;
mod agent;
mod budget;
mod graph;
mod groups;
mod idle;
mod json;
mod known;
mod load;
mod models;
mod names;
mod plan;
mod prices;
mod problem;
mod profiles;
mod programs;
mod prompt;
mod providers;
mod reader;
mod root;
mod sandbox;
mod schema;
mod secrets;
mod settings;
mod share;
mod shown;
mod values;
mod work_profile;

#[cfg(test)]
mod tests;

pub use idle::idle_patterns;
pub use load::{ConfigError, read_plan_file, user_file};
pub use models::{CALLERS_OF_A_MODEL, ModelSettings, NoModel};
pub use plan::{Plan, PlanError, single_task};
pub use prices::{known_prices, price_file, price_table};
pub use problem::Problem;
pub use prompt::check_output_schema;
pub use providers::{KeySource, ProviderSettings, Speaks};
pub use root::{RootRefused, worktree_root};
pub use schema::{
    BackoffText, BypassTable, GroupTable, GroupText, LaneText, OnAmbiguousText, OnCrashText,
    PlanDefaults, PlanFile, PlanLimits, RetriesTable, RetriesText, TaskOptions, ThinkingText,
    TimeText, plan_schema,
};
pub use secrets::{SecretSource, SecretSources};
pub use settings::{Entry, KEYS, Key, Origin, Settings};
pub use shown::{key_table, template};
pub use values::{Isolation, LandMethod, OnDrift, Uncommitted, WorktreesRoot, length_of_time};
pub use work_profile::{work_profile, work_profile_file, work_profile_schema};
