//! Attempts, order, environment and setup of jobs.

use std::collections::BTreeMap;

use super::{DISPATCHED, Yard, at_ms, events, eventually};

const QUEUED: &str = "FR-EVT-SESS-SCHED-001";
const ENDED: &str = "FR-EVT-001";

/// The names of sessions in the order in which their commands started.
fn order(yard: &Yard) -> Vec<String> {
    let sessions = yard.json(&["ls", "--all"]);
    let names: BTreeMap<String, String> = sessions["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["session_id"].to_string(),
                row["name"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let started = events(yard, DISPATCHED);
    let name = |event: &serde_json::Value| names[&event["model_session_id"].to_string()].clone();
    started.iter().map(name).collect()
}

#[test]
fn attempts_wait_as_their_backoff_says_and_the_log_has_it() {
    let yard = Yard::new();
    let retries = |backoff: &str| {
        format!("retries = {{ max = 3, backoff = \"{backoff}\", delay = \"40ms\" }}")
    };
    let plan = yard.plan(&format!(
        "[[task]]\nname = \"steady\"\nrun = \"exit 1\"\n{}\n\
         [[task]]\nname = \"growing\"\nrun = \"exit 1\"\n{}\n",
        retries("fixed"),
        retries("exponential"),
    ));
    yard.exits(1, &["run", &plan]);
    for (name, waits) in [("steady", [40, 40, 40]), ("growing", [40, 80, 160])] {
        let of_session = |type_id| {
            let all = yard.json(&["events", "--session", name]);
            let all = all["events"].as_array().unwrap().clone();
            all.into_iter()
                .filter(|e| e["event_type"] == type_id)
                .collect::<Vec<_>>()
        };
        let (queued, started, ended) = (
            of_session(QUEUED),
            of_session(DISPATCHED),
            of_session(ENDED),
        );
        assert_eq!(
            (queued.len(), started.len(), ended.len()),
            (4, 4, 4),
            "{name}"
        );
        for attempt in 1..4 {
            let not_before = queued[attempt]["data"]["not_before_ms"].as_i64().unwrap();
            let wait = not_before - at_ms(&ended[attempt - 1]);
            assert_eq!(
                wait,
                waits[attempt - 1],
                "{name}: exactly, from the end on record"
            );
            assert!(at_ms(&started[attempt]) >= not_before, "{name}: too early");
        }
    }
}

#[test]
fn a_long_backoff_is_told_and_a_retried_session_does_not_wait_for_it() {
    let yard = Yard::new();
    let plan = yard
        .plan("[[task]]\nname = \"a\"\nrun = \"exit 1\"\nretries = { max = 1, delay = \"1h\" }\n");
    yard.exits(0, &["up"]);
    yard.exits(0, &["submit", &plan]);
    let waiting = || {
        yard.json(&["show", "a"])["waiting"]
            .as_str()
            .map(str::to_owned)
    };
    eventually("it waits", || {
        waiting().is_some_and(|why| why.starts_with("next attempt in "))
    });
    assert_eq!(waiting().unwrap(), "next attempt in 60 min");
    yard.exits(0, &["cancel", "a"]);
    yard.exits(0, &["retry", "a"]);
    eventually("it is tried at once", || yard.state_of("a") == "FAILED");
    assert_eq!(events(&yard, DISPATCHED).len(), 2);
}

#[test]
fn the_most_urgent_goes_first_then_the_oldest() {
    let yard = Yard::new();
    let task = |name: &str, priority: &str| {
        format!("[[task]]\nname = \"{name}\"\nrun = \"true\"\n{priority}\n")
    };
    let plan = yard.plan(
        &[
            task("late", "priority = 255"),
            task("plain", ""),
            task("plain-too", "priority = 50"),
            task("urgent", "priority = 0"),
        ]
        .concat(),
    );
    yard.exits(0, &["run", "--jobs", "1", &plan]);
    assert_eq!(order(&yard), ["urgent", "plain", "plain-too", "late"]);
}

#[test]
fn the_primary_lane_goes_first_and_the_others_do_not_starve() {
    let yard = Yard::new();
    let mut plan = String::new();
    for (lane, count) in [("background", 2), ("primary", 6)] {
        for n in 0..count {
            plan +=
                &format!("[[task]]\nname = \"{lane}-{n}\"\nrun = \"true\"\nlane = \"{lane}\"\n");
        }
    }
    yard.exits(0, &["run", "--jobs", "1", &yard.plan(&plan)]);
    let order = order(&yard);
    assert_eq!(order[0], "primary-0", "{order:?}");
    let place = |name: &str| order.iter().position(|other| other == name).unwrap();
    assert!(place("background-0") < place("primary-5"), "{order:?}");
    assert!(place("primary-5") < place("background-1"), "{order:?}");
}

#[test]
fn a_time_limit_is_that_of_one_attempt() {
    let yard = Yard::new();
    let plan = yard.plan(
        "[defaults]\ntimeout = \"250ms\"\nretries = { max = 1, delay = \"10ms\" }\n\
         [[task]]\nname = \"slow\"\nrun = \"sleep 60\"\n\
         [[task]]\nname = \"patient\"\nrun = \"sleep 0.4\"\ntimeout = \"none\"\n",
    );
    yard.exits(124, &["run", &plan]);
    let jobs = yard.json(&["show", "slow"])["jobs"].clone();
    let hows: Vec<_> = jobs
        .as_array()
        .unwrap()
        .iter()
        .map(|j| &j["outcome"]["how"])
        .collect();
    assert_eq!(hows, ["timed_out", "timed_out"]);
    assert_eq!(yard.state_of("patient"), "COMPLETED");
}

#[test]
fn a_child_gets_what_is_allowed_and_nothing_else() {
    let yard = Yard::new();
    let out = yard.folder.path().join("env");
    let plan = yard.plan(&format!(
        "[defaults.env]\nSHARED = \"all\"\nMINE = \"weak\"\n\
         [[task]]\nname = \"look\"\nscope = [\"a/**\", \"!a/b\"]\nrun = [\"sh\", \"-c\", \"env -0 > {}\"]\n\
         env = {{ MINE = \"own\\nline\", GIT_AUTHOR_NAME = \"Bot\", LANG = \"C\" }}\n",
        out.display()
    ));
    let mut command = yard.command(env!("CARGO_BIN_EXE_treeyard"));
    command
        .args([
            "run",
            &plan,
            "--set",
            "env.pass=[\"PASSED\", \"NOT_THERE\"]",
        ])
        .envs([
            ("TOKEN", "secret"),
            ("PASSED", "through"),
            ("LC_TIME", "C"),
            ("GIT_DIR_", "x"),
        ])
        .envs([
            ("TREEYARD_SCOPE", "outer"),
            ("LD_DEBUG", ""),
            ("LANG", "de_DE"),
        ]);
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        crate::yard::text(&output.stderr)
    );

    let text = std::fs::read_to_string(&out).unwrap();
    let mut seen: BTreeMap<&str, &str> = text
        .split_terminator('\0')
        .map(|pair| pair.split_once('=').unwrap())
        .collect();
    for of_the_shell in ["PWD", "OLDPWD", "SHLVL", "_"] {
        seen.remove(of_the_shell);
    }
    let session = yard.json(&["show", "look"])["session"]["session_id"].clone();
    let home = std::path::PathBuf::from(&seen["HOME"]);
    let root = yard.folder.path().join("repo.treeyard/.homes");
    assert!(home.starts_with(root) && home.ends_with("home"));
    let below = |name: &str| home.join(name).to_str().unwrap().to_owned();
    let (cache, config) = (below(".cache"), below(".config"));
    let (data, state) = (below(".local/share"), below(".local/state"));
    let private = format!("/tmp:{}", home.display());
    let shims = yard.repo().join(".git/treeyard/shims");
    let path = format!("{}:{}", shims.display(), std::env::var("PATH").unwrap());
    assert!(!seen.remove("TREEYARD_JOB").unwrap().is_empty());
    let door = seen.remove("TREEYARD_DOOR").unwrap();
    assert!(door.ends_with("/treeyard/door"), "{door}");
    let worktree = seen.remove("TREEYARD_WORKTREE").unwrap();
    assert!(worktree.contains("/repo.treeyard/look-"), "{worktree}");
    let expected = BTreeMap::from([
        ("PATH", path.as_str()),
        ("HOME", home.to_str().unwrap()),
        ("TMPDIR", "/tmp"),
        ("TREEYARD_PRIVATE", private.as_str()),
        ("XDG_CACHE_HOME", cache.as_str()),
        ("XDG_CONFIG_HOME", config.as_str()),
        ("XDG_DATA_HOME", data.as_str()),
        ("XDG_RUNTIME_DIR", "/tmp"),
        ("XDG_STATE_HOME", state.as_str()),
        ("LANG", "C"),
        ("LC_TIME", "C"),
        ("PASSED", "through"),
        ("SHARED", "all"),
        ("MINE", "own\nline"),
        ("TREEYARD_SESSION", session.as_str().unwrap()),
        ("TREEYARD_TASK", "look"),
        ("TREEYARD_SCOPE", "a/**\n!a/b"),
        ("GIT_AUTHOR_NAME", "Bot"),
        ("GIT_AUTHOR_EMAIL", "test@localhost"),
        ("GIT_COMMITTER_NAME", "Test"),
        ("GIT_COMMITTER_EMAIL", "test@localhost"),
    ]);
    assert_eq!(seen, expected);
}

#[test]
fn setup_runs_once_before_the_command_and_its_failure_ends_the_task() {
    let yard = Yard::new();
    yard.write("treeyard.toml", "setup = [\"echo everywhere >> trace\"]\n");
    let plan = yard.plan(
        "[[task]]\nname = \"own\"\nscope = [\"./own\"]\nsetup = [\"echo one >> own\", [\"sh\", \"-c\", \"echo two >> own\"]]\n\
         retries = { max = 1, delay = \"10ms\" }\n\
         run = \"echo run >> own; test $(grep -c run own) = 2\"\n\
         [[task]]\nname = \"common\"\nscope = [\"./trace\"]\nrun = \"cat trace\"\n\
         [[task]]\nname = \"none\"\nscope = [\"./none\"]\nsetup = []\nrun = \"test ! -e trace\"\n\
         [[task]]\nname = \"broken\"\nscope = [\"./never\"]\nsetup = [\"exit 9\", \"touch never\"]\nrun = \"touch never\"\n",
    );
    yard.exits(1, &["run", &plan]);
    let worktree = |name: &str| {
        let session = yard.json(&["show", name])["session"].clone();
        std::path::PathBuf::from(session["worktree"].as_str().unwrap())
    };
    let trace = std::fs::read_to_string(worktree("own").join("own")).unwrap();
    assert_eq!(
        trace, "one\ntwo\nrun\nrun\n",
        "not again for a further attempt"
    );
    assert_eq!(yard.exits(0, &["logs", "common"]), "everywhere\n");
    assert_eq!(yard.state_of("none"), "COMPLETED");
    let broken = yard.json(&["show", "broken"]);
    assert_eq!(broken["session"]["reason"], "setup exited with 9");
    let states: Vec<_> = broken["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|j| &j["state"])
        .collect();
    assert_eq!(states, ["failed", "cancelled", "cancelled"]);
    assert!(!worktree("broken").join("never").exists());
}

#[test]
fn ignored_files_come_along_when_they_are_on_the_list() {
    let yard = Yard::new();
    yard.write(".gitignore", "*.local\n/cache/\n");
    yard.write(
        ".worktreeinclude",
        "# what a build needs\n*.local\n!secret.local\ncache/keep\n",
    );
    yard.git(&["add", "-A"]);
    yard.git(&["commit", "-qm", "Lists"]);
    for file in [
        "a.local",
        "deep/b.local",
        "secret.local",
        "cache/keep",
        "cache/not",
    ] {
        yard.write(file, "ignored\n");
    }
    yard.write("untracked.txt", "not ignored\n");
    let look = [
        "sh",
        "-c",
        "git status --porcelain --ignored; find . -type f -not -path './.git*' | sort",
    ];
    let run = |name: &str, set: &[&str]| {
        let args = [&["run", "--name", name], set, &["--"], &look].concat();
        yard.exits(0, &args);
        yard.exits(0, &["logs", name])
    };
    let said = run("with", &[]);
    for (file, there) in [
        ("./a.local", true),
        ("./deep/b.local", true),
        ("./cache/keep", true),
        ("./secret.local", false),
        ("./cache/not", false),
        ("./untracked.txt", false),
    ] {
        assert_eq!(said.contains(file), there, "{file} in\n{said}");
    }
    let without = run("without", &["--set", "worktrees.include=false"]);
    assert!(!without.contains(".local"), "{without}");
}

#[test]
fn a_long_chain_after_a_failure_is_cancelled() {
    let yard = Yard::new();
    let mut plan = "[[task]]\nname = \"t0\"\nrun = \"exit 1\"\n".to_owned();
    for n in 1..400 {
        plan += &format!(
            "[[task]]\nname = \"t{n}\"\nrun = \"true\"\nafter = [\"t{}\"]\n",
            n - 1
        );
    }
    let plan = yard.plan(&plan);
    yard.exits(1, &["run", &plan]);
    let sessions = yard.json(&["ls", "--all"])["sessions"].clone();
    let states: Vec<_> = sessions
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["state"])
        .collect();
    assert_eq!(
        states.iter().filter(|state| **state == "CANCELLED").count(),
        399
    );
    let last = yard.json(&["show", "t399"])["session"]["reason"].clone();
    assert_eq!(last, "comes after t398, which did not succeed");
    yard.sound();
}
