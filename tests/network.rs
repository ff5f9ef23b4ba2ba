//! What sessions reach of the network: all of it, nothing, or listed hosts by way of a proxy.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::yard::{Yard, text};

/// A server outside that says the same to everybody, and its port.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let (mut request, mut byte) = (Vec::new(), [0]);
            // All of it: a connection that is closed on unread bytes is reset.
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                request.push(byte[0]);
            }
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\noutside";
            let _gone = stream.write_all(answer.as_bytes());
        }
    });
    port
}

/// Runs it with bash, which connects by file names, and gives what it printed.
fn run(yard: &Yard, network: &str, script: &str) -> String {
    let set = format!("sandbox.network={network}");
    let helpers = "
        direct() { (exec 3<>/dev/tcp/127.0.0.1/$1 && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3) 2>/dev/null; }
        by_proxy() { exec 3<>/dev/tcp/127.0.0.1/${http_proxy##*:}
            printf 'GET http://%s/ HTTP/1.1\\r\\nHost: %s\\r\\n\\r\\n' $1 $1 >&3; cat <&3; }
    ";
    let script = format!("{helpers}{script}");
    let ran = yard.treeyard(&[
        "run",
        "--set",
        &set,
        "--name",
        "n",
        "--read-only",
        "--",
        "bash",
        "-c",
        &script,
    ]);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    yard.exits(0, &["logs", "n"])
}

#[test]
fn an_open_network_is_that_of_the_machine() {
    let (yard, port) = (Yard::new(), server());
    let said = run(&yard, "open", &format!("direct {port}"));
    assert!(said.contains("outside"), "{said}");
}

#[test]
fn without_a_network_nothing_is_reached() {
    let (yard, port) = (Yard::new(), server());
    let said = run(&yard, "none", &format!("direct {port} || echo nothing"));
    assert_eq!(said, "nothing\n");
}

#[test]
fn listed_hosts_are_reached_and_no_others() {
    let (yard, listed, other) = (Yard::new(), server(), server());
    let script = format!(
        "direct {listed} || echo not past the proxy; by_proxy 127.0.0.1:{listed} | tail -1; echo
         by_proxy 127.0.0.1:{other} | head -1; by_proxy evil.invalid | tail -1"
    );
    let said = run(&yard, &format!("[\"127.0.0.1:{listed}\"]"), &script);
    assert!(said.contains("not past the proxy\n"), "{said}");
    assert!(said.contains("outside\n"), "{said}");
    assert!(said.contains("403"), "{said}");
    // Whoever reads the output is told, too: most programs do not show why.
    let told = format!("treeyard: 127.0.0.1:{other} is not among the hosts");
    assert!(said.contains(&told), "{said}");
    assert_eq!(said.matches("evil.invalid").count(), 2, "{said}");
}

/// A later file only takes away.
#[test]
fn a_repository_narrows_what_its_person_allowed() {
    let (yard, port) = (Yard::new(), server());
    yard.write("treeyard.toml", "[sandbox]\nnetwork = \"none\"\n");
    let said = run(&yard, "open", &format!("direct {port} || echo nothing"));
    assert_eq!(said, "nothing\n");
    yard.write("treeyard.toml", "[sandbox]\nwrite = [\"/\"]\n");
    let refused = yard.treeyard(&["run", "--name", "t", "--", "true"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("`sandbox.write` is not for a"));
}

#[test]
fn the_proxy_ends_with_the_job() {
    let (yard, port) = (Yard::new(), server());
    run(&yard, &format!("[\"127.0.0.1:{port}\"]"), "true");
    let shown = yard.json(&["show", "n"]);
    assert_eq!(shown["session"]["state"], "COMPLETED", "{shown}");
    let mine = |entry: std::fs::DirEntry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = text(&line);
        line.contains("__proxy") && line.contains(&port.to_string())
    };
    let mut all = std::fs::read_dir("/proc").unwrap().flatten();
    assert!(!all.any(mine));
}

/// Without a network of its own a session is held to the port of the proxy. Landlock, which does that, is asked
/// neither about streams that are no TCP nor about connections that the first data makes.
#[test]
fn a_shared_network_has_no_way_past_the_proxy() {
    let yard = Yard::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!(
        "use Socket qw(:DEFAULT inet_pton MSG_NOSIGNAL pack_sockaddr_in6);
         my $to = pack_sockaddr_in({port}, INADDR_LOOPBACK);
         my $mapped = pack_sockaddr_in6({port}, inet_pton(AF_INET6, '::ffff:127.0.0.1'));
         for my $protocol (0, 6, 132, 256, 262) {{
             for my $way ([AF_INET, $to], [AF_INET6, $mapped]) {{
                 my ($family, $address) = @$way;
                 socket(my $s, $family, SOCK_STREAM, $protocol) or next;
                 connect($s, $address);
                 send($s, 'out', 0x20000000 | MSG_NOSIGNAL, $address);
             }}
         }}
         my ($proxy) = $ENV{{http_proxy}} =~ /:(\\d+)$/;
         socket(my $s, AF_INET, SOCK_STREAM, 6) or die;
         connect($s, pack_sockaddr_in($proxy, INADDR_LOOPBACK)) or die; print 'proxy';"
    );
    yard.write("way.pl", &script);
    yard.git(&["add", "-A"]);
    yard.git(&["commit", "-qm", "Ways"]);
    let line = "cd repo && exec \"$0\" run --set 'sandbox.network=[\"example.com\"]' --name n --read-only -- perl way.pl";
    let program = env!("CARGO_BIN_EXE_treeyard");
    let mut command = yard.command(program);
    let ran = command
        .args(yard.held_to_standard())
        .args(["-c", line, program]);
    let _seen_in_its_output = ran.output().unwrap();
    assert_eq!(yard.exits(0, &["logs", "n"]), "proxy");
    assert!(listener.accept().is_err(), "somebody came past the proxy");
}
