mod docs;
mod groups;
mod messages;
mod models;
mod settings;
mod work_profile;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::model::task::{Backoff, Command, Lane, OnCrash, Retries};
use crate::model::work::Work;

const FILE: &str = "plan.toml";

fn parse(text: &str) -> Result<Plan, PlanError> {
    Plan::parse(text, Path::new(FILE), &Settings::default())
}

/// `line:column: message` and the hint of each problem.
fn problems(text: &str) -> Vec<String> {
    let error = parse(text).expect_err(text);
    error.problems.iter().map(told).collect()
}

fn told(problem: &Problem) -> String {
    let hint = problem.hint.as_ref().map(|hint| format!(" ({hint})"));
    let (line, column, hint) = (problem.line, problem.column, hint.unwrap_or_default());
    format!("{line}:{column}: {}{hint}", problem.message)
}

fn task(rest: &str) -> String {
    format!("[[task]]\nname = \"a\"\nrun = \"true\"\n{rest}\n")
}

#[test]
fn a_full_plan_becomes_tasks() {
    let plan = parse(
        r#"
target = "main"
auto_land = true
[limits]
max_concurrent_sessions = 3
per_group = { api = 1 }
[defaults]
gate = ["make check"]
setup = [["npm", "ci"]]
timeout = "5m"
retries = 2
env = { A = "1", B = "2" }
group = "api"
[[task]]
name = "first"
run = "make"
[[task]]
name = "second"
scope = ["src/**", "!src/gen/**"]
run = ["echo", "a b"]
after = ["first"]
gate = []
timeout = "none"
retries = { max = 4, backoff = "fixed", delay = "250ms" }
priority = 7
lane = "background"
env = { B = "3" }
on_crash = "resume"
group = "other"
"#,
    )
    .unwrap();
    assert_eq!(plan.target.as_deref(), Some("main"));
    assert_eq!(plan.auto_land, Some(true));
    assert_eq!(plan.settings.max_concurrent_sessions(), 3);
    assert_eq!(plan.settings.per_group()["api"].max, Some(1));
    let [first, second] = plan.tasks.as_slice() else {
        panic!("{:?}", plan.tasks);
    };
    let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let owned = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
        pairs.iter().map(owned).collect()
    };
    assert_eq!(first.name.as_str(), "first");
    assert_eq!(first.scope.patterns(), ["**"]);
    assert_eq!(first.run, Command::Shell("make".into()).into());
    assert_eq!(first.gate, [Command::Shell("make check".into())]);
    assert_eq!(
        first.setup,
        [Command::Argv(vec!["npm".into(), "ci".into()])]
    );
    assert_eq!(first.timeout_ms, Some(300_000));
    assert_eq!(first.retries.max, 2);
    assert_eq!((first.priority, first.lane), (50, Lane::Primary));
    assert_eq!(first.env, map(&[("A", "1"), ("B", "2")]));
    assert_eq!(first.on_crash, OnCrash::Ask);
    assert_eq!(first.group.as_deref(), Some("api"));

    assert_eq!(second.scope.patterns(), ["src/**", "!src/gen/**"]);
    assert_eq!(
        second.run,
        Command::Argv(vec!["echo".into(), "a b".into()]).into()
    );
    assert_eq!(second.after, ["first".parse().unwrap()]);
    assert!(second.gate.is_empty());
    assert_eq!(second.setup, first.setup);
    assert_eq!(second.timeout_ms, None);
    let retries = Retries {
        max: 4,
        backoff: Backoff::Fixed,
        base_ms: 250,
    };
    assert_eq!(second.retries, retries);
    assert_eq!((second.priority, second.lane), (7, Lane::Background));
    assert_eq!(second.env, map(&[("A", "1"), ("B", "3")]));
    assert_eq!(second.on_crash, OnCrash::Resume);
    assert_eq!(second.group.as_deref(), Some("other"));
}

#[test]
fn every_problem_is_told_at_once_with_its_place() {
    let found = problems(
        r#"tarGet = "main"
[defaults]
timeout = "5 minutes"
[[task]]
name = "docs"
scope = ["ok/**", "/etc", "a/../b", ""]
run = ""
aftr = []
[[task]]
name = "docs"
run = "make"
after = ["dcs", "nowhere-near"]
env = { "A=B" = "1", "ä" = 2 }
[[task]]
name = "bad name"
scope = ["!a"]
priority = 256
lane = "fast"
"#,
    );
    let expected = [
        "1:1: unknown key `tarGet` (did you mean `target`?)",
        "3:11: not a length of time",
        "6:19: scope pattern \"/etc\" is absolute",
        "6:27: scope pattern \"a/../b\" contains `..`",
        "6:37: a scope pattern is empty",
        "7:7: the command is empty",
        "8:1: unknown key `aftr` (did you mean `after`?)",
        "10:8: two tasks are named `docs`",
        "12:10: unknown task `dcs` (did you mean `docs`?)",
        "12:17: unknown task `nowhere-near`",
        "13:9: `A=B` cannot name an environment variable",
        "13:28: expected a string, found integer",
        "14:1: the task has no `run`",
        "15:8: `bad name` cannot name a task",
        "16:9: the scope has only negated patterns",
        "17:12: expected a whole number from 0 to 255",
        "18:8: unknown word `fast` (one of:",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
}

#[test]
fn cycles_are_printed_as_a_way_round() {
    let plan = |pairs: &[(&str, &str)]| -> String {
        let task = |(name, after): &(&str, &str)| {
            format!("[[task]]\nname = \"{name}\"\nrun = \"true\"\nafter = [{after}]\n")
        };
        pairs.iter().map(task).collect()
    };
    let two = problems(&plan(&[("a", "\"b\""), ("b", "\"a\""), ("c", "\"a\"")]));
    assert_eq!(two.len(), 1);
    assert!(two[0].starts_with("4:10: tasks wait for each other: a -> b -> a"));
    let own = problems(&plan(&[("a", "\"a\"")]));
    assert!(own[0].contains(": a -> a"), "{own:?}");
    let apart = problems(&plan(&[
        ("a", "\"b\""),
        ("b", "\"a\""),
        ("x", "\"y\""),
        ("y", "\"x\", \"a\""),
    ]));
    assert_eq!(apart.len(), 2, "{apart:?}");
}

#[test]
fn a_long_chain_needs_no_deep_stack() {
    let names = 0..3000;
    let text: String = names
        .map(|n| {
            let after = if n > 0 {
                format!("\"t{}\"", n - 1)
            } else {
                String::new()
            };
            format!("[[task]]\nname = \"t{n}\"\nrun = \"true\"\nafter = [{after}]\n")
        })
        .collect();
    assert_eq!(parse(&text).unwrap().tasks.len(), 3000);
}

#[test]
fn odd_plans_are_refused_with_one_clear_problem() {
    for (text, expected) in [
        ("", "1:1: the plan has no task (start one with `[[task]]`)"),
        ("task = []", "1:8: the plan has no task"),
        ("task = 3", "1:8: expected a list of tables"),
        ("task = [3]", "1:9: expected a table, found integer"),
        (&task("after = \"a\""), "4:9: expected a list, found string"),
        (&task("timeout = 0"), "4:11: a timeout of zero"),
        (
            &task("timeout = \"99999999999d\""),
            "4:11: not a length of time",
        ),
        (&task("retries = {}"), "4:11: `retries` needs `max`"),
        (&task("run = \"x\""), "4:1: duplicate key"),
        (&task("\"\" = 1"), "4:1: unknown key `\"\"`"),
        (
            &task("env = {\"\" = \"x\"}"),
            "4:8: `\"\"` cannot name an environment",
        ),
        (&task("group = \"a=b\""), "4:9: `a=b` cannot name a group"),
        (&task("scope = [\"!a\"]"), "4:9: the scope has only negated"),
        (
            &task("env = {A = \"\\u0000\"}"),
            "4:12: the text contains a NUL",
        ),
        (
            "[limits]\nper_group = {\"\" = 1}\n[[task]]\nname = \"a\"\nrun = \"x\"",
            "2:14: `\"\"` cannot name a group",
        ),
    ] {
        let found = problems(text);
        assert_eq!(found.len(), 1, "{text}\n{found:?}");
        assert!(found[0].starts_with(expected), "{}\n{expected}", found[0]);
    }
}

#[test]
fn waiting_for_a_badly_named_task_is_no_second_problem() {
    let found = problems(
        "[[task]]\nname = \"a b\"\nrun = \"x\"\n[[task]]\nname = \"c\"\nrun = \"x\"\nafter = [\"a b\"]\n",
    );
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn rendered_problems_fit_and_disguise_nothing() {
    let source = format!(
        "x = 1 # {}\u{1b}[31m\u{202e}é漢\t{}",
        "é".repeat(60),
        "y".repeat(300)
    );
    let error = parse(&format!("{source}\n{}", task("lane = \"fast\""))).unwrap_err();
    let file = PathBuf::from(format!("/tmp/{}/plan\u{1b}.toml", "deep/".repeat(40)));
    let long = Problem {
        message: "word ".repeat(60) + "\u{7}",
        line: 1,
        column: 200,
        hint: Some("h".repeat(300)),
    };
    for problem in error.problems.iter().chain([&long]) {
        let shown = problem.render(&source, &file);
        for line in shown.lines() {
            assert!(line.chars().count() <= 80, "{line}");
            assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'));
        }
    }
    let plain = parse(&task("lane = \"primari\"")).unwrap_err();
    assert_eq!(
        plain.to_string(),
        "plan.toml:4:8: unknown word `primari`\n  |\n4 | lane = \"primari\"\n  |        ^\nhint: did you mean `primary`?"
    );
}

#[test]
fn a_single_task_is_checked_and_kept_as_it_is() {
    let argv = ["sh", "-c", "echo \"it's\"\n\t'''x''' \\ é", ""].map(str::to_owned);
    let mut options = TaskOptions::new("");
    options.env = Some([("A".to_owned(), "b\nc".to_owned())].into());
    options.retries = Some(RetriesText::Table(RetriesTable {
        max: 2,
        backoff: Some(BackoffText::Fixed),
        delay: Some(TimeText::Text("2s".into())),
    }));
    options.timeout = Some(TimeText::Seconds(3));
    options.lane = Some(LaneText::Validation);
    options.on_crash = Some(OnCrashText::Fail);
    options.group = Some("g".into());
    let scope = ["docs/**".to_owned()];
    let spec = single_task("docs", Some(&scope), &argv, &options, &Settings::default()).unwrap();
    assert_eq!(spec.name.as_str(), "docs");
    assert_eq!(spec.scope.patterns(), ["docs/**"]);
    assert_eq!(spec.run, Command::Argv(argv.to_vec()).into());
    assert_eq!(spec.env["A"], "b\nc");
    assert_eq!((spec.retries.max, spec.retries.base_ms), (2, 2000));
    assert_eq!(spec.timeout_ms, Some(3000));
    assert_eq!(
        (spec.lane, spec.on_crash),
        (Lane::Validation, OnCrash::Fail)
    );
    assert_eq!(spec.group.as_deref(), Some("g"));

    let error = single_task(
        "a/b",
        Some(&["/x".into()]),
        &[],
        &options,
        &Settings::default(),
    );
    let error = error.unwrap_err();
    assert_eq!(error.problems.len(), 3, "{error}");
    assert_eq!(error.code(), crate::model::code::Code::PlanInvalid);
}

#[test]
fn nested_junk_does_not_overflow_the_stack() {
    for text in [
        "[".repeat(100_000),
        format!("a = {}", "[".repeat(100_000)),
        "a.".repeat(50_000),
    ] {
        assert!(parse(&text).is_err());
    }
}

/// Texts that look a little like plans.
fn junk() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("[[task]]\n".to_owned()),
        Just("name = \"a\"\n".to_owned()),
        Just("run = ".to_owned()),
        Just("after = [\"a\"]\n".to_owned()),
        Just("[defaults]\n".to_owned()),
        Just("retries = { max = -1, delay = \"é\" }\n".to_owned()),
        Just("\r\n\u{feff}\"\"\"".to_owned()),
        any::<String>(),
        "[a-z\\[\\]{}=\"'.,0-9 \n#-]{0,20}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn valid_task(index: usize) -> impl Strategy<Value = TaskOptions> {
    let text = "[ -~é\n\t]{1,12}";
    let maybe_env = prop::option::of(prop::collection::btree_map("[A-Z]{1,4}", text, 0..3));
    let argv = prop::collection::vec(text, 1..4);
    let retries = prop::option::of((0u32..9, 0u32..99));
    let after = prop::collection::vec(prop::bool::ANY, index);
    (
        argv,
        maybe_env,
        retries,
        prop::option::of(any::<u8>()),
        after,
    )
        .prop_map(move |(argv, env, retries, priority, after)| {
            let mut task = TaskOptions::new(format!("t{index}"));
            task.run = Some(Command::Argv(argv));
            task.env = env;
            task.priority = priority;
            task.retries = retries.map(|(max, delay)| {
                let delay = Some(TimeText::Seconds(delay));
                RetriesText::Table(RetriesTable {
                    max,
                    backoff: None,
                    delay,
                })
            });
            let before = after.iter().enumerate().filter(|(_, wait)| **wait);
            task.after = Some(before.map(|(n, _)| format!("t{n}")).collect());
            task
        })
}

proptest! {
    #[test]
    fn junk_is_refused_inside_the_file(text in junk()) {
        if let Err(error) = parse(&text) {
            prop_assert!(!error.problems.is_empty());
            let lines: Vec<&str> = text.split('\n').collect();
            for problem in &error.problems {
                prop_assert!((1..=lines.len()).contains(&problem.line));
                let length = lines[problem.line - 1].chars().count();
                prop_assert!((1..=length + 1).contains(&problem.column));
                let shown = problem.render(&text, Path::new(FILE));
                prop_assert!(shown.lines().all(|line| line.chars().count() <= 80));
            }
        }
    }

    #[test]
    fn a_written_plan_reads_the_same(tasks in (valid_task(0), valid_task(1), valid_task(2))) {
        let tasks = vec![tasks.0, tasks.1, tasks.2];
        let file = PlanFile { target: Some("main".into()), task: tasks.clone(), ..PlanFile::default() };
        let plan = parse(&toml::to_string(&file).unwrap()).unwrap();
        prop_assert_eq!(plan.tasks.len(), tasks.len());
        for (spec, task) in plan.tasks.iter().zip(&tasks) {
            prop_assert_eq!(spec.name.as_str(), &task.name);
            prop_assert_eq!(&spec.run, &Work::Command(task.run.clone().unwrap()));
            prop_assert_eq!(&spec.env, &task.env.clone().unwrap_or_default());
            prop_assert_eq!(spec.priority, task.priority.unwrap_or(50));
            let after: Vec<&str> = spec.after.iter().map(|name| name.as_str()).collect();
            prop_assert_eq!(after, task.after.clone().unwrap_or_default());
            if let Some(RetriesText::Table(table)) = &task.retries {
                prop_assert_eq!(spec.retries.max, table.max);
                let Some(TimeText::Seconds(delay)) = table.delay else { unreachable!() };
                prop_assert_eq!(spec.retries.base_ms, u64::from(delay) * 1000);
            }
        }
    }
}
