//! treeyard: a workspace-isolating job runner.
//!
//! Every module has a rank and imports only from ranks below its own, never sideways and never
//! up. `tests/architecture.rs` parses the imports and fails on a violation.
//!
//! ```text
//! 6  cli                            the face: parse, render, exit
//! 5  app                            one use case a file
//! 4  runner                         the loop that looks, decides and acts
//! 3  landing agent                  one session's work onto the target, gates included; models' tools, and the gate to them
//! 2  workspace merge sessions hooks secrets  a place to work; merging; a person's word; git hooks; secrets
//! 1  config store cas git proc provider  the outside world
//! 0  model                          pure: ids, states, events, codes, scopes; no I/O
//! 0  fault                          what tests ask to go wrong
//! 0  raw                            what no library offers as a safe call
//! ```
// Denied, not forbidden: `raw` allows it to itself, and the test above holds it there.
#![deny(unsafe_code)]

pub mod model;

pub mod agent;
pub mod app;
pub mod cas;
pub mod cli;
pub mod config;
pub mod fault;
pub mod git;
pub mod hooks;
pub mod landing;
pub mod merge;
pub mod proc;
pub mod provider;
mod raw;
pub mod runner;
pub mod secrets;
pub mod sessions;
pub mod store;
pub mod workspace;
