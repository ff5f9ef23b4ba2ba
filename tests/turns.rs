//! Models at work: the real program, real worktrees, and servers on this machine that speak each interface.

#[path = "../src/provider/tests/server.rs"]
#[expect(dead_code, reason = "its other tests need all of it")]
mod server;
mod wires;

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::yard::{Yard, eventually, text};
use server::{Reply, Server, Step, chunk};
use wires::Wire;

/// A repository whose sessions talk to this server.
fn yard(wire: &Wire, server: &Server, more: &str) -> Yard {
    yard_with(wire, server, "", more)
}

/// The same; `of_provider` is for its table.
fn yard_with(wire: &Wire, server: &Server, of_provider: &str, more: &str) -> Yard {
    let yard = Yard::new();
    yard.configure(&format!(
        "[providers.here]\nwire = \"{}\"\nbase_url = \"{}\"\n{of_provider}[models.test]\nprovider = \"here\"\n\
         [agent]\nmodel = \"test\"\n{more}",
        wire.name,
        server.url()
    ));
    answered_lately(&yard, server);
    yard
}

/// So that the model is not asked for a word first.
fn answered_lately(yard: &Yard, server: &Server) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let probes = json!({ "format": 1, "probes": [{
        "name": "test", "endpoint": format!("{}/", server.url()), "model": "test",
        "at_ms": now.unwrap().as_millis() as u64, "readiness": "READY", "latency_ms": 1, "why": null,
    }] });
    let place = yard.folder.path().join("home/data/treeyard");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("probes.json"), probes.to_string()).unwrap();
}

/// In pieces that cut words and even characters.
fn pieces(body: &str) -> Reply {
    Reply::ok(body.as_bytes().chunks(11).map(chunk).collect())
}

fn writes(wire: &Wire, path: &str) -> Reply {
    let arguments = json!({ "path": path, "content": "from a model: ä\n" });
    pieces(&wire.call("file.write", &arguments))
}

fn says(wire: &Wire, words: &str) -> Reply {
    pieces(&wire.words(words))
}

#[test]
fn behind_every_interface_a_model_edits_and_its_work_lands() {
    for wire in &wires::ALL {
        let server = Server::start(vec![writes(wire, "src/new.txt"), says(wire, "Done: ö.")]);
        let yard = yard(wire, &server, "");
        yard.exits(
            0,
            &[
                "run",
                "--name",
                "task",
                "--scope",
                "src/**",
                "--auto-land",
                "--prompt",
                "Write it",
            ],
        );
        assert_eq!(
            yard.git(&["show", "main:src/new.txt"]),
            "from a model: ä\n",
            "{}",
            wire.name
        );
        for _ in 0..2 {
            let request = server.request();
            assert!(request.line.contains(wire.path), "{}", request.line);
        }
        let printed = yard.exits(0, &["logs", "task"]);
        assert!(printed.contains("> file.write src/new.txt"), "{printed}");
        assert!(printed.contains("Done: ö."), "{printed}");
        let called = yard.events("FR-EVT-007");
        assert_eq!(called[0]["data"]["call"]["end"]["how"], "ok");
        let ended = yard.events("FR-EVT-MODEL-002");
        assert_eq!(ended.len(), 2, "{}", wire.name);
        assert_eq!(
            ended[0]["data"]["call"]["usage"]["output"], 9,
            "{}",
            wire.name
        );
        yard.sound();
    }
}

#[test]
fn a_busy_provider_is_asked_again_when_it_says_so() {
    let wire = &wires::ALL[0];
    let busy = json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } });
    let slowly =
        json!({ "type": "error", "error": { "type": "rate_limit_error", "message": "slowly" } });
    let server = Server::start(vec![
        Reply::new(529, &busy.to_string()).header("retry-after-ms: 20"),
        Reply::new(429, &slowly.to_string()).header("retry-after-ms: 20"),
        says(wire, "Here I am."),
    ]);
    let yard = yard(wire, &server, "");
    yard.exits(0, &["run", "--name", "task", "--prompt", "Say it"]);
    let printed = yard.exits(0, &["logs", "task"]);
    assert!(printed.contains("asked again in"), "{printed}");
    // Each attempt is a call on record.
    assert_eq!(yard.events("FR-EVT-MODEL-001").len(), 3);
}

#[test]
fn what_cannot_be_helped_fails_with_its_reason() {
    let wire = &wires::ALL[2];
    let wrong = json!({ "error": { "message": "Incorrect API key", "type": "invalid_request_error", "code": "invalid_api_key" } });
    let server = Server::start(vec![Reply::new(401, &wrong.to_string())]);
    let yard = yard(wire, &server, "");
    yard.exits(1, &["run", "--name", "task", "--prompt", "Say it"]);
    let shown = yard.exits(0, &["show", "task"]);
    assert!(shown.contains("got no answer (auth)"), "{shown}");
    assert_eq!(server.requests.try_iter().count(), 1);
}

/// A model that says something and then nothing more.
fn silent(wire: &Wire) -> Reply {
    let body = wire.words("I begin");
    let start = body.len() / 2;
    Reply::ok(vec![chunk(&body.as_bytes()[..start]), Step::Silence])
}

#[test]
fn cancelling_in_the_middle_of_an_answer_ends_it_at_once() {
    let wire = &wires::ALL[0];
    let server = Server::start(vec![silent(wire)]);
    let yard = yard(wire, &server, "");
    yard.exits(0, &["up"]);
    yard.exits(0, &["submit", "--name", "task", "--prompt", "Say it"]);
    server.request();
    let started = Instant::now();
    yard.exits(0, &["cancel", "task"]);
    let told = started.elapsed();
    let gone = server.gone.recv_timeout(Duration::from_secs(20)).unwrap();
    // The command itself takes time, too; it is counted so that nothing is left out.
    let took = gone.duration_since(started);
    assert!(took < told + Duration::from_secs(2), "{took:?}");
    eventually("it is cancelled", || yard.state_of("task") == "CANCELLED");
    eventually("its call has an end", || {
        !yard.events("FR-EVT-MODEL-002").is_empty()
    });
    let end = &yard.events("FR-EVT-MODEL-002")[0]["data"]["call"]["end"];
    assert_eq!(end["kind"], "cancelled");
    eventually("its job is over", || {
        yard.json(&["show", "task"])["jobs"][0]["state"] == "cancelled"
    });
}

#[test]
fn a_killed_model_goes_on_where_it_was_and_asks_nothing_twice() {
    let wire = &wires::ALL[3];
    let server = Server::start(vec![
        writes(wire, "src/new.txt"),
        silent(wire),
        says(wire, "Done."),
    ]);
    let takes_keys = "idempotency_header = \"Idempotency-Key\"\n";
    let yard = yard_with(wire, &server, takes_keys, "");
    yard.exits(0, &["up"]);
    let plan = yard.plan(
        "[[task]]\nname = \"task\"\nscope = [\"src/**\"]\nprompt = \"Write it\"\non_crash = \"resume\"\n",
    );
    yard.exits(0, &["submit", &plan]);
    let key = |sent: &server::Request| {
        let mut keys = sent.headers.iter().filter_map(|header| {
            let key = header.strip_prefix("idempotency-key:")?;
            Some(key.trim().to_owned())
        });
        keys.next().expect("it has a key")
    };
    let first = key(&server.request());
    let second = key(&server.request());
    assert_ne!(first, second, "they ask for something else");
    let found = Command::new("pgrep")
        .args(["-f", &format!("__model-run {}", yard.repo().display())])
        .output()
        .unwrap();
    for pid in text(&found.stdout).lines() {
        Command::new("kill").args(["-9", pid]).status().unwrap();
    }
    eventually("it failed or went on", || {
        matches!(yard.state_of("task").as_str(), "FAILED" | "COMPLETED")
    });
    if yard.state_of("task") == "FAILED" {
        yard.exits(0, &["retry", "task"]);
    }
    eventually("it is complete", || yard.state_of("task") == "COMPLETED");
    let third = server.request();
    // The provider may have answered it.
    assert_eq!(key(&third), second);
    let messages = third.body["messages"].as_array().unwrap();
    // The system's word, the task, the call and its result: as if nothing had happened.
    assert_eq!(messages.len(), 4, "{messages:#?}");
    assert_eq!(server.requests.try_iter().count(), 0);
    assert_eq!(yard.events("FR-EVT-007").len(), 1);
    let ends: Vec<Value> = yard.events("FR-EVT-MODEL-002");
    let hows: Vec<&str> = ends
        .iter()
        .map(|end| end["data"]["call"]["end"]["how"].as_str().unwrap())
        .collect();
    assert_eq!(hows, ["answered", "lost", "answered"]);
}

#[test]
fn sessions_side_by_side_do_not_overspend_together() {
    let wire = &wires::ALL[2];
    let server = Server::start((0..12).map(|_| says(wire, "Yes.")).collect());
    let yard = yard(wire, &server, "[budget]\nplan = { steps = 3 }\n");
    let task = |at: usize| {
        format!("[[task]]\nname = \"t{at}\"\nscope = [\"t{at}/**\"]\nprompt = \"Say it\"\n")
    };
    let plan: String = (0..6).map(task).collect();
    let plan = yard.plan(&plan);
    yard.treeyard(&["run", &plan]);
    assert_eq!(server.requests.try_iter().count(), 3);
    let states: Vec<String> = (0..6).map(|at| yard.state_of(&format!("t{at}"))).collect();
    let count = |state: &str| states.iter().filter(|one| *one == state).count();
    assert_eq!((count("COMPLETED"), count("PAUSED")), (3, 3), "{states:?}");
    let shown = yard.exits(0, &["ls"]);
    assert!(shown.contains("budget"), "{shown}");
}

#[test]
fn without_a_key_a_session_waits_and_goes_on_when_there_is_one() {
    let wire = &wires::ALL[0];
    let server = Server::start(vec![says(wire, "Here.")]);
    let yard = yard(wire, &server, "");
    let with_key = |key: &str| {
        yard.configure(&format!(
            "[providers.here]\nwire = \"{}\"\nbase_url = \"{}\"\nkey_file = \"{key}\"\n\
             [models.test]\nprovider = \"here\"\n[agent]\nmodel = \"test\"\n",
            wire.name,
            server.url()
        ));
    };
    let file = yard.folder.path().join("key");
    with_key(&file.display().to_string());
    yard.treeyard(&["run", "--name", "task", "--prompt", "Say it"]);
    assert_eq!(yard.state_of("task"), "BLOCKED");
    let shown = yard.exits(0, &["show", "task"]);
    assert!(shown.contains("cannot be called (TY-KEY-"), "{shown}");
    std::fs::write(&file, "key-123\n").unwrap();
    Command::new("chmod")
        .arg("600")
        .arg(&file)
        .status()
        .unwrap();
    yard.exits(0, &["resume", "task"]);
    yard.exits(0, &["up"]);
    eventually("it is complete", || yard.state_of("task") == "COMPLETED");
    let request = server.request();
    assert!(
        request
            .headers
            .iter()
            .any(|line| line == "x-api-key: key-123")
    );
}

#[test]
fn a_model_that_nobody_reaches_is_waited_for() {
    let wire = &wires::ALL[5];
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let server = Server::start(vec![says(wire, "Here.")]);
    let yard = yard(wire, &server, "");
    let at = |url: &str| {
        yard.configure(&format!(
            "[providers.here]\nwire = \"{}\"\nbase_url = \"{url}\"\n[models.test]\nprovider = \"here\"\n\
             [agent]\nmodel = \"test\"\n",
            wire.name
        ));
    };
    at(&format!("http://{closed}"));
    let refused = yard.treeyard(&["run", "--name", "task", "--prompt", "Say it"]);
    assert_eq!(refused.status.code(), Some(5));
    assert_eq!(yard.state_of("task"), "BLOCKED");
    let shown = yard.exits(0, &["show", "task"]);
    assert!(shown.contains("CX-MM-001"), "{shown}");
    assert!(shown.contains("is not ready"), "{shown}");
    assert_eq!(
        yard.events("FR-EVT-MODEL-001").len(),
        0,
        "nothing was sent of the task"
    );
    at(&server.url());
    yard.exits(0, &["resume", "task"]);
    yard.exits(0, &["up"]);
    eventually("it is complete", || yard.state_of("task") == "COMPLETED");
}

#[test]
fn a_model_on_this_machine_is_asked_for_a_word_before_it_works() {
    let wire = &wires::ALL[5];
    let server = Server::start(vec![
        says(wire, "ready"),
        says(wire, "Here."),
        says(wire, "Again."),
    ]);
    let yard = yard(wire, &server, "");
    std::fs::remove_file(yard.folder.path().join("home/data/treeyard/probes.json")).unwrap();
    yard.exits(0, &["run", "--name", "first", "--prompt", "Say it"]);
    assert!(
        server
            .request()
            .body
            .to_string()
            .contains("the one word: ready")
    );
    assert!(server.request().body.to_string().contains("Say it"));
    // It answered lately.
    yard.exits(0, &["run", "--name", "second", "--prompt", "And again"]);
    assert!(server.request().body.to_string().contains("And again"));
}

#[test]
fn with_docs_only_no_model_is_called() {
    let wire = &wires::ALL[0];
    let server = Server::start(vec![says(wire, "Here.")]);
    let yard = yard(wire, &server, "mode = \"DOCS_ONLY\"\n");
    let refused = yard.treeyard(&["run", "--name", "task", "--prompt", "Say it"]);
    assert_eq!(refused.status.code(), Some(5));
    assert!(text(&refused.stderr).contains("CX-MM-001"));
    assert_eq!(server.requests.try_iter().count(), 0);
    assert_eq!(yard.state_of("task"), "");
    yard.exits(0, &["run", "--name", "plain", "--", "true"]);
}

/// Fifty secrets of as many forms, in the environment, in files and in what commands print.
#[test]
fn planted_secrets_are_found_nowhere() {
    let wire = &wires::ALL[2];
    let secrets: Vec<String> = (0..50).map(planted).collect();
    let files: Vec<Value> = (0..40)
        .step_by(10)
        .map(|at| json!({ "path": format!("conf/{at}.env") }))
        .collect();
    let mut replies: Vec<Reply> = files
        .iter()
        .map(|arguments| pieces(&wire.call("file.read", arguments)))
        .collect();
    let prints =
        json!({ "command": "cat conf/*.env; env; cat $TREEYARD_SECRETS/*; cat conf/0.env >&2" });
    replies.push(pieces(&wire.call("shell.exec", &prints)));
    let searches = json!({ "pattern": "KEY", "path": "conf" });
    replies.push(pieces(&wire.call("file.search", &searches)));
    replies.push(says(wire, &format!("It is {}", secrets[0])));
    let server = Server::start(replies);
    let mut own = String::from("profile = \"build\"\n[secrets]\n");
    let yard_secrets = &secrets[40..];
    for at in 0..yard_secrets.len() {
        own += &format!("S{at} = {{ env = \"PLANTED_{at}\" }}\n");
    }
    let yard = yard(wire, &server, &own);
    for (at, group) in secrets[..40].chunks(10).enumerate() {
        let lines: Vec<String> = group
            .iter()
            .enumerate()
            .map(|(at, secret)| format!("API_KEY_{at}={secret}"))
            .collect();
        yard.write(&format!("conf/{}.env", at * 10), &(lines.join("\n") + "\n"));
    }
    yard.git(&["add", "-A"]);
    yard.git(&["commit", "-qm", "Configuration"]);
    let names: Vec<String> = (0..yard_secrets.len())
        .map(|at| format!("\"S{at}\""))
        .collect();
    let plan = yard.plan(&format!(
        "[[task]]\nname = \"task\"\nprompt = \"Look. My own key is {}\"\nsecrets = [{}]\n",
        secrets[1],
        names.join(", ")
    ));
    let mut run = yard.command(env!("CARGO_BIN_EXE_treeyard"));
    for (at, secret) in yard_secrets.iter().enumerate() {
        run.env(format!("PLANTED_{at}"), secret);
    }
    let output = run.args(["-v", "run", &plan]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let mut told = text(&output.stderr) + &text(&output.stdout);
    for request in server.requests.try_iter() {
        told += &request.body.to_string();
    }
    told += &yard.exits(0, &["logs", "task"]);
    told += &yard.json(&["events"]).to_string();
    assert!(told.contains("file.search"), "the tools ran");
    let state = yard.repo().join(".git/treeyard");
    for (at, secret) in secrets.iter().enumerate() {
        assert!(!told.contains(secret.as_str()), "{at}: {secret}");
        let found = Command::new("grep")
            .args(["-r", "-a", "-l", "-F", secret])
            .arg(&state)
            .output()
            .unwrap();
        assert_eq!(text(&found.stdout), "", "{at}: {secret}");
    }
}

/// A secret of one of ten forms, no two the same.
fn planted(at: usize) -> String {
    let letters = |length: usize| -> String {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut state = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(at as u64 + 1);
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            alphabet[(state % 62) as usize] as char
        };
        (0..length).map(|_| next()).collect()
    };
    match at % 10 {
        0 => format!("ghp_{}", letters(36)),
        1 => format!("sk-ant-api03-{}AA", letters(91)),
        2 => format!(
            "xoxb-{:012}-{:012}-{}",
            100_000_000_000_u64 + at as u64,
            200_000_000_000_u64 + at as u64,
            letters(24)
        ),
        3 => format!("AKIA{}", letters(16).to_uppercase()),
        4 => format!("glpat-{}", letters(20)),
        5 => format!("AIza{}", letters(35)),
        6 => format!("npm_{}", letters(36)),
        7 => format!("sk_live_{}", letters(24)),
        8 => format!("github_pat_{}_{}", letters(22), letters(59)),
        _ => format!("SG.{}.{}", letters(22), letters(43)),
    }
}
