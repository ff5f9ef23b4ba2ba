//! Plain requests and their answers.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use super::{mirror, read_request, rest_of, serve, server};

fn get(authority: &str) -> String {
    format!("GET http://{authority}/x HTTP/1.1\r\nHost: {authority}\r\n\r\n")
}

/// A server that answers with these bytes.
fn answering(answer: &'static [u8]) -> String {
    let at = server(move |mut stream| {
        read_request(&mut stream);
        stream.write_all(answer).unwrap();
    });
    at.to_string()
}

#[test]
fn a_request_and_its_answer() {
    let at = mirror().to_string();
    let proxy = serve(&[&at]);
    let request = format!("GET /x HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
    let expected = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{request}",
        request.len()
    );
    assert_eq!(proxy.ask(get(&at).as_bytes()), expected);
}

#[test]
fn a_request_may_come_in_any_two_pieces() {
    let at = mirror().to_string();
    let proxy = serve(&[&at]);
    let request =
        format!("POST http://{at}/x HTTP/1.1\r\nHost: {at}\r\nContent-Length: 4\r\n\r\nbody");
    let whole = proxy.ask(request.as_bytes());
    assert!(whole.ends_with("\r\n\r\nbody"), "{whole}");
    thread::scope(|scope| {
        for at in 1..request.len() {
            let (proxy, whole, request) = (&proxy, &whole, request.as_bytes());
            scope.spawn(move || {
                let mut stream = proxy.connect();
                stream.write_all(&request[..at]).unwrap();
                thread::sleep(Duration::from_millis(20));
                stream.write_all(&request[at..]).unwrap();
                assert_eq!(&rest_of(&mut stream), whole, "cut at {at}");
            });
        }
    });
}

#[test]
fn only_one_request_of_a_connection_is_passed_on() {
    let at = mirror().to_string();
    let proxy = serve(&[&at]);
    let second = format!("GET http://{at}/second HTTP/1.1\r\nHost: secret.test\r\n\r\n");
    for fields in [
        "",
        "Content-Length: 2\r\n",
        "Transfer-Encoding: chunked\r\n",
    ] {
        let body = match fields {
            "" => "",
            "Content-Length: 2\r\n" => "ab",
            _ => "2\r\nab\r\n0\r\n\r\n",
        };
        let first = format!("POST http://{at}/first HTTP/1.1\r\nHost: {at}\r\n{fields}\r\n{body}");
        let answer = proxy.ask(format!("{first}{second}").as_bytes());
        assert!(answer.contains("POST /first"), "{answer}");
        assert!(
            !answer.contains("second") && !answer.contains("secret"),
            "{answer}"
        );
    }
}

#[test]
fn a_body_in_chunks_arrives() {
    let at = mirror().to_string();
    let proxy = serve(&[&at]);
    let head =
        format!("POST http://{at}/x HTTP/1.1\r\nHost: {at}\r\nTransfer-Encoding: chunked\r\n\r\n");
    let answer = proxy.ask(format!("{head}005;x\r\nhello\r\n0\r\nT: 1\r\n\r\n").as_bytes());
    assert!(
        answer.ends_with("\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        "{answer}"
    );
}

#[test]
fn an_answer_loses_what_was_meant_for_the_proxy() {
    let at = answering(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\n\
          Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\n folded\r\nX-End: 2\r\n folded\r\n\
          Upgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    );
    let answer = serve(&[&at]).ask(get(&at).as_bytes());
    let expected = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-End: 2\r\n folded\r\n\
                    Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\na\r\n0\r\n\r\n";
    assert_eq!(answer, expected);
}

#[test]
fn an_answer_may_come_without_a_length_and_with_bare_line_ends() {
    let at = answering(b"HTTP/1.0 200 OK\nX: 1\n\nbody");
    let answer = serve(&[&at]).ask(get(&at).as_bytes());
    assert_eq!(answer, "HTTP/1.0 200 OK\nX: 1\nConnection: close\r\n\nbody");
}

#[test]
fn what_is_no_answer_is_said_to_be_none() {
    let endless: &'static [u8] = [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 70_000]]
        .concat()
        .leak();
    for answer in [
        &b"SSH-2.0-x\r\n"[..],
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nX: 1\r\n",
        endless,
    ] {
        let at = answering(answer);
        let found = serve(&[&at]).ask(get(&at).as_bytes());
        assert!(found.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{found}");
        assert!(found.ends_with(&format!("{at} answers with something else than HTTP\n")));
    }
    let at = answering(b"");
    let found = serve(&[&at]).ask(get(&at).as_bytes());
    assert!(found.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{found}");
}

#[test]
fn a_server_may_answer_before_it_has_the_whole_request() {
    let at = answering_early();
    let proxy = serve(&[&at]);
    let mut stream = proxy.connect();
    let length = 50_000_000;
    write!(
        stream,
        "POST http://{at}/ HTTP/1.1\r\nHost: {at}\r\nContent-Length: {length}\r\n\r\n"
    )
    .unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    stream.shutdown(Shutdown::Write).unwrap();
}

fn answering_early() -> String {
    let at = server(|mut stream: TcpStream| {
        let mut byte = [0];
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        stream
            .write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
    });
    at.to_string()
}

#[test]
fn a_client_that_waits_for_a_word_to_go_on_gets_it() {
    let at = server(|mut stream| {
        let mut byte = [0];
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        let mut body = [0; 4];
        stream.read_exact(&mut body).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        stream.write_all(&body).unwrap();
    });
    let host = format!("up.test:{}", at.port());
    let proxy = serve(&[&host, &at.to_string()]);
    let mut stream = proxy.connect();
    write!(stream, "PUT http://{host}/ HTTP/1.1\r\nHost: {host}\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n").unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"body").unwrap();
    let answer = rest_of(&mut stream);
    assert_eq!(answer, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbody");
}
