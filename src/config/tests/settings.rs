use std::fs;
use std::path::Path;

use super::{FILE, task};
use crate::config::shown::is_personal;
use crate::config::*;
use crate::model::task::Command;

fn origin(settings: &Settings, key: &str) -> Origin {
    let entries = settings.entries();
    entries.into_iter().find(|e| e.key == key).unwrap().origin
}

#[test]
fn stronger_layers_win_and_each_value_knows_its_origin() {
    let dir = tempfile::tempdir().unwrap();
    let (user, repo) = (dir.path().join("user.toml"), dir.path().join("repo"));
    std::fs::create_dir(&repo).unwrap();
    std::fs::write(
        &user,
        "[limits]\nmax_concurrent_sessions = 1\ngrace_seconds = 1\nper_group = { a = 1, b = 1 }\n[worktrees]\npool = 1\n",
    )
    .unwrap();
    std::fs::write(
        repo.join("treeyard.toml"),
        "target = \"dev\"\n[limits]\nmax_concurrent_sessions = 2\ngrace_seconds = 2\n[land]\ngate = [\"repo\"]\n[defaults]\ntimeout = \"2s\"\n",
    )
    .unwrap();
    let flags = [
        ("limits.max_concurrent_sessions", "4"),
        ("limits.per_group.b", "4"),
        ("land.method", "squash"),
    ];
    let settings = Settings::load(Some(&repo), Some(&user), &flags).unwrap();
    let text = format!(
        "[limits]\nmax_concurrent_sessions = 3\ngrace_seconds = 3\nper_group = {{ b = 3, c = 3 }}\n[defaults]\ngate = [\"plan\"]\n{}",
        task("")
    );
    let plan = Plan::parse(&text, Path::new(FILE), &settings).unwrap();
    let settings = &plan.settings;
    assert_eq!(settings.max_concurrent_sessions(), 4);
    assert_eq!(settings.grace_seconds(), 3);
    assert_eq!(settings.pool(), 1);
    assert_eq!(settings.target().as_deref(), Some("dev"));
    assert_eq!(settings.land_method(), LandMethod::Squash);
    let groups: Vec<_> = settings
        .per_group()
        .iter()
        .map(|(k, v)| (k.as_str(), v.max.unwrap()))
        .collect();
    assert_eq!(groups, [("a", 1), ("b", 4), ("c", 3)]);
    assert_eq!(plan.tasks[0].gate, [Command::Shell("plan".into())]);
    assert_eq!(plan.tasks[0].timeout_ms, Some(2000));

    let repo_file = Origin::Repository(repo.join("treeyard.toml"));
    for (key, expected) in [
        ("limits.max_concurrent_sessions", Origin::Flag),
        ("limits.per_group", Origin::Flag),
        ("limits.grace_seconds", Origin::Plan(FILE.into())),
        ("land.gate", Origin::Plan(FILE.into())),
        ("target", repo_file.clone()),
        ("defaults.timeout", repo_file),
        ("worktrees.pool", Origin::User(user)),
        ("land.auto", Origin::BuiltIn),
    ] {
        assert_eq!(origin(settings, key), expected, "{key}");
    }
}

#[test]
fn flags_take_toml_values_and_plain_text() {
    let set = |key: &str, value: &str| Settings::load(None, None, &[(key, value)]);
    assert_eq!(
        set("target", "main").unwrap().target().as_deref(),
        Some("main")
    );
    assert_eq!(set("target", "12").unwrap().target().as_deref(), Some("12"));
    assert_eq!(
        set("defaults.timeout", "5m").unwrap().timeout_ms(),
        Some(300_000)
    );
    let gate = set("land.gate", "[\"a\", [\"b\", \"c\"]]").unwrap();
    assert_eq!(gate.land_gate().len(), 2);
    let pass = set("env.pass", "[\"SSH_AUTH_SOCK\"]").unwrap();
    assert_eq!(pass.env_pass().collect::<Vec<_>>(), ["SSH_AUTH_SOCK"]);
    for (key, value) in [
        ("", "1"),
        ("=", "1"),
        ("limits.pool", "1"),
        ("worktrees.pool", "x\ny"),
        ("worktrees.pool\ntarget", "1"),
        ("worktrees.pool", "-1"),
        ("target", "-x"),
        ("worktrees.root", "../x"),
    ] {
        let error = set(key, value).unwrap_err();
        assert_eq!(
            error.code(),
            crate::model::code::Code::ConfigInvalid,
            "{key}={value}"
        );
    }
    // What is meant as a list is not taken for text.
    for (value, said) in [
        ("data/**", "put it in brackets: [\"data/**\"]"),
        ("[1]", "expected a string, found integer"),
        ("[\"a\"", "unclosed array"),
    ] {
        let error = set("checkpoints.ignored", value).unwrap_err();
        assert!(error.to_string().contains(said), "{value}: {error}");
    }
}

#[test]
fn a_bad_settings_file_is_named_with_the_place() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("treeyard.toml");
    std::fs::write(&file, "[land]\nmethod = \"fast\"\nspeed = 1\n").unwrap();
    let error = Settings::load(Some(dir.path()), None, &[]).unwrap_err();
    let ConfigError::Invalid { problems, .. } = &error else {
        panic!("{error}");
    };
    let places: Vec<_> = problems.iter().map(|p| (p.line, p.column)).collect();
    assert_eq!(places, [(2, 10), (3, 1)]);
    std::fs::write(&file, vec![b'#'; 1024 * 1024 + 1]).unwrap();
    let error = Settings::load(Some(dir.path()), None, &[]).unwrap_err();
    assert_eq!(error.code(), crate::model::code::Code::Io);
}

#[test]
fn the_template_says_the_built_in_values() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("treeyard.toml");
    std::fs::write(&file, template()).unwrap();
    let as_it_is = Settings::load(Some(dir.path()), None, &[]).unwrap();
    assert_eq!(as_it_is, Settings::default());
    let open: Vec<_> = template()
        .lines()
        .filter(|line| !line.starts_with("## "))
        .map(|line| line.strip_prefix("# ").unwrap_or(line).to_owned())
        .collect();
    std::fs::write(&file, open.join("\n")).unwrap();
    let opened = Settings::load(Some(dir.path()), None, &[]).unwrap();
    let pairs = opened
        .entries()
        .into_iter()
        .zip(Settings::default().entries());
    for (key, (opened, built_in)) in KEYS.iter().zip(pairs) {
        if is_personal(key) {
            continue;
        }
        assert_eq!(opened.value, built_in.value, "{}", opened.key);
        assert_eq!(
            opened.origin,
            Origin::Repository(file.clone()),
            "{}",
            opened.key
        );
    }
}

#[test]
fn worktrees_stay_outside_the_repository() {
    let root = |value: &str, repo: &str| {
        let settings = Settings::load(None, None, &[("worktrees.root", value)]).unwrap();
        worktree_root(&settings, Path::new(repo), Path::new("/data"))
    };
    assert_eq!(
        root("sibling", "/src/app").unwrap(),
        Path::new("/src/app.treeyard")
    );
    let (one, two) = (
        root("data", "/a/app").unwrap(),
        root("data", "/b/app").unwrap(),
    );
    assert!(one.to_str().unwrap().starts_with("/data/worktrees/app-"));
    assert_ne!(one, two);
    assert_eq!(root("/fast", "/src/app").unwrap(), Path::new("/fast"));
    assert_eq!(
        root("/src/app2", "/src/app").unwrap(),
        Path::new("/src/app2")
    );
    for inside in ["/src/app", "/src/app/", "/src/./app/x"] {
        let error = root(inside, "/src/app").unwrap_err();
        assert_eq!(error.code(), crate::model::code::Code::ConfigInvalid);
    }
    assert!(root("data", "/data").is_err());
}

#[test]
fn only_a_persons_own_file_says_where_secrets_come_from() {
    let dir = tempfile::tempdir().unwrap();
    let user = dir.path().join("config.toml");
    let text = "[secrets]\nA = { env = \"VAR\" }\nB = { file = \"~/b\" }\nC = { command = [\"pass\", \"c\"] }\n";
    fs::write(&user, text).unwrap();
    let settings = Settings::load(Some(dir.path()), Some(&user), &[]).unwrap();
    let sources: Vec<_> = settings.secrets().values().cloned().collect();
    let expected = [
        SecretSource::Env("VAR".to_owned()),
        SecretSource::File("~/b".into()),
        SecretSource::Command(vec!["pass".to_owned(), "c".to_owned()]),
    ];
    assert_eq!(sources, expected);

    fs::write(dir.path().join("treeyard.toml"), text).unwrap();
    let error = Settings::load(Some(dir.path()), Some(&user), &[]).unwrap_err();
    assert!(
        error.to_string().contains("only be configured in your own"),
        "{error}"
    );
    let flag = [("secrets.A", "{ env = \"VAR\" }")];
    assert!(Settings::load(None, None, &flag).is_err());
    for wrong in [
        "A = \"VAR\"",
        "A = {}",
        "A = { env = \"X\", file = \"/x\" }",
        "A = { file = \"relative\" }",
        "A = { command = [] }",
        "A = { command = \"pass c\" }",
        "A = { env = \"X\", more = 1 }",
        "\"a b\" = { env = \"X\" }",
    ] {
        fs::write(&user, format!("[secrets]\n{wrong}\n")).unwrap();
        assert!(Settings::load(None, Some(&user), &[]).is_err(), "{wrong}");
    }
}

#[test]
fn a_task_names_secrets_that_are_configured() {
    let dir = tempfile::tempdir().unwrap();
    let user = dir.path().join("config.toml");
    fs::write(&user, "[secrets]\nNPM_TOKEN = { env = \"VAR\" }\n").unwrap();
    let settings = Settings::load(None, Some(&user), &[]).unwrap();
    let plan = |names: &str| {
        let text = format!("[[task]]\nname = \"a\"\nrun = \"x\"\nsecrets = {names}\n");
        Plan::parse(&text, Path::new("plan.toml"), &settings)
    };
    let task = plan("[\"NPM_TOKEN\"]").unwrap().tasks.remove(0);
    assert_eq!(task.secrets[0].as_str(), "NPM_TOKEN");
    let stored = serde_json::to_value(&task).unwrap();
    assert_eq!(stored["secrets"][0], "NPM_TOKEN");
    for (wrong, column, said) in [
        (
            "[\"NPM_TOKEN\", \"NPM_TOKE\"]",
            25,
            "unknown secret `NPM_TOKE`",
        ),
        ("[\"NPM_TOKEN\", \"NPM_TOKEN\"]", 25, "stands here twice"),
        ("[\"a b\"]", 12, "unknown secret `a b`"),
        ("\"NPM_TOKEN\"", 11, "expected a list"),
    ] {
        let problems = plan(wrong).unwrap_err().problems;
        assert_eq!(
            (problems[0].line, problems[0].column),
            (4, column),
            "{wrong}"
        );
        assert!(
            problems[0].message.contains(said),
            "{wrong}: {}",
            problems[0].message
        );
    }
}

#[test]
fn limits_of_jobs_are_only_made_smaller_by_a_repository() {
    let dir = tempfile::tempdir().unwrap();
    let (user, repo) = (dir.path().join("user.toml"), dir.path().join("repo"));
    fs::create_dir(&repo).unwrap();
    let load = |own: &str, theirs: &str, flags: &[(&str, &str)]| {
        fs::write(&user, format!("[sandbox]\n{own}\n")).unwrap();
        fs::write(repo.join("treeyard.toml"), format!("[sandbox]\n{theirs}\n")).unwrap();
        Settings::load(Some(&repo), Some(&user), flags).unwrap()
    };
    let all = [
        ("", "", &[][..], (None, Some(1024), None)),
        (
            "memory = \"4GiB\"\nprocesses = 9000\ntotal_cpu = \"1h\"",
            "",
            &[],
            (Some(4 << 30), Some(9000), Some(3_600_000)),
        ),
        (
            "memory = \"4GiB\"\nprocesses = 9000\ntotal_cpu = \"1h\"",
            "memory = \"none\"\nprocesses = 0\ntotal_cpu = \"2h\"",
            &[],
            (Some(4 << 30), Some(9000), Some(3_600_000)),
        ),
        (
            "memory = \"4GiB\"\nprocesses = 0",
            "memory = \"1GiB\"\nprocesses = 50\ntotal_cpu = \"1m\"",
            &[],
            (Some(1 << 30), Some(50), Some(60_000)),
        ),
        ("", "processes = 100000", &[], (None, Some(1024), None)),
        (
            "",
            "",
            &[("sandbox.processes", "100000")],
            (None, Some(100_000), None),
        ),
    ];
    for (own, theirs, flags, expected) in all {
        let settings = load(own, theirs, flags);
        let found = (
            settings.sandbox_memory_bytes(),
            settings.sandbox_processes(),
            settings.sandbox_total_cpu_ms(),
        );
        assert_eq!(found, expected, "{own} / {theirs} / {flags:?}");
    }
}

#[test]
fn what_stays_free_is_only_made_larger_by_a_repository() {
    let dir = tempfile::tempdir().unwrap();
    let (user, repo) = (dir.path().join("user.toml"), dir.path().to_owned());
    let file = repo.join("treeyard.toml");
    for (own, theirs, expected) in [
        ("1GiB", "none", Some(1 << 30)),
        ("none", "none", None),
        ("none", "2GiB", Some(2 << 30)),
        ("1GiB", "2GiB", Some(2 << 30)),
    ] {
        for (file, value) in [(&user, own), (&file, theirs)] {
            fs::write(file, format!("[limits]\nmin_free_memory = \"{value}\"\n")).unwrap();
        }
        let settings = Settings::load(Some(&repo), Some(&user), &[]).unwrap();
        assert_eq!(settings.min_free_memory(), expected, "{own} {theirs}");
    }
}
