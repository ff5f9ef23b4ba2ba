//! The real program in an environment of its own: what it prints and how it exits.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use treeyard::app::project::Project;
use treeyard::config::{TaskOptions, single_task};
use treeyard::model::code::{Code, Exit};
use treeyard::model::event::{Actor, Event};
use treeyard::model::ids::{PlanId, SessionId};
use treeyard::model::session::SessionState;
use treeyard::store::StoreError;
use treeyard::workspace::{Isolation, Request, create};

/// A home and a repository that nothing from outside reaches.
struct Sandbox {
    root: TempDir,
}

impl Sandbox {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("repo")).unwrap();
        fs::create_dir(root.path().join("home")).unwrap();
        Self { root }
    }

    fn with_repository() -> Self {
        let sandbox = Self::new();
        sandbox.git(&["init", "-q", "-b", "main"]);
        sandbox.git(&["commit", "-q", "--allow-empty", "-m", "start"]);
        sandbox
    }

    fn repo(&self) -> PathBuf {
        self.root.path().join("repo")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.root.path().join("home"))
            .env("GIT_CEILING_DIRECTORIES", self.root.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Test")
            .env("GIT_AUTHOR_EMAIL", "test@localhost")
            .env("GIT_COMMITTER_NAME", "Test")
            .env("GIT_COMMITTER_EMAIL", "test@localhost")
            .env("COLUMNS", "100")
            .current_dir(self.repo());
        command
    }

    fn git(&self, args: &[&str]) {
        assert!(self.command("git").args(args).status().unwrap().success());
    }

    fn json(&self, args: &[&str]) -> serde_json::Value {
        let mut command = self.command(env!("CARGO_BIN_EXE_treeyard"));
        let done = command.arg("--json").args(args).output().unwrap();
        serde_json::from_slice(&done.stdout).unwrap()
    }

    /// Exit code, standard output and standard error, with what differs from run to run replaced.
    fn run(&self, args: &[&str]) -> String {
        let mut command = self.command(env!("CARGO_BIN_EXE_treeyard"));
        let done = command.args(args).output().unwrap();
        let text = format!(
            "exit {}\n--- out\n{}--- err\n{}",
            done.status.code().unwrap(),
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        );
        let root = fs::canonicalize(self.root.path()).unwrap();
        text.replace(&*root.to_string_lossy(), "ROOT")
            .replace(&*self.root.path().to_string_lossy(), "ROOT")
    }
}

#[test]
fn outside_of_a_repository() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!("outside_text", sandbox.run(&["ls"]));
    insta::assert_snapshot!("outside_json", sandbox.run(&["ls", "--json"]));
}

#[test]
fn help_and_codes() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!("help", sandbox.run(&["--help"]));
    insta::assert_snapshot!("codes", sandbox.run(&["codes"]));
}

#[test]
fn prices_are_listed_and_replaced() {
    let sandbox = Sandbox::new();
    let file = sandbox.repo().join("new.toml");
    fs::write(
        &file,
        "format = 1\n[provider.mine.models]\nm = { input = -1 }\n",
    )
    .unwrap();
    insta::assert_snapshot!(
        "prices_wrong",
        sandbox.run(&["prices", "update", "new.toml"])
    );
    let model = "m = { input = 0.5, output = 2, above = { tokens = 1000, input = 1, output = 4 } }";
    fs::write(
        &file,
        format!("format = 1\n[provider.mine.models]\n{model}\n"),
    )
    .unwrap();
    let data = sandbox
        .root
        .path()
        .join("home/.local/share/treeyard/prices.toml");
    insta::assert_snapshot!(
        "prices_update",
        sandbox.run(&["prices", "update", "new.toml"])
    );
    assert_eq!(fs::read(&file).unwrap(), fs::read(&data).unwrap());
    insta::assert_snapshot!("prices_ls", sandbox.run(&["prices", "ls", "mine"]));
    insta::assert_snapshot!(
        "prices_json",
        sandbox.run(&["prices", "ls", "mine", "--json"])
    );
    assert!(sandbox.run(&["prices", "ls"]).contains("claude-"));
}

#[test]
fn init_writes_once() {
    let sandbox = Sandbox::with_repository();
    insta::assert_snapshot!("init_first", sandbox.run(&["init"]));
    let written = fs::read(sandbox.repo().join("treeyard.toml")).unwrap();
    insta::assert_snapshot!("init_again", sandbox.run(&["init"]));
    let kept = fs::read(sandbox.repo().join("treeyard.toml")).unwrap();
    assert_eq!(written, kept);
}

#[test]
fn a_fresh_repository() {
    let sandbox = Sandbox::with_repository();
    insta::assert_snapshot!("ls_empty", sandbox.run(&["ls"]));
    insta::assert_snapshot!("config_show", sandbox.run(&["config", "show"]));
    insta::assert_snapshot!("salvage_empty", sandbox.run(&["salvage", "ls"]));
    insta::assert_snapshot!("gc_empty", sandbox.run(&["gc", "--dry-run"]));
    insta::assert_snapshot!("open_unknown", sandbox.run(&["open", "nothing"]));
}

#[test]
fn doctor_finds_nothing_wrong_in_a_fresh_repository() {
    let sandbox = Sandbox::with_repository();
    let text = sandbox.run(&["doctor"]);
    let checks: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("ok ") || line.starts_with("warn "))
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    assert!(text.starts_with("exit 0\n"), "{text}");
    let expected = "git repo config runner disk sandbox artifacts store events worktrees checkout";
    assert_eq!(checks.join(" "), expected, "{text}");
}

#[test]
fn doctor_goes_on_after_a_store_that_cannot_be_opened() {
    let sandbox = Sandbox::with_repository();
    let state = sandbox.repo().join(".git/treeyard");
    fs::create_dir_all(&state).unwrap();
    fs::write(
        state.join("treeyard.db"),
        "not a database at all, but long enough",
    )
    .unwrap();
    let text = sandbox.run(&["doctor"]);
    assert!(text.starts_with("exit 6\n"), "{text}");
    assert!(text.contains("\nfail   store"), "{text}");
    assert!(text.contains("\nok     git"), "{text}");
}

#[test]
fn every_problem_of_a_plan_is_named() {
    let sandbox = Sandbox::with_repository();
    let plan = "[[task]]\nname = \"a b\"\nrun = 3\nfoo = 1\n";
    fs::write(sandbox.repo().join("bad.toml"), plan).unwrap();
    fs::write(
        sandbox.repo().join("good.toml"),
        "[[task]]\nname = \"a\"\nrun = \"true\"\n",
    )
    .unwrap();
    insta::assert_snapshot!("plan_bad", sandbox.run(&["plan", "check", "bad.toml"]));
    let json = ["plan", "check", "bad.toml", "--json"];
    insta::assert_snapshot!("plan_bad_json", sandbox.run(&json));
    insta::assert_snapshot!("plan_good", sandbox.run(&["plan", "check", "good.toml"]));
}

#[test]
fn the_table_of_exit_codes_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/exit-codes.md");
    let expected = exit_codes();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap();
    assert!(found == expected, "run the tests with UPDATE_DOCS=1");
}

#[test]
fn the_reference_of_tools_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tools.md");
    let expected = treeyard::agent::Registry::standard().reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap();
    assert!(found == expected, "run the tests with UPDATE_DOCS=1");
}

#[test]
fn tools_are_told_as_text_and_as_json() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!("tools_ls", sandbox.run(&["tools", "ls"]));
    insta::assert_snapshot!("tools_show", sandbox.run(&["tools", "show", "file.edit"]));
    insta::assert_snapshot!(
        "tools_schema",
        sandbox.run(&["tools", "schema", "file.move"])
    );
    insta::assert_snapshot!("tools_unknown", sandbox.run(&["tools", "show", "file.rm"]));
    let all = sandbox.json(&["tools", "ls"]);
    assert_eq!(
        (&all["schema_version"], &all["kind"]),
        (&1.into(), &"tools".into())
    );
    let one = sandbox.json(&["tools", "show", "file.read"]);
    let tool = &one["tool"];
    assert_eq!(tool["tool_id"], "file.read");
    assert_eq!(tool["input_schema"]["required"][0], "path");
}

fn exit_codes() -> String {
    let exits = [
        (Exit::Ok, "everything asked for was done"),
        (Exit::Failed, "a job, a gate or a check failed"),
        (
            Exit::Usage,
            "the command line, a plan or a configuration file is wrong",
        ),
        (
            Exit::NotFound,
            "there is no such repository, session, artifact or file",
        ),
        (Exit::Conflict, "a merge conflict, or a target that moved"),
        (Exit::Held, "something is held by somebody else"),
        (
            Exit::Damaged,
            "the store or the artifacts are damaged, or from a newer version",
        ),
        (Exit::System, "the machine refused"),
        (Exit::Timeout, "a time limit was reached"),
        (Exit::Interrupted, "interrupted by the person"),
    ];
    let mut text = "# Exit codes\n\nGenerated; a test compares it with the program.\n\n\
                    | Exit | Meaning |\n| --- | --- |\n"
        .to_owned();
    for (exit, meaning) in exits {
        text.push_str(&format!("| {} | {meaning} |\n", exit as u8));
    }
    text.push_str(
        "\n# Codes\n\n| Code | Exit | Meaning | What to do |\n| --- | --- | --- | --- |\n",
    );
    for code in Code::ALL {
        text.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            code.id(),
            code.exit() as u8,
            code.meaning(),
            code.hint()
        ));
    }
    text
}

/// A session as the runner leaves it, with a worktree that holds unsaved work.
fn seed(sandbox: &Sandbox, end: SessionState) -> (SessionId, PathBuf) {
    let mut project = Project::open(&sandbox.repo(), &[]).unwrap();
    let argv = ["true".to_owned()];
    let options = TaskOptions::new("x");
    let spec = single_task(
        "docs",
        Some(&["docs/**".into()]),
        &argv,
        &options,
        &project.settings,
    )
    .unwrap();
    let id = SessionId::new();
    let root = fs::canonicalize(sandbox.root.path())
        .unwrap()
        .join("repo.treeyard");
    let base = project.repo.branch_tip("main").unwrap().unwrap();
    let place = create(&Request {
        repo: &project.repo,
        root: &root,
        name: "docs",
        short_id: &id.short(),
        base: &base,
        isolation: Isolation::Private,
        identity: ("Test", "test@localhost"),
        include: false,
        hooks: None,
    })
    .unwrap();
    fs::write(place.path.join("unsaved.txt"), "work").unwrap();
    let moved = |from, to| Event::SessionMoved {
        from,
        to,
        reason: String::new(),
    };
    let events = [
        Event::SessionCreated {
            plan_id: PlanId::new(),
            spec: Box::new(spec),
            after: vec![],
            branch: place.branch.clone(),
            target: "main".into(),
            auto_land: false,
        },
        Event::WorkspaceReady {
            path: place.path.display().to_string(),
            git_dir: place.git_dir.display().to_string(),
            base,
            method: "checkout".into(),
            took_ms: 1,
        },
        moved(SessionState::Created, SessionState::Active),
        moved(SessionState::Active, end),
    ];
    project
        .store
        .write(|tx| {
            for event in events {
                tx.append(Actor::System, Some(id), event)?;
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
    (id, place.path)
}

#[test]
fn gc_saves_work_before_it_removes_a_worktree() {
    let sandbox = Sandbox::with_repository();
    let (_, path) = seed(&sandbox, SessionState::Failed);
    let opened = sandbox.run(&["open", "docs"]);
    assert!(
        opened.starts_with("exit 0\n--- out\nROOT/repo.treeyard/docs-"),
        "{opened}"
    );

    let shown = sandbox.run(&["show", "docs"]);
    assert!(shown.contains("then treeyard retry "), "{shown}");
    let none = sandbox.run(&["logs", "docs", "--job", "nothing"]);
    assert!(none.starts_with("exit 2"), "{none}");

    let young = sandbox.run(&["gc"]);
    assert!(young.contains("removed 0 worktrees"), "{young}");
    let now = ["gc", "--set", "retention.sessions_days=0"];
    let dry = sandbox.run(&[&now[..], &["--dry-run"]].concat());
    assert!(
        dry.contains("would remove 1 worktree,") && path.exists(),
        "{dry}"
    );
    let done = sandbox.run(&now);
    assert!(
        done.contains("removed 1 worktree,") && !path.exists(),
        "{done}"
    );

    let restored = sandbox.run(&["salvage", "restore", "docs", "--branch", "again"]);
    assert!(restored.starts_with("exit 0"), "{restored}");
    sandbox.git(&["cat-file", "-e", "again:unsaved.txt"]);
    let twice = sandbox.run(&["salvage", "restore", "docs", "--branch", "again"]);
    assert!(twice.starts_with("exit 2"), "{twice}");
    let chain = sandbox.run(&["events", "verify"]);
    assert!(chain.contains("the chain holds"), "{chain}");
}

#[test]
fn gc_leaves_what_runs_and_what_was_changed() {
    let sandbox = Sandbox::with_repository();
    let (_, path) = seed(&sandbox, SessionState::Paused);
    let all = [
        "gc",
        "--set",
        "retention.sessions_days=0",
        "--set",
        "retention.events_days=0",
    ];
    assert!(sandbox.run(&all).contains("removed 0 worktrees, 0 events"));
    assert!(path.exists());

    let sandbox = Sandbox::with_repository();
    let (_, path) = seed(&sandbox, SessionState::Failed);
    fs::write(path.join(".git"), "gitdir: /somewhere/else\n").unwrap();
    let kept = sandbox.run(&all);
    assert!(
        kept.contains("kept") && path.join("unsaved.txt").exists(),
        "{kept}"
    );
    let refused = sandbox.run(&["open", "docs"]);
    assert!(
        refused.starts_with("exit 6") && refused.contains("--yes"),
        "{refused}"
    );
    assert!(
        sandbox
            .run(&["open", "docs", "--yes"])
            .starts_with("exit 0")
    );
    assert!(sandbox.run(&["doctor"]).contains("\nfail   worktrees"));
}

#[test]
fn doctor_takes_a_missing_worktree_off_the_list() {
    let sandbox = Sandbox::with_repository();
    let (_, path) = seed(&sandbox, SessionState::Failed);
    fs::remove_dir_all(&path).unwrap();
    assert!(sandbox.run(&["doctor"]).contains("\nwarn   worktrees"));
    let fixed = sandbox.run(&["doctor", "--fix"]);
    assert!(fixed.contains("\nfixed  worktrees"), "{fixed}");
    let after = sandbox.run(&["doctor"]);
    assert!(after.contains("\nok     worktrees"), "{after}");
    assert!(fs::read_dir(sandbox.repo().join(".git/worktrees")).map_or(0, Iterator::count) == 0);
}

#[test]
fn a_file_is_stored_with_its_origin() {
    let sandbox = Sandbox::with_repository();
    let (session, _) = seed(&sandbox, SessionState::Completed);
    let session = session.to_string();
    let bytes = "x".repeat(3_000_000);
    fs::write(sandbox.repo().join("big.bin"), &bytes).unwrap();
    let put = ["artifacts", "put", "big.bin", "--session", &session];
    let first = sandbox.json(&put);
    assert_eq!(
        (&first["size"], &first["new"]),
        (&3_000_000.into(), &true.into())
    );
    let again = sandbox.json(&put[..3]);
    assert_eq!(
        (&again["hash"], &again["new"]),
        (&first["hash"], &false.into())
    );
    let cat = sandbox.run(&["artifacts", "cat", first["hash"].as_str().unwrap()]);
    assert!(cat == format!("exit 0\n--- out\n{bytes}--- err\n"));
    let rows = sandbox.json(&["artifacts", "ls"]);
    let origin = |n: usize| {
        (
            &rows["artifacts"][n]["kind"],
            &rows["artifacts"][n]["session_id"],
        )
    };
    assert_eq!(origin(0), (&"file".into(), &serde_json::Value::Null));
    assert_eq!(origin(1), (&"file".into(), &session.as_str().into()));
    for (wrong, exit) in [("absent", "exit 3\n"), (".git", "exit 7\n")] {
        let told = sandbox.run(&["artifacts", "put", wrong]);
        assert!(told.starts_with(exit) && told.contains(wrong), "{told}");
    }
}
