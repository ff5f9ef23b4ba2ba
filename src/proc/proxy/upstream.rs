//! The way to a server: whether it is open, and the connection.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::address::is_special;
use super::answer::Failure;
use super::refusal::{Refused, Why};
use super::target::Target;
use crate::model::network::{Host, HostPattern, allows};

/// The addresses of a name.
pub(super) type Resolve = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// As the system resolves names.
pub(super) fn system_resolver(name: &str) -> io::Result<Vec<IpAddr>> {
    let addresses = (name, 0).to_socket_addrs()?;
    Ok(addresses.map(|address| address.ip()).collect())
}

/// Connects to a server that may be reached, at an address that may be reached.
pub(super) fn connect(
    target: &Target,
    allowed: &[HostPattern],
    resolve: &Resolve,
    limit: Duration,
) -> Result<TcpStream, Failure> {
    if !allows(allowed, &target.host, target.port) {
        return Err(refused(target, Why::NotListed));
    }
    let found = addresses(&target.host, resolve)?;
    let (open, closed): (Vec<IpAddr>, Vec<IpAddr>) = found
        .into_iter()
        .partition(|address| is_open(*address, target.port, allowed));
    match closed.first() {
        Some(address) if open.is_empty() => Err(refused(target, Why::Inside(*address))),
        _ => connect_to_any(target, &open, limit),
    }
}

fn refused(target: &Target, why: Why) -> Failure {
    Failure::Refused(Refused {
        host: target.host.clone(),
        port: target.port,
        why,
    })
}

fn addresses(host: &Host, resolve: &Resolve) -> Result<Vec<IpAddr>, Failure> {
    let name = match host {
        Host::Address(address) => return Ok(vec![*address]),
        Host::Name(name) => name,
    };
    let found = resolve(name).and_then(|found| match found.is_empty() {
        true => Err(io::Error::other("it has no address")),
        false => Ok(found),
    });
    let found = found.map_err(|source| Failure::Unresolved {
        host: name.clone(),
        source,
    })?;
    Ok(found.iter().map(IpAddr::to_canonical).collect())
}

/// Whether a name may lead there: to an address inside only if the session could go there without
/// a name too, or by the name that all machines have for themselves.
fn is_open(address: IpAddr, port: u16, allowed: &[HostPattern]) -> bool {
    let localhost = || Host::Name("localhost".to_owned());
    !is_special(address)
        || allows(allowed, &Host::Address(address), port)
        || (address.is_loopback() && allows(allowed, &localhost(), port))
}

/// Tries one after another, each for its share of the time that is left.
fn connect_to_any(
    target: &Target,
    addresses: &[IpAddr],
    limit: Duration,
) -> Result<TcpStream, Failure> {
    let deadline = Instant::now() + limit;
    let mut last = io::Error::from(io::ErrorKind::TimedOut);
    for (address, others) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(others).unwrap_or(u32::MAX);
        let address = SocketAddr::new(*address, target.port);
        match TcpStream::connect_timeout(&address, share.max(Duration::from_millis(1))) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    let server = target.authority();
    Err(match last.kind() {
        io::ErrorKind::TimedOut => Failure::NoAnswer { server },
        _ => Failure::Unreachable {
            server,
            source: last,
        },
    })
}
