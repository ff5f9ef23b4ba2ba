//! A model's process that is killed at each point of its work: it goes on as if nothing had happened, and nothing is done
//! twice. `cargo test` builds know the faults that are asked for here; see `src/fault.rs`.

use std::collections::BTreeSet;

use treeyard::fault::{Point, VARIABLE};

use crate::yard::{Yard, eventually, text};

/// Three tools, one of which would show in a file that it ran twice, and four calls of the model.
const SCRIPT: &str = r#"
[[step]]
say = [{ call = "file.write", arguments = { path = "src/a.txt", content = "one\n" } }]
[[step]]
say = [{ call = "shell.exec", arguments = { command = "echo ran >> src/count.txt; cat src/count.txt" } }]
[[step]]
expect.results = [{ tool = "shell.exec", failed = false, content = "ran" }]
say = [{ call = "file.edit", arguments = { path = "src/a.txt", old = "one", new = "two" } }]
[[step]]
expect.results = [{ tool = "file.edit", failed = false }]
text = "Done."
"#;

const PLAN: &str = "auto_land = true\n[[task]]\nname = \"task\"\nscope = [\"src/**\"]\nprompt = \"Do it\"\n\
    profile = \"full\"\non_crash = \"resume\"\nretries = { max = 3, delay = \"10ms\" }\n";

/// Where a model's own process comes by; its runner goes on when it dies.
const OF_A_MODEL: &[Point] = &[
    Point::CallBegun,
    Point::CallAnswered,
    Point::ToolBegun,
    Point::ToolRan,
    Point::ToolRecorded,
    Point::CheckpointKept,
    Point::Stopping,
    Point::Stopped,
];

/// A killed process at the `turn`th time that it comes to each point; at how many it came so far.
fn killed_at_each_point(turn: u32) -> usize {
    let mut happened = 0;
    for point in OF_A_MODEL {
        let yard = Yard::new();
        yard.plays(SCRIPT, "");
        let mark = yard.folder.path().join("mark");
        let fault = format!("kill@{}:{turn}@{}", point.name(), mark.display());
        let plan = yard.plan(PLAN);
        let ran = yard
            .command(env!("CARGO_BIN_EXE_treeyard"))
            .args(["run", &plan])
            .env(VARIABLE, fault)
            .output()
            .unwrap();
        let told = format!(
            "{} {turn}\n{}{}",
            point.name(),
            text(&ran.stdout),
            text(&ran.stderr)
        );
        assert_eq!(ran.status.code(), Some(0), "{told}");
        assert_eq!(yard.git(&["show", "main:src/a.txt"]), "two\n", "{told}");
        assert_eq!(yard.git(&["show", "main:src/count.txt"]), "ran\n", "{told}");
        // Each tool's outcome is on record once, and none is a guess.
        let hows: Vec<_> = yard
            .events("FR-EVT-007")
            .iter()
            .map(|event| event["data"]["call"]["end"]["how"].to_string())
            .collect();
        assert_eq!(hows, ["\"ok\""; 3], "{told}");
        let answered = yard.events("FR-EVT-MODEL-002");
        let answered = answered
            .iter()
            .filter(|event| event["data"]["call"]["end"]["how"] == "answered");
        assert_eq!(answered.count(), 4, "{told}");
        no_step_is_done_twice(&yard, &told);
        // Nothing of a command is left when what it came to is on record.
        let jobs = std::fs::read_dir(yard.repo().join(".git/treeyard/jobs")).unwrap();
        assert_eq!(jobs.count(), 0, "{told}");
        yard.sound();
        happened += usize::from(mark.exists());
    }
    happened
}

/// A step that is begun again has the key that it had before, and none is completed twice by one key.
fn no_step_is_done_twice(yard: &Yard, told: &str) {
    let all = yard.json(&["steps", "task"]);
    let all = all["steps"].as_array().unwrap();
    let key = |step: &serde_json::Value| step["idempotency_key"].as_str().unwrap().to_owned();
    let is_done = |step: &&serde_json::Value| step["status"] == "completed";
    let done: Vec<_> = all.iter().filter(is_done).map(key).collect();
    let (tries, once): (_, BTreeSet<_>) = (done.len(), done.into_iter().collect());
    assert_eq!((tries, once.len()), (7, 7), "{told}\n{all:#?}");
    for step in all.iter().filter(|step| !is_done(step)) {
        assert_eq!(step["status"], "failed", "{told}\n{all:#?}");
        let error = step["error"].as_str().unwrap();
        assert!(error.starts_with("lost"), "{told}\n{all:#?}");
        assert!(once.contains(&key(step)), "{told}\n{all:#?}");
    }
}

#[test]
fn killed_at_the_first_of_each() {
    assert_eq!(killed_at_each_point(1), OF_A_MODEL.len());
}

#[test]
fn killed_at_the_second_of_each() {
    assert!(killed_at_each_point(2) >= 4);
}

#[test]
fn killed_at_the_third_of_each() {
    assert!(killed_at_each_point(3) >= 4);
}

/// The work landed once, its tools ran once, and its model was asked no more often than it had to be.
fn is_done_once(yard: &Yard, told: &str) {
    assert_eq!(yard.git(&["show", "main:src/a.txt"]), "two\n", "{told}");
    assert_eq!(yard.git(&["show", "main:src/count.txt"]), "ran\n", "{told}");
    let ends = |event: &serde_json::Value| event["data"]["call"]["end"]["how"].to_string();
    let tools: Vec<_> = yard.events("FR-EVT-007").iter().map(ends).collect();
    assert_eq!(tools, ["\"ok\""; 3], "{told}");
    let answered: Vec<_> = yard.events("FR-EVT-MODEL-002").iter().map(ends).collect();
    assert_eq!(answered, ["\"answered\""; 4], "{told}");
    assert_eq!(yard.events("FR-EVT-MERGE-002").len(), 1, "{told}");
    yard.sound();
}

#[test]
fn whatever_is_done_twice_comes_to_the_same() {
    for point in Point::ALL.iter().filter(|point| point.repeats()) {
        let yard = Yard::new();
        yard.plays(SCRIPT, "");
        let mark = yard.folder.path().join("mark");
        let fault = format!("repeat@{}:*@{}", point.name(), mark.display());
        let mut run = yard.command(env!("CARGO_BIN_EXE_treeyard"));
        let ran = run.args(["run", &yard.plan(PLAN)]).env(VARIABLE, fault);
        let ran = ran.output().unwrap();
        let told = format!("{}\n{}", point.name(), text(&ran.stderr));
        assert_eq!(ran.status.code(), Some(0), "{told}");
        let times = std::fs::read_to_string(&mark).unwrap().lines().count();
        assert!(
            times >= if *point == Point::ToolRan { 3 } else { 1 },
            "{told}"
        );
        is_done_once(&yard, &told);
    }
}

#[test]
fn a_runner_that_dies_between_two_records_does_nothing_twice() {
    for (point, turn) in [
        (Point::JobDispatched, 1),
        (Point::JobEnded, 1),
        (Point::LandingBegun, 1),
        (Point::LandingMoved, 1),
        (Point::LandingRecorded, 1),
        (Point::Committing, 4),
    ] {
        let yard = Yard::new();
        yard.plays(SCRIPT, "");
        let mark = yard.folder.path().join("mark");
        let fault = format!("kill@{}:{turn}@{}", point.name(), mark.display());
        let mut run = yard.command(env!("CARGO_BIN_EXE_treeyard"));
        run.args(["run", &yard.plan(PLAN)]).env(VARIABLE, fault);
        assert_eq!(
            run.output().unwrap().status.code(),
            None,
            "{}",
            point.name()
        );
        assert!(mark.exists());
        eventually("another runner starts", || {
            yard.treeyard(&["up"]).status.success()
        });
        eventually("it lands", || !yard.events("FR-EVT-MERGE-006").is_empty());
        yard.exits(0, &["down"]);
        is_done_once(&yard, point.name());
    }
}

#[test]
fn a_step_that_fails_is_told() {
    let failing = |fault: &str| {
        let yard = Yard::new();
        let fault = format!("{fault}@{}", yard.folder.path().join("mark").display());
        let mut run = yard.command(env!("CARGO_BIN_EXE_treeyard"));
        run.args(["run", "--name", "one", "--", "true"])
            .env(VARIABLE, fault);
        (run.output().unwrap(), yard)
    };
    let (ran, yard) = failing("error@job-dispatched:1");
    assert_eq!(ran.status.code(), Some(7), "{}", text(&ran.stderr));
    assert_eq!(yard.state_of("one"), "FAILED");
    let (ran, yard) = failing("error@committing:1");
    assert!(
        text(&ran.stderr).contains("a fault that was asked for"),
        "{}",
        text(&ran.stderr)
    );
    assert_eq!(yard.state_of("one"), "", "nothing of it is on record");
    let (ran, yard) = failing("delay=1@job-dispatched:*");
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    assert_eq!(yard.state_of("one"), "COMPLETED");
}

#[test]
fn faults_are_listed_and_their_descriptions_checked() {
    let yard = Yard::new();
    let told = yard.exits(0, &["fault"]);
    for point in Point::ALL {
        assert!(told.contains(point.name()), "{told}");
    }
    assert!(yard.json(&["fault"])["points"].as_array().unwrap().len() == Point::ALL.len());
    yard.exits(0, &["fault", "check", "repeat@tool-ran:*@/m"]);
    for (description, why) in [
        ("repeat@stopped:1@/m", "stopped cannot be repeated"),
        ("kill@stopped:0@/m", "N is counted from 1"),
        ("kill@stopped:1@", "it has no MARK"),
    ] {
        let wrong = yard.treeyard(&["fault", "check", description]);
        let told = text(&wrong.stderr);
        assert_eq!(wrong.status.code(), Some(2), "{told}");
        assert!(
            told.contains(why) && told.contains("`treeyard fault`"),
            "{told}"
        );
    }
    assert!(
        !yard.exits(0, &["--help"]).contains("Faults"),
        "it is for contributors"
    );
}

/// The record of how a program ended is kept as long as nobody wrote down what it came to.
#[test]
fn gc_keeps_what_a_call_that_was_cut_short_left() {
    let yard = Yard::new();
    yard.plays(SCRIPT, "");
    let mark = yard.folder.path().join("mark");
    let plan = yard.plan(&PLAN.replace("retries = { max = 3, delay = \"10ms\" }\n", ""));
    let fault = format!("kill@tool-ran:2@{}", mark.display());
    let mut first = yard.command(env!("CARGO_BIN_EXE_treeyard"));
    first.args(["run", &plan]).env(VARIABLE, fault);
    assert_eq!(first.output().unwrap().status.code(), Some(1));
    assert!(yard.exits(0, &["steps", "task"]).contains("cut short"));
    let jobs = yard.repo().join(".git/treeyard/jobs");
    let folders = || -> Vec<_> {
        let entries = std::fs::read_dir(&jobs).unwrap().flatten();
        entries.map(|entry| entry.path()).collect()
    };
    assert_eq!(folders().len(), 1);
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(9 * 86_400);
    std::fs::File::open(&folders()[0])
        .unwrap()
        .set_modified(old)
        .unwrap();
    yard.exits(0, &["gc"]);
    assert_eq!(folders().len(), 1);
    yard.exits(0, &["retry", "task"]);
    yard.exits(0, &["up"]);
    eventually("it lands", || !yard.events("FR-EVT-MERGE-002").is_empty());
    yard.exits(0, &["down"]);
    assert_eq!(yard.git(&["show", "main:src/count.txt"]), "ran\n");
    assert!(folders().is_empty());
}

#[test]
fn what_a_crash_left_is_told_before_it_is_settled() {
    let yard = Yard::new();
    let plan = yard.plan(
        "[[task]]\nname = \"long\"\nscope = [\"a/**\"]\nrun = \"sleep 600\"\n\
         [[task]]\nname = \"short\"\nscope = [\"b/**\"]\nrun = \"until test -e go; do sleep 0.02; done\"\n",
    );
    yard.exits(0, &["up"]);
    yard.exits(0, &["submit", &plan]);
    eventually("both run", || {
        yard.events("FR-EVT-SESS-SCHED-002").len() == 2
    });
    let held = yard.treeyard(&["recover", "--plan"]);
    assert_eq!(held.status.code(), Some(5), "a runner is active");
    let runner = yard.events("FR-EVT-RUNNER-001")[0]["data"]["pid"].to_string();
    yard.command("kill").args(["-9", &runner]).status().unwrap();
    eventually("it is gone", || {
        yard.treeyard(&["recover", "--plan"]).status.success()
    });
    let rows = yard.json(&["ls"]);
    let short = rows["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "short");
    let place = short.unwrap()["worktree"].as_str().unwrap().to_owned();
    std::fs::write(format!("{place}/go"), "").unwrap();
    let told = |of: &str| {
        let steps = yard.json(&["recover", "--plan"])["steps"].clone();
        let step = steps
            .as_array()
            .unwrap()
            .iter()
            .find(|step| step["name"] == of)
            .cloned();
        step.map(|step| step["action"].as_str().unwrap().to_owned())
    };
    eventually("it ended", || told("short").as_deref() == Some("adopted"));
    assert_eq!(told("long").as_deref(), Some("reattached"));
    // Saying it changes nothing.
    assert!(yard.events("FR-EVT-WF-RECOVERY").is_empty());
    let done = yard.exits(0, &["recover"]);
    assert!(done.contains("2 steps done"), "{done}");
    assert_eq!(yard.events("FR-EVT-WF-RECOVERY").len(), 2);
    assert_eq!(told("short"), None);
    yard.exits(0, &["cancel", "long"]);
    yard.exits(0, &["recover"]);
    assert_eq!(yard.state_of("long"), "CANCELLED");
    assert_eq!(
        yard.exits(0, &["recover", "--plan"]).trim(),
        "nothing is left to recover"
    );
    yard.sound();
}

/// What the model of the task has said.
fn answers(yard: &Yard) -> Vec<String> {
    let thread = yard.json(&["thread", "task"]);
    let all = thread["messages"].as_array().unwrap().iter();
    let said = all.filter(|one| one["role"] == "ASSISTANT");
    said.map(|one| one["content"].to_string()).collect()
}

#[test]
fn what_had_arrived_of_an_answer_is_gone_on_from() {
    let token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let lines = |n: usize| match n {
        3 => format!("with {token}\\n"),
        n => format!("line {n} of the answer\\n"),
    };
    let whole: String = (1..=400).map(lines).collect();
    let script = format!(
        "[[step]]\npace = {{ chars = 30, every_ms = 2 }}\ntext = \"{whole}\"\n\
         [[step]]\nexpect = {{ user = \"cut off\" }}\ntext = \"the end\"\n"
    );
    let yard = Yard::new();
    yard.plays(&script, "[checkpoints]\nstream_tokens = 20\n");
    let mark = yard.folder.path().join("mark");
    let mut run = yard.command(env!("CARGO_BIN_EXE_treeyard"));
    let plan = yard.plan(&PLAN.replace("auto_land = true\n", ""));
    let fault = format!("kill@answer-arriving:4@{}", mark.display());
    let ran = run.args(["run", &plan]).env(VARIABLE, fault).output();
    let ran = ran.unwrap();
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    assert!(mark.exists());

    let said = answers(&yard);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[0].contains("line 1 of the answer\\nline 2 of"),
        "{said:?}"
    );
    assert!(
        said[0].contains("line 8") && !said[0].contains("line 400"),
        "{said:?}"
    );
    assert!(said[1].contains("the end"), "{said:?}");
    // Both were paid for once, and a secret in what had arrived is nowhere.
    let hows: Vec<_> = yard
        .events("FR-EVT-MODEL-002")
        .iter()
        .map(|event| event["data"]["call"]["end"]["finish_reason"].to_string())
        .collect();
    assert_eq!(hows, ["\"ERROR\"", "\"STOP\""]);
    for kept in yard.events("FR-EVT-MODEL-007") {
        let hash = kept["data"]["hash"].as_str().unwrap();
        let words = yard.exits(
            0,
            &["artifacts", "cat", hash.strip_prefix("blake3:").unwrap()],
        );
        assert!(!words.contains(token), "{words}");
    }
    assert!(!said[0].contains(token), "{said:?}");
    assert!(yard.exits(0, &["thread", "task"]).contains("  cut off\n"));
    let told = yard.exits(0, &["replay", "task"]);
    assert!(told.starts_with("task: reproduced"), "{told}");
    yard.sound();
}

#[test]
fn what_had_arrived_is_left_where_a_person_went_back() {
    let whole: String = (1..=400)
        .map(|n| format!("line {n} of the answer\\n"))
        .collect();
    let script = format!(
        "[[step]]\ntext = \"first\"\n[[step]]\npace = {{ chars = 30, every_ms = 2 }}\ntext = \"{whole}\"\n"
    );
    let yard = Yard::new();
    yard.plays(&script, "[checkpoints]\nstream_tokens = 20\n");
    yard.exits(0, &["up"]);
    let mark = yard.folder.path().join("mark");
    crate::talk::with_input(&yard, &["chat", "--name", "task", "one"], "/quit\n");
    eventually("it waits", || yard.state_of("task") == "PAUSED");
    yard.exits(0, &["checkpoints", "task", "--take"]);
    yard.exits(0, &["down"]);
    let mut up = yard.command(env!("CARGO_BIN_EXE_treeyard"));
    let fault = format!("kill@answer-arriving:2@{}", mark.display());
    let began = up.arg("up").env(VARIABLE, fault).output().unwrap();
    assert!(began.status.success());
    yard.exits(0, &["send", "task", "two"]);
    eventually("it died", || yard.state_of("task") == "FAILED");
    assert!(mark.exists());
    yard.exits(0, &["restore", "task"]);
    yard.exits(0, &["retry", "task"]);
    eventually("it goes on", || {
        let ends = yard.events("FR-EVT-MODEL-002");
        let hows = ends.iter().map(|end| &end["data"]["call"]["end"]["how"]);
        hows.eq(["answered", "lost"])
    });
    let said = answers(&yard);
    assert_eq!(said.len(), 1, "{said:?}");
    yard.exits(0, &["down"]);
}

/// Nobody knows how far a program came whose model and supervisor died under it.
#[test]
fn a_program_that_was_cut_short_runs_once_more_where_that_is_said() {
    let script = r#"
[[step]]
say = [{ call = "shell.exec", arguments = { command = "echo ran >> src/count.txt; test $(wc -l < src/count.txt) = 2 || sleep 600" } }]
[[step]]
expect.results = [{ tool = "shell.exec", failed = false }]
text = "Done."
"#;
    for policy in ["ask", "rerun"] {
        let yard = Yard::new();
        yard.plays(script, "");
        yard.exits(0, &["up"]);
        let plan = yard.plan(&format!(
            "[[task]]\nname = \"task\"\nscope = [\"src/**\"]\nprompt = \"Do it\"\nprofile = \"full\"\n\
             on_ambiguous = \"{policy}\"\n"
        ));
        yard.exits(0, &["submit", &plan]);
        eventually("it has a worktree", || {
            yard.json(&["ls"])["sessions"][0]["worktree"].is_string()
        });
        let count = crate::checkpoints::worktree(&yard, "task").join("src/count.txt");
        let runs = || std::fs::read_to_string(&count).unwrap_or_default();
        eventually("it runs", || runs() == "ran\n");
        let model = format!("__model-run {}", yard.repo().display());
        yard.command("pkill")
            .args(["-9", "-f", &model])
            .status()
            .unwrap();
        eventually("it failed", || yard.state_of("task") == "FAILED");
        yard.exits(0, &["retry", "task"]);
        if policy == "ask" {
            eventually("a person is asked", || yard.state_of("task") == "BLOCKED");
            assert_eq!(runs(), "ran\n");
            yard.exits(0, &["approvals", "allow", "task"]);
        }
        eventually("it is done", || yard.state_of("task") == "COMPLETED");
        assert_eq!(runs(), "ran\nran\n", "{policy}");
        yard.exits(0, &["down"]);
        yard.sound();
    }
}
