//! The body of a plain request: what belongs to it and no byte more.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

use super::head::LONGEST;
use super::relay::copy;
use super::request::Body;

/// Passes the body on.
pub(super) fn pass_on(body: Body, from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    match body {
        Body::Nothing => Ok(()),
        Body::Length(length) => exactly(length, from, to),
        Body::Chunked => {
            let mut to = BufWriter::new(to);
            chunks(&mut BufReader::new(from), &mut to)
        }
    }
}

fn exactly(length: u64, from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    match copy(&mut from.take(length), to)? == length {
        true => Ok(()),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Chunk by chunk. Sizes are written anew, and extensions and trailers left out, so that the
/// server cannot read them in another way.
fn chunks(from: &mut impl BufRead, to: &mut impl Write) -> io::Result<()> {
    loop {
        let size = size_of_chunk(&line(from)?)?;
        write!(to, "{size:x}\r\n")?;
        if size == 0 {
            skip_trailers(from)?;
            to.write_all(b"\r\n")?;
            return to.flush();
        }
        exactly(size, from, to)?;
        if !line(from)?.is_empty() {
            return Err(malformed());
        }
        to.write_all(b"\r\n")?;
        to.flush()?;
    }
}

fn size_of_chunk(line: &[u8]) -> io::Result<u64> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    let digits = str::from_utf8(digits).ok().filter(|_| plain);
    let size = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    size.ok_or_else(malformed)
}

fn skip_trailers(from: &mut impl BufRead) -> io::Result<()> {
    let mut total = 0;
    loop {
        let line = line(from)?;
        total += line.len();
        if line.is_empty() {
            return Ok(());
        }
        if total > LONGEST {
            return Err(malformed());
        }
    }
}

/// One line without its end, which is CR and LF together.
fn line(from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    from.take(LONGEST as u64).read_until(b'\n', &mut line)?;
    let line = line.strip_suffix(b"\r\n").ok_or_else(malformed)?;
    match line.contains(&b'\r') {
        true => Err(malformed()),
        false => Ok(line.to_vec()),
    }
}

fn malformed() -> io::Error {
    io::ErrorKind::InvalidData.into()
}
