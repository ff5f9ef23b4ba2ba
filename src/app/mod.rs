//! One use case a file: what the commands do, without reading arguments or printing.

pub mod adopt;
pub mod background;
pub mod claims;
pub mod control;
pub mod demo;
pub mod doctor;
pub mod drift;
pub mod explain;
pub mod failure;
pub mod follow;
pub mod gc;
mod git_locks;
pub mod hooks;
pub mod idle;
pub mod land;
mod landings;
pub mod locks;
pub mod overrides;
pub mod project;
mod repair;
pub mod run;
pub mod salvage;
pub mod setup;
pub mod single;
pub mod submit;
pub mod waiting;
pub mod widen;
