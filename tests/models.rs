//! Models, as the program lists and tries them.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::yard::Yard;

/// A yard whose person has these settings.
fn yard(settings: &str) -> Yard {
    let yard = Yard::new();
    let file = yard.folder.path().join("home/config/treeyard/config.toml");
    let before = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{before}{settings}")).unwrap();
    yard
}

#[test]
fn a_list_names_models_and_never_a_key() {
    let yard = yard(
        "[agent]\nmodel = \"big\"\n[models.big]\nprovider = \"anthropic\"\nmodel = \"claude-opus-5\"\n",
    );
    let mut command = yard.command(env!("CARGO_BIN_EXE_treeyard"));
    command.env("ANTHROPIC_API_KEY", "sk-ant-0123456789abcdef");
    let listed = command.args(["models", "ls", "--json"]).output().unwrap();
    let text = String::from_utf8(listed.stdout).unwrap();
    assert!(!text.contains("sk-ant"), "{text}");
    let body: serde_json::Value = serde_json::from_str(&text).unwrap();
    let model = &body["models"][0];
    assert_eq!(model["name"], "big");
    assert_eq!(model["key"], "present");
    assert_eq!(model["backend"], "cloud");
    assert_eq!(model["price"]["input"], 5_000_000);
    assert_eq!(body["providers"][3]["key"], "missing");
    let table = yard.exits(0, &["models", "ls"]);
    assert!(
        table.contains("big *") && table.contains("$5.00 / $25.00"),
        "{table}"
    );
}

#[test]
fn a_repository_cannot_have_a_key_sent_elsewhere() {
    let yard = yard("");
    yard.write(
        "treeyard.toml",
        "[providers.anthropic]\nbase_url = \"https://evil.example\"\n",
    );
    let refused = yard.treeyard(&["models", "ls"]);
    assert_eq!(refused.status.code(), Some(2));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(
        told.contains("`providers` is not for a repository"),
        "{told}"
    );
}

/// Answers every request in Ollama's words after a while, and counts them.
struct Server {
    port: u16,
    asked: Arc<AtomicUsize>,
}

impl Server {
    fn start(wait: Duration) -> Self {
        Self::saying("ready", wait)
    }

    fn saying(text: &'static str, wait: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let count = Arc::clone(&count);
                thread::spawn(move || answer(stream.unwrap(), text, wait, &count));
            }
        });
        Self { port, asked }
    }
}

fn answer(mut stream: TcpStream, text: &str, wait: Duration, count: &AtomicUsize) {
    let mut seen = Vec::new();
    let mut chunk = [0; 4096];
    while !String::from_utf8_lossy(&seen).contains("ready\"") {
        match stream.read(&mut chunk) {
            Ok(read) if read > 0 => seen.extend_from_slice(&chunk[..read]),
            _ => return,
        }
    }
    count.fetch_add(1, Ordering::SeqCst);
    thread::sleep(wait);
    let body = serde_json::json!({
        "model": "m", "created_at": "2026-01-01T00:00:00Z", "done": true, "done_reason": "stop",
        "message": { "role": "assistant", "content": text }, "prompt_eval_count": 9, "eval_count": 1,
    });
    let body = format!("{body}\n");
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}

fn probe(yard: &Yard, args: &[&str]) -> (i32, serde_json::Value) {
    let mut all = vec!["--json", "models", "probe"];
    all.extend(args);
    let done = yard.treeyard(&all);
    let code = done.status.code().unwrap();
    let text = [done.stdout, done.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    let body = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    (code, body)
}

#[test]
fn a_model_is_ready_when_it_answers_in_time() {
    let (quick, slow) = (
        Server::start(Duration::ZERO),
        Server::start(Duration::from_secs(60)),
    );
    let provider = |name: &str, port: u16, local: &str| {
        format!(
            "[providers.{name}]\nwire = \"ollama\"\nbase_url = \"http://127.0.0.1:{port}\"\nlocal = {local}\n\
             [models.{name}]\nprovider = \"{name}\"\nmodel = \"m\"\n"
        )
    };
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let yard = yard(
        &[
            provider("quick", quick.port, "true"),
            provider("slow", slow.port, "true"),
            provider("closed", closed, "true"),
            provider("far", quick.port, "false"),
        ]
        .concat(),
    );
    let (code, body) = probe(&yard, &["--within", "3s"]);
    let states: Vec<_> = body["probes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["name"].as_str().unwrap(),
                one["readiness"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("closed", "FAILED"),
        ("far", "NOT_ASKED"),
        ("quick", "READY"),
        ("slow", "SLOW"),
    ];
    assert_eq!(
        (code, states.as_slice()),
        (0, expected.as_slice()),
        "{body}"
    );
    assert!(body["probes"][2]["latency_ms"].as_u64().unwrap() < 3000);
    assert_eq!(quick.asked.load(Ordering::SeqCst), 1, "nobody agreed");
    let kept = yard.folder.path().join("home/data/treeyard/probes.json");
    let kept: serde_json::Value = serde_json::from_slice(&fs::read(kept).unwrap()).unwrap();
    assert_eq!(kept["probes"].as_array().unwrap().len(), 3);

    let (code, body) = probe(&yard, &["far"]);
    assert_eq!((code, body["ready"].as_u64()), (5, Some(0)), "{body}");
    let (code, body) = probe(&yard, &["far", "--yes"]);
    assert_eq!((code, body["ready"].as_u64()), (0, Some(1)), "{body}");
    assert_eq!(quick.asked.load(Ordering::SeqCst), 2);
}

#[test]
fn where_no_model_is_to_be_called_none_is() {
    let server = Server::start(Duration::ZERO);
    let yard = yard(&format!(
        "[agent]\nmodel = \"near/m\"\n[providers.near]\nwire = \"ollama\"\nbase_url = \"http://127.0.0.1:{}\"\n",
        server.port
    ));
    yard.write("treeyard.toml", "[agent]\nmode = \"DOCS_ONLY\"\n");
    let (code, body) = probe(&yard, &[]);
    assert_eq!(
        (code, body["error"]["code"].as_str()),
        (5, Some("CX-MM-001")),
        "{body}"
    );
    assert!(body.to_string().contains("DOCS_ONLY"), "{body}");
    assert_eq!(server.asked.load(Ordering::SeqCst), 0);
}

#[test]
fn status_lines_follow_a_session_to_the_target() {
    let yard = yard("");
    let gated = ["--auto-land", "--gate", "true", "--name", "docs"];
    let flags = ["run", "--status-lines", "--scope", "docs/**"];
    let work = ["--", "sh", "-c", "mkdir docs && echo a > docs/a.md"];
    let args: Vec<&str> = flags.into_iter().chain(gated).chain(work).collect();
    let done = yard.treeyard(&args);
    let text = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
    let phases: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("HSK_STATUS role=NONE wp=docs "))
        .filter_map(|line| line.split(" phase=").nth(1)?.split(' ').next())
        .collect();
    for phase in ["IMPLEMENTATION", "HYGIENE", "EVALUATION", "DONE"] {
        assert!(phases.contains(&phase), "{phase} in {phases:?}\n{text}");
    }
    assert_eq!(phases.last(), Some(&"DONE"), "{text}");
}

#[test]
fn a_work_profile_gives_its_roles_to_models_that_are_ready() {
    let server = Server::start(Duration::ZERO);
    let provider = format!(
        "[providers.near]\nwire = \"ollama\"\nbase_url = \"http://127.0.0.1:{}\"\n",
        server.port
    );
    let yard = yard(&format!(
        "{provider}[models.small]\nprovider = \"near\"\nmodel = \"a:7b\"\n\
         [models.large]\nprovider = \"near\"\nmodel = \"a:70b\"\n"
    ));
    let role = "{ primary_model_id = \"small\", local_only = true }";
    yard.write(
        "work.toml",
        &format!(
            "schema_version = \"hsk.work_profile@0.6\"\n[model_assignments]\nfrontend = {role}\norchestrator = {role}\n\
             worker = {role}\nvalidator = {{ primary_model_id = \"gone\", fallback_model_id = \"large\", local_only = true }}\n\
             [governance]\nautomation_level = \"AUTONOMOUS\"\nallow_cloud_escalation = false\n\
             [routing]\nselection_policy = \"explicit\"\ncandidate_models = [\"small\", \"large\"]\n"
        ),
    );
    let refused = yard.exits(5, &["models", "profile", "work.toml"]);
    assert!(refused.contains("none"), "{refused}");
    probe(&yard, &[]);
    let body = yard.json(&["models", "profile", "work.toml"]);
    let worker = &body["roles"][2];
    assert_eq!(worker["model"], "small");
    assert_eq!(worker["larger"], "large");
    let validator = &body["roles"][3];
    assert_eq!(validator["model"], "large");
    assert!(
        validator["why"].as_str().unwrap().contains("gone"),
        "{body}"
    );

    yard.write("wrong.json", "{\n \"schema_version\": 1 }");
    let wrong = yard.treeyard(&["models", "profile", "wrong.json"]);
    let told = String::from_utf8(wrong.stderr).unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        told.contains("wrong.json:2:20: expected a string"),
        "{told}"
    );
}

#[test]
fn a_recording_has_no_key_even_when_it_is_answered() {
    let key = "horse-battery-staple-91";
    let server = Server::saying("you sent horse-battery-staple-91", Duration::ZERO);
    let yard = yard("");
    let (file, record) = (
        yard.folder.path().join("key"),
        yard.folder.path().join("record.toml"),
    );
    fs::write(&file, format!("{key}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let config = yard.folder.path().join("home/config/treeyard/config.toml");
    let text = format!(
        "[providers.near]\nwire = \"ollama\"\nbase_url = \"http://127.0.0.1:{}\"\nkey_file = \"{}\"\nrecord = \"{}\"\n",
        server.port,
        file.display(),
        record.display()
    );
    fs::write(config, text).unwrap();
    let (code, body) = probe(&yard, &["near/m"]);
    assert_eq!(code, 0, "{body}");
    let kept = fs::read_to_string(&record).unwrap();
    assert!(kept.contains("you sent [redacted:near]"), "{kept}");
    assert!(!kept.contains(key) && !body.to_string().contains(key));

    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let (code, body) = probe(&yard, &["near/m"]);
    assert_eq!((code, body["ready"].as_u64()), (5, Some(0)));
    assert!(
        body["probes"][0]["why"]
            .as_str()
            .unwrap()
            .contains("others may read")
    );
    assert_eq!(server.asked.load(Ordering::SeqCst), 1);
}
