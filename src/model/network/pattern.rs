//! One entry of a list of hosts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::host::{Host, HostFlaw, name, port_number, split_port};

/// The ports that are meant when none is written.
const WEB: [u16; 2] = [80, 443];

/// Hosts, and the ports at which they may be reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPattern {
    hosts: Which,
    /// `None` for those of the web.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Which {
    One(Host),
    /// At any depth below this name, which itself is not among them.
    Below(String),
}

/// Why a text is no entry of a list of hosts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} names no host: {flaw}")]
pub struct InvalidPattern {
    text: String,
    /// What is wrong with it.
    pub flaw: HostFlaw,
}

impl HostPattern {
    /// Whether this host may be reached at this port.
    pub fn allows(&self, host: &Host, port: u16) -> bool {
        let at_port = match self.port {
            None => WEB.contains(&port),
            Some(only) => only == port,
        };
        at_port && self.hosts.has(host)
    }

    /// Whether everything that `other` allows is allowed by this one.
    pub fn covers(&self, other: &Self) -> bool {
        self.common(other).as_ref() == Some(other)
    }

    /// What both allow. It is always one pattern, since two domains are either apart or one is in
    /// the other.
    pub fn common(&self, other: &Self) -> Option<Self> {
        let port = match (self.port, other.port) {
            (None, None) => None,
            (Some(port), None) | (None, Some(port)) if WEB.contains(&port) => Some(port),
            (Some(a), Some(b)) if a == b => Some(a),
            _ => return None,
        };
        let hosts = self.hosts.common(&other.hosts)?.clone();
        Some(Self { hosts, port })
    }
}

impl Which {
    fn has(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::One(one), _) => one == host,
            (Self::Below(domain), Host::Name(name)) => is_below(name, domain),
            (Self::Below(_), Host::Address(_)) => false,
        }
    }

    fn common<'a>(&'a self, other: &'a Self) -> Option<&'a Self> {
        match (self, other) {
            (_, Self::One(host)) => self.has(host).then_some(other),
            (Self::One(host), _) => other.has(host).then_some(self),
            (Self::Below(a), Self::Below(b)) if a == b || is_below(a, b) => Some(self),
            (Self::Below(a), Self::Below(b)) => is_below(b, a).then_some(other),
        }
    }
}

fn is_below(name: &str, domain: &str) -> bool {
    let before = name.strip_suffix(domain);
    before.is_some_and(|before| before.ends_with('.'))
}

impl FromStr for HostPattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        read(text).map_err(|flaw| InvalidPattern {
            text: text.to_owned(),
            flaw,
        })
    }
}

fn read(text: &str) -> Result<HostPattern, HostFlaw> {
    if text.contains("//") {
        return Err(HostFlaw::NotBare);
    }
    let (host, port) = split_port(text)?;
    let hosts = match host.strip_prefix("*.") {
        Some(domain) if !domain.contains('*') && domain.is_ascii() => Which::Below(name(domain)?),
        _ => Which::One(host.parse()?),
    };
    let port = port.map(port_number).transpose()?;
    Ok(HostPattern { hosts, port })
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hosts {
            Which::One(host) => write!(f, "{host}")?,
            Which::Below(domain) => write!(f, "*.{domain}")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl Serialize for HostPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HostPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
