//! Reading requests: what is taken, what is refused, and that pieces do not matter.

use proptest::prelude::*;

use super::super::head::{Head, LONGEST};
use super::super::request::{Body, Kind, Request, RequestFlaw};
use crate::model::network::HostFlaw;

/// The request, or why it is none; `None` while its header section is not whole.
fn read(pieces: &[&[u8]]) -> Option<Result<Request, RequestFlaw>> {
    let mut head = Head::default();
    for piece in pieces {
        if head.is_whole() {
            break;
        }
        if let Err(flaw) = head.push(piece) {
            return Some(Err(flaw));
        }
    }
    head.is_whole().then(|| Request::read(&head))
}

fn whole(text: &str) -> Result<Request, RequestFlaw> {
    read(&[text.as_bytes()]).unwrap()
}

fn flaw(text: &str) -> RequestFlaw {
    match whole(text) {
        Err(flaw) => flaw,
        Ok(request) => panic!("{text:?} was read as {request:?}"),
    }
}

/// Where it goes, the header section for the server, and the body.
fn plain(text: &str) -> (String, String, Body) {
    let request = whole(text).unwrap();
    let Kind::Plain { head, body } = request.kind else {
        panic!("{text:?} is a tunnel");
    };
    let target = format!("{}:{}", request.target.host, request.target.port);
    (target, String::from_utf8(head).unwrap(), body)
}

#[test]
fn a_tunnel_is_read() {
    for (text, host, port) in [
        (
            "CONNECT crates.io:443 HTTP/1.1\r\nHost: crates.io:443\r\n\r\n",
            "crates.io",
            443,
        ),
        (
            "CONNECT Crates.IO.:8443 HTTP/1.0\r\n\r\n",
            "crates.io",
            8443,
        ),
        (
            "CONNECT [::1]:22 HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
            "[::1]",
            22,
        ),
    ] {
        let request = whole(text).unwrap();
        assert_eq!(request.kind, Kind::Tunnel);
        assert_eq!(request.target.host.to_string(), host);
        assert_eq!(request.target.port, port);
    }
}

#[test]
fn a_plain_request_is_written_anew() {
    let text = "POST http://Example.com:80/a?b=c HTTP/1.1\r\n\
                host: example.COM\r\n\
                Accept:  */*  \r\n\
                Connection: keep-alive, X-Hop\r\n\
                X-Hop: 1\r\n\
                Proxy-Connection: keep-alive\r\n\
                Proxy-Authorization: Basic eDp5\r\n\
                Keep-Alive: 5\r\n\
                TE: trailers\r\n\
                Upgrade: h2c\r\n\
                HTTP2-Settings: x\r\n\
                X-Name: \u{fc}\r\n\
                content-length: 3\r\n\r\n";
    let expected = "POST /a?b=c HTTP/1.1\r\n\
                    Host: example.com\r\n\
                    Accept: */*\r\n\
                    X-Name: \u{fc}\r\n\
                    Content-Length: 3\r\n\
                    Connection: close\r\n\r\n";
    let (target, head, body) = plain(text);
    assert_eq!(
        (target.as_str(), head.as_str()),
        ("example.com:80", expected)
    );
    assert_eq!(body, Body::Length(3));
}

#[test]
fn paths_ports_and_bodies_are_those_of_the_request() {
    let cases = [
        (
            "GET http://a.io HTTP/1.1\r\nHost: a.io",
            "a.io:80",
            "GET / HTTP/1.1",
            Body::Nothing,
        ),
        (
            "GET HTTP://a.io?q HTTP/1.1\r\nHost: a.io:80",
            "a.io:80",
            "GET /?q HTTP/1.1",
            Body::Nothing,
        ),
        (
            "HEAD http://a.io:81// HTTP/1.0",
            "a.io:81",
            "HEAD // HTTP/1.0",
            Body::Nothing,
        ),
        (
            "PUT http://[::1]:81/ HTTP/1.1\r\nHost: [0::1]:81\r\nTransfer-Encoding: Chunked",
            "[::1]:81",
            "PUT / HTTP/1.1",
            Body::Chunked,
        ),
    ];
    for (text, target, line, body) in cases {
        let found = plain(&format!("{text}\r\n\r\n"));
        assert_eq!(found.0, target);
        assert_eq!(found.1.lines().next(), Some(line));
        assert_eq!(found.2, body);
    }
}

#[test]
fn whatever_two_readers_could_read_in_two_ways_is_refused() {
    let long = format!("GET http://a.io/{} HTTP/1.1\r\n", "a".repeat(LONGEST));
    let cases = [
        ("\r\n\r\n", RequestFlaw::Line),
        ("GET http://a.io/\r\n\r\n", RequestFlaw::Line),
        ("GET  http://a.io/ HTTP/1.1\r\n\r\n", RequestFlaw::Line),
        ("GET http://a.io/ HTTP/1.1 \r\n\r\n", RequestFlaw::Line),
        ("GET\thttp://a.io/\tHTTP/1.1\r\n\r\n", RequestFlaw::Line),
        ("G(T http://a.io/ HTTP/1.1\r\n\r\n", RequestFlaw::Line),
        ("GET http://a.io/\u{e9} HTTP/1.1\r\n\r\n", RequestFlaw::Line),
        (
            "GET http://a.io/#x HTTP/1.1\r\nHost: a.io\r\n\r\n",
            RequestFlaw::Line,
        ),
        ("GET http://a.io/ http/1.1\r\n\r\n", RequestFlaw::Line),
        ("GET http://a.io/ HTTP/2.0\r\n\r\n", RequestFlaw::Version),
        ("GET http://a.io/ HTTP/1.10\r\n\r\n", RequestFlaw::Version),
        (
            "GET / HTTP/1.1\r\nHost: a.io\r\n\r\n",
            RequestFlaw::NotForProxy,
        ),
        (
            "OPTIONS * HTTP/1.1\r\nHost: a.io\r\n\r\n",
            RequestFlaw::NotForProxy,
        ),
        (
            "GET https://a.io/ HTTP/1.1\r\nHost: a.io\r\n\r\n",
            RequestFlaw::NotForProxy,
        ),
        (
            "GET ftp://a.io/ HTTP/1.1\r\nHost: a.io\r\n\r\n",
            RequestFlaw::NotForProxy,
        ),
        (
            "connect a.io:443 HTTP/1.1\r\n\r\n",
            RequestFlaw::NotForProxy,
        ),
        ("GET http://a.io/ HTTP/1.1\r\n\r\n", RequestFlaw::HostField),
        (
            "GET http://a.io/ HTTP/1.1\r\nHost: b.io\r\n\r\n",
            RequestFlaw::HostField,
        ),
        (
            "GET http://a.io/ HTTP/1.1\r\nHost: a.io:81\r\n\r\n",
            RequestFlaw::HostField,
        ),
        (
            "GET http://a.io/ HTTP/1.1\r\nHost:\r\n\r\n",
            RequestFlaw::HostField,
        ),
        (
            "GET http://a.io/ HTTP/1.1\r\nHost: a.io\r\nHost: a.io\r\n\r\n",
            RequestFlaw::HostField,
        ),
        (
            "GET http://a.io/ HTTP/1.0\r\nHost: a.io, b.io\r\n\r\n",
            RequestFlaw::HostField,
        ),
        (
            "GET http://a.io/ HTTP/1.1\r\nHost: a.io\r\n folded\r\n\r\n",
            RequestFlaw::Field,
        ),
        (
            "GET http://a.io/ HTTP/1.1\r\nHost : a.io\r\n\r\n",
            RequestFlaw::Field,
        ),
        (
            "GET http://a.io/ HTTP/1.1\r\n Host: a.io\r\n\r\n",
            RequestFlaw::Field,
        ),
        (
            "GET http://a.io/ HTTP/1.1\r\n: a.io\r\n\r\n",
            RequestFlaw::Field,
        ),
        (
            "GET http://a.io/ HTTP/1.1\r\nHost\r\n\r\n",
            RequestFlaw::Field,
        ),
        (
            "GET http://a.io/ HTTP/1.1\rHost: a.io\r\n\r\n",
            RequestFlaw::LineEnd,
        ),
        (
            "GET http://a.io/ HTTP/1.1\r\r\nHost: a.io\r\n\r\n",
            RequestFlaw::LineEnd,
        ),
        (
            "GET http://a.io/ HTTP/1.1\nHost: a.io\n\n",
            RequestFlaw::LineEnd,
        ),
        ("GET http://a.io/\0 HTTP/1.1\r\n\r\n", RequestFlaw::Control),
        ("\u{16}\u{3}\u{1}\u{2}", RequestFlaw::Control),
        (
            "CONNECT a.io\u{7f}:443 HTTP/1.1\r\n\r\n",
            RequestFlaw::Control,
        ),
        ("CONNECT a.io :443 HTTP/1.1\r\n\r\n", RequestFlaw::Line),
        (
            "CONNECT a.io:443 HTTP/1.1\r\nContent-Length: 1\r\n\r\n",
            RequestFlaw::Length,
        ),
        (&long, RequestFlaw::TooLong),
    ];
    for (text, expected) in cases {
        assert_eq!(flaw(text), expected, "{:?}", &text[..text.len().min(80)]);
    }
}

#[test]
fn a_body_has_one_clear_end() {
    for fields in [
        "Content-Length: 1\r\nContent-Length: 1",
        "Content-Length: 1, 1",
        "Content-Length: +1",
        "Content-Length: -1",
        "Content-Length: 0x1",
        "Content-Length: 1 1",
        "Content-Length:",
        "Content-Length: 18446744073709551616",
        "Content-Length: 1\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 1",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding:",
    ] {
        let text = format!("POST http://a.io/ HTTP/1.1\r\nHost: a.io\r\n{fields}\r\n\r\n");
        assert_eq!(flaw(&text), RequestFlaw::Length, "{fields}");
    }
    let text = "POST http://a.io/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(flaw(text), RequestFlaw::Length);
}

#[test]
fn odd_spellings_of_hosts_are_refused() {
    for (host, expected) in [
        ("0x7f.1", HostFlaw::OddAddress),
        ("2130706433", HostFlaw::OddAddress),
        ("127.1", HostFlaw::OddAddress),
        ("127.0.0.1.", HostFlaw::OddAddress),
        ("[::ffff:127.0.0.1]", HostFlaw::Mapped),
        ("[::ffff:7f00:1]", HostFlaw::Mapped),
        ("[fe80::1%25eth0]", HostFlaw::Brackets),
        ("a%2eio", HostFlaw::Character),
        ("me@a.io", HostFlaw::NotBare),
        ("*.io", HostFlaw::Star),
        ("", HostFlaw::Empty),
    ] {
        let expected = RequestFlaw::Host(expected);
        let text = format!("CONNECT {host}:443 HTTP/1.1\r\n\r\n");
        assert_eq!(flaw(&text), expected, "{host}");
        let text = format!("GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(flaw(&text), expected, "{host}");
    }
    for target in [
        "a.io",
        "a.io:",
        "a.io:0",
        "a.io:0443",
        "a.io:65536",
        "a.io:443x",
    ] {
        let text = format!("CONNECT {target} HTTP/1.1\r\n\r\n");
        assert_eq!(flaw(&text), RequestFlaw::Host(HostFlaw::Port), "{target}");
    }
}

#[test]
fn the_longest_header_section_is_read_and_what_follows_kept() {
    let start = "GET http://a.io/ HTTP/1.1\r\nHost: a.io\r\nX: ";
    let filler = LONGEST - start.len() - 4;
    let text = format!("{start}{}\r\n\r\nrest", "x".repeat(filler));
    let mut head = Head::default();
    head.push(text.as_bytes()).unwrap();
    assert!(Request::read(&head).is_ok());
    assert_eq!(head.rest(), b"rest");
    let text = format!("{start}{}\r\n\r\n", "x".repeat(filler + 1));
    assert_eq!(flaw(&text), RequestFlaw::TooLong);
}

/// Requests that are nearly right, and bytes that are nothing.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("GET "),
        Just("CONNECT "),
        Just("http://a.io/"),
        Just("a.io:443"),
        Just(" HTTP/1.1"),
        Just("\r\n"),
        Just("\r\n\r\n"),
        Just("\n"),
        Just("\r"),
        Just("Host: a.io\r\n"),
        Just("Content-Length: 3\r\n"),
        Just("Transfer-Encoding: chunked\r\n"),
        Just("Connection: x\r\n"),
        Just(":"),
        Just("\0"),
        Just("[::1]"),
        Just("é"),
    ];
    let pieces = proptest::collection::vec(piece, 0..12);
    prop_oneof![
        pieces.prop_map(|pieces| pieces.concat().into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..200),
        "[ -~]{0,40}".prop_map(|path| {
            format!("GET http://a.io/{path} HTTP/1.1\r\nHost: a.io\r\n\r\n").into_bytes()
        }),
    ]
}

proptest! {
    #[test]
    fn pieces_do_not_matter(bytes in bytes(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(read(&pieces), read(&[&bytes]));
    }

    #[test]
    fn what_is_passed_on_is_a_request_for_what_was_checked(bytes in bytes()) {
        if let Some(Ok(Request { target, kind: Kind::Plain { head, .. } })) = read(&[&bytes]) {
            let text = String::from_utf8_lossy(&head);
            let host = format!("\r\nHost: {}\r\n", target.authority());
            prop_assert!(text.contains(&host));
            prop_assert_eq!(text.matches("\r\n\r\n").count(), 1);
            prop_assert!(text.ends_with("\r\nConnection: close\r\n\r\n"));
            prop_assert_eq!(text.to_lowercase().matches("\r\nhost:").count(), 1);
        }
    }
}
