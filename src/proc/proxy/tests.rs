//! The proxy with real connections on loopback.

mod bodies;
mod limits;
mod parse;
mod plain;
mod refusals;
mod tools;
mod tunnels;

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::refusal::{Refusals, Refused};
use super::serve::{Limits, Proxy};
use crate::model::network::Hosts;

/// How long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A proxy that serves until the tests end, and what it was told to note.
struct Served {
    at: SocketAddr,
    noted: Arc<Mutex<Vec<Refused>>>,
}

fn serve(allowed: &[&str]) -> Served {
    serve_with(allowed, |_| {})
}

/// Names end in `.test` and lead to 127.0.0.1.
fn serve_with(allowed: &[&str], adjust: impl FnOnce(&mut Proxy)) -> Served {
    let noted = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&noted);
    let allowed: Hosts = allowed.iter().map(|text| text.parse().unwrap()).collect();
    let mut proxy = Proxy {
        allowed,
        limits: Limits::default(),
        resolve: Box::new(|name| match name.ends_with(".test") {
            true => Ok(vec![IpAddr::from([127, 0, 0, 1])]),
            false => Err(std::io::Error::other("no such name")),
        }),
        refusals: Refusals::new(move |refused| notes.lock().unwrap().push(refused.clone())),
    };
    adjust(&mut proxy);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    thread::spawn(move || -> () { proxy.serve(&listener) });
    Served { at, noted }
}

impl Served {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Sends `request` and returns all that comes back.
    fn ask(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(request).unwrap();
        rest_of(&mut stream)
    }

    /// A tunnel, ready for bytes.
    fn tunnel(&self, to: &str) -> TcpStream {
        let mut stream = self.connect();
        write!(stream, "CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n").unwrap();
        let expected = b"HTTP/1.1 200 Connection established\r\n\r\n";
        let mut answer = vec![0; expected.len()];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, expected);
        stream
    }
}

fn rest_of(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

/// A server that gives each connection to `attend`.
fn server(attend: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let attend = Arc::new(attend);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, attend) = (stream.unwrap(), Arc::clone(&attend));
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            thread::spawn(move || attend(stream));
        }
    });
    at
}

/// A server that sends back what comes until the client ends.
fn echo() -> SocketAddr {
    server(|mut stream| {
        let mut back = stream.try_clone().unwrap();
        let _ = std::io::copy(&mut stream, &mut back);
        let _ = back.shutdown(std::net::Shutdown::Write);
    })
}

/// A server that answers each request with what it has read of it, and the number of connections
/// that it was given.
fn mirror() -> SocketAddr {
    server(|mut stream| {
        let request = read_request(&mut stream);
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{request}",
            request.len()
        );
        // Whatever else comes would be another request.
        let mut more = String::new();
        stream
            .set_read_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        let _ = stream.read_to_string(&mut more);
        let _ = stream.write_all(more.as_bytes());
    })
}

/// Reads a header section and the body that it announces.
fn read_request(stream: &mut TcpStream) -> String {
    let mut request = String::new();
    let mut byte = [0];
    let mut next = |request: &mut String| {
        stream.read_exact(&mut byte).unwrap();
        request.push(char::from(byte[0]));
    };
    while !request.ends_with("\r\n\r\n") {
        next(&mut request);
    }
    let length = request.split("Content-Length: ").nth(1);
    let length = length.and_then(|rest| rest.lines().next()?.parse().ok());
    for _ in 0..length.unwrap_or(0) {
        next(&mut request);
    }
    if request.contains("Transfer-Encoding: chunked") {
        next(&mut request);
        while !request.ends_with("0\r\n\r\n") {
            next(&mut request);
        }
    }
    request
}
