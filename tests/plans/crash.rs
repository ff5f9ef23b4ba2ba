//! What happens to jobs whose supervisor is killed.

use std::process::Command;

use super::{DISPATCHED, Yard, events, eventually};

/// Runs a command that ends at its second start only, in a task with this `on_crash`; its
/// supervisor is killed when it has begun the first time.
fn crash(yard: &Yard, name: &str) {
    let begun = yard.folder.path().join(name);
    let begun = begun.display();
    let run = format!("echo $PPID >> {begun}; test $(wc -l < {begun}) -gt 1 || sleep 600");
    let plan = yard.plan(&format!(
        "[[task]]\nname = \"{name}\"\nrun = \"{run}\"\non_crash = \"{name}\"\nretries = 3\n"
    ));
    yard.exits(0, &["submit", &plan]);
    let supervisor = || std::fs::read_to_string(yard.folder.path().join(name)).unwrap_or_default();
    eventually("it begins", || supervisor().ends_with('\n'));
    let killed = Command::new("kill")
        .args(["-9", supervisor().trim()])
        .status();
    assert!(killed.unwrap().success());
}

fn reason(yard: &Yard, name: &str) -> String {
    let session = yard.json(&["show", name])["session"].clone();
    session["reason"].as_str().unwrap().to_owned()
}

#[test]
fn a_person_is_asked_by_default_and_resumes() {
    let yard = Yard::new();
    yard.exits(0, &["up"]);
    crash(&yard, "ask");
    eventually("it is paused", || yard.state_of("ask") == "PAUSED");
    assert!(reason(&yard, "ask").contains("supervisor vanished"));
    assert_eq!(
        events(&yard, DISPATCHED).len(),
        1,
        "nothing is repeated silently"
    );
    yard.exits(0, &["resume", "ask"]);
    eventually("it is run again", || yard.state_of("ask") == "COMPLETED");
    let jobs = yard.json(&["show", "ask"])["jobs"].clone();
    let states: Vec<_> = jobs
        .as_array()
        .unwrap()
        .iter()
        .map(|j| &j["state"])
        .collect();
    assert_eq!(states, ["cancelled", "completed"]);
    yard.exits(0, &["down"]);
    yard.sound();
}

#[test]
fn resume_runs_it_again_and_fail_does_not() {
    let yard = Yard::new();
    yard.exits(0, &["up"]);
    crash(&yard, "resume");
    eventually("it is run again", || yard.state_of("resume") == "COMPLETED");
    crash(&yard, "fail");
    eventually("it fails", || yard.state_of("fail") == "FAILED");
    assert!(reason(&yard, "fail").contains("supervisor vanished"));
    assert_eq!(
        events(&yard, DISPATCHED).len(),
        3,
        "retries are for commands that failed"
    );
    yard.exits(0, &["down"]);
    yard.sound();
}

/// A runner that died between writing down that a job starts and starting it. In the same run of
/// the machine it is known that nothing had begun; after a restart it is not.
#[test]
fn a_start_that_left_no_trace_is_repeated_only_in_the_same_run_of_the_machine() {
    use treeyard::model::event::{Actor, Event};
    use treeyard::model::session::SessionState;
    use treeyard::store::Store;
    let boot_id = treeyard::proc::boot_id().unwrap().to_owned();
    let cases = [
        (Some(boot_id), "COMPLETED"),
        (Some("another".to_owned()), "PAUSED"),
        (None, "PAUSED"),
    ];
    for (boot_id, state) in cases {
        let yard = Yard::new();
        yard.exits(0, &["submit", "--name", "t", "--", "true"]);
        let mut store = Store::open(&yard.repo().join(".git/treeyard")).unwrap();
        let session = store.sessions(0).unwrap()[0].id;
        let job_id = store.jobs_of(session).unwrap()[0].id;
        let version = "0".to_owned();
        let log = [
            (
                None,
                Event::RunnerStarted {
                    pid: 1,
                    version,
                    boot_id,
                },
            ),
            (
                Some(session),
                Event::SessionMoved {
                    from: SessionState::Created,
                    to: SessionState::Active,
                    reason: "at work".to_owned(),
                },
            ),
            (Some(session), Event::JobDispatched { job_id }),
        ];
        for (session, event) in log {
            let done = store.write(|tx| tx.append(Actor::System, session, event).map(drop));
            done.unwrap();
        }
        drop(store);
        yard.exits(0, &["up"]);
        eventually("it is settled", || yard.state_of("t") == state);
        let jobs = yard.json(&["show", "t"])["jobs"].clone();
        if state == "COMPLETED" {
            assert_eq!(jobs[1]["attempt"], 1, "no attempt was used up: {jobs}");
        } else {
            assert_eq!(
                events(&yard, DISPATCHED).len(),
                1,
                "nothing is repeated silently"
            );
            yard.exits(0, &["cancel", "t"]);
        }
        yard.exits(0, &["down"]);
        yard.sound();
    }
}

#[test]
fn a_runner_that_comes_back_finds_that_a_supervisor_vanished() {
    let yard = Yard::new();
    yard.exits(0, &["up"]);
    let lock = std::fs::read_to_string(yard.repo().join(".git/treeyard/runner.lock")).unwrap();
    let owner: serde_json::Value = serde_json::from_str(&lock).unwrap();
    let runner = owner["pid"].to_string();
    let kill = |signal: &str| {
        let sent = Command::new("kill").args([signal, &runner]).status();
        assert!(sent.unwrap().success());
    };
    let begun = yard.folder.path().join("ask");
    let run = format!("echo $PPID > {}; sleep 600", begun.display());
    yard.exits(0, &["submit", "--name", "ask", "--", "sh", "-c", &run]);
    let supervisor = || std::fs::read_to_string(&begun).unwrap_or_default();
    eventually("it begins", || supervisor().ends_with('\n'));
    kill("-9");
    let killed = Command::new("kill")
        .args(["-9", supervisor().trim()])
        .status();
    assert!(killed.unwrap().success());
    // Whoever watches it does not wait for what nobody does.
    let logs = yard.treeyard(&["logs", "-f", "ask"]);
    let told = String::from_utf8_lossy(&logs.stderr);
    assert_eq!(logs.status.code(), Some(5), "{told}");
    assert!(told.contains("no runner is active"), "{told}");
    assert!(yard.exits(0, &["show", "ask"]).contains("treeyard up"));
    assert!(yard.exits(0, &["ls"]).contains("no runner is active"));
    eventually("the lock is free", || {
        yard.treeyard(&["up"]).status.success()
    });
    eventually("it is paused", || yard.state_of("ask") == "PAUSED");
    let events = yard.exits(0, &["events", "--json"]);
    assert!(events.contains("stalled"), "{events}");
    yard.exits(0, &["cancel", "ask"]);
    yard.exits(0, &["down"]);
    yard.sound();
}
