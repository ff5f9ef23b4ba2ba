//! What a session may reach, as it is written in settings.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::host::Host;
use super::pattern::HostPattern;

/// A list of hosts.
pub type Hosts = Vec<HostPattern>;

/// What a session may reach.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Network {
    /// Everything that the machine reaches.
    #[default]
    Open,
    /// Nothing.
    None,
    /// These hosts, and not one by another name.
    Hosts(Hosts),
}

/// Whether the list has this host and port.
pub fn allows(hosts: &[HostPattern], host: &Host, port: u16) -> bool {
    hosts.iter().any(|pattern| pattern.allows(host, port))
}

impl Network {
    /// These hosts. Entries that others cover are left out, and no entry is no network.
    pub fn of(hosts: impl IntoIterator<Item = HostPattern>) -> Self {
        let mut kept: Hosts = Vec::new();
        for pattern in hosts {
            if !kept.iter().any(|other| other.covers(&pattern)) {
                kept.retain(|other| !pattern.covers(other));
                kept.push(pattern);
            }
        }
        match kept.is_empty() {
            true => Self::None,
            false => Self::Hosts(kept),
        }
    }

    /// What both allow: a repository's file only narrows what its person allowed.
    pub fn narrowest(a: Self, b: Self) -> Self {
        match (a, b) {
            (Self::None, _) | (_, Self::None) => Self::None,
            (Self::Open, other) | (other, Self::Open) => other,
            (Self::Hosts(a), Self::Hosts(b)) => {
                let common =
                    |one: &HostPattern| b.iter().filter_map(|two| one.common(two)).collect();
                Self::of(a.iter().flat_map(|one| -> Hosts { common(one) }))
            }
        }
    }

    /// Whether this host may be reached at this port.
    pub fn allows(&self, host: &Host, port: u16) -> bool {
        match self {
            Self::Open => true,
            Self::None => false,
            Self::Hosts(hosts) => allows(hosts, host, port),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("open"),
            Self::None => f.write_str("none"),
            Self::Hosts(hosts) => {
                let hosts: Vec<String> = hosts.iter().map(HostPattern::to_string).collect();
                f.write_str(&hosts.join(", "))
            }
        }
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Hosts(hosts) => hosts.serialize(serializer),
            word => serializer.collect_str(word),
        }
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Network;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"open\", \"none\" or a list of hosts")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Network, E> {
        match word {
            "open" => Ok(Network::Open),
            "none" => Ok(Network::None),
            other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Network, A::Error> {
        let mut hosts = Vec::new();
        while let Some(pattern) = list.next_element()? {
            hosts.push(pattern);
        }
        Ok(Network::of(hosts))
    }
}
