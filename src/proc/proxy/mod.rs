//! The proxy through which a confined session reaches the hosts that are listed for it.
//!
//! It speaks HTTP: `CONNECT` for tunnels, and absolute addresses for plain requests, one of them
//! a connection. Names are resolved here. A name that leads to this machine or its network is
//! refused unless that address is listed as well, and what was checked is what is connected to.
//!
//! A request passes these: `head` takes its header section from the connection, `request` reads
//! it (with `target` and `fields`), `upstream` says whether it may go where it wants to (with
//! `address`) and connects, and `visit` puts them in order. Then `relay` copies both ways of a
//! tunnel; of a plain request, `body` passes on what belongs to it, and `response` the answer.
//! `answer` is what a client is told that gets nothing else.
//!
//! What goes through a tunnel is not looked into: whoever answers at a listed host could pass it
//! on to others.

mod address;
mod answer;
mod body;
mod environment;
mod fields;
mod head;
mod refusal;
mod relay;
mod request;
mod response;
mod serve;
mod slots;
mod target;
#[cfg(test)]
mod tests;
mod upstream;
mod visit;

pub use environment::environment;
pub use refusal::{Refused, Why};
pub use serve::serve;
