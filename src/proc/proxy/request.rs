//! What a client asks for, read from the header section of its request.

use super::fields::{Field, named_by_connection, token};
use super::head::Head;
use super::target::Target;
use crate::model::network::HostFlaw;

/// A request that can be acted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub target: Target,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Bytes both ways. Nothing of the header section is passed on.
    Tunnel,
    /// One request and its answer.
    Plain {
        /// The header section for the server.
        head: Vec<u8>,
        body: Body,
    },
}

/// What follows the header section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    Nothing,
    Length(u64),
    Chunked,
}

/// Why a request is not acted on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum RequestFlaw {
    #[error("the header section is longer than 16 KiB")]
    TooLong,
    #[error("a line ends in CR or LF alone")]
    LineEnd,
    #[error("a control character is in the header section")]
    Control,
    #[error("the request line is malformed")]
    Line,
    #[error("only HTTP/1.0 and HTTP/1.1 are understood")]
    Version,
    #[error("this is a proxy: CONNECT, or an address that begins with http://, is expected")]
    NotForProxy,
    #[error("a field is malformed")]
    Field,
    #[error("the Host field is not the one host of the address")]
    HostField,
    #[error("the length of the body is not clear")]
    Length,
    #[error("the address is not accepted: {0}")]
    Host(#[from] HostFlaw),
}

impl Request {
    /// Reads a whole header section.
    pub fn read(head: &Head) -> Result<Self, RequestFlaw> {
        let mut lines = head.lines();
        let line = Line::read(lines.next().unwrap_or_default())?;
        let fields = lines.map(Field::read).collect::<Result<Vec<_>, _>>()?;
        let body = body(&fields, line.minor)?;
        if line.method == "CONNECT" {
            return tunnel(line.target, body);
        }
        let (target, path) = Target::of_request(line.target)?;
        check_host(&fields, &target, line.minor)?;
        let head = head_for_server(&line, path, &target, &fields, body);
        let kind = Kind::Plain { head, body };
        Ok(Self { target, kind })
    }
}

struct Line<'h> {
    method: &'h str,
    target: &'h str,
    /// Of HTTP/1.
    minor: u8,
}

impl<'h> Line<'h> {
    fn read(line: &'h [u8]) -> Result<Self, RequestFlaw> {
        let parts: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        let [method, target, version] = parts[..] else {
            return Err(RequestFlaw::Line);
        };
        let method = token(method).ok_or(RequestFlaw::Line)?;
        let target = str::from_utf8(target).map_err(|_| RequestFlaw::Line)?;
        if target.is_empty() || !target.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(RequestFlaw::Line);
        }
        let minor = match version {
            b"HTTP/1.0" => 0,
            b"HTTP/1.1" => 1,
            _ if version.starts_with(b"HTTP/") => return Err(RequestFlaw::Version),
            _ => return Err(RequestFlaw::Line),
        };
        Ok(Self {
            method,
            target,
            minor,
        })
    }
}

/// A tunnel has no body: what follows goes through it.
fn tunnel(target: &str, body: Body) -> Result<Request, RequestFlaw> {
    if !matches!(body, Body::Nothing | Body::Length(0)) {
        return Err(RequestFlaw::Length);
    }
    Ok(Request {
        target: Target::of_tunnel(target)?,
        kind: Kind::Tunnel,
    })
}

/// Whatever leaves open where the body ends is refused: behind its end, the server would read
/// a request that nobody has checked.
fn body(fields: &[Field<'_>], minor: u8) -> Result<Body, RequestFlaw> {
    let all = |name| fields.iter().filter(move |field| field.is(name));
    let mut lengths = all("content-length");
    let mut encodings = all("transfer-encoding");
    let body = match (lengths.next(), encodings.next()) {
        (None, None) => Body::Nothing,
        (Some(length), None) => Body::Length(decimal(length.text()?)?),
        (None, Some(coding)) if minor == 1 && coding.text()?.eq_ignore_ascii_case("chunked") => {
            Body::Chunked
        }
        _ => return Err(RequestFlaw::Length),
    };
    match lengths.next().or(encodings.next()) {
        None => Ok(body),
        Some(_) => Err(RequestFlaw::Length),
    }
}

fn decimal(text: &str) -> Result<u64, RequestFlaw> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| plain);
    number.ok_or(RequestFlaw::Length)
}

/// Servers with many names go by this field, so it has to say what was checked.
fn check_host(fields: &[Field<'_>], target: &Target, minor: u8) -> Result<(), RequestFlaw> {
    let mut hosts = fields.iter().filter(|field| field.is("host"));
    let matches = match hosts.next() {
        None => minor == 0,
        Some(field) => Target::of_authority(field.text()?).as_ref() == Ok(target),
    };
    match matches && hosts.next().is_none() {
        true => Ok(()),
        false => Err(RequestFlaw::HostField),
    }
}

/// The header section that the server gets. What the end of the body depends on is written here,
/// and the server is asked to close, since each connection carries one request.
fn head_for_server(
    line: &Line<'_>,
    path: &str,
    target: &Target,
    fields: &[Field<'_>],
    body: Body,
) -> Vec<u8> {
    let slash = if path.starts_with('/') { "" } else { "/" };
    let (method, minor, host) = (line.method, line.minor, target.authority());
    let start = format!("{method} {slash}{path} HTTP/1.{minor}\r\nHost: {host}\r\n");
    let mut head = start.into_bytes();
    let named = named_by_connection(fields.iter());
    for field in fields.iter().filter(|field| field.is_passed_on(&named)) {
        let name = field.name.as_bytes();
        head.extend([name, b": ", field.value, b"\r\n"].concat());
    }
    match body {
        Body::Nothing => {}
        Body::Length(length) => head.extend(format!("Content-Length: {length}\r\n").bytes()),
        Body::Chunked => head.extend(b"Transfer-Encoding: chunked\r\n"),
    }
    head.extend(b"Connection: close\r\n\r\n");
    head
}
