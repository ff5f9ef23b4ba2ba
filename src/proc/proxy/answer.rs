//! What a client is told when its request comes to nothing.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use super::refusal::Refused;
use super::request::RequestFlaw;

/// How long a client may take to read that and close.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why a request comes to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{0}")]
    Malformed(#[from] RequestFlaw),
    #[error("the request took too long to arrive")]
    TooSlow,
    #[error("{0}")]
    Refused(Refused),
    #[error("{host} cannot be resolved: {source}")]
    Unresolved { host: String, source: io::Error },
    #[error("{server} cannot be reached: {source}")]
    Unreachable { server: String, source: io::Error },
    #[error("{server} does not answer in time")]
    NoAnswer { server: String },
    #[error("{server} answers with something else than HTTP")]
    NotHttp { server: String },
    /// The client is gone, or was answered in part: there is nobody to tell.
    #[error("{0}")]
    Gone(#[from] io::Error),
}

impl Failure {
    fn status(&self) -> Option<&'static str> {
        Some(match self {
            Self::Malformed(RequestFlaw::TooLong) => "431 Request Header Fields Too Large",
            Self::Malformed(RequestFlaw::Version) => "505 HTTP Version Not Supported",
            Self::Malformed(_) => "400 Bad Request",
            Self::TooSlow => "408 Request Timeout",
            Self::Refused(_) => "403 Forbidden",
            Self::NoAnswer { .. } => "504 Gateway Timeout",
            Self::Unresolved { .. } | Self::Unreachable { .. } | Self::NotHttp { .. } => {
                "502 Bad Gateway"
            }
            Self::Gone(_) => return None,
        })
    }

    /// Tells the client. A client that does not listen gets no second chance.
    pub fn tell(&self, mut client: &TcpStream) {
        let Some(status) = self.status() else {
            return;
        };
        let body = format!("{self}\n");
        let answer = format!(
            "HTTP/1.1 {status}\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             Content-Length: {}\r\n\
             Connection: close\r\n\r\n\
             {body}",
            body.len()
        );
        let _ = client.set_write_timeout(Some(FAREWELL));
        let _ = client.write_all(answer.as_bytes());
    }
}

/// Closes a connection so that the client gets what was written last: with bytes of the client
/// still unread, the system would take that back.
pub(super) fn part(mut client: &TcpStream) {
    let deadline = Instant::now() + FAREWELL;
    if client.shutdown(Shutdown::Write).is_err() {
        return;
    }
    let mut ignored = [0; 4096];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || client.set_read_timeout(Some(left)).is_err() {
            return;
        }
        match client.read(&mut ignored) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}
