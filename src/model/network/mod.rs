//! Which hosts a session may reach.
//!
//! A host has one spelling here (`host`): a name in lower-case ASCII, or an address. All other
//! spellings of an address, which some programs understand and others take for names, are
//! refused, so that what was allowed and what is connected to cannot be two things. `pattern` is
//! one entry of a list, `policy` what a list means and what is left when two have to agree.

mod host;
mod pattern;
mod policy;
#[cfg(test)]
mod tests;

pub use host::{Host, HostFlaw, port_number, split_port};
pub use pattern::{HostPattern, InvalidPattern};
pub use policy::{Hosts, Network, allows};
