//! A session in one file: what is on record of it, the artifacts and the commits that this speaks of. Another machine takes it
//! in, and replays it.
//!
//! The file is a tar archive: `manifest.json`, `events.jsonl` with one event of the log a line, `repo.bundle` as
//! `git bundle` makes it with the session's checkpoints, and `artifacts/HASH`.

mod clean;
mod export;
mod import;
mod manifest;
mod unpack;

pub use export::{Exported, Wanted, export};
pub use import::{Imported, import, import_once, refuse_elsewhere};
pub use manifest::{FORMAT, Manifest, VERSION};
