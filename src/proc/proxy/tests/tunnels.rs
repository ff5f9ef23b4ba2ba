//! Tunnels: bytes both ways, and how they end.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

use super::{echo, rest_of, serve, serve_with, server};

/// Bytes that repeat only after a while.
fn bytes(count: u32) -> Vec<u8> {
    (0..count)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

#[test]
fn ten_megabytes_go_both_ways() {
    let at = echo().to_string();
    let stream = serve(&[&at]).tunnel(&at);
    let sent = bytes(10_000_000);
    let mut up = stream.try_clone().unwrap();
    let mut received = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            up.write_all(&sent).unwrap();
            up.shutdown(Shutdown::Write).unwrap();
        });
        let mut down = stream;
        down.read_to_end(&mut received).unwrap();
    });
    assert!(received == sent);
}

#[test]
fn what_comes_with_the_request_goes_through_the_tunnel() {
    let at = echo().to_string();
    let mut stream = serve(&[&at]).connect();
    write!(stream, "CONNECT {at} HTTP/1.1\r\n\r\nearly").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let answer = rest_of(&mut stream);
    assert_eq!(answer, "HTTP/1.1 200 Connection established\r\n\r\nearly");
}

#[test]
fn the_end_of_one_direction_leaves_the_other() {
    // The client ends first, and gets its answer after that.
    let at = server(|mut stream| {
        let mut all = String::new();
        stream.read_to_string(&mut all).unwrap();
        write!(stream, "{} bytes", all.len()).unwrap();
    });
    let at = at.to_string();
    let mut stream = serve(&[&at]).tunnel(&at);
    stream.write_all(b"12345").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest_of(&mut stream), "5 bytes");

    // The server ends first, and still reads.
    let (say, hear) = std::sync::mpsc::channel();
    let at = server(move |mut stream| {
        stream.write_all(b"hello").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).unwrap();
        say.send(all).unwrap();
    });
    let at = at.to_string();
    let mut stream = serve(&[&at]).tunnel(&at);
    assert_eq!(rest_of(&mut stream), "hello");
    stream.write_all(b"still here").unwrap();
    drop(stream);
    assert_eq!(hear.recv().unwrap(), "still here");
}

#[test]
fn three_hundred_at_once_are_all_served() {
    let at = echo().to_string();
    let proxy = serve(&[&at]);
    let request = format!("CONNECT {at} HTTP/1.1\r\n\r\n");
    let mut streams: Vec<TcpStream> = (0..300).map(|_| proxy.connect()).collect();
    for stream in &mut streams {
        stream.write_all(request.as_bytes()).unwrap();
    }
    // As many as there is room for are open together; the others wait for their end.
    let mut waiting = streams.split_off(256);
    streams.iter_mut().for_each(use_tunnel);
    for stream in &waiting {
        stream.set_nonblocking(true).unwrap();
        assert!(stream.peek(&mut [0]).is_err());
        stream.set_nonblocking(false).unwrap();
    }
    drop(streams);
    waiting.iter_mut().for_each(use_tunnel);
}

fn use_tunnel(stream: &mut TcpStream) {
    let mut answer = [0; 39];
    stream.read_exact(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 "));
    stream.write_all(b"to and fro").unwrap();
    let mut back = [0; 10];
    stream.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"to and fro");
}

#[test]
fn more_than_there_is_room_for_wait() {
    let at = echo().to_string();
    let proxy = serve_with(&[&at], |proxy| proxy.limits.connections = 2);
    thread::scope(|scope| {
        for number in 0..40 {
            let (proxy, at) = (&proxy, &at);
            scope.spawn(move || {
                let mut stream = proxy.tunnel(at);
                let message = format!("number {number}");
                stream.write_all(message.as_bytes()).unwrap();
                stream.shutdown(Shutdown::Write).unwrap();
                assert_eq!(rest_of(&mut stream), message);
            });
        }
    });
}
