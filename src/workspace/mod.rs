//! A session's place to work: worktree, private git directory, pool, salvage, import.
//!
//! A session's own git directory is never trusted. Whatever the runner does with a worktree, it
//! does through a git directory of its own making (`bench`), with the configuration, the index and
//! the attributes that it recorded when the worktree was made. Submodules stay empty gitlinks.

mod bench;
mod beneath;
mod checkpoint;
mod confine;
mod convert;
#[cfg(test)]
mod crash_tests;
mod create;
mod direct;
mod elsewhere;
mod equip;
mod error;
mod fill;
#[cfg(test)]
mod fill_tests;
mod guard;
mod import;
mod include;
mod located;
mod names;
mod nested;
mod note;
mod own_folders;
mod pack;
mod packing;
mod packs;
#[cfg(test)]
mod packs_tests;
mod passed_by;
mod places;
mod pool;
mod private;
mod reference;
mod registration;
mod release;
mod repair;
#[cfg(test)]
mod safety_tests;
mod salvage;
mod settled;
#[cfg(test)]
mod settled_tests;
pub mod snapshot;
mod source;
mod staged;
mod stat;
mod sweep;
mod take_in;
#[cfg(test)]
mod tests;
mod unlock;
mod untouched;
mod watch;
#[cfg(test)]
mod watch_tests;
mod writer;

pub use beneath::{has_openat2, open_beneath};
pub use checkpoint::{
    KeptFiles, Point, Recording, changed_since, checkpoint, head, keep_files, keep_onto,
};
pub use confine::{Sandbox, Terms};
pub use create::{Hooks, Isolation, Request, Workspace, create};
pub use equip::{Bounds, Equipment, Sharing, equip};
pub use error::WorkspaceError;
pub use fill::FillMethod;
pub use guard::{adopt, refresh_guard, sign_guard, update_guard};
pub use import::Imported;
pub use located::{Health, Located, OWN, inspect, is_private, located};
pub use note::{NOTE, leave_note};
pub use release::{Keep, Released, release};
pub use repair::{forget, is_moved, repair};
pub use salvage::{Salvaged, salvage_list, salvage_restore, save, save_commit};
pub use sweep::{GATE, Swept, discard, gates, leftovers, scratch, sweep};
pub use take_in::{Uncommitted, dirty, take_in};
pub use watch::{Changed, Watch};
