//! Named secrets: resolved where the person's own file says, passed to jobs by file, and kept out of
//! what is stored of their output.
//!
//! Values are in memory and in the files of `folder`, and nowhere else: not in a job's arguments or
//! variables, not in events, not in the database.

mod error;
mod folder;
mod output;
mod program;
mod reader;
mod resolve;
mod vault;

pub use error::SecretError;
pub use folder::{VARIABLE, is_there, pass, take_back};
pub use output::{KeptOutput, keep_output};
pub use reader::RedactingReader;
pub use resolve::read_file;
pub use vault::Vault;
