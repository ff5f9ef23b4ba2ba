//! What a person reads who made a mistake.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use super::{FILE, problems, task};
use crate::config::*;
use crate::model::code::Code;
use crate::model::scope::{Files, Fold};

/// The problems of a settings file, as [`problems`] has those of a plan.
fn setting_problems(bytes: &[u8]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("treeyard.toml"), bytes).unwrap();
    let error = Settings::load(Some(dir.path()), None, &[]).unwrap_err();
    assert_eq!(error.code(), Code::ConfigInvalid);
    let ConfigError::Invalid { problems, .. } = error else {
        panic!("{error}");
    };
    problems.iter().map(super::told).collect()
}

fn one(found: Vec<String>, expected: &str) {
    assert_eq!(found.len(), 1, "{found:#?}\n{expected}");
    assert!(found[0].contains(expected), "{}\n{expected}", found[0]);
}

#[test]
fn wrong_plans_are_told_what_to_write_instead() {
    for (text, expected) in [
        (
            "[[tasks]]\nname = \"a\"\nrun = \"x\"",
            "1:3: unknown key `tasks` (did you mean `task`?)",
        ),
        (
            "[task]\nname = \"a\"\nrun = \"x\"",
            "each starting with `[[task]]`, found table",
        ),
        (
            &task("depends_on = [\"b\"]"),
            "4:1: unknown key `depends_on` (did you mean `after`?)",
        ),
        (&task("needs = [\"b\"]"), "did you mean `after`?"),
        (&task("environment = {}"), "did you mean `env`?"),
        (&task("auto_land = true"), "stands at its top"),
        (
            &task("[land]\nmethod = \"merge\""),
            "`[land]` stands in treeyard.toml",
        ),
        (
            &task("[limits]\njobs = 4"),
            "did you mean `max_concurrent_sessions`?",
        ),
        (&task("[limit]\njobs = 4"), "did you mean `limits`?"),
        (
            &task("[[limits]]"),
            "expected a table, found array (write `[limits]`, once)",
        ),
        (&task("colour = 1"), "(treeyard 0.1.0 has: after, env, "),
        (
            &task("scope = \"src/**\""),
            "expected a list, found string (put it in brackets: [\"src/**\"])",
        ),
        (
            &task("timeout = \"5 min\""),
            "4:11: not a length of time (write \"30s\"",
        ),
        (
            &task("retries = \"3\""),
            "expected a number, or a table of `max`, `backoff` and `delay`",
        ),
        (
            &task("priority = \"high\""),
            "expected a whole number from 0 to 255, found string",
        ),
        (
            &task("env = [\"A=1\"]"),
            "found array (such as { NAME = \"value\" })",
        ),
        (
            &task("env = { PORT = 80 }"),
            "expected a string, found integer (put it in quotes)",
        ),
        (
            &task("env = { \"A=B\" = \"1\" }"),
            "`A=B` cannot name an environment variable",
        ),
        (
            &task("on_crash = \"restart\""),
            "unknown word `restart` (one of: ask, resume, fail)",
        ),
        (&task("lane = \"PRIMARY\""), "did you mean `primary`?"),
        (&task("scope = [\"src/../../x\"]"), "contains `..`"),
        (
            &task("scope = [\"a\", \"!src/[a\"]"),
            "4:15: scope pattern \"!src/[a\", character 6: `[` is not closed; write `\\[` for the character itself",
        ),
        (&task("scope = [\"./\"]"), "a scope pattern is empty"),
        ("{\"task\": []}", "this looks like JSON; it is read as TOML"),
        (
            "[[task]]\nname = \"a\"\nrun = \"x",
            "3:9: invalid basic string",
        ),
        (
            "[[task]]\nname = \"a\"\nrun = \"x\"\n[[task]]\nname = \"a\"\nrun = \"y\"",
            "5:8: two tasks are named `a` (name one of them differently; the first is in line 2)",
        ),
    ] {
        one(problems(text), expected);
    }
    let yaml = problems("task:\n  - name: a\n    run: x\n");
    assert!(yaml[0].contains("this looks like YAML"), "{yaml:?}");
}

#[test]
fn wrong_settings_are_told_what_to_write_instead() {
    for (text, expected) in [
        (
            "targt = \"main\"",
            "1:1: unknown key `targt` (did you mean `target`?)",
        ),
        ("branch = \"main\"", "did you mean `target`?"),
        ("[limit]\nmax = 3", "did you mean `limits`?"),
        (
            "[limits]\nmax_concurent_sessions = 3",
            "did you mean `max_concurrent_sessions`?",
        ),
        (
            "[limits]\ngrace_seconds = -1",
            "2:17: expected a whole number from 0 to 4294967295",
        ),
        ("[limits]\ngrace_seconds = \"10s\"", "found string"),
        (
            "[land]\nmethod = \"ff\"",
            "2:10: unknown word `ff` (one of: merge, squash, rebase)",
        ),
        ("[land]\ngate = \"make\"", "put it in brackets"),
        (
            "[land]\nauto = \"yes\"",
            "expected true or false, found string",
        ),
        (
            "[worktrees]\nroot = \"../wt\"",
            "\"sibling\", \"data\", or an absolute path",
        ),
        ("[worktrees]\npool = 1.5", "found float"),
        (
            "[retention]\nevents_days = \"7d\"",
            "expected a whole number",
        ),
        ("[defaults]\ngroup = \"x\"", "`group` stands in a plan"),
        ("[env]\npass = \"TOKEN\"", "put it in brackets"),
        (
            "[env]\npass = [\"A=B\"]",
            "2:9: `A=B` cannot name an environment variable",
        ),
        (
            "env = [\"TOKEN\"]",
            "expected a table, found array (write `[env]`, once)",
        ),
        (
            "[future]\nx = 1",
            "treeyard 0.1.0 has: agent, budget, checkpoints, consent, defaults, drift, env, land, limits",
        ),
        ("[[task]]\nname = \"x\"", "tasks stand in a plan file"),
        ("[limits]\n[limits]", "2:2: duplicate key"),
        (
            "target = [\"main\"]",
            "1:10: expected a string, found array",
        ),
        ("target = \"main\\nx\"", "is not a name"),
        ("setup = \"npm ci\"", "put it in brackets"),
    ] {
        one(setting_problems(text.as_bytes()), expected);
    }
    let all = setting_problems(b"a = 1\n[land]\nauto = 1\nmethod = 1\n[x]\n");
    assert_eq!(all.len(), 4, "{all:#?}");
}

#[test]
fn windows_files_are_read_and_others_are_placed() {
    let bom = "\u{feff}[[task]]\r\nname = \"a\"\r\nrun = \"\"\"x\r\ny\"\"\"\r\n";
    let plan = Plan::decode(bom.as_bytes(), Path::new(FILE), &Settings::default()).unwrap();
    assert_eq!(plan.tasks[0].name.as_str(), "a");
    one(
        setting_problems("\u{feff}targt = \"x\"\r\n".as_bytes()),
        "1:1: unknown key `targt`",
    );
    one(
        setting_problems(b"# \xc3\xa9\r\nx = \"\xff\""),
        "2:6: the text is not UTF-8 (save",
    );
    let refused = Plan::decode(b"x = \xff", Path::new(FILE), &Settings::default()).unwrap_err();
    assert_eq!(
        (refused.problems[0].line, refused.problems[0].column),
        (1, 5)
    );
    assert!(
        refused
            .to_string()
            .contains("plan.toml:1:5: the text is not UTF-8")
    );
}

#[test]
fn patterns_may_start_at_the_root_in_words() {
    let plan = super::parse(&task("scope = [\"./src/**\", \"!././src/gen/**\"]")).unwrap();
    assert_eq!(plan.tasks[0].scope.patterns(), ["src/**", "!src/gen/**"]);
}

#[test]
fn programs_that_are_not_there_are_known_before_anything_starts() {
    let bin = tempfile::tempdir().unwrap();
    let tool = bin.path().join("tool");
    std::fs::write(&tool, "#!/bin/sh\n").unwrap();
    let path = bin.path().as_os_str();
    let text = format!(
        "[defaults]\nsetup = [\"make it\", [\"fetch-tool\"]]\n\
         [[task]]\nname = \"a\"\nrun = [\"tool\", \"nothing\"]\ngate = [[\"./made-later\"]]\n\
         [[task]]\nname = \"b\"\nrun = \"tol\"\n\
         [[task]]\nname = \"c\"\nrun = [\"{}\"]\n\
         [[task]]\nname = \"d\"\nrun = [\"tool\"]\nenv = {{ PATH = \"/nowhere\" }}\n\
         [[task]]\nname = \"e\"\nrun = [\"tool\"]\nenv = {{ PATH = \"bin\" }}\n",
        tool.display()
    );
    let plan = super::parse(&text).unwrap();
    let told = |path: Option<&OsStr>| -> Vec<(usize, usize)> {
        let warnings = plan.warnings(path, None);
        warnings
            .iter()
            .map(|found| (found.line, found.column))
            .collect()
    };
    // Not executable yet: `c` names it by its path.
    assert_eq!(told(Some(path)), [(2, 22), (5, 8), (12, 8), (15, 8)]);
    let mut mode = std::fs::metadata(&tool).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
    std::fs::set_permissions(&tool, mode).unwrap();
    assert_eq!(told(Some(path)), [(2, 22), (15, 8)]);
    assert_eq!(told(None), [(15, 8)], "without a PATH nothing is known");
    let message = &plan.warnings(Some(path), None)[0].message;
    assert_eq!(message, "there is no program `fetch-tool` now");
}

#[test]
fn patterns_that_change_nothing_are_known_before_anything_starts() {
    let text = "[[task]]\nname = \"a\"\nrun = \"true\"\n\
                scope = [\"src/**\", \"new/**\",\n  \"!docs/**\"]\n\
                [[task]]\nname = \"b\"\nrun = \"true\"\n\
                [[task]]\nscope = [\"b1\", \"b2\", \"b3\", \"b4\"]\nname = \"c\"\nrun = [\"no-such-tool\"]\n";
    let plan = super::parse(text).unwrap();
    let files = Files::new(["src/a.rs", "docs/b"], Fold::default());
    let path = Some(OsStr::new("/nowhere"));
    let said = |found: &Problem| format!("{}:{}: {}", found.line, found.column, found.message);
    let warnings: Vec<String> = plan.warnings(path, Some(&files)).iter().map(said).collect();
    assert_eq!(
        warnings,
        [
            "4:20: scope pattern `new/**` matches no file yet",
            "5:3: scope pattern `!docs/**` takes out no file yet",
            "10:10: scope pattern `b1` matches no file yet",
            "10:16: scope pattern `b2` matches no file yet",
            "10:22: scope pattern `b3` matches no file yet",
            "12:8: there is no program `no-such-tool` now",
        ]
    );
    assert!(plan.warnings(None, None).is_empty());
}

/// A debug build is many times slower than what people run.
const PATIENCE: Duration = Duration::from_secs(4);

/// What this thread took of a processor, however busy the machine is.
fn work_done() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

fn long_plan(line: impl Fn(usize) -> String) -> String {
    let filler = "x".repeat(120);
    let task = |n| {
        format!(
            "[[task]]\nname = \"t{n}\"\nrun = [\"echo\", \"{filler}\"]\n{}\n",
            line(n)
        )
    };
    (0..5_000).map(task).collect()
}

#[test]
fn a_plan_of_a_megabyte_is_read_in_no_time() {
    let text = long_plan(|n| match n {
        0 => String::new(),
        n => format!("after = [\"t{}\", \"t0\"]", n - 1),
    });
    assert!(text.len() > 900_000, "{}", text.len());
    let started = work_done();
    let plan = super::parse(&text).unwrap();
    assert!(plan.warnings(None, None).is_empty());
    assert_eq!(plan.tasks.len(), 5_000);
    let took = work_done() - started;
    assert!(took < PATIENCE, "{took:?}");
}

#[test]
fn thousands_of_mistakes_are_told_in_no_time() {
    for wrong in ["after = [\"nobody\"]", "lane = \"fast\"", "name_ = 1"] {
        let text = long_plan(|_| wrong.to_owned());
        let started = work_done();
        let error = super::parse(&text).unwrap_err();
        let shown = error.to_string();
        assert_eq!(error.problems.len(), 5_000);
        assert!(
            shown.ends_with("and 4980 more problems"),
            "{}",
            &shown[shown.len() - 60..]
        );
        let took = work_done() - started;
        assert!(took < PATIENCE, "{wrong}: {took:?}");
    }
    let cycle = long_plan(|n| format!("after = [\"t{}\"]", (n + 1) % 5_000));
    let found = problems(&cycle);
    assert_eq!(found.len(), 1);
    assert!(found[0].len() < 1_000, "{}", found[0].len());
    assert!(found[0].contains("t0 -> t1 -> "), "{}", found[0]);
}

#[test]
fn a_plan_without_an_end_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("plan.toml");
    let large = std::fs::File::create(&file).unwrap();
    large.set_len(16 * 1024 * 1024).unwrap();
    assert!(read_plan_file(&file).is_ok());
    large.set_len(16 * 1024 * 1024 + 1).unwrap();
    let error = read_plan_file(&file).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::FileTooLarge);
    assert!(read_plan_file(Path::new("/dev/zero")).is_err());
}
