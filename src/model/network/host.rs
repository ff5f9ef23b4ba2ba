//! A host in its one spelling.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

/// A name or an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// In lower case, without a dot at its end, and nothing that any program reads as an address.
    Name(String),
    /// Never an IPv4 address in the form of an IPv6 one.
    Address(IpAddr),
}

/// Why a text is not a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostFlaw {
    /// Nothing, or nothing but a port.
    #[error("there is no host")]
    Empty,
    /// Letters of other alphabets.
    #[error("it is not ASCII; an international name is written in its `xn--` form")]
    NotAscii,
    /// More than a host and a port.
    #[error("a host stands alone, without scheme, user and path")]
    NotBare,
    /// A character that no name has.
    #[error("a name consists of letters, digits, `-`, `_` and dots")]
    Character,
    /// Two dots, or one at the beginning.
    #[error("there is nothing between two dots")]
    EmptyLabel,
    /// A label with a hyphen where none can be.
    #[error("no part of a name begins or ends with `-`")]
    Hyphen,
    /// Too long a name, or a label of it.
    #[error("the name is too long")]
    TooLong,
    /// Such as `127.1`, `0x7f.1` and `2130706433`.
    #[error("an IPv4 address is four decimal numbers, such as 192.0.2.1")]
    OddAddress,
    /// Such as `::1` and `[::1`.
    #[error("an IPv6 address stands in brackets, such as [2001:db8::1]")]
    Brackets,
    /// Such as `[::ffff:192.0.2.1]`.
    #[error("this is an IPv4 address, which is written as one")]
    Mapped,
    /// A star that is not all of the first label.
    #[error("`*` stands for the first part only, as in `*.example.com`")]
    Star,
    /// A port that is none.
    #[error("a port is a number from 1 to 65535")]
    Port,
}

impl FromStr for Host {
    type Err = HostFlaw;

    fn from_str(text: &str) -> Result<Self, HostFlaw> {
        check_characters(text)?;
        if let Some(inside) = text.strip_prefix('[') {
            return bracketed(inside);
        }
        match text.parse::<Ipv4Addr>() {
            Ok(address) => Ok(Self::Address(address.into())),
            Err(_) => name(text).map(Self::Name),
        }
    }
}

/// The host and the port of `host:port`, neither of them read yet.
pub fn split_port(text: &str) -> Result<(&str, Option<&str>), HostFlaw> {
    if text.starts_with('[') {
        let end = text.find(']').ok_or(HostFlaw::Brackets)? + 1;
        let (host, rest) = text.split_at(end);
        return match rest.strip_prefix(':') {
            None if !rest.is_empty() => Err(HostFlaw::Brackets),
            port => Ok((host, port)),
        };
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => Err(HostFlaw::Brackets),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((text, None)),
    }
}

/// A port in decimal. Signs and leading zeros are refused, since not everybody reads them alike.
pub fn port_number(text: &str) -> Result<u16, HostFlaw> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let port = text.parse().ok().filter(|_| plain);
    port.ok_or(HostFlaw::Port)
}

/// The mistakes that deserve their own words.
fn check_characters(text: &str) -> Result<(), HostFlaw> {
    if !text.is_ascii() {
        return Err(HostFlaw::NotAscii);
    }
    if text.contains(['/', '\\', '@', '?', '#']) {
        return Err(HostFlaw::NotBare);
    }
    if text.contains('*') {
        return Err(HostFlaw::Star);
    }
    Ok(())
}

fn bracketed(inside: &str) -> Result<Host, HostFlaw> {
    let address = inside.strip_suffix(']').and_then(|text| text.parse().ok());
    let address: Ipv6Addr = address.ok_or(HostFlaw::Brackets)?;
    if address.to_ipv4_mapped().is_some() {
        return Err(HostFlaw::Mapped);
    }
    Ok(Host::Address(address.into()))
}

/// A name in its one spelling.
pub(super) fn name(text: &str) -> Result<String, HostFlaw> {
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.is_empty() {
        return Err(HostFlaw::Empty);
    }
    if name.len() > LONGEST_NAME {
        return Err(HostFlaw::TooLong);
    }
    name.split('.').try_for_each(check_label)?;
    if name.rsplit('.').next().is_some_and(is_number) {
        return Err(HostFlaw::OddAddress);
    }
    Ok(name.to_ascii_lowercase())
}

fn check_label(label: &str) -> Result<(), HostFlaw> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if label.is_empty() {
        Err(HostFlaw::EmptyLabel)
    } else if label.len() > LONGEST_LABEL {
        Err(HostFlaw::TooLong)
    } else if !label.bytes().all(known) {
        Err(HostFlaw::Character)
    } else if label.starts_with('-') || label.ends_with('-') {
        Err(HostFlaw::Hyphen)
    } else {
        Ok(())
    }
}

/// Whether a name that ends in this label is an address to the system's resolver, which reads
/// octal and hexadecimal numbers and fewer than four of them. No top-level domain is such a label.
fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x").or(label.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// As it stands before the colon of a port.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}
