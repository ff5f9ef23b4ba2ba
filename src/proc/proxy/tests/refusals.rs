//! What may not be reached, by whatever way.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::refusal::{Refused, Why};
use super::{Served, echo, mirror, serve, serve_with};

fn connect_to(proxy: &Served, target: &str) -> String {
    proxy.ask(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").as_bytes())
}

fn refused(host: &str, port: u16, why: Why) -> Refused {
    let host = host.parse().unwrap();
    Refused { host, port, why }
}

/// A proxy for which names lead to these addresses.
fn resolving(allowed: &[&str], addresses: &[&str]) -> Served {
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    serve_with(allowed, |proxy| {
        proxy.resolve = Box::new(move |_| Ok(addresses.clone()));
    })
}

#[test]
fn hosts_and_ports_that_are_not_listed_are_refused_and_noted_once() {
    let at = mirror();
    let proxy = serve(&["crates.io", &at.to_string()]);
    let body =
        "evil.test:443 is not among the hosts that this session may reach (sandbox.network)\n";
    let expected = format!(
        "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(connect_to(&proxy, "evil.test:443"), expected);
    assert_eq!(connect_to(&proxy, "Evil.TEST.:443"), expected);
    for (target, said) in [
        ("crates.io:22", "crates.io:22 is not"),
        ("sub.crates.io:443", "sub.crates.io:443 is not"),
        ("1.1.1.1:443", "1.1.1.1:443 is not"),
        ("169.254.169.254:80", "169.254.169.254:80 is not"),
        ("[::1]:443", "[::1]:443 is not"),
    ] {
        let answer = connect_to(&proxy, target);
        assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{answer}");
        assert!(answer.contains(said), "{answer}");
    }
    let plain = "GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n";
    assert!(proxy.ask(plain.as_bytes()).contains("evil.test:80 is not"));
    let noted = proxy.noted.lock().unwrap().clone();
    assert_eq!(noted.len(), 7, "{noted:?}");
    assert_eq!(noted[0], refused("evil.test", 443, Why::NotListed));
}

#[test]
fn a_refusal_arrives_also_when_the_client_goes_on_sending() {
    let proxy = serve(&[]);
    let head =
        "POST http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\nContent-Length: 300000\r\n\r\n";
    let request = [head.as_bytes(), &[b'x'; 300_000]].concat();
    for _ in 0..20 {
        let answer = proxy.ask(&request);
        assert!(
            answer.ends_with("may reach (sandbox.network)\n"),
            "{answer}"
        );
    }
}

#[test]
fn notes_do_not_grow_without_end() {
    use super::super::refusal::Refusals;
    let (say, hear) = std::sync::mpsc::channel();
    let refusals = Refusals::new(move |refused| say.send(refused.clone()).unwrap());
    for number in 0..3000 {
        refusals.tell(&refused(&format!("h{number}.test"), 443, Why::NotListed));
    }
    drop(refusals);
    assert_eq!(hear.iter().count(), 1024);
}

#[test]
fn a_listed_name_does_not_lead_inside() {
    for inside in [
        "127.0.0.1",
        "169.254.169.254",
        "10.0.0.1",
        "0.0.0.0",
        "::1",
        "::ffff:127.0.0.1",
        "fd00:ec2::254",
    ] {
        let proxy = resolving(&["good.test"], &[inside]);
        let answer = connect_to(&proxy, "good.test:443");
        let address: IpAddr = inside.parse().unwrap();
        let said = format!(
            "good.test:443 leads to {}, an address of",
            address.to_canonical()
        );
        assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{answer}");
        assert!(answer.contains(&said), "{answer}");
        let noted = proxy.noted.lock().unwrap().clone();
        assert_eq!(
            noted,
            [refused(
                "good.test",
                443,
                Why::Inside(address.to_canonical())
            )]
        );
    }
}

#[test]
fn an_address_inside_that_is_listed_itself_is_reached() {
    let at = echo();
    let (name, port) = (format!("good.test:{}", at.port()), at.port());
    let localhost = format!("localhost:{port}");
    let opened = |allowed: &[&str], target: &str| {
        let proxy = resolving(allowed, &["169.254.169.254", "127.0.0.1"]);
        let _ = proxy.tunnel(target);
    };
    opened(&[&name, &at.to_string()], &name);
    opened(&[&name, &localhost], &name);
    opened(&[&localhost], &localhost);
    opened(&[&at.to_string()], &at.to_string());
    // Listed, but for another port.
    let proxy = resolving(&[&name, "127.0.0.1", "localhost"], &["127.0.0.1"]);
    assert!(connect_to(&proxy, &name).starts_with("HTTP/1.1 403"));
    // A link-local address is not what `localhost` stands for.
    let proxy = resolving(&[&localhost], &["169.254.169.254"]);
    assert!(connect_to(&proxy, &localhost).starts_with("HTTP/1.1 403"));
}

#[test]
fn what_was_checked_is_what_is_connected_to() {
    let at = echo();
    let name = format!("good.test:{}", at.port());
    let asked = AtomicUsize::new(0);
    let proxy = serve_with(&[&name, &at.to_string()], move |proxy| {
        proxy.resolve = Box::new(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
            0 => Ok(vec![IpAddr::from([127, 0, 0, 1])]),
            _ => Ok(vec![IpAddr::from([127, 0, 0, 9])]),
        });
    });
    let _ = proxy.tunnel(&name);
    let answer = connect_to(&proxy, &name);
    assert!(answer.contains("leads to 127.0.0.9"), "{answer}");
}

#[test]
fn all_addresses_are_tried_and_the_last_reason_is_given() {
    let at = echo();
    let port = at.port();
    let name = format!("good.test:{port}");
    let listed = [name.clone(), format!("127.0.0.9:{port}"), at.to_string()];
    let listed: Vec<&str> = listed.iter().map(String::as_str).collect();
    let _ = resolving(&listed, &["127.0.0.9", "127.0.0.1"]).tunnel(&name);
    let answer = connect_to(&resolving(&listed, &["127.0.0.9"]), &name);
    assert!(
        answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"),
        "{answer}"
    );
    assert!(
        answer.contains(&format!("{name} cannot be reached: ")),
        "{answer}"
    );
    let answer = connect_to(&resolving(&listed, &[]), &name);
    assert!(
        answer.ends_with("good.test cannot be resolved: it has no address\n"),
        "{answer}"
    );
    let answer = connect_to(&serve(&["nowhere.org"]), "nowhere.org:443");
    assert!(
        answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"),
        "{answer}"
    );
    assert!(
        answer.ends_with("nowhere.org cannot be resolved: no such name\n"),
        "{answer}"
    );
}

#[test]
fn garbage_is_answered_and_harms_nobody() {
    let at = mirror().to_string();
    let proxy = serve(&[&at]);
    let long = format!("GET http://{at}/ HTTP/1.1\r\nX: {}", "x".repeat(20_000));
    for (garbage, status) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00"[..], "400"),
        (b"\x05\x01\x00", "400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        (b"CONNECT 0x7f.1:80 HTTP/1.1\r\n\r\n", "400"),
        (b"CONNECT a.io:443 HTTP/3.0\r\n\r\n", "505"),
        (b"\n\n\n", "400"),
        (long.as_bytes(), "431"),
    ] {
        let answer = proxy.ask(garbage);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{garbage:?} got {answer}"
        );
    }
    for silent in [&b""[..], b"GET http://"] {
        let mut stream = proxy.connect();
        std::io::Write::write_all(&mut stream, silent).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(super::rest_of(&mut stream), "");
    }
    let request = format!("GET http://{at}/ HTTP/1.1\r\nHost: {at}\r\n\r\n");
    assert!(proxy.ask(request.as_bytes()).starts_with("HTTP/1.1 200 OK"));
}
