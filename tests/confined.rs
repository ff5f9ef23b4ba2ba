//! What a person sees of the sandbox: what is needed, what is let through, and what was changed.

use std::process::Output;

use serde_json::{Value, json};

use crate::yard::{Yard, text};

/// Treeyard on a machine that lacks namespaces: inside of a sandbox there are no new ones.
fn without_namespaces(yard: &Yard, args: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_treeyard");
    let entry = json!({
        "program": program, "cwd": yard.repo(), "refused": null,
        "confinement": {
            "system": [], "hidden": [], "read": [], "write": ["/"], "tmp": null,
            "view": "whole", "network": "open",
            "limits": { "cpu_seconds": null, "file_bytes": null, "open_files": null },
        },
    });
    let mut command = yard.command(program);
    command.args(["__confined", &entry.to_string(), "treeyard"]);
    command.args(args).output().unwrap()
}

#[test]
fn a_machine_is_asked_for_what_it_has() {
    let yard = Yard::new();
    let found = yard.json(&["sandbox", "probe"]);
    assert_eq!(found["asked"], "standard");
    assert_ne!(found["level"], "none", "{found}");
    let less = without_namespaces(&yard, &["--json", "sandbox", "probe"]);
    let less: Value = serde_json::from_slice(&less.stdout).unwrap();
    assert_eq!(less["level"], "standard", "{less}");
    assert!(
        less["gaps"].as_array().unwrap().len() > found["gaps"].as_array().unwrap().len()
            || found["level"] == "standard"
    );
}

/// Fail closed: what is asked for is there, or nothing runs.
#[test]
fn a_level_that_is_not_reached_runs_nothing() {
    let yard = Yard::new();
    let strict = ["--set", "sandbox.level=strict"];
    let run = ["run", "--name", "s", "--", "touch", "ran"];
    let refused = without_namespaces(&yard, &[&strict[..], &run].concat());
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(7), "{said}");
    assert!(
        said.contains("TY-SANDBOX-UNREACHED") && said.contains("namespaces"),
        "{said}"
    );
    assert!(
        said.contains("`sandbox.level = \"standard\"` is reached here"),
        "{said}"
    );
    assert_eq!(yard.state_of("s"), "", "nothing is queued");
    let looked = without_namespaces(&yard, &[&strict[..], &["doctor"]].concat());
    let looked = text(&looked.stdout);
    assert!(
        looked.contains("nothing is run without the sandbox"),
        "{looked}"
    );
    let done = without_namespaces(&yard, &run);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert_eq!(yard.state_of("s"), "COMPLETED");
}

#[test]
fn a_task_runs_without_for_a_reason_that_everybody_sees() {
    let yard = Yard::new();
    let free = ["run", "--name", "free", "--no-sandbox", "it mounts", "--"];
    let outside = yard.folder.path().join("repo/../repo/outside");
    let line = format!("echo > {}", outside.display());
    let ran = yard.treeyard(&[&free[..], &["sh", "-c", &line]].concat());
    assert!(
        ran.status.success() && outside.exists(),
        "{}",
        text(&ran.stderr)
    );
    assert!(yard.exits(0, &["ls", "--all"]).contains("no sandbox; "));
    assert!(yard.exits(0, &["show", "free"]).contains("none: it mounts"));
    let told = yard.events("FR-EVT-GUARD-004");
    assert_eq!(told[0]["data"]["reason"], "it mounts");
    assert_eq!(told[0]["actor"], "human");
    yard.exits(
        2,
        &["run", "--name", "x", "--no-sandbox", " ", "--", "true"],
    );
    for (sandbox, said) in [
        ("\"none\"", "needs a reason"),
        ("{ level = \"none\" }", "needs a reason"),
        (
            "{ level = \"strict\", reason = \"x\" }",
            "only ask for the level \"none\"",
        ),
    ] {
        let task = format!("[[task]]\nname = \"a\"\nrun = \"true\"\nsandbox = {sandbox}\n");
        let refused = yard.treeyard(&["plan", "check", &yard.plan(&task)]);
        let told = text(&refused.stderr).replace("\n  ", " ");
        assert!(
            refused.status.code() == Some(2) && told.contains(said),
            "{told}"
        );
    }
    let off = yard.treeyard(&["--set", "sandbox.level=none", "run", "--", "true"]);
    assert!(text(&off.stderr).contains("no setting turns the sandbox off"));
    yard.sound();
}

/// It is told once, and whoever goes there is told again.
#[test]
fn a_changed_git_directory_is_set_apart() {
    let yard = Yard::new();
    let line = "git config core.pager ./evil; echo one > one; git add -A; git commit -qm one";
    let ran = yard.treeyard(&["run", "--name", "c", "--", "sh", "-c", line]);
    assert!(ran.status.success());
    let what = "its git configuration was changed";
    assert!(text(&ran.stderr).contains(what), "{}", text(&ran.stderr));
    assert_eq!(yard.events("FR-EVT-WORKSPACE-005")[0]["data"]["what"], what);
    yard.exits(6, &["open", "c"]);
    yard.exits(0, &["open", "--yes", "c"]);
    yard.exits(0, &["land", "c"]);
    yard.sound();
}

/// Its home and its temporary files are its own, and go with it.
#[test]
fn a_session_has_a_home_of_its_own() {
    let yard = Yard::new();
    std::fs::write(yard.folder.path().join("home/.netrc"), "secret").unwrap();
    let line = "cat ~/.netrc; echo mine > ~/.mine; mktemp > one; ls -A ~ > two; echo $HOME > three";
    yard.exits(0, &["run", "-q", "--name", "h", "--", "sh", "-c", line]);
    let place = std::path::PathBuf::from(yard.exits(0, &["open", "h"]).trim_end());
    let read = |name: &str| std::fs::read_to_string(place.join(name)).unwrap();
    assert!(read("two").contains(".mine") && !read("two").contains(".netrc"));
    assert!(!yard.exits(0, &["logs", "h"]).contains("secret"));
    assert!(!yard.folder.path().join("home/.mine").exists());
    yard.exits(0, &["land", "h"]);
    assert!(!std::path::Path::new(read_landed(&yard).trim()).exists());
}

fn read_landed(yard: &Yard) -> String {
    yard.git(&["show", "main:three"])
}

/// For those who want it tighter: what its patterns name is all that it can change.
#[test]
fn a_session_may_be_narrowed_to_its_scope() {
    let yard = Yard::confined();
    let line = "mkdir -p docs/new && echo 1 > docs/new/a; echo 1 > src/b; echo 1 > c; git add docs; git commit -qm docs; true";
    let narrow = [
        "--set",
        "sandbox.narrow=true",
        "run",
        "--name",
        "n",
        "--scope",
    ];
    yard.exits(
        0,
        &[&narrow[..], &["docs/**", "--", "sh", "-c", line]].concat(),
    );
    let place = std::path::PathBuf::from(yard.exits(0, &["open", "n"]).trim_end());
    assert!(place.join("docs/new/a").exists());
    assert!(!place.join("src/b").exists() && !place.join("c").exists());
    assert_eq!(yard.state_of("n"), "COMPLETED");
    yard.exits(0, &["land", "n"]);
}
