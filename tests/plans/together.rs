//! Foreground runs that wait for another one, or for a person.

use std::process::{Child, Stdio};

use super::{Yard, eventually};

fn start(yard: &Yard, args: &[&str]) -> Child {
    yard.command(env!("CARGO_BIN_EXE_treeyard"))
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn exit_of(mut child: Child, what: &str) -> i32 {
    eventually(what, || child.try_wait().unwrap().is_some());
    child.wait().unwrap().code().unwrap()
}

/// A shell line that says it began, and ends when `go` is there.
fn until_go(yard: &Yard) -> String {
    let folder = yard.folder.path().display();
    format!("touch {folder}/began; until test -e {folder}/go; do sleep 0.05; done")
}

fn go(yard: &Yard) {
    std::fs::write(yard.folder.path().join("go"), "").unwrap();
}

#[test]
fn a_run_takes_over_when_the_runner_it_followed_was_another_runs() {
    let yard = Yard::new();
    let first = start(
        &yard,
        &[
            "run",
            "--name",
            "a",
            "--scope",
            "./a",
            "--",
            "sh",
            "-c",
            &until_go(&yard),
        ],
    );
    eventually("it runs", || yard.folder.path().join("began").exists());
    let once = yard.folder.path().join("once");
    let plan = yard.plan(&format!(
        "[[task]]\nname = \"b\"\nscope = [\"./b\"]\nrun = \"mkdir {} && exit 1; true\"\n\
         retries = {{ max = 1, backoff = \"fixed\", delay = \"3s\" }}\n",
        once.display()
    ));
    let second = start(&yard, &["run", &plan]);
    // The second attempt waits for three seconds, and holds no slot meanwhile.
    eventually("the first attempt ends", || once.exists());
    go(&yard);
    assert_eq!(exit_of(first, "the first run ends"), 0);
    assert_eq!(exit_of(second, "the second run ends too"), 0);
    assert_eq!(yard.state_of("b"), "COMPLETED");
    yard.sound();
}

#[test]
fn a_run_ends_when_a_chain_waits_for_a_person() {
    let yard = Yard::new();
    let plan = yard.plan(&format!(
        "[[task]]\nname = \"a\"\nrun = \"{}; echo > x\"\n\
         [[task]]\nname = \"b\"\nrun = \"true\"\nafter = [\"a\"]\n\
         [[task]]\nname = \"c\"\nrun = \"true\"\nafter = [\"b\"]\n",
        until_go(&yard)
    ));
    let run = start(&yard, &["run", &plan]);
    eventually("it runs", || yard.folder.path().join("began").exists());
    yard.exits(0, &["pause", "a"]);
    go(&yard);
    exit_of(run, "the run ends");
    assert_eq!(yard.state_of("a"), "PAUSED");
    assert_eq!(yard.state_of("c"), "CREATED");
}
