//! treeyard: a workspace-isolating job runner.
//!
//! Every module has a rank and imports only from ranks below its own, never sideways and never
//! up. `tests/architecture.rs` parses the imports and fails on a violation.
//!
//! ```text
//! 4  cli                           the face: parse, render, exit
//! 3  app                           one use case a file
//! 2  runner merge workspace        loops that look, decide and act; a session's place to work
//! 1  config store cas git proc     the outside world
//! 0  model                         pure: ids, states, events, codes, scopes; no I/O
//! ```
#![forbid(unsafe_code)]

pub mod model;

pub mod cas;
pub mod config;
pub mod git;
pub mod merge;
pub mod proc;
pub mod store;
pub mod workspace;
