//! A runner that is killed under sixteen running sessions: the next one has them all, and none of them runs twice.

use std::collections::BTreeSet;

use crate::yard::{Yard, eventually};

const SESSIONS: usize = 16;
/// So many end while there is no runner.
const ALONE: usize = 5;

/// Each says that it ran, leaves a process behind that would outlive it, and waits to be let go.
fn plan(yard: &Yard) -> String {
    let folder = yard.folder.path().display();
    let task = |n: usize| {
        format!(
            "[[task]]\nname = \"t{n}\"\nscope = [\"t{n}/**\"]\non_crash = \"ask\"\nrun = \"\"\"\n\
             mkdir t{n}; echo ran >> t{n}/count.txt; setsid sleep 600 & touch {folder}/began{n}; \
             until test -e {folder}/go{n}; do sleep 0.02; done\n\"\"\"\n"
        )
    };
    let tasks: String = (0..SESSIONS).map(task).collect();
    yard.plan(&format!("auto_land = true\n{tasks}"))
}

/// The jobs of which any process lives.
fn alive(yard: &Yard) -> BTreeSet<String> {
    let jobs: BTreeSet<String> = yard
        .events("FR-EVT-SESS-SCHED-002")
        .iter()
        .map(|event| event["data"]["job_id"].as_str().unwrap().to_owned())
        .collect();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let environs = processes.filter_map(|one| std::fs::read(one.path().join("environ")).ok());
    let marks = environs.flat_map(|environ| {
        let text = String::from_utf8_lossy(&environ).into_owned();
        let found = text
            .split('\0')
            .find_map(|entry| entry.strip_prefix("TREEYARD_JOB="));
        found.map(str::to_owned)
    });
    marks.filter(|mark| jobs.contains(mark)).collect()
}

fn recovered(yard: &Yard, action: &str) -> BTreeSet<String> {
    let events = yard.events("FR-EVT-WF-RECOVERY");
    let of_action = events
        .iter()
        .filter(|event| event["data"]["action"] == action);
    // `job J of session S`
    let job = |event: &serde_json::Value| {
        event["data"]["detail"]
            .as_str()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .to_owned()
    };
    of_action.map(job).collect()
}

#[test]
fn sixteen_sessions_outlive_their_runner() {
    let yard = Yard::new();
    let is_there = |name: String| yard.folder.path().join(name).exists();
    let let_go = |n: usize| std::fs::write(yard.folder.path().join(format!("go{n}")), "").unwrap();
    let up = ["--set", "limits.max_concurrent_sessions=16", "up"];
    yard.exits(0, &up);
    yard.exits(0, &["submit", &plan(&yard)]);
    eventually("all run", || {
        (0..SESSIONS).all(|n| is_there(format!("began{n}")))
    });
    let before = alive(&yard);
    assert_eq!(before.len(), SESSIONS);

    let runner = yard.events("FR-EVT-RUNNER-001")[0]["data"]["pid"].to_string();
    yard.command("kill").args(["-9", &runner]).status().unwrap();
    (0..ALONE).for_each(let_go);
    eventually("some end without a runner", || {
        alive(&yard).len() == SESSIONS - ALONE
    });

    eventually("the lock is free", || yard.treeyard(&up).status.success());
    eventually("all are accounted for", || {
        yard.events("FR-EVT-WF-RECOVERY").len() == SESSIONS
    });
    let (owned, adopted) = (recovered(&yard, "reattached"), recovered(&yard, "adopted"));
    assert_eq!(
        owned.union(&adopted).cloned().collect::<BTreeSet<_>>(),
        before
    );
    assert!(
        owned.is_superset(&alive(&yard)),
        "a process that nobody owns"
    );
    assert_eq!(adopted.len(), ALONE);

    (ALONE..SESSIONS).for_each(let_go);
    eventually("all land", || {
        yard.events("FR-EVT-MERGE-002").len() == SESSIONS
    });
    assert!(alive(&yard).is_empty(), "processes are left");
    assert_eq!(
        yard.events("FR-EVT-SESS-SCHED-002").len(),
        SESSIONS,
        "one ran again"
    );
    for n in 0..SESSIONS {
        let counted = yard.git(&["show", &format!("main:t{n}/count.txt")]);
        assert_eq!(counted, "ran\n", "t{n}");
    }
    yard.exits(0, &["down"]);
    yard.sound();
}
