//! What lands is proved from the commits: what must not land from anybody is refused with its commit
//! and path, and nothing that a session wrote beside its commits is believed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::yard::{Yard, text};

const LINKED: [&str; 2] = ["--set", "worktrees.isolation=linked"];

/// Runs the line as a task, without hooks in its way.
fn run(yard: &Yard, line: &str, more: &[&str]) {
    let off = "GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0=/dev/null";
    let line = format!("export {off}; {line}");
    let args = ["run", "--name", "w"].iter().chain(more).copied();
    let args: Vec<&str> = args.chain(["--", "sh", "-ec", &line]).collect();
    let output = yard.treeyard(&args);
    let logs = || yard.exits(0, &["logs", "w"]);
    assert_ne!(
        yard.state_of("w"),
        "FAILED",
        "{} {}",
        logs(),
        text(&output.stderr)
    );
}

fn shown(yard: &Yard, key: &str) -> String {
    yard.json(&["show", "w"])["session"][key]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn place(yard: &Yard) -> PathBuf {
    PathBuf::from(yard.exits(0, &["open", "w"]).trim())
}

/// Git in the session's worktree.
fn inside(yard: &Yard, args: &[&str]) -> String {
    let all = [&["-c", "core.hooksPath=/dev/null"], args].concat();
    let output = yard
        .command("git")
        .current_dir(place(yard))
        .args(all)
        .output();
    let output = output.unwrap();
    assert!(output.status.success(), "{args:?} {}", text(&output.stderr));
    text(&output.stdout).trim_end().to_owned()
}

/// The session is blocked with what is wrong at `path` in the commit at its tip, the target is where
/// it was, and a landing is refused for the same reason.
fn is_refused(yard: &Yard, path: &str, what: &str) {
    let commit = inside(yard, &["rev-parse", "HEAD"])[..10].to_owned();
    let reason = shown(yard, "reason");
    for part in ["TY-IMPORT-REFUSED", path, what, &commit] {
        assert!(reason.contains(part), "no {part} in: {reason}");
    }
    assert_eq!(yard.state_of("w"), "BLOCKED");
    let main = yard.git(&["rev-parse", "main"]);
    let refused = yard.treeyard(&["land", "w"]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(6), "{said}");
    assert!(
        said.contains(path) && said.contains("treeyard open"),
        "{said}"
    );
    assert_eq!(yard.git(&["rev-parse", "main"]), main);
    assert_eq!(yard.git(&["status", "--porcelain"]), "");
}

/// What a session does, the path that is named and what is said of it.
const BAD: [(&str, &str, &str); 6] = [
    (
        "mkdir d; ln -s /etc/passwd d/out",
        "d/out",
        "leaves the repository",
    ),
    (
        "mkdir -p d/e; ln -s ../../.git/config d/e/in",
        "d/e/in",
        "git directory",
    ),
    (
        "mkdir d; echo 1 > d/read; echo 2 > d/READ",
        "d/",
        "the same file",
    ),
    (
        "mkdir d; printf 'e\\314\\201' > d/x; touch \"d/$(cat d/x)\" \"d/$(printf '\\303\\251')\"",
        "d/",
        "the same file",
    ),
    (
        "git init -q d/sub; cd d/sub; git commit -q --allow-empty -m s; cd ../..; git add d; git commit -qm nested",
        "d/sub",
        "no submodule",
    ),
    (
        "mkdir d; echo > \"$(printf 'd/a\\033b')\"",
        "d/a",
        "control characters",
    ),
];

#[test]
fn what_harms_other_checkouts_does_not_land() {
    for (n, (line, path, what)) in BAD.into_iter().enumerate() {
        let scoped = ["--scope", "d/**"];
        let more: &[&str] = if n % 2 == 0 { &[] } else { &scoped };
        let yard = Yard::new();
        run(&yard, line, more);
        is_refused(&yard, path, what);
        yard.sound();
    }
}

/// Git itself writes such a tree, and refuses to check it out.
const EVIL: &str = "tree=$(printf '100644 blob %s\\t.GIT\\n' $(git rev-parse HEAD:README.md) | git mktree); \
                    git update-ref HEAD $(git commit-tree $tree -p HEAD -m evil)";

const ODD_MODE: &str = "printf '100664 a\\0%s' 12345678901234567890 > .raw; \
                        tree=$(git hash-object -t tree -w --literally .raw); rm .raw; \
                        git update-ref HEAD $(git commit-tree $tree -p HEAD -m odd)";

#[test]
fn what_git_would_not_write_is_not_even_taken_in() {
    for (line, path, what) in [
        (EVIL, ".GIT", "refuses to check out"),
        (ODD_MODE, "a", "unusual mode 100664"),
    ] {
        let yard = Yard::new();
        run(&yard, line, &[]);
        is_refused(&yard, path, what);
        let branch = shown(&yard, "branch");
        assert_eq!(
            yard.git(&["rev-parse", &branch]),
            yard.git(&["rev-parse", "main"])
        );
        yard.sound();
    }
}

/// There, commits are in the repository without an import.
#[test]
fn it_does_not_land_from_a_linked_worktree_either() {
    for (line, path, what) in [BAD[0], BAD[4], (EVIL, ".GIT", "refuses to check out")] {
        let yard = Yard::new();
        run(&yard, line, &LINKED);
        is_refused(&yard, path, what);
    }
}
