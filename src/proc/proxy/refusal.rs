//! What a session was refused, each said once.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use super::target::Target;
use crate::model::network::Host;

/// How many refusals are told apart. A session that tries more hosts has been told of enough.
const MOST: usize = 1024;

/// A session wanted to reach what it may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The host as it was asked for.
    pub host: Host,
    /// The port.
    pub port: u16,
    /// What is against it.
    pub why: Why,
}

/// Why a host is not reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No entry of the list has it.
    NotListed,
    /// It is listed and leads to this address of the machine or its network, which is not.
    Inside(IpAddr),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, why } = self;
        match why {
            Why::NotListed => write!(
                f,
                "{host}:{port} is not among the hosts that this session may reach \
                 (sandbox.network)"
            ),
            Why::Inside(address) => write!(
                f,
                "{host}:{port} leads to {address}, an address of this machine or its network \
                 that is not among the hosts that this session may reach (sandbox.network)"
            ),
        }
    }
}

type Note = Box<dyn Fn(&Refused) + Send + Sync>;

/// Tells of each host and port once.
pub(super) struct Refusals {
    told: Mutex<HashSet<Target>>,
    note: Note,
}

impl Refusals {
    pub fn new(note: impl Fn(&Refused) + Send + Sync + 'static) -> Self {
        Self {
            told: Mutex::default(),
            note: Box::new(note),
        }
    }

    pub fn tell(&self, refused: &Refused) {
        if self.is_new(refused) {
            (self.note)(refused);
        }
    }

    fn is_new(&self, refused: &Refused) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let target = Target {
            host: refused.host.clone(),
            port: refused.port,
        };
        told.len() < MOST && told.insert(target)
    }
}
