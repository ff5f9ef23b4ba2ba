//! Lists of hosts: what they allow, what is left of two, and what is not a host.

use proptest::prelude::*;

use super::*;

fn host(text: &str) -> Host {
    text.parse().unwrap()
}

fn pattern(text: &str) -> HostPattern {
    text.parse().unwrap()
}

fn network(list: &[&str]) -> Network {
    Network::of(list.iter().map(|text| pattern(text)))
}

#[test]
fn a_pattern_allows_what_it_says() {
    let cases = [
        ("crates.io", "crates.io", 443, true),
        ("crates.io", "crates.io", 80, true),
        ("crates.io", "crates.io", 8080, false),
        ("crates.io", "static.crates.io", 443, false),
        ("crates.io", "mycrates.io", 443, false),
        ("Crates.IO.", "cRATES.io", 443, true),
        ("crates.io", "crates.io.", 443, true),
        ("crates.io:8443", "crates.io", 8443, true),
        ("crates.io:8443", "crates.io", 443, false),
        ("*.github.com", "api.github.com", 443, true),
        ("*.github.com", "a.b.github.com", 443, true),
        ("*.github.com", "github.com", 443, false),
        ("*.github.com", "evilgithub.com", 443, false),
        ("*.github.com", "api.github.com.evil.org", 443, false),
        ("*.github.com:22", "ssh.github.com", 22, true),
        ("*.github.com:22", "ssh.github.com", 443, false),
        ("127.0.0.1:5432", "127.0.0.1", 5432, true),
        ("127.0.0.1", "127.0.0.2", 80, false),
        ("localhost:5432", "127.0.0.1", 5432, false),
        ("[::1]:80", "[0:0:0:0:0:0:0:1]", 80, true),
        ("[2001:DB8::1]", "[2001:db8::1]", 443, true),
        ("xn--bcher-kva.example", "XN--BCHER-KVA.example", 443, true),
        ("_acme.example", "_acme.example", 443, true),
    ];
    for (written, asked, port, expected) in cases {
        let allowed = pattern(written).allows(&host(asked), port);
        assert_eq!(allowed, expected, "{written} for {asked}:{port}");
    }
}

#[test]
fn what_is_no_host_is_refused_with_the_reason() {
    let long = format!("{}.com", "a".repeat(64));
    let longer = "a.".repeat(127) + "com";
    let cases = [
        ("", HostFlaw::Empty),
        (".", HostFlaw::Empty),
        (":80", HostFlaw::Empty),
        ("*.", HostFlaw::Empty),
        ("https://crates.io", HostFlaw::NotBare),
        ("crates.io/path", HostFlaw::NotBare),
        ("me@crates.io", HostFlaw::NotBare),
        ("crates.io?q", HostFlaw::NotBare),
        ("crates.io\\x", HostFlaw::NotBare),
        ("bücher.example", HostFlaw::NotAscii),
        ("*.bücher.example", HostFlaw::NotAscii),
        ("crates。io", HostFlaw::NotAscii),
        ("crates..io", HostFlaw::EmptyLabel),
        (".crates.io", HostFlaw::EmptyLabel),
        ("crates.io..", HostFlaw::EmptyLabel),
        ("*", HostFlaw::Star),
        ("*.*.io", HostFlaw::Star),
        ("api.*.io", HostFlaw::Star),
        ("a*.io", HostFlaw::Star),
        ("*crates.io", HostFlaw::Star),
        ("cra tes.io", HostFlaw::Character),
        (" crates.io", HostFlaw::Character),
        ("crates.io\0", HostFlaw::Character),
        ("crates%2eio", HostFlaw::Character),
        ("-crates.io", HostFlaw::Hyphen),
        ("crates-.io", HostFlaw::Hyphen),
        (&long, HostFlaw::TooLong),
        (&longer, HostFlaw::TooLong),
        ("127.1", HostFlaw::OddAddress),
        ("0x7f.1", HostFlaw::OddAddress),
        ("0x7f.0.0.0x1", HostFlaw::OddAddress),
        ("0X7F000001", HostFlaw::OddAddress),
        ("0x", HostFlaw::OddAddress),
        ("2130706433", HostFlaw::OddAddress),
        ("0177.0.0.1", HostFlaw::OddAddress),
        ("127.0.0.01", HostFlaw::OddAddress),
        ("127.0.0.1.", HostFlaw::OddAddress),
        ("1.2.3.4.5", HostFlaw::OddAddress),
        ("256.0.0.1", HostFlaw::OddAddress),
        ("*.0.0.1", HostFlaw::OddAddress),
        ("*.1", HostFlaw::OddAddress),
        ("::1", HostFlaw::Brackets),
        ("[::1", HostFlaw::Brackets),
        ("[::1]x", HostFlaw::Brackets),
        ("[fe80::1%eth0]", HostFlaw::Brackets),
        ("[127.0.0.1]", HostFlaw::Brackets),
        ("[crates.io]", HostFlaw::Brackets),
        ("[::ffff:127.0.0.1]", HostFlaw::Mapped),
        ("[::ffff:7f00:1]", HostFlaw::Mapped),
        ("crates.io:", HostFlaw::Port),
        ("crates.io:0", HostFlaw::Port),
        ("crates.io:080", HostFlaw::Port),
        ("crates.io:+80", HostFlaw::Port),
        ("crates.io:65536", HostFlaw::Port),
        ("crates.io:https", HostFlaw::Port),
        ("[::1]:", HostFlaw::Port),
    ];
    for (text, flaw) in cases {
        let found = text.parse::<HostPattern>().map_err(|error| error.flaw);
        assert_eq!(found, Err(flaw), "{text:?}");
    }
    let error = "bücher.example".parse::<HostPattern>().unwrap_err();
    let expected = "\"bücher.example\" names no host: it is not ASCII; an international name is \
                    written in its `xn--` form";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_list_only_narrows_another() {
    let cases: [(&[&str], &[&str], &[&str]); 8] = [
        (&["a.io"], &["a.io"], &["a.io"]),
        (&["a.io"], &["b.io"], &[]),
        (
            &["*.io"],
            &["a.io", "b.c.io:80", "c.org"],
            &["a.io", "b.c.io:80"],
        ),
        (&["*.a.io:443"], &["x.a.io", "a.io"], &["x.a.io:443"]),
        (&["*.a.io"], &["*.b.a.io"], &["*.b.a.io"]),
        (&["a.io:8080"], &["a.io"], &[]),
        (
            &["*.a.io:1", "*.a.io:2"],
            &["x.a.io:2", "x.a.io:3"],
            &["x.a.io:2"],
        ),
        (
            &["127.0.0.1:1", "localhost:1"],
            &["127.0.0.1:1"],
            &["127.0.0.1:1"],
        ),
    ];
    for (a, b, expected) in cases {
        let both = Network::narrowest(network(a), network(b));
        assert_eq!(both, network(expected), "{a:?} and {b:?}");
    }
    let hosts = network(&["a.io"]);
    for (a, b, expected) in [
        (Network::Open, Network::Open, Network::Open),
        (Network::Open, hosts.clone(), hosts.clone()),
        (hosts.clone(), Network::None, Network::None),
        (Network::None, Network::Open, Network::None),
    ] {
        assert_eq!(Network::narrowest(a.clone(), b.clone()), expected);
        assert_eq!(Network::narrowest(b, a), expected);
    }
}

#[test]
fn it_is_read_and_written_as_in_settings() {
    for (text, expected, shown) in [
        ("\"open\"", Network::Open, "open"),
        ("\"none\"", Network::None, "none"),
        (
            "[\"crates.io\",\"*.github.com\",\"[::1]:8443\"]",
            network(&["crates.io", "*.github.com", "[::1]:8443"]),
            "crates.io, *.github.com, [::1]:8443",
        ),
    ] {
        let read: Network = serde_json::from_str(text).unwrap();
        assert_eq!(read, expected);
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        assert_eq!(read.to_string(), shown);
        let toml = format!("network = {text}");
        let table: std::collections::BTreeMap<String, Network> = toml::from_str(&toml).unwrap();
        assert_eq!(table["network"], expected);
    }
    assert_eq!(
        serde_json::from_str::<Network>("[]").unwrap(),
        Network::None
    );
    for bad in ["\"closed\"", "3", "{}", "[\"http://x\"]", "[3]"] {
        assert!(serde_json::from_str::<Network>(bad).is_err(), "{bad}");
    }
}

/// Few names and ports, so that two lists meet often.
fn any_pattern() -> impl Strategy<Value = HostPattern> {
    let hosts = prop_oneof![
        "(\\*\\.)?([ab]\\.){0,3}io",
        Just("127.0.0.1".to_owned()),
        Just("[::1]".to_owned()),
    ];
    let port = prop_oneof![Just(""), Just(":80"), Just(":443"), Just(":99")];
    (hosts, port).prop_map(|(host, port)| pattern(&format!("{host}{port}")))
}

fn any_network() -> impl Strategy<Value = Network> {
    let list = proptest::collection::vec(any_pattern(), 0..5);
    prop_oneof![
        1 => Just(Network::Open),
        1 => Just(Network::None),
        6 => list.prop_map(Network::of),
    ]
}

fn any_target() -> impl Strategy<Value = (Host, u16)> {
    let hosts = prop_oneof!["([ab]\\.){0,4}io", Just("127.0.0.1".to_owned())];
    let ports = prop_oneof![Just(80), Just(443), Just(99)];
    (hosts.prop_map(|text| host(&text)), ports)
}

proptest! {
    #[test]
    fn the_narrowest_allows_what_both_allow(
        a in any_network(),
        b in any_network(),
        (host, port) in any_target(),
    ) {
        let both = Network::narrowest(a.clone(), b.clone());
        let expected = a.allows(&host, port) && b.allows(&host, port);
        prop_assert_eq!(both.allows(&host, port), expected);
    }

    #[test]
    fn what_is_covered_is_allowed(
        a in any_pattern(),
        b in any_pattern(),
        (host, port) in any_target(),
    ) {
        prop_assert!(a.covers(&a));
        if a.covers(&b) && b.allows(&host, port) {
            prop_assert!(a.allows(&host, port));
        }
        if a.covers(&b) && b.covers(&a) {
            prop_assert_eq!(a, b);
        }
    }

    #[test]
    fn what_is_read_is_written_alike(text in "[a-zA-Z0-9*.:\\[\\]_-]{0,24}|\\PC{0,12}") {
        if let Ok(read) = text.parse::<HostPattern>() {
            prop_assert_eq!(read.to_string().parse::<HostPattern>(), Ok(read));
        }
    }

    #[test]
    fn what_the_system_reads_as_an_address_is_one_or_nothing(
        text in "(0x[0-9a-fA-F]{0,8}|0?[0-9]{1,4})(\\.(0x[0-9a-f]{0,3}|0?[0-9]{1,4})){0,4}",
    ) {
        prop_assert!(!matches!(text.parse::<Host>(), Ok(Host::Name(_))));
    }
}
