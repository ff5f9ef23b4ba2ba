//! What lands is proved from the commits: what must not land from anybody is refused with its commit
//! and path, and nothing that a session wrote beside its commits is believed.

use std::fs;
use std::path::PathBuf;

use crate::yard::{UNCONFINED, Yard, text};

#[path = "proof/planted.rs"]
mod planted;

const LINKED: [&str; 4] = [
    "--set",
    "worktrees.isolation=linked",
    UNCONFINED[0],
    UNCONFINED[1],
];

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

/// It has completed, and lands.
fn lands(yard: &Yard) {
    assert_eq!(yard.state_of("w"), "COMPLETED", "{}", shown(yard, "reason"));
    yard.exits(0, &["land", "w"]);
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

/// What is like it and harms nobody lands, also out of a session that was refused before.
#[test]
fn what_is_put_right_lands() {
    let yard = Yard::new();
    run(&yard, BAD[0].0, &[]);
    is_refused(&yard, BAD[0].1, BAD[0].2);
    // To take it out in a commit of its own leaves it in the history.
    inside(&yard, &["rm", "-q", "d/out"]);
    inside(&yard, &["commit", "-qm", "undo"]);
    assert_eq!(yard.treeyard(&["land", "w"]).status.code(), Some(6));
    inside(&yard, &["reset", "-q", "--soft", "HEAD~2"]);
    fs::create_dir_all(place(&yard).join("d")).unwrap();
    std::os::unix::fs::symlink("../src/lib.txt", place(&yard).join("d/in")).unwrap();
    yard.exits(0, &["land", "w"]);
    assert_eq!(
        fs::read_to_string(yard.repo().join("d/in")).unwrap(),
        "one\ntwo\nthree\n"
    );
    yard.sound();

    // What was not even taken in.
    let yard = Yard::new();
    run(&yard, EVIL, &[]);
    inside(&yard, &["update-ref", "HEAD", "HEAD~1"]);
    inside(&yard, &["commit", "-q", "--allow-empty", "-m", "nothing"]);
    fs::write(place(&yard).join("new"), "new\n").unwrap();
    yard.exits(0, &["land", "w"]);
    assert!(yard.repo().join("new").exists());
    yard.sound();
}

#[test]
fn a_refused_entry_beyond_the_scope_stays_out_and_the_rest_lands() {
    let yard = Yard::new();
    run(
        &yard,
        "mkdir d; echo in > d/a; ln -s /etc out",
        &["--scope", "d/**"],
    );
    assert_eq!(yard.state_of("w"), "BLOCKED");
    yard.exits(0, &["land", "w", "--only-in-scope"]);
    assert!(yard.repo().join("d/a").exists());
    assert!(yard.repo().join("out").symlink_metadata().is_err());
    // Within the scope it stays out of everything.
    let yard = Yard::new();
    run(&yard, BAD[0].0, &["--scope", "d/**"]);
    assert_eq!(
        yard.treeyard(&["land", "w", "--only-in-scope"])
            .status
            .code(),
        Some(6)
    );
}

/// What did not land is a person's to look at, whatever it is.
#[test]
fn work_that_would_be_refused_is_saved_all_the_same() {
    let yard = Yard::new();
    let line = "ln -s /etc/hosts abs; echo 1 > A; echo 2 > a; exit 1";
    let run = yard.treeyard(&["run", "--name", "w", "--", "sh", "-c", line]);
    assert_eq!(run.status.code(), Some(1));
    yard.exits(0, &["gc", "--set", "retention.sessions_days=0"]);
    yard.exits(0, &["salvage", "restore", "w", "--branch", "back"]);
    assert_eq!(yard.git(&["show", "back:abs"]), "/etc/hosts");
    assert_eq!(yard.git(&["show", "back:A"]), "1\n");
}

/// As repositories are: links that lead out, two names for one file, odd names, submodules.
fn full_of_them() -> Yard {
    let yard = Yard::new();
    let root = yard.repo();
    for (to, at) in [
        ("/etc/hostname", "abs"),
        ("../../up", "up"),
        (".git/config", "config"),
    ] {
        std::os::unix::fs::symlink(to, root.join(at)).unwrap();
    }
    for name in [
        "x/xt_MARK.h",
        "x/xt_mark.h",
        "caf\u{e9}",
        "cafe\u{301}",
        "a\nb",
        "b\\c",
    ] {
        yard.write(name, "1\n");
    }
    yard.git(&["clone", "-q", ".", "../sub"]);
    yard.git(&["init", "-q", "nested"]);
    yard.git(&["-C", "nested", "commit", "-q", "--allow-empty", "-m", "n"]);
    yard.git(&["-c", "advice.addEmbeddedRepo=false", "add", "-A"]);
    let url = yard.folder.path().join("sub").display().to_string();
    yard.git(&["-c", FILES, "submodule", "--quiet", "add", &url, "sub"]);
    yard.git(&["commit", "-qm", "All of them"]);
    yard
}

const FILES: &str = "protocol.file.allow=always";

#[test]
fn what_the_repository_has_hinders_nobody() {
    for more in [&[][..], &LINKED] {
        let yard = full_of_them();
        let line = "echo 2 >> x/xt_MARK.h; echo 2 >> \"$(printf 'a\\nb')\"; echo n > x/n; echo n > n; \
                    rm up; git mv README.md read.md; git commit -qam one; echo 3 >> x/xt_mark.h";
        run(&yard, line, more);
        lands(&yard);
        assert_eq!(
            fs::read_to_string(yard.repo().join("x/xt_mark.h")).unwrap(),
            "1\n3\n"
        );
        assert!(yard.repo().join("up").symlink_metadata().is_err());
        yard.sound();
    }
}

/// A session that takes in what a person did on the target has not done it.
#[test]
fn what_comes_with_the_target_is_not_the_sessions() {
    let yard = Yard::new();
    run(&yard, "mkdir d; echo in > d/a", &["--scope", "d/**"]);
    std::os::unix::fs::symlink("/etc/hostname", yard.repo().join("abs")).unwrap();
    yard.git(&["add", "-A"]);
    yard.git(&["commit", "-qm", "A link"]);
    let target = yard.git(&["rev-parse", "main"]);
    inside(&yard, &["merge", "-q", "-m", "merge", target.trim()]);
    yard.exits(0, &["land", "w"]);
    // Also when it does so while it runs.
    let line = "ln -s /etc/hosts ../../repo/more; git -C ../../repo add more; git -C ../../repo commit -qm more; \
                mkdir e; echo > e/a; git add e; git commit -qm e; git merge -q -m merge $(git -C ../../repo rev-parse main)";
    let run = ["run", "--name", "x", "--scope", "e/**"];
    yard.exits(
        0,
        &[&run[..], &UNCONFINED, &["--", "sh", "-ec", line]].concat(),
    );
    assert_eq!(yard.state_of("x"), "COMPLETED");
    yard.exits(0, &["land", "x"]);
    yard.sound();
}

#[test]
fn a_submodule_is_added_with_its_declaration_and_moved_without() {
    let yard = full_of_them();
    let other = yard.git(&[
        "-C",
        "../sub",
        "commit-tree",
        "HEAD^{tree}",
        "-p",
        "HEAD",
        "-m",
        "two",
    ]);
    let other = other.trim();
    let line = format!(
        "git update-index --cacheinfo 160000,{other},sub; mkdir more; \
         git config -f .gitmodules submodule.more.path more; \
         git config -f .gitmodules submodule.more.url https://example.org/more; \
         git update-index --add --cacheinfo 160000,{other},more; git add .gitmodules; git commit -qm both"
    );
    run(&yard, &line, &[]);
    lands(&yard);
    for path in ["sub", "more"] {
        assert_eq!(
            yard.git(&["rev-parse", &format!("main:{path}")]).trim(),
            other
        );
    }
    // The submodule in the checkout is where it was, as after a pull.
    assert!(yard.repo().join("sub/README.md").exists() && yard.repo().join("more").is_dir());
}

#[test]
fn history_that_has_nothing_in_common_is_refused() {
    let apart = "git checkout -q --orphan other; git commit -qm apart; \
                 git update-ref refs/heads/BRANCH HEAD; git symbolic-ref HEAD refs/heads/BRANCH";
    let line = format!(
        "branch=$(git symbolic-ref --short HEAD); {}",
        apart.replace("BRANCH", "$branch")
    );
    for more in [&[][..], &LINKED] {
        let yard = Yard::new();
        run(&yard, &line, more);
        assert_eq!(yard.state_of("w"), "BLOCKED", "{more:?}");
        let reason = shown(&yard, "reason");
        let tip = inside(&yard, &["rev-parse", "HEAD"])[..10].to_owned();
        assert!(
            reason.contains("nothing in common") && reason.contains(&tip),
            "{reason}"
        );
        assert_eq!(yard.treeyard(&["land", "w"]).status.code(), Some(6));
    }
}
