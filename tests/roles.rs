//! Models at work within limits, and who did what: scripts answer in their place.

use serde_json::Value;

use crate::yard::{Yard, eventually, text};

/// A repository with a provider that answers from this script.
fn yard(script: &str, provider: &str, more: &str) -> Yard {
    let yard = Yard::new();
    let file = yard.folder.path().join("script.toml");
    std::fs::write(&file, format!("format = 1\n{script}")).unwrap();
    yard.configure(&format!(
        "[providers.play]\nwire = \"scripted\"\nscript = \"{}\"\n{provider}\n\
         [models.test]\nprovider = \"play\"\nmodel = \"small-7b\"\nmax_output_tokens = 100\n\
         [agent]\nmodel = \"test\"\n{more}",
        file.display()
    ));
    yard
}

fn plan(yard: &Yard, tasks: usize) -> String {
    let task = |at: usize| {
        format!("[[task]]\nname = \"t{at}\"\nscope = [\"t{at}/**\"]\nprompt = \"Say it\"\n")
    };
    yard.plan(&(0..tasks).map(task).collect::<String>())
}

fn calls(yard: &Yard) -> usize {
    yard.events("FR-EVT-MODEL-001").len()
}

#[test]
fn a_model_is_called_by_so_many_sessions_at_once_and_the_others_wait() {
    let yard = yard(
        "[[step]]\ntext = \"Done.\"\npace = { first_ms = 600000 }\n",
        "",
        "",
    );
    let plan = plan(&yard, 4);
    yard.exits(0, &["up"]);
    yard.exits(0, &["submit", &plan]);
    eventually("two are called", || calls(&yard) == 2);
    eventually("the others say why they wait", || {
        let shown = yard.exits(0, &["ls"]);
        shown.matches("model play/small-7b is at its limit").count() == 2
    });
    let explained = yard.exits(0, &["show", "t3"]);
    assert!(explained.contains("is at its limit"), "{explained}");
    assert_eq!(yard.state_of("t3"), "CREATED");
    yard.exits(0, &["cancel", "t0"]);
    eventually("the next one is called", || calls(&yard) == 3);
    yard.exits(0, &["cancel", "--all"]);
    yard.exits(0, &["down"]);
}

#[test]
fn a_plan_says_whether_its_models_work_side_by_side() {
    let yard = yard(
        "[[step]]\ntext = \"Done.\"\npace = { first_ms = 600000 }\n",
        "",
        "[models.other]\nprovider = \"play\"\nmodel = \"other\"\n",
    );
    let tasks: String = (0..3)
        .map(|at| {
            format!("[[task]]\nname = \"t{at}\"\nscope = [\"t{at}/**\"]\nprompt = \"Say it\"\n")
        })
        .collect();
    let side_by_side = yard.plan(&format!(
        "execution_mode = \"MULTI_MODEL_PARALLEL\"\n{tasks}"
    ));
    let one = ["run", "--set", "limits.max_concurrent_models=1"];
    let refused = yard.treeyard(&[&one[..], &[side_by_side.as_str()]].concat());
    assert_eq!(refused.status.code(), Some(5));
    assert!(text(&refused.stderr).contains("CX-MM-004"));
    let two_models = yard.plan(&format!(
        "execution_mode = \"SINGLE_MODEL_MULTI_ROLE\"\n{tasks}[[task]]\nname = \"t9\"\nprompt = \"x\"\nmodel = \"other\"\n"
    ));
    let refused = yard.treeyard(&["run", &two_models]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("two models: test and other"));

    let in_turn = yard.plan(&format!(
        "execution_mode = \"SINGLE_MODEL_MULTI_ROLE\"\n{tasks}"
    ));
    yard.exits(0, &["up"]);
    yard.exits(0, &["submit", &in_turn]);
    eventually("one is called", || calls(&yard) == 1);
    eventually("the others say why they wait", || {
        let shown = yard.exits(0, &["ls"]);
        shown.matches("its plan, one model at a time").count() == 2
    });
    // Safety that is asked for on the command line is not dropped in silence.
    let unheard = [
        "run",
        "--set",
        "agent.ask_from=LOW",
        "--name",
        "x",
        "--",
        "true",
    ];
    let refused = yard.treeyard(&unheard);
    assert_eq!(refused.status.code(), Some(5));
    assert!(text(&refused.stderr).contains("--set agent.ask_from would not be heard"));
    yard.exits(0, &["cancel", "--all"]);
    yard.exits(0, &["down"]);
}

#[test]
fn a_provider_is_asked_no_faster_than_it_may_be() {
    let script = "[[step]]\nsay = [{ call = \"file.list\", arguments = {} }]\n\
                  usage = { input = 1, output = 599999 }\n[[step]]\ntext = \"Done.\"\n";
    let yard = yard(script, "tokens_per_minute = 600000", "");
    yard.exits(0, &["run", "--name", "task", "--prompt", "Look"]);
    let held = yard.events("FR-EVT-SESS-SCHED-003");
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!(held[0]["data"]["provider"], "play");
    let called = yard.events("FR-EVT-MODEL-001");
    assert_eq!(called.len(), 2);
    let number = |value: &Value| value.as_i64().unwrap();
    let first = number(&called[0]["at_ms"]);
    assert!(number(&called[1]["at_ms"]) >= number(&held[0]["data"]["next_ms"]));
    assert!(number(&held[0]["data"]["next_ms"]) > first);
    let printed = yard.exits(0, &["logs", "task"]);
    assert!(
        printed.contains("[waits for the rate of play]"),
        "{printed}"
    );
}

#[test]
fn whoever_waits_for_a_provider_can_be_called_off() {
    let yard = yard(
        "[[step]]\nsay = [{ call = \"file.list\", arguments = {} }]\n[[step]]\ntext = \"Done.\"\n",
        "requests_per_minute = 1",
        "",
    );
    yard.exits(0, &["up"]);
    yard.exits(0, &["submit", "--name", "task", "--prompt", "Look"]);
    eventually("it waits", || {
        !yard.events("FR-EVT-SESS-SCHED-003").is_empty()
    });
    yard.exits(0, &["cancel", "task"]);
    eventually("its job is over", || {
        yard.json(&["show", "task"])["jobs"][0]["state"] == "cancelled"
    });
    assert_eq!(yard.state_of("task"), "CANCELLED");
    assert_eq!(calls(&yard), 1);
    yard.exits(0, &["down"]);
}

#[test]
fn what_a_model_did_says_so_in_events_and_in_every_commit() {
    let script = r#"
[[step]]
say = [{ call = "file.write", arguments = { path = "src/a.txt", content = "a\n" } }]
[[step]]
say = [{ call = "git.commit", arguments = { message = "Add a" } }]
[[step]]
say = [{ call = "file.write", arguments = { path = "src/b.txt", content = "b\n" } }]
[[step]]
text = "Done."
"#;
    let yard = yard(script, "", "profile = \"full\"\n");
    let flags = ["--name", "task", "--role", "writer", "--auto-land"];
    let asked = ["--scope", "src/**", "--prompt", "Write both"];
    yard.exits(0, &[&["run"], &flags[..], &asked].concat());
    let log = yard.git(&["log", "--format=%s%n%(trailers)", "main"]);
    for subject in ["Add a", "task", "Land task"] {
        let mut lines = log.lines().skip_while(|line| *line != subject);
        assert!(lines.next().is_some(), "{subject}\n{log}");
        let trailers: Vec<&str> = lines.take_while(|line| line.contains(": ")).collect();
        for trailer in [
            "Treeyard-Task: task",
            "Treeyard-Role: writer",
            "Treeyard-Model: small-7b",
            "Treeyard-Backend: local",
            "Treeyard-Parameter-Class: P7B",
        ] {
            assert!(trailers.contains(&trailer), "{subject}: {trailer}\n{log}");
        }
    }
    let began = yard.events("FR-EVT-MODEL-005");
    let identity = &began[0]["data"]["identity"];
    assert_eq!(identity["role"], "writer");
    assert_eq!(identity["session_id"], began[0]["model_session_id"]);
    for call in yard.events("FR-EVT-MODEL-001") {
        assert_eq!(call["data"]["call"]["identity"], *identity);
    }
}

#[test]
fn every_change_of_a_sessions_line_is_an_event() {
    let script = "[[step]]\ntext = \"Done.\"\n";
    let yard = yard(script, "", "");
    let model = [
        "run", "--name", "talks", "--scope", "a/**", "--prompt", "Say",
    ];
    yard.exits(0, &model);
    yard.exits(
        0,
        &[
            "run",
            "--name",
            "plain",
            "--auto-land",
            "--gate",
            "true",
            "--",
            "sh",
            "-c",
            "echo a > a",
        ],
    );
    let told = yard.events("FR-EVT-STATUS-001");
    let lines = |name: &str| -> Vec<String> {
        let wp = format!(" wp={name} ");
        let all = told
            .iter()
            .map(|event| event["data"]["line"].as_str().unwrap());
        all.filter(|line| line.contains(&wp))
            .map(str::to_owned)
            .collect()
    };
    let phases = |lines: &[String]| -> Vec<String> {
        let phase = |line: &String| {
            line.split(" phase=")
                .nth(1)?
                .split(' ')
                .next()
                .map(str::to_owned)
        };
        lines.iter().filter_map(phase).collect()
    };
    let plain = lines("plain");
    assert_eq!(
        phases(&plain),
        [
            "BOOTSTRAP",
            "IMPLEMENTATION",
            "HANDOFF",
            "HYGIENE",
            "EVALUATION",
            "DONE"
        ]
    );
    let talks = lines("talks");
    assert!(talks[0].contains("role=worker") && talks[0].contains("model=test backend=none"));
    let last = talks.last().unwrap();
    assert!(
        last.contains("model=small-7b backend=local pc=P7B"),
        "{last}"
    );
    for lines in [&plain, &talks] {
        assert!(lines.windows(2).all(|pair| pair[0] != pair[1]), "{lines:?}");
    }
    let now = yard.exits(0, &["status", "--hsk"]);
    assert_eq!(now, format!("{last}\n{}\n", plain.last().unwrap()));
    assert_eq!(
        yard.json(&["show", "plain"])["hsk_status"],
        plain.last().unwrap().as_str()
    );
    assert_eq!(yard.treeyard(&["status"]).status.code(), Some(2));
}

/// A repository with a small and a large model, each behind a script, and a work profile that begins with the small one.
fn two(small: &str, policy: &str, governance: &str) -> Yard {
    let yard = Yard::new();
    let mut settings = String::new();
    let large = "[[step]]\ntext = \"Done by the large one.\"\n";
    for (name, size, script) in [("small", "7b", small), ("large", "70b", large)] {
        let file = yard.folder.path().join(format!("{name}.toml"));
        std::fs::write(&file, format!("format = 1\n{script}")).unwrap();
        settings += &format!(
            "[providers.{name}]\nwire = \"scripted\"\nscript = \"{}\"\n\
             [models.{name}]\nprovider = \"{name}\"\nmodel = \"m-{size}\"\n",
            file.display()
        );
    }
    yard.configure(&settings);
    let role = "{ primary_model_id = \"small\", local_only = false }";
    yard.write(
        "work.toml",
        &format!(
            "schema_version = \"hsk.work_profile@0.6\"\n[model_assignments]\nfrontend = {role}\n\
             orchestrator = {role}\nworker = {role}\nvalidator = {role}\n\
             [governance]\nautomation_level = \"{governance}\"\nallow_cloud_escalation = false\n\
             [routing]\nselection_policy = \"{policy}\"\ncandidate_models = [\"small\", \"large\"]\n"
        ),
    );
    yard
}

const SAYS: &str = "[[step]]\ntext = \"Done.\"\n";
const CUT: &str = "[[step]]\ntext = \"It begins\"\nfinish = \"LENGTH\"\n";
const RUN: [&str; 7] = [
    "run",
    "--work-profile",
    "work.toml",
    "--name",
    "task",
    "--prompt",
    "Say it",
];

fn models(yard: &Yard) -> Vec<String> {
    let began = yard.events("FR-EVT-MODEL-005");
    let model = |event: &Value| {
        event["data"]["identity"]["model_id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    began.iter().map(model).collect()
}

#[test]
fn a_work_profile_says_which_model_a_session_gets() {
    for (policy, model, why) in [
        ("explicit", "m-7b", "the role worker"),
        ("largest_available", "m-70b", "the largest that is READY"),
    ] {
        let yard = two(SAYS, policy, "AUTONOMOUS");
        let refused = yard.treeyard(&RUN);
        assert_eq!(refused.status.code(), Some(5), "none is known to be ready");
        assert_eq!(yard.state_of("task"), "");
        yard.exits(0, &["models", "probe"]);
        yard.exits(0, &RUN);
        assert_eq!(models(&yard), [model]);
        let chosen = yard.events("FR-EVT-MODEL-006");
        let reason = chosen[0]["data"]["choice"]["reason"].as_str().unwrap();
        assert!(reason.contains(why), "{reason}");
    }
}

#[test]
fn what_a_model_cannot_do_a_larger_one_goes_on_with() {
    let yard = two(CUT, "explicit", "AUTONOMOUS");
    yard.exits(0, &["models", "probe"]);
    yard.exits(0, &RUN);
    assert_eq!(models(&yard), ["m-7b", "m-70b"]);
    let stops = yard.events("FR-EVT-MODEL-003");
    assert_eq!(stops[0]["data"]["stop"]["why"], "handed_over");
    assert_eq!(stops[0]["data"]["stop"]["to"], "large");
    assert_eq!(stops[1]["data"]["stop"]["why"], "finished");
    assert_eq!(yard.state_of("task"), "COMPLETED");

    let asks = two(CUT, "explicit", "FULL_HUMAN");
    asks.exits(0, &["models", "probe"]);
    asks.treeyard(&RUN);
    assert_eq!(asks.state_of("task"), "PAUSED");
    assert_eq!(models(&asks), ["m-7b"]);
}

#[test]
fn a_person_gives_a_session_another_model() {
    let yard = two(CUT, "explicit", "FULL_HUMAN");
    yard.exits(0, &["models", "probe"]);
    yard.treeyard(&RUN);
    let refused = yard.treeyard(&["swap", "task", "--model", "small/other"]);
    assert_eq!(refused.status.code(), Some(1));
    let told = text(&refused.stderr);
    assert!(
        told.contains("CX-MM-003") && told.contains("not READY"),
        "{told}"
    );
    yard.exits(0, &["swap", "task", "--model", "large"]);
    yard.exits(0, &["resume", "task"]);
    yard.exits(0, &["up"]);
    eventually("it is complete", || yard.state_of("task") == "COMPLETED");
    assert_eq!(models(&yard), ["m-7b", "m-70b"]);
    yard.exits(0, &["down"]);
}
