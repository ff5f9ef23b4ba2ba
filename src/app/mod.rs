//! One use case a file: what the commands do, without reading arguments or printing.

pub mod background;
pub mod control;
pub mod demo;
pub mod doctor;
pub mod failure;
pub mod follow;
pub mod gc;
pub mod hooks;
pub mod idle;
pub mod land;
mod landings;
mod git_locks;
pub mod claims;
pub mod explain;
pub mod locks;
pub mod widen;
pub mod overrides;
pub mod project;
mod repair;
pub mod run;
pub mod salvage;
pub mod setup;
pub mod single;
pub mod submit;
pub mod waiting;
