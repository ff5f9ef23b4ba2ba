//! One connection of a client, from its header section to its end.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

use super::answer::{Failure, part};
use super::head::Head;
use super::relay::{Activity, Patient, beside, tunnel};
use super::request::{Body, Kind, Request};
use super::serve::Proxy;
use super::upstream::connect;
use super::{body, response};

pub(super) fn visit(proxy: &Proxy, client: &TcpStream) {
    if let Err(failure) = attend(proxy, client) {
        if let Failure::Refused(refused) = &failure {
            proxy.refusals.tell(refused);
        }
        failure.tell(client);
    }
    part(client);
}

fn attend(proxy: &Proxy, client: &TcpStream) -> Result<(), Failure> {
    let head = Head::take(client, proxy.limits.header)?;
    let request = Request::read(&head)?;
    let (allowed, limits) = (&proxy.allowed, &proxy.limits);
    let server = connect(&request.target, allowed, &*proxy.resolve, limits.connect)?;
    let activity = Activity::new(limits.idle);
    let mut client = Patient::new(client, &activity)?;
    let server = Patient::new(&server, &activity)?;
    match request.kind {
        Kind::Tunnel => {
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
            Ok(tunnel(client, server, head.rest())?)
        }
        Kind::Plain { head: ours, body } => {
            let name = request.target.authority();
            exchange(client, server, &name, &ours, (body, head.rest()))
        }
    }
}

/// One request and its answer, which may come before the request has gone out whole.
fn exchange(
    client: Patient<'_>,
    mut server: Patient<'_>,
    name: &str,
    head: &[u8],
    (body, early): (Body, &[u8]),
) -> Result<(), Failure> {
    server
        .write_all(head)
        .map_err(|source| Failure::Unreachable {
            server: name.to_owned(),
            source,
        })?;
    thread::scope(|scope| {
        if body != Body::Nothing {
            beside(scope, move || send(body, early, client, server))?;
        }
        let answered = response::pass_on(server, client, name);
        // Whoever has the answer takes no more of the request, which ends the sending.
        let _ = server.stream.shutdown(Shutdown::Both);
        let rest = match answered {
            Ok(()) => Shutdown::Write,
            Err(Failure::Gone(_)) => Shutdown::Both,
            Err(failure) => {
                failure.tell(client.stream);
                Shutdown::Write
            }
        };
        let _ = client.stream.shutdown(rest);
        Ok(())
    })
}

/// A body that breaks off ends the request, or the server would wait for the rest of it.
fn send(body: Body, early: &[u8], client: Patient<'_>, mut server: Patient<'_>) {
    let mut bytes = early.chain(client);
    if body::pass_on(body, &mut bytes, &mut server).is_err() {
        let _ = server.stream.shutdown(Shutdown::Write);
    }
}
