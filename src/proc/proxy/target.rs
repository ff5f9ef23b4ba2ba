//! Where a request wants to go.

use super::request::RequestFlaw;
use crate::model::network::{Host, HostFlaw, port_number, split_port};

const HTTP: &str = "http://";
const HTTP_PORT: u16 = 80;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Target {
    pub host: Host,
    pub port: u16,
}

impl Target {
    /// That of a tunnel, whose port has to be there.
    pub fn of_tunnel(text: &str) -> Result<Self, RequestFlaw> {
        let (host, port) = split_port(text)?;
        let port = port.ok_or(HostFlaw::Port)?;
        Ok(Self {
            host: host.parse()?,
            port: port_number(port)?,
        })
    }

    /// That of a plain request, and the path with its query.
    pub fn of_request(text: &str) -> Result<(Self, &str), RequestFlaw> {
        let scheme = text.get(..HTTP.len()).unwrap_or_default();
        if !scheme.eq_ignore_ascii_case(HTTP) {
            return Err(RequestFlaw::NotForProxy);
        }
        let rest = &text[HTTP.len()..];
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if path.contains('#') {
            return Err(RequestFlaw::Line);
        }
        Ok((Self::of_authority(authority)?, path))
    }

    /// What a `Host` field says.
    pub fn of_authority(text: &str) -> Result<Self, HostFlaw> {
        let (host, port) = split_port(text)?;
        Ok(Self {
            host: host.parse()?,
            port: port.map_or(Ok(HTTP_PORT), port_number)?,
        })
    }

    /// As it stands in a `Host` field.
    pub fn authority(&self) -> String {
        match self.port {
            HTTP_PORT => self.host.to_string(),
            port => format!("{}:{port}", self.host),
        }
    }
}
