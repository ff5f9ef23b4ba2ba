//! What no library offers as a safe call. The only unsafe code of this crate.
#![allow(unsafe_code)]

mod fork;
mod sqlite;

pub(crate) use fork::{Side, SingleThreaded, fork};
pub(crate) use sqlite::{connect, connect_in_memory, refused};
