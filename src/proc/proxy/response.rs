//! The answer to a plain request.

use std::io::{self, BufRead, BufReader, Read, Write};

use super::answer::Failure;
use super::fields::{Field, named_by_connection};
use super::relay::{Patient, copy};

/// The longest header section of an answer. Servers are given more room than clients.
const LONGEST: u64 = 64 * 1024;

/// Passes the answer on, up to the end of the connection, which the client is told to wait for.
pub(super) fn pass_on(
    server: Patient<'_>,
    mut client: Patient<'_>,
    name: &str,
) -> Result<(), Failure> {
    let mut from = BufReader::new(server);
    loop {
        let head = take_head(&mut from, name)?;
        client.write_all(&head.for_client())?;
        if !head.is_interim() {
            break;
        }
    }
    copy(&mut from, &mut client)?;
    Ok(())
}

/// Lines with their ends, the empty one too.
struct Head(Vec<Vec<u8>>);

fn take_head(from: &mut impl BufRead, name: &str) -> Result<Head, Failure> {
    let server = || name.to_owned();
    let read = read_head(from).map_err(|source| match source.kind() {
        io::ErrorKind::TimedOut => Failure::NoAnswer { server: server() },
        _ => Failure::Unreachable {
            server: server(),
            source,
        },
    });
    read?.ok_or_else(|| Failure::NotHttp { server: server() })
}

/// Old servers end lines in LF alone, and no harm comes of it on this side.
fn read_head(from: &mut impl BufRead) -> io::Result<Option<Head>> {
    let mut from = from.take(LONGEST);
    let mut lines: Vec<Vec<u8>> = Vec::new();
    loop {
        let mut line = Vec::new();
        from.read_until(b'\n', &mut line)?;
        if line.is_empty() && lines.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let sound = line.ends_with(b"\n") && (!lines.is_empty() || line.starts_with(b"HTTP/1."));
        if !sound {
            return Ok(None);
        }
        let is_last = line.trim_ascii().is_empty();
        lines.push(line);
        if is_last {
            return Ok(Some(Head(lines)));
        }
    }
}

impl Head {
    /// Whether another one follows it, as after `100 Continue`.
    fn is_interim(&self) -> bool {
        let status = self
            .0
            .first()
            .and_then(|line| line.split(|b| *b == b' ').nth(1));
        status.is_some_and(|status| status.starts_with(b"1") && status != b"101")
    }

    /// The same without what was meant for this hop.
    fn for_client(&self) -> Vec<u8> {
        let fields: Vec<Field<'_>> = self.0.iter().filter_map(|line| field(line)).collect();
        let named = named_by_connection(fields.iter());
        let mut head = Vec::new();
        let mut passes = true;
        let (last, lines) = self
            .0
            .split_last()
            .map_or((&[][..], &[][..]), |(last, lines)| (last, lines));
        for line in lines {
            // A line that begins with a space goes on with the field before it.
            if !line.starts_with(b" ") && !line.starts_with(b"\t") {
                passes = field(line).is_none_or(|field| is_for_client(&field, &named));
            }
            if passes {
                head.extend(line);
            }
        }
        if !self.is_interim() {
            head.extend(b"Connection: close\r\n");
        }
        head.extend(last);
        head
    }
}

fn field(line: &[u8]) -> Option<Field<'_>> {
    Field::read(line).ok()
}

/// Where the body ends is between the client and the server: it is passed on as it is.
fn is_for_client(field: &Field<'_>, named: &[String]) -> bool {
    let frames = ["content-length", "transfer-encoding", "trailer"];
    frames.iter().any(|name| field.is(name)) || field.is_passed_on(named)
}
