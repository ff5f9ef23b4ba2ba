//! What a plan asks for is what happens: limits, order, attempts, environment, recovery.

mod crash;
mod jobs;
mod together;

use serde_json::Value;

use super::yard::{Yard, eventually, text};

const RATE_LIMITED: &str = "FR-EVT-SESS-SCHED-003";
const DISPATCHED: &str = "FR-EVT-SESS-SCHED-002";

fn events(yard: &Yard, type_id: &str) -> Vec<Value> {
    let events = yard.json(&["events"]);
    let of_type = |event: &&Value| event["event_type"] == type_id;
    let all = events["events"].as_array().unwrap();
    all.iter().filter(of_type).cloned().collect()
}

fn at_ms(event: &Value) -> i64 {
    event["at_ms"].as_i64().unwrap()
}

#[test]
fn a_rate_spreads_starts_and_says_so_once_for_each_job() {
    let yard = Yard::new();
    let mut plan = "[limits.per_group]\napi = { rate = \"1/s\", burst = 2 }\n".to_owned();
    for n in 0..4 {
        plan += &format!("[[task]]\nname = \"t{n}\"\nrun = \"true\"\ngroup = \"api\"\n");
    }
    let plan = yard.plan(&plan);
    yard.exits(0, &["run", &plan]);
    let starts: Vec<i64> = events(&yard, DISPATCHED).iter().map(at_ms).collect();
    assert_eq!(starts.len(), 4);
    for window in starts.windows(3) {
        assert!(window[2] - window[0] >= 1_000, "{starts:?}");
    }
    assert!(starts[3] - starts[0] >= 2_000, "{starts:?}");
    let held = events(&yard, RATE_LIMITED);
    let jobs: std::collections::BTreeSet<_> = held
        .iter()
        .map(|event| event["data"]["job_id"].to_string())
        .collect();
    assert_eq!(jobs.len(), held.len(), "once for each job: {held:#?}");
    assert!((1..=2).contains(&held.len()), "{held:#?}");
    assert_eq!(held[0]["data"]["group"], "api");
    yard.sound();
}

#[test]
fn a_rate_outlives_the_runner_and_holds_only_its_group() {
    let yard = Yard::new();
    yard.write(
        "treeyard.toml",
        "[limits.per_group]\napi = { rate = \"1/h\" }\n",
    );
    let mut plan = String::new();
    for (name, group) in [("first", "api"), ("second", "api"), ("other", "else")] {
        plan += &format!("[[task]]\nname = \"{name}\"\nrun = \"true\"\ngroup = \"{group}\"\n");
    }
    yard.exits(0, &["submit", &yard.plan(&plan)]);
    let held_back = || {
        eventually("the others are done", || {
            yard.state_of("first") == "COMPLETED" && yard.state_of("other") == "COMPLETED"
        });
        eventually("the hold is told", || {
            !events(&yard, RATE_LIMITED).is_empty()
        });
        assert_eq!(yard.state_of("second"), "CREATED");
        let why = yard.json(&["show", "second"])["waiting"].clone();
        let why = why.as_str().unwrap();
        assert!(why.starts_with("rate of group api: next in "), "{why}");
        assert!(yard.exits(0, &["ls"]).contains("rate of group api"));
    };
    for _ in 0..2 {
        yard.exits(0, &["up"]);
        held_back();
        yard.exits(0, &["down"]);
    }
    assert_eq!(events(&yard, RATE_LIMITED).len(), 1, "also after a restart");
    assert_eq!(events(&yard, DISPATCHED).len(), 2);
    yard.sound();
}

/// A runner that waits for a token sleeps until then: it does not look at the store meanwhile.
#[test]
fn a_runner_that_waits_for_a_rate_does_not_poll() {
    let yard = Yard::new();
    let limit = "limits.per_group.api.rate=1/h";
    yard.exits(0, &["--set", limit, "up"]);
    let plan: String = ["a", "b"]
        .map(|name| format!("[[task]]\nname = \"{name}\"\nrun = \"true\"\ngroup = \"api\"\n"))
        .concat();
    yard.exits(0, &["submit", &yard.plan(&plan)]);
    eventually("one waits", || !events(&yard, RATE_LIMITED).is_empty());
    eventually("the other is done", || yard.state_of("a") == "COMPLETED");
    let lock = std::fs::read_to_string(yard.repo().join(".git/treeyard/runner.lock")).unwrap();
    let owner: Value = serde_json::from_str(&lock).unwrap();
    let woken = || -> u64 {
        let threads = std::fs::read_dir(format!("/proc/{}/task", owner["pid"])).unwrap();
        let switches = |thread: std::io::Result<std::fs::DirEntry>| -> u64 {
            let status = std::fs::read_to_string(thread.unwrap().path().join("status"));
            let status = status.unwrap_or_default();
            let line = status
                .lines()
                .find(|l| l.starts_with("voluntary_ctxt_switches"));
            line.map_or(0, |line| line.rsplit('\t').next().unwrap().parse().unwrap())
        };
        threads.map(switches).sum()
    };
    let mut before = woken();
    eventually("it sleeps for a second", || {
        std::thread::sleep(std::time::Duration::from_secs(1));
        let now = woken();
        std::mem::replace(&mut before, now) == now
    });
}

#[test]
fn sessions_keep_their_events_for_as_long_as_they_are_kept() {
    let yard = Yard::new();
    yard.exits(0, &["run", "--name", "idle", "--", "true"]);
    let count = || yard.json(&["events"])["events"].as_array().unwrap().len();
    let before = count();
    let gc = |events: &str, sessions: &str| {
        let events = format!("retention.events_days={events}");
        let sessions = format!("retention.sessions_days={sessions}");
        yard.exits(0, &["gc", "--set", &events, "--set", &sessions]);
    };
    gc("0", "30");
    let first = yard.json(&["events", "--session", "idle"])["events"][0].clone();
    assert_eq!(
        first["event_type"], "FR-EVT-SESS-001",
        "its first event is there"
    );
    assert_eq!(yard.state_of("idle"), "COMPLETED");
    gc("7", "0");
    assert!(count() >= before, "young events stay");
    gc("0", "0");
    assert_eq!(yard.state_of("idle"), "");
    assert_eq!(count(), 1, "only that events were removed is left");
    yard.sound();
}

#[test]
fn a_session_takes_more_commands_until_its_work_is_over() {
    let yard = Yard::new();
    let add = |code, text: &str| {
        yard.exits(code, &["submit", "--in", "s", "--", "sh", "-c", text]);
    };
    let refused = |part: &str| {
        let output = yard.treeyard(&["submit", "--in", "s", "--", "true"]);
        assert_eq!(output.status.code(), Some(2));
        let said = super::yard::text(&output.stderr);
        assert!(said.contains(part), "{part} in {said}");
    };
    let rest = |state: &str| {
        yard.exits(0, &["up"]);
        eventually(state, || yard.state_of("s") == state);
        yard.exits(0, &["down"]);
    };
    yard.exits(
        0,
        &["submit", "--name", "s", "--", "sh", "-c", "echo 1 > n"],
    );
    add(0, "echo 2 >> n");
    yard.exits(0, &["pause", "s"]);
    add(
        0,
        "exit $(cat again 2>/dev/null || { echo 0 > again; echo 1; })",
    );
    yard.exits(0, &["resume", "s"]);
    rest("FAILED");
    refused("treeyard retry");
    let told = yard.treeyard(&["retry", "s"]);
    let said = super::yard::text(&told.stderr);
    assert!(told.status.success(), "{said}");
    assert!(said.contains("no runner is active"), "{said}");
    add(0, "echo 3 >> n; rm again");
    rest("COMPLETED");

    refused("treeyard submit --after");
    let jobs = yard.json(&["show", "s"])["jobs"].as_array().unwrap().len();
    assert_eq!(jobs, 5, "three, one of them twice, and the last");
    let id = yard.json(&["show", "s"])["session"]["session_id"].clone();
    let id = id.as_str().unwrap();
    let after = [
        "run",
        "--name",
        "t",
        "--after",
        id,
        "--",
        "sh",
        "-c",
        "test $(wc -l < n) = 3",
    ];
    yard.exits(0, &after);
    let shown = yard.exits(0, &["show", "t"]);
    assert!(!shown.contains("treeyard land"), "it did nothing: {shown}");

    yard.exits(0, &["land", "s"]);
    refused("starts from main");
    yard.exits(0, &["run", "--name", "s", "--", "true"]);
    refused("treeyard submit --after");
    yard.sound();
}

#[test]
fn a_missing_program_is_told_before_anything_starts_and_stops_nothing() {
    let yard = Yard::new();
    let plan = yard.plan(
        "[[task]]\nname = \"a\"\nrun = \"true\"\n\n\
         [[task]]\nname = \"b\"\nrun = [\"no-such-program-anywhere\"]\n",
    );
    let said = |output: &std::process::Output| super::yard::text(&output.stderr);
    let warning = "plan.toml:7:8: there is no program `no-such-program-anywhere` now";
    let checked = yard.treeyard(&["plan", "check", &plan]);
    assert_eq!(checked.status.code(), Some(0), "a warning is no error");
    assert!(said(&checked).contains(warning), "{}", said(&checked));
    let json = yard.json(&["plan", "check", &plan]);
    assert_eq!(json["warnings"][0]["line"], 7);
    let ran = yard.treeyard(&["run", &plan]);
    assert!(said(&ran).contains(warning), "{}", said(&ran));
    assert_eq!(yard.state_of("a"), "COMPLETED");
    assert_eq!(yard.state_of("b"), "FAILED");
}

#[test]
fn every_command_of_a_session_counts_for_the_rate() {
    let yard = Yard::new();
    let plan = yard.plan(
        "[limits.per_group]\napi = { rate = \"4/s\" }\n\
         [[task]]\nname = \"a\"\ngroup = \"api\"\nsetup = [\"true\", \"true\"]\nrun = \"true\"\n",
    );
    yard.exits(0, &["run", &plan]);
    let starts: Vec<i64> = events(&yard, DISPATCHED).iter().map(at_ms).collect();
    assert_eq!(starts.len(), 3);
    for pair in starts.windows(2) {
        assert!(pair[1] - pair[0] >= 250, "{starts:?}");
    }
}

/// A pattern may be for a file to come, so it is told, and the work goes on.
#[test]
fn scope_patterns_that_match_nothing_are_told() {
    let yard = Yard::new();
    let plan = yard.plan(
        "[[task]]\nname = \"one\"\nscope = [\"src/**\", \"scr/**\"]\nrun = \"true\"\n\
         [[task]]\nname = \"two\"\nrun = \"true\"\n",
    );
    let told = "plan.toml:3:20: scope pattern `scr/**` matches no file yet";
    let checked = yard.treeyard(&["plan", "check", &plan]);
    assert!(checked.status.success());
    assert!(text(&checked.stderr).contains(told), "{checked:?}");
    let listed = yard.json(&["plan", "check", &plan]);
    let warnings = listed["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{listed}");
    assert_eq!(
        (&warnings[0]["line"], &warnings[0]["column"]),
        (&3.into(), &20.into())
    );
    let submitted = yard.json(&["submit", &plan]);
    let warnings = submitted["warnings"].as_array().unwrap();
    assert!(warnings[0].as_str().unwrap().ends_with(told), "{submitted}");
    assert_eq!(warnings.len(), 1, "{submitted}");

    let single = [
        "run",
        "--scope",
        "src/**",
        "--scope",
        "!src/gen/**",
        "--",
        "true",
    ];
    let ran = yard.treeyard(&single);
    assert!(ran.status.success());
    let told = "scope pattern `!src/gen/**` takes out no file yet";
    assert!(text(&ran.stderr).contains(told), "{ran:?}");
    assert!(!text(&ran.stderr).contains("`src/**`"), "{ran:?}");
    // Files of another branch do not count.
    yard.git(&["checkout", "-qb", "other"]);
    yard.write("scr/x", "x");
    yard.git(&["add", "-A"]);
    yard.git(&["commit", "-qm", "scr"]);
    assert!(text(&yard.treeyard(&["plan", "check", &plan]).stderr).is_empty());
    let main = yard.treeyard(&["--set", "target=main", "plan", "check", &plan]);
    assert!(text(&main.stderr).contains("`scr/**`"), "{main:?}");
}

/// A command that goes on with its own work takes the place of what began it, and only then.
#[test]
fn what_was_begun_goes_on_in_its_own_way() {
    let yard = Yard::new();
    let marks = yard.folder.path().join("marks").display().to_string();
    let plan = yard.plan(&format!(
        "[[task]]\nname = \"agent\"\nscope = [\"src/**\"]\nretries = 2\n\
         run = \"echo begins $TREEYARD_SESSION >> {marks}; exit 1\"\n\
         run_again = \"echo goes on $TREEYARD_SESSION >> {marks}; test $(wc -l < {marks}) -eq 3\"\n\
         [[task]]\nname = \"missing\"\nscope = [\"docs/**\"]\nretries = 1\n\
         run = [\"./not-there\"]\nrun_again = \"echo never >> {marks}\"\n"
    ));
    yard.treeyard(&["run", &plan]);
    let id = yard.json(&["show", "agent"])["session"]["session_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let told = std::fs::read_to_string(&marks).unwrap();
    assert_eq!(told, format!("begins {id}\ngoes on {id}\ngoes on {id}\n"));
    assert_eq!(yard.state_of("agent"), "COMPLETED");
    assert_eq!(yard.state_of("missing"), "FAILED");
    let wrong =
        yard.plan("[[task]]\nname = \"a\"\nprompt = \"x\"\nmodel = \"m\"\nrun_again = \"true\"\n");
    let told = yard.treeyard(&["plan", "check", &wrong]);
    assert!(
        text(&told.stderr).contains("only a task with a `run`"),
        "{}",
        text(&told.stderr)
    );
}
