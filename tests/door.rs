//! What a session asks of the outside, through the door of its job.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use treeyard::proc::knock;

use crate::yard::{Yard, eventually, text};

const PROGRAM: &str = env!("CARGO_BIN_EXE_treeyard");

fn up(yard: &Yard, more: &[&str]) {
    yard.exits(0, &[more, &["up"]].concat());
}

/// Starts a job that holds `./NAME`; in its command `$ty` is the program, and `wait X` goes on after
/// `go(X)`.
fn start(yard: &Yard, name: &str, script: &str) {
    let at = yard.folder.path().display();
    let script = format!(
        "ty={PROGRAM}; at='{at}'; wait() {{ until [ -e \"$at/go-$1\" ]; do sleep 0.02; done; }}\n{script}"
    );
    let scope = format!("./{name}");
    let job = ["submit", "--name", name, "--scope", &scope, "--"];
    yard.exits(0, &[&job[..], &["sh", "-c", &script]].concat());
}

fn go(yard: &Yard, name: &str) {
    std::fs::write(yard.folder.path().join(format!("go-{name}")), "").unwrap();
}

fn is_there(yard: &Yard, name: &str) -> bool {
    yard.folder.path().join(name).exists()
}

fn read(yard: &Yard, name: &str) -> String {
    std::fs::read_to_string(yard.folder.path().join(name)).unwrap()
}

/// Where the door of a job is, once it is open.
fn door(yard: &Yard, name: &str) -> PathBuf {
    let began = format!("began-{name}");
    // The file is there before what is written into it.
    let is_told = || is_there(yard, &began) && read(yard, &began).ends_with('\n');
    eventually("it began", is_told);
    read(yard, &began).trim().into()
}

const BEGAN: &str = "echo $TREEYARD_DOOR > $at/began-$TREEYARD_TASK;";

fn scope(patterns: &[&str]) -> Value {
    json!({
        "ask": "scope", "patterns": patterns, "queue": false, "wait": false,
        "print": { "json": true, "quiet": false, "color": false },
    })
}

/// Asks, as a program inside would.
fn ask(door: &Path, request: &[u8]) -> Option<Value> {
    let mut client = knock(door).unwrap();
    // What is far too long is not read to its end.
    let _cut_short = client.write_all(request);
    let _gone = client.shutdown(Shutdown::Write);
    let mut reply = Vec::new();
    client.read_to_end(&mut reply).ok()?;
    serde_json::from_slice(&reply).ok()
}

fn scope_of(yard: &Yard, name: &str) -> Value {
    let locks = yard.json(&["locks", "ls"])["locks"].clone();
    let locks = locks.as_array().unwrap().iter();
    let mut own = locks.filter(|lock| lock["name"] == name || lock["holder"]["name"] == name);
    own.next().map_or(Value::Null, |lock| lock["scope"].clone())
}

#[test]
fn a_session_asks_for_more_and_is_told_what_it_would_have_been_told() {
    let yard = Yard::new();
    up(&yard, &[]);
    yard.exits(0, &["claim", "./held"]);
    let script = format!(
        "{BEGAN} say() {{ name=$1; shift; \"$@\" > $at/$name.out 2> $at/$name.err; echo $? > $at/$name.code; }}
        say granted $ty scope request './new*'
        say json $ty --json scope request ./json
        say refused $ty scope request ./held
        say queued $ty scope request --queue ./held
        mkdir -p deep; cd deep
        say own $ty -C .. scope request --session job ./own
        say other $ty scope request --session other ./own
        say wrong $ty scope request 'a[b'
        say usage $ty scope request
        touch $at/asked; wait end; say waited $ty scope request --wait ./held"
    );
    start(&yard, "job", &script);
    eventually("all was asked", || is_there(&yard, "asked"));
    let told = |name: &str| {
        let part = |kind: &str| read(&yard, &format!("{name}.{kind}"));
        (part("code").trim().to_owned(), part("out"), part("err"))
    };
    let (code, out, err) = told("granted");
    assert_eq!(("0", ""), (code.as_str(), err.as_str()), "{out}");
    assert!(
        out.starts_with("job may change ./new* too, under lock "),
        "{out}"
    );
    let (code, out, _) = told("json");
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code.as_str(), &document["answer"]),
        ("0", &json!("granted"))
    );
    let (code, out, err) = told("refused");
    assert_eq!(("5", ""), (code.as_str(), out.as_str()));
    // What a person outside is told, to the letter.
    let outside = yard.treeyard(&["scope", "request", "--session", "job", "./held"]);
    assert_eq!(err, text(&outside.stderr));
    let (code, out, _) = told("queued");
    assert_eq!(code, "0");
    assert!(out.starts_with("job gets ./held when "), "{out}");
    assert_eq!(told("own").0, "0", "{:?}", told("own"));
    assert_eq!(told("other").0, "7", "{:?}", told("other"));
    assert_eq!(told("wrong").0, "2");
    assert_eq!(told("usage").0, "2");
    let has = scope_of(&yard, "job").to_string();
    assert!(
        ["./new*", "./json", "./own"]
            .iter()
            .all(|one| has.contains(one)),
        "{has}"
    );

    go(&yard, "end");
    std::thread::sleep(Duration::from_millis(200));
    yard.exits(0, &["release"]);
    eventually("it ends", || yard.state_of("job") == "COMPLETED");
    assert_eq!(told("waited").0, "0", "{:?}", told("waited"));
    assert!(!PathBuf::from(read(&yard, "began-job").trim()).exists());
    yard.sound();
}

#[test]
fn nobody_asks_for_another_session_and_nothing_is_a_flag() {
    let yard = Yard::new();
    up(&yard, &[]);
    start(&yard, "victim", "touch $at/victim; wait end");
    start(&yard, "job", &format!("{BEGAN} wait end"));
    eventually("the other one began", || is_there(&yard, "victim"));
    let door = door(&yard, "job");
    let id = yard.json(&["show", "victim"])["session"]["session_id"].clone();
    let id = id.as_str().unwrap();
    let mut named = scope(&["./x"]);
    for key in ["session", "session_id", "repository"] {
        named[key] = json!(id);
        let reply = ask(&door, named.to_string().as_bytes()).unwrap();
        assert_eq!(reply["exit"], 2, "{reply}");
        named.as_object_mut().unwrap().remove(key);
    }
    for patterns in [
        vec![format!("--session={id}"), "./y".to_owned()],
        vec!["--session".to_owned(), id.to_owned(), "./y".to_owned()],
        vec!["-C/".to_owned(), "--help".to_owned()],
    ] {
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let reply = ask(&door, scope(&patterns).to_string().as_bytes()).unwrap();
        // Patterns that could match in the other one's files too.
        assert_eq!(reply["exit"], 5, "{reply}");
        assert!(
            reply["stdout"]
                .as_str()
                .unwrap()
                .contains("job asks for paths")
        );
    }
    assert_eq!(scope_of(&yard, "victim"), json!(["./victim"]));
    assert_eq!(scope_of(&yard, "job"), json!(["./job"]));
    go(&yard, "end");
    eventually("they end", || yard.state_of("victim") == "COMPLETED");
    eventually("they end", || yard.state_of("job") == "COMPLETED");
    yard.sound();
}

#[test]
fn garbage_and_hanging_clients_harm_nobody() {
    let yard = Yard::new();
    up(&yard, &[]);
    start(&yard, "job", &format!("{BEGAN} wait end"));
    let door = door(&yard, "job");
    let long = vec![b'x'; 200 << 10];
    for garbage in [&b""[..], b"\0\0", b"{", b"[]", b"{\"ask\":\"land\"}", &long] {
        if let Some(reply) = ask(&door, garbage) {
            assert_eq!(reply["exit"], 2, "{reply}");
        }
    }
    // Some say nothing, some half of it, some a byte now and then; some never take the reply.
    let mut hanging: Vec<UnixStream> = (0..16).map(|_| knock(&door).unwrap()).collect();
    for client in &mut hanging[8..12] {
        client.write_all(b"{\"ask\":").unwrap();
    }
    let whole = scope(&["./job"]).to_string();
    for client in &mut hanging[12..] {
        client.write_all(whole.as_bytes()).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
    }
    let began = Instant::now();
    let reply = ask(&door, scope(&["./after"]).to_string().as_bytes()).unwrap();
    assert_eq!(reply["exit"], 0, "{reply}");
    assert!(began.elapsed() < Duration::from_secs(20));
    let again = [knock(&door).unwrap(), knock(&door).unwrap()];
    let began = Instant::now();
    go(&yard, "end");
    eventually("it ends", || yard.state_of("job") == "COMPLETED");
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "with open connections"
    );
    drop((hanging, again));
    assert!(knock(&door).is_err());
    yard.sound();
}

#[test]
fn a_hundred_at_once_are_all_answered() {
    let yard = Yard::new();
    up(&yard, &[]);
    start(&yard, "job", &format!("{BEGAN} wait end"));
    let door = door(&yard, "job");
    let answered: usize = std::thread::scope(|scope_| {
        let one = |number: usize| {
            let door = &door;
            scope_.spawn(move || {
                let pattern = format!("./more-{}", number % 3);
                let asked = scope(&[&pattern]).to_string();
                let reply = ask(door, asked.as_bytes()).unwrap();
                assert_eq!(reply["exit"], 0, "{reply}");
                1
            })
        };
        let all: Vec<_> = (0..100).map(one).collect();
        all.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(answered, 100);
    // Nothing of them is left behind.
    let own = yard.json(&["show", "job"]);
    assert_eq!(own["session"]["state"], "ACTIVE");
    go(&yard, "end");
    eventually("it ends", || yard.state_of("job") == "COMPLETED");
    yard.sound();
}

#[test]
fn one_who_goes_away_is_waited_for_no_more() {
    let yard = Yard::new();
    up(&yard, &[]);
    yard.exits(0, &["claim", "./held"]);
    start(&yard, "job", &format!("{BEGAN} wait end"));
    let door = door(&yard, "job");
    let mut waiting = scope(&["./held"]);
    waiting["wait"] = json!(true);
    let asked = waiting.to_string();
    let clients: Vec<UnixStream> = (0..8)
        .map(|_| {
            let mut client = knock(&door).unwrap();
            client.write_all(asked.as_bytes()).unwrap();
            client.shutdown(Shutdown::Write).unwrap();
            client
        })
        .collect();
    std::thread::sleep(Duration::from_millis(500));
    drop(clients);
    let began = Instant::now();
    let reply = ask(&door, scope(&["./free"]).to_string().as_bytes()).unwrap();
    assert_eq!(reply["exit"], 0, "{reply}");
    assert!(began.elapsed() < Duration::from_secs(10));
    go(&yard, "end");
    eventually("it ends", || yard.state_of("job") == "COMPLETED");
    yard.sound();
}

/// Whoever answers is not stopped, or it might keep everybody from the store; and it does not make a
/// job that is stopped look as if it were at work.
#[test]
fn a_held_job_is_known_to_be_held_while_its_request_waits() {
    let yard = Yard::new();
    let sets = ["--set", "drift.check=100ms", "--set", "drift.policy=pause"];
    up(&yard, &sets);
    yard.exits(0, &["claim", "./held"]);
    let script = format!(
        "{BEGAN} $ty scope request --wait ./held > $at/waited & sleep 0.5; echo x > outside; wait on; rm outside; wait end"
    );
    start(&yard, "job", &script);
    eventually("it is paused", || yard.state_of("job") == "PAUSED");
    yard.exits(0, &["down"]);
    up(&yard, &sets);
    yard.exits(0, &["resume", "job"]);
    go(&yard, "on");
    yard.exits(0, &["release"]);
    eventually("it was answered", || {
        is_there(&yard, "waited") && read(&yard, "waited").contains("./held too")
    });
    go(&yard, "end");
    eventually("it ends", || yard.state_of("job") == "COMPLETED");
}

#[test]
fn a_long_path_is_no_hindrance() {
    let yard = Yard::new();
    let root = yard.folder.path().join("x".repeat(150));
    let root = format!("worktrees.root={}", root.display());
    up(&yard, &["--set", &root]);
    let script = format!("{BEGAN} $ty scope request ./more && touch $at/granted");
    start(&yard, "job", &script);
    assert!(door(&yard, "job").as_os_str().len() > 150);
    eventually("it ends", || yard.state_of("job") == "COMPLETED");
    assert!(
        is_there(&yard, "granted"),
        "{}",
        yard.exits(0, &["logs", "job"])
    );
}

#[test]
fn what_is_out_of_reach_inside_is_said_in_clear_words() {
    let yard = Yard::new();
    // Stands for a store that cannot be opened from inside.
    std::fs::create_dir_all(yard.repo().join(".git/treeyard/treeyard.db")).unwrap();
    let door = yard.folder.path().join("own/treeyard/door");
    std::fs::create_dir_all(door.parent().unwrap()).unwrap();
    let inside = |args: &[&str]| {
        let mut command = yard.command(PROGRAM);
        command.env("TREEYARD_DOOR", &door).args(args);
        let done = command.output().unwrap();
        (
            done.status.code().unwrap(),
            text(&done.stderr) + &text(&done.stdout),
        )
    };
    for args in [
        &["ls"][..],
        &["show", "x"],
        &["scope", "request", "./x"],
        &["land", "x"],
    ] {
        let (code, said) = inside(args);
        assert_eq!(code, 7, "{said}");
        assert!(
            said.contains("TY-INSIDE-SESSION") && said.contains("scope request"),
            "{said}"
        );
    }
    let (_, said) = inside(&["--json", "ls"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["error"]["details"]["code"], "TY-STORE-READONLY");
    // A person's own trouble with it is something else.
    let outside = yard.treeyard(&["ls"]);
    assert!(!text(&outside.stderr).contains("TY-INSIDE-SESSION"));
}
