//! The repository: discovery, refs, objects, and the one place that spawns git.

mod changes;
mod command;
mod commits;
mod durable;
mod entry;
mod error;
mod files;
mod hooks;
mod hooks_path;
mod hunks;
mod modules;
mod objects;
mod patience;
mod refs;
mod repo;
mod setting;
mod shims;
mod sound;
#[cfg(test)]
mod sound_tests;
mod stale;
#[cfg(test)]
mod tests;

pub use changes::{Side, changed_by, differing, entries_of, join, parents, root_tree};
pub use command::{Git, Output};
pub use commits::Brought;
pub use entry::{Flaw, component_flaw};
pub use error::{GitError, says_full, with_causes};
pub use hooks::{HookFolder, SESSION_HOOKS, session_hooks};
pub use hooks_path::HooksPath;
pub use hunks::hunks;
pub use objects::{ChangeKind, ChangedPath};
pub use patience::retry;
pub use refs::{Expected, object_id};
pub use repo::{Repo, open_checkout, open_isolated};
pub use setting::setting;
pub use shims::{SHIMMED, shims, shims_folder};
pub use sound::{Standard, Unsound, unsound_commit, unsound_tree};
pub use stale::outwait;
