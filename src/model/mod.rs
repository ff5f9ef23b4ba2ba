//! Pure vocabulary: what the rest of the program talks about. No I/O, no clock, no async.

pub mod backend;
pub mod budget;
pub mod chat;
pub mod code;
pub mod consent;
pub mod denylist;
pub mod door;
pub mod drift;
pub mod event;
pub mod guard;
pub mod ids;
pub mod job;
pub mod limit;
pub mod lock;
pub mod mode;
pub mod network;
pub mod price;
pub mod redact;
pub mod resource;
pub mod sandbox;
pub mod scope;
pub mod secret;
pub mod session;
pub mod status;
pub mod task;
pub mod tool;
