//! One command a file: its arguments and one function.

pub mod adopt;
pub mod artifacts;
pub mod claim;
pub mod codes;
pub mod completions;
pub mod config;
pub mod control;
pub mod demo;
pub mod diff;
pub mod doctor;
pub mod events;
pub mod explain;
pub mod gc;
pub mod hooks;
pub mod init;
pub mod locks;
pub mod logs;
pub mod ls;
pub mod man;
pub mod open;
pub mod plan;
pub mod priority;
pub mod run;
pub mod salvage;
pub mod scope;
pub mod show;
