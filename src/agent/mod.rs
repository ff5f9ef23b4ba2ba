//! What models do in a session's worktree: tools, the registry that has them all, and the gate that is the only
//! way to one.

mod arguments;
mod artifacts;
mod command;
mod excerpt;
mod gate;
mod git;
mod look;
mod path;
mod place;
mod reference;
mod registry;
mod run;
mod session;
mod text;
mod tool;
mod walk;
mod world;

#[cfg(test)]
mod tests;

pub use artifacts::{Artifact, Artifacts};
pub use command::{CallKey, Commands};
pub use gate::{Admission, Gate, Permit, Preview};
pub use path::{InvalidPath, RelPath};
pub use place::{Place, PlaceError};
pub use registry::{Call, Entry, Registry};
pub use run::{
    Budgets, Caller, Cancel, Heard, Larger, MODEL_RUN_VERB, Pace, RunError, Setup, Shown, drive,
    read_message,
};
pub use session::SessionAccess;
pub use tool::{Done, Prepared};
pub use world::{Todo, TodoItem, TodoState, World};
