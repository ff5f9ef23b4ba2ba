//! Clients and servers that take their time.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::super::environment;
use super::{echo, rest_of, serve_with, server};

#[test]
fn a_slow_client_is_told_so_also_when_it_goes_on_sending() {
    let proxy = serve_with(&[], |proxy| {
        proxy.limits.header = Duration::from_millis(200);
    });
    assert!(proxy.ask(b"GET http").starts_with("HTTP/1.1 408 "));
    let mut stream = proxy.connect();
    let mut back = stream.try_clone().unwrap();
    let start = Instant::now();
    thread::spawn(move || {
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let mut answer = [0; 12];
    back.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn an_idle_tunnel_ends_and_a_busy_one_does_not() {
    let idle = Duration::from_millis(1200);
    let at = server(|mut stream| {
        for _ in 0..8 {
            thread::sleep(Duration::from_millis(250));
            if stream.write_all(b"x").is_err() {
                return;
            }
        }
        // Then it says nothing more.
        let _ = stream.read(&mut [0]);
    });
    let at = at.to_string();
    let proxy = serve_with(&[&at], |proxy| proxy.limits.idle = idle);
    let start = Instant::now();
    assert_eq!(rest_of(&mut proxy.tunnel(&at)), "x".repeat(8));
    assert!(start.elapsed() >= Duration::from_millis(3000));
}

#[test]
fn a_server_that_takes_no_connection_is_given_up() {
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
    let full = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&full, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    listen(&full, 0).unwrap();
    let at = SocketAddr::try_from(getsockname(&full).unwrap()).unwrap();
    // There is room for one that nobody has taken.
    let _waiting = TcpStream::connect(at).unwrap();
    let at = at.to_string();
    let proxy = serve_with(&[&at], |proxy| {
        proxy.limits.connect = Duration::from_millis(200);
    });
    let answer = proxy.ask(format!("CONNECT {at} HTTP/1.1\r\n\r\n").as_bytes());
    assert!(
        answer.starts_with("HTTP/1.1 504 Gateway Timeout\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with(&format!("{at} does not answer in time\n")));
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let at = server(|mut stream| {
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
    });
    let at = at.to_string();
    let proxy = serve_with(&[&at], |proxy| {
        proxy.limits.idle = Duration::from_millis(200);
    });
    let answer = proxy.ask(format!("GET http://{at}/ HTTP/1.1\r\nHost: {at}\r\n\r\n").as_bytes());
    assert!(
        answer.starts_with("HTTP/1.1 504 Gateway Timeout\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with(&format!("{at} does not answer in time\n")));
}

#[test]
fn a_client_that_does_not_read_is_given_up() {
    let at = server(|mut stream| while stream.write_all(&[0; 65536]).is_ok() {});
    let at = at.to_string();
    let proxy = serve_with(&[&at], |proxy| {
        proxy.limits.idle = Duration::from_millis(200);
        proxy.limits.connections = 1;
    });
    let _stuck = proxy.tunnel(&at);
    // There is room for one only, so this one is served after the other was given up.
    let _next = proxy.tunnel(&at);
}

#[test]
fn who_leaves_early_leaves_no_trace() {
    let at = echo().to_string();
    let proxy = serve_with(&[&at], |proxy| proxy.limits.connections = 2);
    for _ in 0..50 {
        drop(proxy.tunnel(&at));
        drop(proxy.connect());
    }
    let mut stream = proxy.tunnel(&at);
    stream.write_all(b"x").unwrap();
    stream.read_exact(&mut [0]).unwrap();
}

#[test]
fn programs_are_told_of_the_proxy() {
    let told: std::collections::BTreeMap<_, _> = environment(4711).into_iter().collect();
    for name in [
        "http_proxy",
        "HTTPS_PROXY",
        "CARGO_HTTP_PROXY",
        "npm_config_proxy",
        "YARN_HTTPS_PROXY",
    ] {
        assert_eq!(told[name], "http://127.0.0.1:4711");
    }
    assert_eq!(told["NO_PROXY"], "localhost,127.0.0.1,::1");
    assert_eq!(told["no_proxy"], told["NO_PROXY"]);
    assert_eq!(told["NODE_USE_ENV_PROXY"], "1");
    assert!(!told.contains_key("YARN_NO_PROXY"));
}
