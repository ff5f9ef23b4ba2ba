//! The examples and the documents say what the code does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, process};

use jsonschema::Validator;
use serde_json::Value;

use crate::config::*;
use crate::model::work::Work;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn validator() -> Validator {
    jsonschema::validator_for(&plan_schema()).unwrap()
}

fn as_json(toml: &str) -> Value {
    toml::from_str(toml).unwrap()
}

#[test]
fn examples_are_valid_plans() {
    let validator = validator();
    for name in ["hello", "agents", "rust-project"] {
        let file = here(&format!("examples/{name}.toml"));
        let text = fs::read_to_string(&file).unwrap();
        let plan = Plan::parse(&text, &file, &Settings::default());
        let plan = plan.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(plan.tasks.len(), 3, "{name}");
        let errors: Vec<_> = validator
            .iter_errors(&as_json(&text))
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

/// Twice, since a person may well run the first example again.
#[test]
fn the_hello_example_commits_three_files_and_can_be_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let sh = |argv: &[String], env: &BTreeMap<String, String>| {
        let mut command = process::Command::new(&argv[0]);
        let outer = std::env::vars_os().filter(|(k, _)| k.as_encoded_bytes().starts_with(b"GIT_"));
        outer.for_each(|(key, _)| {
            command.env_remove(key);
        });
        command
            .args(&argv[1..])
            .envs(env)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .current_dir(dir.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{argv:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let line = |text: &str| ["sh", "-c", text].map(str::to_owned);
    sh(
        &line("git init -q . && echo '*.txt' > .gitignore"),
        &BTreeMap::new(),
    );
    let text = fs::read_to_string(here("examples/hello.toml")).unwrap();
    let plan = Plan::parse(&text, Path::new("hello.toml"), &Settings::default()).unwrap();
    for task in plan.tasks.iter().chain(&plan.tasks) {
        let Work::Command(run) = &task.run else {
            panic!("{} runs a command", task.name);
        };
        sh(&run.argv(), &task.env);
    }
    let log = sh(
        &line("git log --reverse --format=%s --name-only"),
        &BTreeMap::new(),
    );
    let lines: Vec<_> = log.lines().filter(|line| !line.is_empty()).collect();
    let expected = ["one", "two", "three"].map(|name| {
        [
            format!("hello: {name}"),
            format!("treeyard-hello/{name}.txt"),
        ]
    });
    assert_eq!(lines, expected.concat());
}

#[test]
fn schema_and_parser_agree() {
    let validator = validator();
    for (rest, good) in [
        ("", true),
        (
            "scope = [\"src/**\", \"!src/gen/**\", \"..hidden/x\"]",
            true,
        ),
        ("scope = []", true),
        ("scope = [\"/etc\"]", false),
        ("scope = [\"ok\", \"!/etc\"]", false),
        ("scope = [\"a/../b\"]", false),
        ("scope = [\"..\"]", false),
        ("scope = ['\\#a', '\\!a', './a', '!./[a]']", true),
        ("scope = ['\\a']", false),
        ("scope = ['\\\\a']", false),
        ("scope = ['ab:c', '::', '[:a]']", true),
        ("scope = ['C:/a']", false),
        ("scope = [\" \"]", false),
        ("gate = [\"make\", [\"a\", \"b\"]]", true),
        ("gate = [\" \"]", false),
        ("gate = [[]]", false),
        ("timeout = \"90s\"", true),
        ("timeout = \"none\"", true),
        ("timeout = 90", true),
        ("timeout = \"90\"", false),
        ("timeout = 31622401", false),
        ("retries = 3", true),
        (
            "retries = { max = 3, backoff = \"fixed\", delay = \"1s\" }",
            true,
        ),
        ("retries = { delay = \"1s\" }", false),
        ("retries = { max = 3, more = 1 }", false),
        ("priority = 256", false),
        ("lane = \"fast\"", false),
        ("env = { A = \"1\" }", true),
        ("env = { \"A=B\" = \"1\" }", false),
        ("env = { A = 1 }", false),
        ("env = { TREEYARD_JOB = \"1\" }", false),
        ("on_crash = \"ask\"", true),
        ("group = \"\"", false),
        ("unknown = 1", false),
    ] {
        let text = format!("[[task]]\nname = \"a\"\nrun = \"true\"\n{rest}\n");
        let parsed = Plan::parse(&text, Path::new("plan.toml"), &Settings::default());
        assert_eq!(parsed.is_ok(), good, "parser: {rest}");
        assert_eq!(validator.is_valid(&as_json(&text)), good, "schema: {rest}");
    }
    for (group, good) in [
        ("g = 0", true),
        ("g = { max = 2 }", true),
        ("g = { rate = \"1000/d\", burst = 1000 }", true),
        ("g = {}", false),
        ("g = { max = 1, burst = 2 }", false),
        ("g = { rate = \"1001/s\" }", false),
        ("g = { rate = \"0/s\" }", false),
        ("g = { rate = \"3/m\" }", false),
        ("g = { rate = \"3/s\", burst = 1001 }", false),
        ("\"a=b\" = 1", false),
    ] {
        let text = format!("[limits.per_group]\n{group}\n[[task]]\nname = \"a\"\nrun = \"true\"\n");
        let parsed = Plan::parse(&text, Path::new("plan.toml"), &Settings::default());
        assert_eq!(parsed.is_ok(), good, "parser: {group}");
        assert_eq!(validator.is_valid(&as_json(&text)), good, "schema: {group}");
    }
    for (name, good) in [
        ("a.b-c_d", true),
        ("a..b", false),
        ("a.lock", false),
        ("a.", false),
        ("-a", false),
    ] {
        let text = format!("[[task]]\nname = \"{name}\"\nrun = [\"true\"]\n");
        let parsed = Plan::parse(&text, Path::new("plan.toml"), &Settings::default());
        assert_eq!(parsed.is_ok(), good, "parser: {name}");
        assert_eq!(validator.is_valid(&as_json(&text)), good, "schema: {name}");
    }
}

/// `UPDATE_DOCS=1 cargo test --lib config` writes the file anew.
#[test]
fn the_published_schema_is_current() {
    let file = here("docs/plan.schema.json");
    let current = format!(
        "{}\n",
        serde_json::to_string_pretty(&plan_schema()).unwrap()
    );
    if std::env::var_os("UPDATE_DOCS").is_some_and(|on| on == "1") {
        fs::write(&file, &current).unwrap();
    }
    let published = fs::read_to_string(&file).unwrap();
    assert_eq!(published, current, "run with UPDATE_DOCS=1");
}

#[test]
fn the_table_of_settings_is_current() {
    let file = here("docs/configuration.md");
    let text = fs::read_to_string(&file).unwrap();
    let table = text
        .split("\n\n")
        .find(|part| part.starts_with("| Key | Default |"))
        .unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some_and(|on| on == "1") {
        fs::write(
            &file,
            text.replace(table.trim_end(), key_table().trim_end()),
        )
        .unwrap();
        return;
    }
    assert_eq!(
        table.trim_end(),
        key_table().trim_end(),
        "run with UPDATE_DOCS=1"
    );
}

/// Every key of a task and of `[defaults]` has its row in docs/plan.md.
#[test]
fn every_key_of_a_plan_is_described() {
    let text = fs::read_to_string(here("docs/plan.md")).unwrap();
    let schema = plan_schema();
    for table in [
        "GroupTable",
        "PlanDefaults",
        "PlanLimits",
        "RetriesTable",
        "TaskOptions",
    ] {
        let keys = schema["$defs"][table]["properties"].as_object().unwrap();
        for key in keys.keys() {
            assert!(text.contains(&format!("| `{key}` |")), "{table}: {key}");
        }
    }
}
