//! What a runner does before it takes new work, after the machine fell under many sessions of models with long threads:
//! `cargo bench --bench recovery -- [SESSIONS [MESSAGES [ROUNDS]]]`.
//!
//! `TREEYARD_PROGRAM` names another program to measure than the one of this build. The log is written by the store's own write path. The sessions' worktrees are empty folders, since recovery looks into
//! none. Of eight jobs four are lost and wait for a person, two are lost and go on, one never began, one has ended.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use treeyard::git::Repo;
use treeyard::model::event::{Actor, Event};
use treeyard::model::ids::{ContentHash, JobId, MessageId, ModelCallId, PlanId, SessionId};
use treeyard::model::job::JobState;
use treeyard::model::lock::Party;
use treeyard::proc::{boot_id, job_dir};
use treeyard::store::{Store, StoreError};

/// Answers with their tools that a transaction has of one session while the log is written.
const AT_ONCE: usize = 10;
/// An answer, the call of a tool and its result.
const A_TURN: usize = 3;

fn main() {
    let mut numbers = std::env::args().filter_map(|word| word.parse().ok());
    let sessions = numbers.next().unwrap_or(1_000);
    let messages = numbers.next().unwrap_or(1_000);
    let rounds = numbers.next().unwrap_or(5);
    let field = Field::new(sessions, messages);
    let (mut planned, mut recovered) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let repo = field.fresh();
        planned.push(timed(&repo, &["recover", "--plan"], sessions));
        recovered.push(timed(&repo, &["recover"], sessions));
        let left = treeyard(&repo, &["recover", "--plan", "--json"]);
        assert_eq!(steps_in(&left), 0, "nothing is left to recover");
    }
    println!(
        "recovery: plan {} ms, recover {} ms",
        ms(&mut planned),
        ms(&mut recovered)
    );
}

fn ms(times: &mut [Duration]) -> String {
    times.sort();
    format!("{:.0}", times[times.len() / 2].as_secs_f64() * 1000.0)
}

fn timed(repo: &Path, words: &[&str], expected: usize) -> Duration {
    let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
    let start = Instant::now();
    let told = treeyard(repo, &words);
    let took = start.elapsed();
    assert_eq!(steps_in(&told), expected);
    took
}

fn steps_in(told: &str) -> usize {
    let told: Value = serde_json::from_str(told).unwrap();
    told["steps"].as_array().unwrap().len()
}

fn treeyard(repo: &Path, words: &[&str]) -> String {
    let given = std::env::var("TREEYARD_PROGRAM").ok();
    run(
        given.as_deref().unwrap_or(env!("CARGO_BIN_EXE_treeyard")),
        repo,
        words,
    )
}

fn run(program: &str, dir: &Path, words: &[&str]) -> String {
    let done = Command::new(program)
        .current_dir(dir)
        .args(words)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("HOME", dir)
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("XDG_DATA_HOME")
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{words:?}: {error}");
    String::from_utf8(done.stdout).unwrap()
}

struct Field {
    dir: tempfile::TempDir,
}

impl Field {
    fn new(sessions: usize, messages: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let main = dir.path().join("main");
        fs::create_dir(&main).unwrap();
        run("git", &main, &["init", "-q"]);
        let who = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let commit = ["commit", "-qm", "start", "--allow-empty"];
        run("git", &main, &[&who[..], &commit[..]].concat());
        let state = Repo::discover(&main).unwrap().state_dir();
        let base = run("git", &main, &["rev-parse", "HEAD"]);
        let mut store = Store::open(&state).unwrap();
        let began = Instant::now();
        write_log(&mut store, dir.path(), base.trim(), sessions, messages);
        let size = fs::metadata(store.path()).unwrap().len() >> 20;
        let (events, took) = (store.head_seq().unwrap(), began.elapsed().as_secs());
        println!("{events} events, {size} MiB, written in {took} s");
        for (n, job) in store.jobs_in(JobState::Running).unwrap().iter().enumerate() {
            leave_job(&job_dir(&state.join("jobs"), job.id), n);
        }
        Self { dir }
    }

    /// A copy that nothing has recovered yet.
    fn fresh(&self) -> PathBuf {
        let (from, to) = (self.dir.path().join("main"), self.dir.path().join("now"));
        if to.exists() {
            fs::remove_dir_all(&to).unwrap();
        }
        let words = ["-a", &from.display().to_string(), &to.display().to_string()];
        run("cp", self.dir.path(), &words);
        run("sync", self.dir.path(), &[]);
        to
    }
}

/// All sessions at work, with what each said in between what others said.
fn write_log(store: &mut Store, dir: &Path, base: &str, sessions: usize, messages: usize) {
    let started = json!({ "pid": 1, "version": "1.0.0", "boot_id": boot_id().unwrap() });
    write(store, None, [("FR-EVT-RUNNER-001", started)]);
    let all: Vec<(SessionId, JobId)> = (0..sessions)
        .map(|n| {
            let (session, job) = (SessionId::new(), JobId::new());
            write(store, Some(session), beginning(n, job, dir, base));
            grant(store, session, n);
            (session, job)
        })
        .collect();
    for begun in (0..messages.div_ceil(A_TURN)).step_by(AT_ONCE) {
        for (session, job) in &all {
            let turns = begun..begun + AT_ONCE;
            write(
                store,
                Some(*session),
                turns.flat_map(|turn| turn_of(*job, turn)),
            );
        }
    }
}

fn grant(store: &mut Store, session: SessionId, n: usize) {
    let scope = serde_json::from_value(json!([format!("area{n}/**")])).unwrap();
    let granted = store.write(|tx| {
        let token = tx.next_token();
        let granted = Event::LockGranted {
            token,
            owner: Party::session(session),
            scope,
            since: token,
            replaces: None,
            lease: None,
        };
        tx.append(Actor::System, Some(session), granted).map(drop)
    });
    granted.unwrap_or_else(|error: StoreError| panic!("{error}"));
}

fn write(
    store: &mut Store,
    session: Option<SessionId>,
    events: impl IntoIterator<Item = (&'static str, Value)>,
) {
    store
        .write(|tx| {
            for (event_type, data) in events {
                let event: Event =
                    serde_json::from_value(json!({ "event_type": event_type, "data": data }))?;
                tx.append(Actor::System, session, event)?;
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

fn beginning(n: usize, job: JobId, dir: &Path, base: &str) -> Vec<(&'static str, Value)> {
    let tree = dir.join("trees").join(n.to_string());
    let git_dir = tree.join("git");
    fs::create_dir_all(&git_dir).unwrap();
    let on_crash = if n % 8 < 4 { "ask" } else { "resume" };
    let work = json!({ "model": "a/b", "profile": "full", "grants": [] });
    let scope = json!([format!("area{n}/**")]);
    let spec = json!({
        "name": format!("task{n}"), "scope": scope, "run": work, "after": [], "gate": [], "setup": [],
        "timeout_ms": null, "retries": { "max": 0, "backoff": "FIXED", "base_ms": 1 },
        "priority": 50, "lane": "PRIMARY", "env": {}, "on_crash": on_crash, "group": null,
    });
    vec![
        (
            "FR-EVT-SESS-001",
            json!({ "plan_id": PlanId::new(), "spec": spec, "after": [],
            "branch": format!("refs/heads/ty/task{n}"), "target": "main", "auto_land": true }),
        ),
        (
            "FR-EVT-SESS-SCHED-001",
            json!({ "job_id": job, "kind": "model_run", "position": 0,
            "attempt": 1, "command": work, "not_before_ms": 0 }),
        ),
        (
            "FR-EVT-SESS-002",
            json!({ "from": "CREATED", "to": "ACTIVE", "reason": "at work" }),
        ),
        (
            "FR-EVT-WORKSPACE-001",
            json!({ "path": tree, "git_dir": git_dir, "base": base,
            "method": "copy", "took_ms": 1 }),
        ),
        ("FR-EVT-SESS-SCHED-002", json!({ "job_id": job })),
    ]
}

/// An answer of the model, and a tool that it calls.
fn turn_of(job: JobId, turn: usize) -> Vec<(&'static str, Value)> {
    let call = ModelCallId::new();
    let hash = ContentHash::of(call.to_string().as_bytes());
    let tool = format!("call_{}", &call.to_string()[24..]);
    let said = |role: &str, tool: Option<&str>| {
        let id = MessageId::new();
        let mut message =
            json!({ "message_id": id, "role": role, "content_hash": hash, "size": 1_000 });
        if let Some(tool) = tool {
            message["tool_call_id"] = tool.into();
        }
        ("FR-EVT-SESS-004", json!({ "message": message }))
    };
    vec![
        (
            "FR-EVT-MODEL-001",
            json!({ "call": { "job_id": job, "call_id": call, "step": turn + 1,
            "provider": "a", "model_id": "b", "backend": "local", "request_hash": hash,
            "reserved": { "tokens": 10, "cost": 0 } } }),
        ),
        (
            "FR-EVT-MODEL-002",
            json!({ "call": { "job_id": job, "call_id": call, "cost": 0,
            "end": { "how": "answered", "finish_reason": "TOOL_USE" }, "latency_ms": 1,
            "usage": { "input": 1, "output": 1, "cache_read": 0, "cache_write": 0 } } }),
        ),
        said("ASSISTANT", None),
        said("TOOL_CALL", Some(&tool)),
        said("TOOL_RESULT", Some(&tool)),
    ]
}

/// What a supervisor left of the session with this number.
fn leave_job(dir: &Path, n: usize) {
    if n % 8 == 6 {
        return;
    }
    fs::create_dir_all(dir).unwrap();
    // A process that is there at most until its number is used again, which the start time tells.
    let owner = format!("1 1 {}", boot_id().unwrap());
    symlink(owner, dir.join("owner")).unwrap();
    if n % 8 == 7 {
        let exit = json!({ "outcome": { "how": "exited", "code": 1 }, "started_ms": 1,
            "ended_ms": 2, "max_rss_kb": 1, "user_ms": 1, "sys_ms": 1 });
        fs::write(dir.join("exit.json"), exit.to_string()).unwrap();
    }
}
