//! A server on this machine that answers as it was told, over HTTP/1.1 with chunks.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// A request as it arrived.
#[derive(Debug)]
pub struct Request {
    pub line: String,
    /// Lines, names in small letters.
    pub headers: Vec<String>,
    pub body: Value,
}

/// What happens after a request.
#[derive(Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<String>,
    steps: Vec<Step>,
}

#[derive(Clone)]
pub enum Step {
    /// A chunk of the body.
    Chunk(Vec<u8>),
    Pause(Duration),
    /// The connection closes without an end of the body.
    Cut,
    /// Nothing more comes until the client goes.
    Silence,
}

pub struct Server {
    pub address: SocketAddr,
    pub requests: Receiver<Request>,
    /// When a client went while there was silence.
    pub gone: Receiver<Instant>,
}

impl Reply {
    pub fn new(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            steps: vec![Step::Chunk(body.as_bytes().to_vec())],
        }
    }

    pub fn ok(steps: Vec<Step>) -> Self {
        Self {
            steps,
            ..Self::new(200, "")
        }
    }

    pub fn header(mut self, line: &str) -> Self {
        self.headers.push(line.to_owned());
        self
    }
}

pub fn chunk(bytes: impl Into<Vec<u8>>) -> Step {
    Step::Chunk(bytes.into())
}

impl Server {
    /// Gives these replies, one for each request.
    pub fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let replies = Arc::new(Mutex::new(VecDeque::from(replies)));
        let (seen, requests) = channel();
        let (went, gone) = channel();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (replies, seen, went) = (replies.clone(), seen.clone(), went.clone());
                thread::spawn(move || serve(connection.unwrap(), &replies, &seen, &went));
            }
        });
        Self {
            address,
            requests,
            gone,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn request(&self) -> Request {
        self.requests.recv_timeout(Duration::from_secs(10)).unwrap()
    }
}

/// A client may go at any time, so nothing here fails.
fn serve(
    mut connection: TcpStream,
    replies: &Mutex<VecDeque<Reply>>,
    seen: &Sender<Request>,
    went: &Sender<Instant>,
) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    while let Some(request) = read(&mut reader) {
        let _ = seen.send(request);
        let reply = replies.lock().unwrap().pop_front();
        let reply = reply.unwrap_or_else(|| Reply::new(500, "no more replies"));
        if answer(&mut connection, &reply, went).is_none() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = || {
        let mut line = String::new();
        reader
            .read_line(&mut line)
            .ok()
            .filter(|length| *length > 0)?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap();
        headers.push(format!("{}:{value}", name.to_ascii_lowercase()));
    }
    let length = headers
        .iter()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        line: first,
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}

/// Whether the connection is of further use.
fn answer(connection: &mut TcpStream, reply: &Reply, went: &Sender<Instant>) -> Option<()> {
    let headers: String = reply
        .headers
        .iter()
        .map(|line| format!("{line}\r\n"))
        .collect();
    let head = format!(
        "HTTP/1.1 {} x\r\n{headers}transfer-encoding: chunked\r\n\r\n",
        reply.status
    );
    connection.write_all(head.as_bytes()).ok()?;
    for step in &reply.steps {
        match step {
            Step::Chunk(bytes) if bytes.is_empty() => {}
            Step::Chunk(bytes) => {
                let chunk = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
                connection.write_all(&chunk).ok()?;
            }
            Step::Pause(time) => thread::sleep(*time),
            Step::Cut => return None,
            Step::Silence => {
                let _ = connection.read(&mut [0]);
                let _ = went.send(Instant::now());
                return None;
            }
        }
    }
    connection.write_all(b"0\r\n\r\n").ok()
}
