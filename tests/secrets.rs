//! Secrets: they reach the task that names them, and nothing that is kept.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::yard::{Yard, eventually, text};

const FROM_ENV: &str = "env-7c1e\"55/secret";
const FROM_FILE: &str = "file-hunter2-and more";
const FROM_PROGRAM: &str = "program-Zq81%xx";
const LINES: &str = "first-line-of-four\nab\nthe-third-line+x\nlast-line-of-them";
/// Mixed enough to be taken for random.
const RANDOM: &str = "x7Qm2Rk9Zt4Lw8Vb1Nc6Hd3Gf5Js0PaYuE7tWq2x";

/// A repository, and a person who has four secrets.
fn yard() -> Yard {
    let yard = Yard::new();
    let home = yard.folder.path().join("home");
    for (name, value) in [("one", FROM_FILE), ("lines", LINES), ("two", FROM_PROGRAM)] {
        let path = home.join(name);
        fs::write(&path, value).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let program = home.join("two").display().to_string();
    let config = format!(
        "[secrets]\nFROM_ENV = {{ env = \"YARD_SECRET\" }}\nFROM_FILE = {{ file = \"~/one\" }}\n\
         LINES = {{ file = \"~/lines\" }}\nFROM_PROGRAM = {{ command = [\"cat\", \"{program}\"] }}\n"
    );
    let settings = home.join("config/treeyard/config.toml");
    let before = fs::read_to_string(&settings).unwrap();
    fs::write(settings, before + &config).unwrap();
    yard
}

/// With the variable that one of the secrets comes from.
fn command(yard: &Yard, args: &[&str]) -> Command {
    let mut command = yard.command(env!("CARGO_BIN_EXE_treeyard"));
    command.env("YARD_SECRET", FROM_ENV).args(args);
    command
}

fn exits(yard: &Yard, code: i32, args: &[&str]) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command(yard, args).output().unwrap();
    let all = text(&stdout) + &text(&stderr);
    assert_eq!(status.code(), Some(code), "{args:?}\n{all}");
    all
}

/// What nobody configured, in a file of the repository that a command prints.
fn patterns() -> Vec<String> {
    let r = RANDOM;
    vec![
        format!("ghp_{}", &r[..36]),
        format!("github_pat_{r}"),
        format!("glpat-{}", &r[..20]),
        format!("xoxb-2048-{r}"),
        format!("sk_live_{}", &r[..24]),
        format!("npm_{}", &r[..36]),
        format!("pypi-AgE{r}{r}"),
        format!("AIza{}", &r[..35]),
        format!("sk-ant-api03-{r}"),
        format!("AKIA{}", r[..16].to_uppercase()),
        format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{r}"),
        format!("Authorization: Bearer {r}"),
        format!("postgres://me:{r}@db/x"),
        format!("aws_secret_access_key = {r}"),
        format!(
            "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
            &r.repeat(2)[..64]
        ),
    ]
}

/// Parts that would be enough to find a secret by.
fn needles() -> Vec<String> {
    let mut all: Vec<String> = [FROM_ENV, FROM_FILE, FROM_PROGRAM, LINES]
        .map(str::to_owned)
        .to_vec();
    all.extend(LINES.lines().filter(|l| l.len() > 8).map(str::to_owned));
    all.extend([&RANDOM[..16], &RANDOM[..16].to_uppercase()].map(str::to_owned));
    for encoded in [
        "ZW52LTdjMWUiNTUvc2Vjcm",
        "ZmlsZS1odW50ZXIyLWFuZCBtb3",
        "file-hunter2-and%20more",
    ] {
        all.push(encoded.to_owned());
    }
    all
}

fn assert_clean(what: &str, bytes: &[u8]) {
    for needle in needles() {
        let found = bytes
            .windows(needle.len())
            .any(|part| part == needle.as_bytes());
        assert!(!found, "{what} has {needle:?}");
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files(&entry.path())),
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found
}

/// Nothing that is kept or shown has any of them.
fn assert_all_clean(yard: &Yard, session: &str) {
    let state = yard.repo().join(".git/treeyard");
    eventually("the jobs' folders go", || {
        files(&state.join("jobs")).is_empty()
    });
    let kept = files(&state);
    assert!(kept.len() > 3);
    for path in kept {
        assert_clean(&path.display().to_string(), &fs::read(&path).unwrap());
    }
    for args in [
        &["events"][..],
        &["--json", "events"],
        &["logs", session],
        &["logs", "--raw", session],
        &["--json", "logs", session],
        &["show", session],
        &["--json", "show", session],
    ] {
        let output = command(yard, args).output().unwrap();
        assert_clean(&format!("{args:?}"), &output.stdout);
        assert_clean(&format!("{args:?}"), &output.stderr);
    }
}

/// The folders by which secrets were passed.
fn passed(yard: &Yard) -> Vec<PathBuf> {
    let is_passed = |path: &PathBuf| path.to_string_lossy().contains("/treeyard/secrets/");
    let mut all = files(yard.folder.path());
    all.retain(is_passed);
    all
}

const PRINTS: &str = r#"
cd "$TREEYARD_SECRETS"
for name in FROM_ENV FROM_FILE FROM_PROGRAM LINES; do
  cat $name; echo; base64 $name; base64 -w0 $name; echo " <- $name"
done
printf 'url file-hunter2-and%%20more json '; sed 's/"/\\"/' FROM_ENV; echo
for name in FROM_FILE FROM_ENV; do
  for byte in $(sed 's/ /_/g; s/./& /g' $name); do printf %s "$byte" | tr _ ' '; sleep 0.01; done; echo
done
cat LINES >&2
cd - > /dev/null; cat planted.txt
echo "the end"
"#;

#[test]
fn planted_secrets_are_nowhere() {
    let yard = yard();
    yard.write("planted.txt", &(patterns().join("\n") + "\n"));
    yard.write("print.sh", PRINTS);
    yard.git(&["add", "-A"]);
    yard.git(&["commit", "-qm", "Planted"]);
    let plan = yard.plan(
        "[[task]]\nname = \"leaky\"\nrun = \"sh print.sh; echo x > new.txt; sleep 1\"\n\
         gate = [\"cat planted.txt\"]\n\
         secrets = [\"FROM_ENV\", \"FROM_FILE\", \"FROM_PROGRAM\", \"LINES\"]\n",
    );
    exits(&yard, 0, &["up"]);
    exits(&yard, 0, &["submit", &plan]);
    let follower = command(&yard, &["logs", "-f", "leaky"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let followed = follower.wait_with_output().unwrap();
    assert_eq!(yard.state_of("leaky"), "COMPLETED");
    assert_clean("logs -f", &followed.stdout);
    exits(&yard, 0, &["land", "leaky"]);
    assert_all_clean(&yard, "leaky");
    assert_eq!(passed(&yard), Vec::<PathBuf>::new());

    let log = exits(&yard, 0, &["logs", "leaky"]);
    for name in [
        "FROM_ENV",
        "FROM_FILE",
        "FROM_PROGRAM",
        "LINES",
        "github-token",
        "jwt",
    ] {
        assert!(
            log.contains(&format!("[redacted:{name}]")),
            "{name}:\n{log}"
        );
    }
    assert!(log.contains("the end"));
    assert!(log.contains("url [redacted:FROM_FILE] json"), "{log}");
    let followed = text(&followed.stdout);
    assert!(log.starts_with(&followed), "{followed}\n---\n{log}");
    let events = exits(&yard, 0, &["events"]);
    assert_eq!(events.matches("FR-EVT-GUARD-002").count(), 1, "{events}");
    assert_eq!(events.matches("FR-EVT-GUARD-003").count(), 2, "{events}");
    exits(&yard, 0, &["down"]);
    yard.sound();
}

#[test]
fn a_task_gets_what_it_names_while_it_runs() {
    let yard = yard();
    let line = "cd $TREEYARD_SECRETS; ls; stat -c %a . *; grep -c hunter2 *; env | grep -c hunter2";
    let args = [
        "run",
        "--name",
        "one",
        "--secret",
        "FROM_FILE",
        "--",
        "sh",
        "-c",
        line,
    ];
    exits(&yard, 1, &args);
    let log = exits(&yard, 0, &["logs", "one"]);
    assert_eq!(log, "FROM_FILE\n700\n400\n1\n0\n");
    assert_eq!(passed(&yard), Vec::<PathBuf>::new());

    let line = "echo \"<$TREEYARD_SECRETS>\"; ! env | grep -q YARD_SECRET";
    exits(&yard, 0, &["run", "--name", "none", "--", "sh", "-c", line]);
    assert_eq!(exits(&yard, 0, &["logs", "none"]), "<>\n");

    let plan = yard.plan(
        "[[task]]\nname = \"gated\"\nrun = \"echo x > x\"\nsecrets = [\"FROM_ENV\"]\n\
         gate = ['test -z \"$TREEYARD_SECRETS\"']\nsetup = ['test -s \"$TREEYARD_SECRETS/FROM_ENV\"']\n",
    );
    exits(&yard, 0, &["run", "--auto-land", &plan]);
    let landed = yard.json(&["show", "gated"])["session"]["landed_commit"].clone();
    assert!(landed.is_string());
    assert_eq!(passed(&yard), Vec::<PathBuf>::new());
}

#[test]
fn what_cannot_be_passed_fails_the_session_by_name() {
    let yard = yard();
    let home = yard.folder.path().join("home");
    fs::write(home.join("two"), "short").unwrap();
    fs::set_permissions(home.join("one"), fs::Permissions::from_mode(0o644)).unwrap();
    for (name, said) in [
        ("FROM_ENV", "no variable YARD_SECRET"),
        ("FROM_FILE", "others may read"),
        ("FROM_PROGRAM", "shorter than 6 bytes"),
    ] {
        let begun = yard.folder.path().join(name);
        let touch = begun.display().to_string();
        let args = [
            "run", "--name", name, "--secret", name, "--", "touch", &touch,
        ];
        yard.exits(7, &args);
        let reason = yard.json(&["show", name])["session"]["reason"].clone();
        let reason = reason.as_str().unwrap();
        assert!(reason.contains("TY-SECRET-MISSING"), "{reason}");
        assert!(reason.contains(name) && reason.contains(said), "{reason}");
        assert!(!begun.exists() && !reason.contains("hunter2"));
    }
    assert_eq!(passed(&yard), Vec::<PathBuf>::new());
    fs::write(home.join("two"), FROM_PROGRAM).unwrap();
    exits(&yard, 0, &["up"]);
    exits(&yard, 0, &["retry", "FROM_PROGRAM"]);
    eventually("it runs", || yard.state_of("FROM_PROGRAM") == "COMPLETED");
    exits(&yard, 0, &["down"]);
    let unknown = yard.treeyard(&["run", "--secret", "FROM_FIL", "--", "true"]);
    let said = text(&unknown.stderr);
    assert_eq!(unknown.status.code(), Some(2), "{said}");
    assert!(
        said.contains("--secret: unknown secret `FROM_FIL`"),
        "{said}"
    );
}

#[test]
fn a_repository_cannot_say_where_secrets_come_from() {
    let yard = yard();
    yard.write(
        "treeyard.toml",
        "[secrets]\nX = { command = [\"touch\", \"/tmp/x\"] }\n",
    );
    let output = yard.treeyard(&["ls"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("treeyard.toml:1:1"), "{said}");
    assert!(said.contains("only be configured in your"), "{said}");
}

fn begin_slow(yard: &Yard, name: &str) {
    let line = "cat $TREEYARD_SECRETS/*; echo; while ! test -e ../../go; do sleep 0.05; done; cat $TREEYARD_SECRETS/*";
    let args = [
        "submit", "--name", name, "--secret", "FROM_ENV", "--secret", "LINES", "--", "sh", "-c",
        line,
    ];
    exits(yard, 0, &args);
    eventually("it prints", || {
        exits(yard, 0, &["logs", name]).contains("[redacted:LINES]")
    });
    assert_eq!(passed(yard).len(), 2);
}

#[test]
fn the_files_go_when_the_session_is_cancelled() {
    let yard = yard();
    exits(&yard, 0, &["up"]);
    begin_slow(&yard, "slow");
    exits(&yard, 0, &["cancel", "slow"]);
    eventually("the files go", || passed(&yard).is_empty());
    assert_all_clean(&yard, "slow");
    exits(&yard, 0, &["down"]);
}

#[test]
fn the_files_go_when_a_later_runner_finds_the_job_ended() {
    let yard = yard();
    for ends_before in [true, false] {
        let name = if ends_before { "before" } else { "after" };
        exits(&yard, 0, &["up"]);
        begin_slow(&yard, name);
        kill_runner(&yard);
        let go = yard.folder.path().join("go");
        if !ends_before {
            exits(&yard, 0, &["up"]);
        }
        fs::write(&go, "").unwrap();
        if ends_before {
            let jobs = yard.repo().join(".git/treeyard/jobs");
            let is_exit = |path: &PathBuf| path.ends_with("exit.json");
            eventually("it ends", || files(&jobs).iter().any(is_exit));
            // The runner that finds it does not have the variable.
            yard.exits(0, &["up"]);
        }
        eventually("it is recorded", || yard.state_of(name) == "COMPLETED");
        eventually("the files go", || passed(&yard).is_empty());
        assert_all_clean(&yard, name);
        let log = exits(&yard, 0, &["logs", name]);
        assert_eq!(log.matches("[redacted:FROM_ENV]").count(), 2, "{log}");
        exits(&yard, 0, &["down"]);
        fs::remove_file(go).unwrap();
    }
}

/// Nobody knows what to take out: neither the job's folder nor the environment says it any more.
#[test]
fn output_that_may_hold_an_unknown_secret_is_withheld() {
    let yard = yard();
    exits(&yard, 0, &["up"]);
    let begun = yard.folder.path().join("begun");
    let line = format!(
        "cat $TREEYARD_SECRETS/*; find $TREEYARD_SECRETS -delete; touch {}; while ! test -e ../../go; do sleep 0.05; done",
        begun.display()
    );
    let args = [
        "submit", "--name", "wild", "--secret", "FROM_ENV", "--", "sh", "-c", &line,
    ];
    exits(&yard, 0, &args);
    eventually("it begins", || begun.exists());
    let shown = yard.treeyard(&["logs", "wild"]);
    assert_eq!(
        (shown.status.code(), text(&shown.stdout)),
        (Some(7), String::new())
    );
    assert!(text(&shown.stderr).contains("no variable YARD_SECRET"));
    kill_runner(&yard);
    yard.exits(0, &["up"]);
    fs::write(yard.folder.path().join("go"), "").unwrap();
    eventually("it ends", || yard.state_of("wild") == "COMPLETED");
    assert_all_clean(&yard, "wild");
    let log = exits(&yard, 0, &["logs", "wild"]);
    assert!(log.contains("may hold a secret, and was not kept"), "{log}");
    exits(&yard, 0, &["down"]);
}

fn kill_runner(yard: &Yard) {
    let owner = treeyard::proc::runner_owner(&yard.repo().join(".git/treeyard")).unwrap();
    let killed = Command::new("kill")
        .args(["-9", &owner.pid.to_string()])
        .status();
    assert!(killed.unwrap().success());
    eventually("the runner is gone", || !owner.is_alive());
}
