//! A person's own hooks, behind treeyard's.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// What a hook writes down: its name, arguments, folder, and what it could read.
const TELLS: &str = "#!/bin/sh\n\
    { printf '%s' \"${0##*/}\"; printf ' <%s>' \"$@\"; echo; \
    case ${0##*/} in reference-transaction|pre-push|post-rewrite) sed 's/^/  /';; esac; } >> \"$TELL\"\n";

fn program(path: &Path, text: &str) {
    use std::io::Write;
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    // Written by another process: a child that another test starts right now would keep a file of
    // this one open, and it could not be run.
    let mut shell = std::process::Command::new("sh");
    shell
        .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
        .arg(path);
    let mut shell = shell.stdin(std::process::Stdio::piped()).spawn().unwrap();
    shell
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    assert!(shell.wait().unwrap().success());
}

/// Every file below a folder with its content and mode.
fn snapshot(dir: &Path) -> Vec<(PathBuf, u32, Vec<u8>)> {
    let mut found = Vec::new();
    let mut left = vec![dir.to_owned()];
    while let Some(next) = left.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten().flatten() {
            let path = entry.path();
            let meta = std::fs::symlink_metadata(&path).unwrap();
            if meta.is_dir() {
                left.push(path);
            } else {
                let text = std::fs::read(&path).unwrap_or_default();
                found.push((path, meta.permissions().mode(), text));
            }
        }
    }
    found.sort();
    found
}

/// What the hooks of this person tell during a few commands.
fn told(yard: &Yard, round: &str) -> String {
    let tell = yard.folder.path().join("tell");
    let _none_yet = std::fs::remove_file(&tell);
    let git = |args: &[&str]| {
        let mut git = yard.command("git");
        git.env("TELL", &tell)
            .env("GIT_AUTHOR_DATE", "@1700000000 +0000");
        git.env("GIT_COMMITTER_DATE", "@1700000000 +0000");
        let done = git.args(args).output().unwrap();
        assert!(done.status.success(), "{args:?}: {}", text(&done.stderr));
    };
    let remote = yard.folder.path().join(format!("remote-{round}.git"));
    git(&["init", "-q", "--bare", remote.to_str().unwrap()]);
    git(&["switch", "-q", "-C", "work", "main"]);
    yard.write("src/new.txt", "new\n");
    git(&["add", "-A"]);
    git(&["commit", "-qm", "new"]);
    git(&["commit", "-q", "--amend", "-m", "newer"]);
    git(&["push", "-q", remote.to_str().unwrap(), "work"]);
    git(&["switch", "-q", "main"]);
    git(&["merge", "-q", "--no-ff", "-m", "m", "work"]);
    git(&["reset", "-q", "--hard", "HEAD^"]);
    git(&["branch", "-q", "-D", "work"]);
    let said = std::fs::read_to_string(&tell).unwrap();
    // How often git writes its index depends on the clock.
    let index = "post-index-change";
    assert!(said.contains(index));
    let said = said.replace(&format!("remote-{round}"), "remote");
    let lines = said.lines().filter(|line| !line.starts_with(index));
    lines.map(|line| format!("{line}\n")).collect()
}

const NAMES: [&str; 11] = [
    "pre-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "pre-merge-commit",
    "post-merge",
    "post-checkout",
    "post-rewrite",
    "pre-push",
    "reference-transaction",
    "post-index-change",
];

/// Installs in front of what is there, finds everything told as before, and leaves no trace.
fn chained(yard: &Yard, hooks: &Path) {
    yard.exits(0, &["ls"]);
    let config = yard.repo().join(".git/config");
    let before = (std::fs::read(&config).unwrap(), snapshot(hooks));
    let usual = told(yard, "one");
    assert!(usual.contains("pre-push <"), "{usual}");
    yard.exits(0, &["hooks", "install"]);
    yard.exits(0, &["hooks", "install"]);
    assert_eq!(yard.json(&["hooks", "status"])["active"], true);
    assert!(told(yard, "two") == usual);
    assert_eq!(snapshot(hooks), before.1);
    yard.exits(0, &["hooks", "uninstall"]);
    assert_eq!(std::fs::read(&config).unwrap(), before.0);
    assert_eq!(snapshot(hooks), before.1);
    assert!(!yard.repo().join(".git/treeyard/hooks/checkout").exists());
    yard.exits(3, &["hooks", "uninstall"]);
    assert!(told(yard, "three") == usual);
}

#[test]
fn plain_hooks_run_as_before_with_all_they_are_given() {
    let yard = Yard::new();
    let hooks = yard.repo().join(".git/hooks");
    NAMES
        .iter()
        .for_each(|name| program(&hooks.join(name), TELLS));
    chained(&yard, &hooks);
}

#[test]
fn an_existing_hooks_path_runs_as_before() {
    let yard = Yard::new();
    let hooks = yard.folder.path().join("it's my hooks");
    NAMES
        .iter()
        .for_each(|name| program(&hooks.join(name), TELLS));
    yard.git(&["config", "core.hooksPath", hooks.to_str().unwrap()]);
    chained(&yard, &hooks);
}

#[test]
fn a_hooks_path_of_the_persons_own_configuration_runs_as_before() {
    let yard = Yard::new();
    let hooks = yard.folder.path().join("home/hooks");
    NAMES
        .iter()
        .for_each(|name| program(&hooks.join(name), TELLS));
    yard.git(&["config", "--global", "core.hooksPath", "~/hooks"]);
    chained(&yard, &hooks);
}

/// Husky's layout: a relative path, small scripts, and a shared one that looks beside itself.
#[test]
fn the_layout_of_husky_runs_as_before() {
    let yard = Yard::new();
    let hooks = yard.repo().join(".husky");
    for name in NAMES {
        program(
            &hooks.join("_").join(name),
            "#!/usr/bin/env sh\n. \"$(dirname \"$0\")/h\"\n",
        );
        let own = hooks.join(name);
        std::fs::write(&own, TELLS.replace("${0##*/}", name)).unwrap();
    }
    let shared = "#!/usr/bin/env sh\nn=$(basename \"$0\")\ns=$(dirname \"$(dirname \"$0\")\")/$n\n\
                  [ ! -f \"$s\" ] && exit 0\nsh -e \"$s\" \"$@\"\nexit $?\n";
    program(&hooks.join("_/h"), shared);
    std::fs::write(yard.repo().join(".git/info/exclude"), ".husky\n").unwrap();
    yard.git(&["config", "core.hooksPath", ".husky/_"]);
    chained(&yard, &hooks);
}

/// What lefthook and pre-commit write: a script that finds its program by its own place.
#[test]
fn generated_scripts_run_as_before() {
    let yard = Yard::new();
    let hooks = yard.repo().join(".git/hooks");
    let manager = yard.folder.path().join("home/manager");
    program(&manager, &TELLS.replace("${0##*/}", "$HOOK"));
    let generated = format!(
        "#!/usr/bin/env bash\nHERE=\"$(cd \"$(dirname \"$0\")\" && pwd)\"\n\
         [ \"$HERE\" = '{}' ] || exit 9\nHOOK=$(basename \"$0\") exec '{}' \"$@\"\n",
        hooks.canonicalize().unwrap().display(),
        manager.display()
    );
    NAMES
        .iter()
        .for_each(|name| program(&hooks.join(name), &generated));
    chained(&yard, &hooks);
}

#[test]
fn their_exit_codes_count_and_a_refusal_comes_first() {
    let yard = Yard::new();
    let place = Place::new(&yard, &yard.repo());
    let tell = yard.folder.path().join("tell");
    let hook = yard.repo().join(".git/hooks/pre-commit");
    program(
        &hook,
        &format!("#!/bin/sh\necho own >> '{}'\nexit 7\n", tell.display()),
    );
    yard.exits(0, &["hooks", "install"]);
    place.write("src/lib.txt", "mine\n");
    assert!(!place.try_git(&["commit", "-qam", "x"]).status.success());
    assert!(tell.exists());
    let run = yard.repo().join(".git/treeyard/hooks/checkout/pre-commit");
    let code = |path: &Path| yard.command(path).status().unwrap().code();
    assert_eq!((code(&run), code(&hook)), (Some(7), Some(7)));

    std::fs::remove_file(&tell).unwrap();
    Place::of_session(&yard, "src", &["src/**"]);
    place.refused(HELD, &["commit", "-qam", "x"]);
    assert!(!tell.exists());

    // One that came later runs too, from where it is; one that is switched off does not.
    let hooks = yard.repo().join(".git/hooks").canonicalize().unwrap();
    let late = format!(
        "#!/bin/sh\n[ \"${{0%/*}}\" = '{}' ] && echo late >> '{}'\n",
        hooks.display(),
        tell.display()
    );
    program(&hooks.join("post-commit"), &late);
    yard.exits(0, &["hooks", "status"]);
    std::fs::set_permissions(&hook, PermissionsExt::from_mode(0o644)).unwrap();
    place.git(&["commit", "-q", "--allow-empty", "-m", "x"]);
    assert_eq!(std::fs::read_to_string(&tell).unwrap(), "late\n");
    yard.exits(0, &["hooks", "status"]);
}

/// Git waits for each.
#[test]
fn hooks_with_nothing_behind_them_start_no_process() {
    let yard = Yard::new();
    yard.exits(0, &["hooks", "install"]);
    let started = || {
        let trace = yard.folder.path().join("trace");
        let _none_yet = std::fs::remove_file(&trace);
        let mut git = yard.command("git");
        git.env("GIT_TRACE2_EVENT", &trace);
        git.args(["commit", "-q", "--allow-empty", "-m", "x"]);
        assert!(git.status().unwrap().success());
        let events = std::fs::read_to_string(&trace).unwrap();
        let events = events.lines().filter(|line| line.contains("child_start"));
        let name = |line: &str| {
            let (_, hook) = line.split_once("\"hook_name\":\"")?;
            Some(hook.split_once('"')?.0.to_owned())
        };
        events.filter_map(name).collect::<BTreeSet<_>>()
    };
    let deciding = ["prepare-commit-msg", "reference-transaction"].map(str::to_owned);
    assert_eq!(started(), BTreeSet::from(deciding.clone()));
    let own = yard.repo().join(".git/hooks/post-commit");
    program(&own, "#!/bin/sh\n");
    let and_own = deciding.into_iter().chain(["post-commit".to_owned()]);
    assert_eq!(started(), and_own.collect());
}

/// Git had no file to start for it: it is told, and runs from then on.
#[test]
fn an_early_hook_that_came_later_is_not_passed_over() {
    let yard = Yard::new();
    let place = Place::new(&yard, &yard.repo());
    let tell = yard.folder.path().join("tell");
    yard.git(&["switch", "-q", "-c", "side"]);
    yard.write("side.txt", "side\n");
    yard.git(&["add", "-A"]);
    yard.git(&["commit", "-qm", "side"]);
    yard.git(&["switch", "-q", "main"]);
    yard.exits(0, &["hooks", "install"]);
    let merge = ["merge", "-q", "--no-ff", "-m", "m", "side"];
    let commit = ["commit", "-q", "--allow-empty", "-m", "x"];
    for (name, args) in [("pre-commit", &commit[..]), ("pre-merge-commit", &merge)] {
        let _none_yet = std::fs::remove_file(&tell);
        let own = format!("#!/bin/sh\necho \"${{0%/*}}\" >> '{}'\n", tell.display());
        let hooks = yard.repo().join(".git/hooks").canonicalize().unwrap();
        program(&hooks.join(name), &own);
        assert_eq!(
            yard.json(&["hooks", "status"])["damage"],
            serde_json::Value::Null
        );
        let first = place.try_git(args);
        let said = text(&first.stderr);
        assert!(first.status.success(), "{name}: {said}");
        assert!(said.contains(&format!("your {name} hook is new")), "{said}");
        assert!(!tell.exists(), "{name}");
        place.git(&["reset", "-q", "--hard", "HEAD^"]);
        place.git(args);
        let ran = format!("{}\n", hooks.display());
        assert_eq!(std::fs::read_to_string(&tell).unwrap(), ran, "{name}");
        yard.exits(0, &["hooks", "status"]);
        std::fs::remove_file(hooks.join(name)).unwrap();
        assert_eq!(yard.json(&["hooks", "status"])["active"], true);
        place.git(&["commit", "-q", "--allow-empty", "-m", "without"]);
        place.git(&["reset", "-q", "--hard", "HEAD~2"]);
    }
    // Any move of a branch finds it too.
    program(
        &yard.repo().join(".git/hooks/pre-commit"),
        "#!/bin/sh\nexit 7\n",
    );
    place.git(&["branch", "other"]);
    let refused = place.try_git(&commit);
    assert!(!refused.status.success());
    assert!(!text(&refused.stderr).contains("is new"));
}

#[test]
fn a_relative_hooks_path_is_that_of_the_worktree() {
    let yard = Yard::new();
    let tell = yard.folder.path().join("tell");
    let own = format!("#!/bin/sh\necho own >> '{}'\n", tell.display());
    program(&yard.repo().join("own/pre-commit"), &own);
    yard.git(&["config", "core.hooksPath", "own"]);
    let inside = yard.repo().join("src");
    yard.exits(0, &["-C", inside.to_str().unwrap(), "hooks", "install"]);
    assert_eq!(
        yard.json(&["hooks", "status"])["damage"],
        serde_json::Value::Null
    );
    let place = Place::new(&yard, &yard.repo());
    place.git(&["commit", "-q", "--allow-empty", "-m", "x"]);
    assert_eq!(std::fs::read_to_string(&tell).unwrap(), "own\n");
}

#[test]
fn lines_that_lost_their_value_are_taken_out_too() {
    let yard = Yard::new();
    let config = yard.repo().join(".git/config");
    let before = std::fs::read(&config).unwrap();
    yard.exits(0, &["hooks", "install"]);
    yard.git(&["config", "--local", "--unset-all", "core.hooksPath"]);
    yard.exits(0, &["hooks", "uninstall"]);
    assert_eq!(std::fs::read(&config).unwrap(), before);
    yard.exits(3, &["hooks", "uninstall"]);
}

#[test]
fn a_worktree_with_hooks_of_its_own_keeps_them() {
    let yard = Yard::new();
    let own = yard.folder.path().join("own");
    program(&own.join("post-commit"), TELLS);
    let second = yard.folder.path().join("second");
    yard.git(&["config", "extensions.worktreeConfig", "true"]);
    yard.git(&["worktree", "add", "-q", second.to_str().unwrap()]);
    let second = Place::new(&yard, &second);
    second.git(&[
        "config",
        "--worktree",
        "core.hooksPath",
        own.to_str().unwrap(),
    ]);
    let files = || {
        let common = yard.repo().join(".git");
        let names = ["config", "worktrees/second/config.worktree"];
        names.map(|name| std::fs::read(common.join(name)).unwrap())
    };
    let before = files();
    yard.exits(0, &["hooks", "install"]);
    Place::of_session(&yard, "src", &["src/**"]);
    let tell = yard.folder.path().join("tell");
    let commit = |args: &[&str]| {
        let mut git = yard.command("git");
        git.current_dir(&second.path).env("TELL", &tell);
        git.args(args).output().unwrap()
    };
    assert!(
        commit(&["commit", "-q", "--allow-empty", "-m", "x"])
            .status
            .success()
    );
    assert_eq!(std::fs::read_to_string(&tell).unwrap(), "post-commit <>\n");
    second.write("src/lib.txt", "x\n");
    assert!(text(&commit(&["commit", "-qam", "x"]).stderr).contains(HELD));
    yard.exits(0, &["hooks", "uninstall"]);
    assert_eq!(files(), before);
}

#[test]
fn damage_is_noticed_and_repaired() {
    let yard = Yard::new();
    let place = Place::new(&yard, &yard.repo());
    let tell = yard.folder.path().join("tell");
    let own = format!("#!/bin/sh\necho own >> '{}'\n", tell.display());
    program(&yard.repo().join(".git/hooks/post-commit"), &own);
    yard.exits(0, &["hooks", "install"]);
    Place::of_session(&yard, "src", &["src/**"]);
    let folder = yard.repo().join(".git/treeyard/hooks/checkout");
    let config = yard.repo().join(".git/config");
    let damages: [(&str, &dyn Fn()); 8] = [
        ("and not these", &|| {
            yard.git(&["config", "--local", "--unset-all", "core.hooksPath"]);
        }),
        ("not as it was", &|| {
            std::fs::remove_file(folder.join("prepare-commit-msg")).unwrap();
        }),
        ("not as it was", &|| {
            std::fs::remove_file(folder.join("reference-transaction")).unwrap();
            program(&folder.join("reference-transaction"), "#!/bin/sh\n");
        }),
        ("not as it was", &|| {
            std::fs::remove_file(folder.join("post-merge")).unwrap();
            std::os::unix::fs::symlink("/elsewhere", folder.join("post-merge")).unwrap();
        }),
        ("leads nowhere", &|| {
            std::fs::remove_file(folder.join("treeyard")).unwrap();
        }),
        ("does not belong", &|| {
            program(&folder.join("post-index-change"), "#!/bin/sh\n")
        }),
        ("not as it was", &|| {
            std::fs::remove_dir_all(&folder).unwrap()
        }),
        ("and not these", &|| {
            let text = std::fs::read_to_string(&config).unwrap();
            std::fs::write(&config, text + "[core]\n\thooksPath = /elsewhere\n").unwrap();
        }),
    ];
    for (said, damage) in damages {
        damage();
        let found = yard.exits(6, &["hooks", "status"]);
        assert!(found.contains(said), "{said}: {found}");
        let checks = yard.json(&["doctor"])["checks"].to_string();
        assert!(checks.contains(said), "{said}: {checks}");
        yard.exits(0, &["doctor", "--fix"]);
        yard.exits(0, &["hooks", "status"]);
        place.write("src/lib.txt", "x\n");
        place.refused(HELD, &["commit", "-qam", "x"]);
        place.git(&["checkout", "-q", "."]);
    }
    // Without the program a person's own hooks still run, and it is said.
    std::fs::remove_file(folder.join("treeyard")).unwrap();
    yard.git(&[
        "config",
        "--file",
        config.to_str().unwrap(),
        "--unset-all",
        "core.hooksPath",
        "/elsewhere",
    ]);
    yard.exits(0, &["hooks", "uninstall"]);
    yard.exits(0, &["hooks", "install"]);
    std::fs::remove_file(folder.join("treeyard")).unwrap();
    let refs = yard.folder.path().join("refs");
    program(
        &yard.repo().join(".git/hooks/reference-transaction"),
        &format!(
            "#!/bin/sh\n[ $1 = prepared ] && cat >> '{}'; exit 0\n",
            refs.display()
        ),
    );
    let done = place.try_git(&["commit", "-q", "--allow-empty", "-m", "x"]);
    assert!(done.status.success() && text(&done.stderr).contains("doctor --fix"));
    assert!(std::fs::read_to_string(&tell).unwrap().ends_with("own\n"));
    let (refs, head) = (std::fs::read_to_string(&refs).unwrap(), place.head());
    for name in ["HEAD", "refs/heads/main"] {
        assert!(refs.contains(&format!("{head} {name}\n")), "{refs}");
    }
}
