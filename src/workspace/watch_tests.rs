//! Git's own word on what changed is the measure.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use proptest::prelude::*;

use super::tests::{Field, commit_all, git, put};
use super::*;

fn paths(watch: &mut Watch) -> Vec<String> {
    let found = watch.look().unwrap();
    assert!(!found.more);
    found.paths.iter().map(ToString::to_string).collect()
}

fn watch(field: &Field, ws: &Workspace) -> Watch {
    Watch::begin(&field.repo, &ws.located()).unwrap()
}

fn fresh(field: &Field, ws: &Workspace) -> Vec<String> {
    paths(&mut watch(field, ws))
}

/// What git says of a worktree whose `HEAD` and index are the base's.
fn by_git(root: &Path) -> Vec<String> {
    let listed = Command::new("git")
        .current_dir(root)
        .args(["status", "--porcelain", "-z", "--no-renames", "-uall"])
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(listed.status.success());
    let listed = String::from_utf8(listed.stdout).unwrap();
    let lines = listed.split_terminator('\0');
    let mut found: Vec<_> = lines
        .map(|line| line[3..].trim_end_matches('/').to_owned())
        .collect();
    found.sort();
    found
}

/// Files and folders of the base, ignored ones, tracked ones that are ignored, and others.
const PLACES: [&str; 34] = [
    "src",
    "src/a.txt",
    "src/b.txt",
    "src/deep",
    "src/deep/er",
    "src/deep/er/c.txt",
    "src/deep/y.tmp",
    "src/deep/er/z.log",
    "src/new.txt",
    "src/x.log",
    "docs",
    "docs/d.md",
    "docs/kept.log",
    "docs/ignored/z",
    "build",
    "build/tracked.txt",
    "build/new.o",
    "build/more/new.o",
    "run.sh",
    "link",
    "new.txt",
    "x.log",
    "keep.log",
    "target",
    "target/out",
    "target/keep.log",
    "ignored",
    "n",
    "n/m",
    "n/m/o",
    "n/x.tmp",
    "etc/new.tmp",
    "etc/z.log",
    "etc/deep/z.log",
];

fn various() -> Field {
    Field::with(|main| {
        put(
            main.join(".gitignore"),
            "ignored\n*.log\n/target/\nbuild/\n!keep.log\n",
        );
        put(main.join("etc/.gitignore"), "*.tmp\n!z.log\n");
        put(main.join("src/b.txt"), "two\n");
        put(main.join("src/deep/er/c.txt"), "one\n");
        put(main.join("docs/d.md"), "one\n");
        put(main.join("docs/kept.log"), "one\n");
        put(main.join("build/tracked.txt"), "one\n");
        git(main, &["add", "-f", "docs/kept.log", "build/tracked.txt"]);
    })
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Write(usize, &'static str),
    Touch(usize),
    Remove(usize),
    Chmod(usize),
    Rename(usize, usize),
    Link(usize),
    Folder(usize),
    Repository(usize, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let place = || 0..PLACES.len();
    let text = prop::sample::select(vec!["one\n", "two\n", "three\n"]);
    let step = prop_oneof![
        4 => (place(), text).prop_map(|(at, text)| Step::Write(at, text)),
        2 => place().prop_map(Step::Touch),
        3 => place().prop_map(Step::Remove),
        1 => place().prop_map(Step::Chmod),
        3 => (place(), place()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => place().prop_map(Step::Link),
        1 => place().prop_map(Step::Folder),
        1 => (place(), any::<bool>()).prop_map(|(at, empty)| Step::Repository(at, empty)),
    ];
    prop::collection::vec(step, 1..16)
}

fn remove(path: &Path) {
    let _maybe_absent = fs::remove_dir_all(path).or_else(|_| fs::remove_file(path));
}

/// Does one thing, or nothing where it cannot be done.
fn act(root: &Path, step: Step) {
    let at = |n: usize| root.join(PLACES[n]);
    let is_file = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
    let clear = |n: usize| {
        let path = at(n);
        let _in_the_way = fs::create_dir_all(path.parent().unwrap());
        remove(&path);
        path
    };
    match step {
        Step::Write(n, text) => {
            let _in_the_way = fs::create_dir_all(at(n).parent().unwrap());
            let _in_the_way = fs::write(at(n), text);
        }
        Step::Touch(n) if is_file(&at(n)) => {
            let file = File::options().write(true).open(at(n)).unwrap();
            file.set_modified(SystemTime::now()).unwrap();
        }
        Step::Remove(n) => remove(&at(n)),
        Step::Chmod(n) if is_file(&at(n)) => {
            let mode = fs::metadata(at(n)).unwrap().permissions().mode();
            fs::set_permissions(at(n), Permissions::from_mode(mode ^ 0o111)).unwrap();
        }
        Step::Rename(from, to) => {
            let _in_the_way = fs::rename(at(from), at(to));
        }
        Step::Link(n) => {
            let _in_the_way = symlink("etc", clear(n));
        }
        Step::Folder(n) => {
            let path = clear(n);
            if fs::create_dir(&path).is_ok() {
                put(path.join("inside.txt"), "one\n");
            }
        }
        Step::Repository(n, empty) => {
            let path = clear(n);
            if fs::create_dir(&path).is_ok() {
                git(&path, &["init", "-q"]);
                put(path.join("inside.txt"), "one\n");
                if !empty {
                    git(&path, &["add", "-A"]);
                    let author = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
                    git(&path, &[&author[..], &["commit", "-qm", "one"]].concat());
                }
            }
        }
        Step::Touch(_) | Step::Chmod(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_says_what_git_says(steps in steps()) {
        let field = various();
        let ws = field.make("one");
        let mut watch = watch(&field, &ws);
        prop_assert_eq!(paths(&mut watch), by_git(&ws.path));
        for step in steps {
            act(&ws.path, step);
            let expected = by_git(&ws.path);
            prop_assert_eq!(paths(&mut watch), &expected[..], "after {:?}", step);
            prop_assert_eq!(fresh(&field, &ws), &expected[..], "anew after {:?}", step);
        }
    }
}

/// What a session commits, and what was taken in of it, still differs from its base.
#[test]
fn the_base_stays_the_reference() {
    let field = Field::new();
    let ws = field.make("one");
    let mut watch = watch(&field, &ws);
    put(ws.path.join("src/a.txt"), "two\n");
    put(ws.path.join("src/new.txt"), "new\n");
    fs::remove_file(ws.path.join("link")).unwrap();
    let changed = ["link", "src/a.txt", "src/new.txt"];
    assert_eq!(paths(&mut watch), changed);
    git(&ws.path, &["add", "-A"]);
    git(&ws.path, &["commit", "-qm", "work"]);
    assert_eq!(paths(&mut watch), changed);
    put(ws.path.join("run.sh"), "#!/bin/sh -e\n");
    let changed = ["link", "run.sh", "src/a.txt", "src/new.txt"];
    commit_all(&field.repo, &ws.located(), "more").unwrap();
    assert_eq!(paths(&mut watch), changed);
    assert_eq!(fresh(&field, &ws), changed);
    // Back to what the base has.
    put(ws.path.join("src/a.txt"), "one\n");
    let changed = ["link", "run.sh", "src/new.txt"];
    assert_eq!(paths(&mut watch), changed);
    assert_eq!(fresh(&field, &ws), changed);
    commit_all(&field.repo, &ws.located(), "back").unwrap();
    assert_eq!(fresh(&field, &ws), changed);
}

/// The record saves reading files, and nothing else.
#[test]
fn without_a_record_the_answer_is_the_same() {
    let field = various();
    let ws = field.make("one");
    put(ws.path.join("src/a.txt"), "two\n");
    let record = ws.located().record(&field.repo).unwrap();
    fs::remove_file(record.join("index")).unwrap();
    assert_eq!(fresh(&field, &ws), ["src/a.txt"]);
}

/// A time that was put back hides nothing, nor does a change right after the last look.
#[test]
fn a_change_that_looks_like_none_is_seen() {
    let field = Field::new();
    let ws = field.make("one");
    let mut watch = watch(&field, &ws);
    assert!(paths(&mut watch).is_empty());
    let file = ws.path.join("src/a.txt");
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    for (text, expected) in ["two\n", "one\n"].repeat(50).iter().zip([1, 0].repeat(50)) {
        fs::write(&file, text).unwrap();
        let open = File::options().write(true).open(&file).unwrap();
        open.set_modified(before).unwrap();
        assert_eq!(paths(&mut watch).len(), expected);
    }
    let name = ws.path.join("src/new.txt");
    for expected in [1, 0].repeat(50) {
        match expected {
            1 => put(name.clone(), ""),
            _ => fs::remove_file(&name).unwrap(),
        }
        assert_eq!(paths(&mut watch).len(), expected);
    }
}

/// Otherwise a line there would hide what a session adds.
#[test]
fn the_ignore_rules_are_those_of_the_base_and_the_repository() {
    let field = Field::new();
    put(field.main().join(".git/info/exclude"), "local\n");
    let ws = field.make("one");
    let mut watch = watch(&field, &ws);
    put(ws.path.join(".gitignore"), "*\n");
    put(ws.git_dir.join("info/exclude"), "*\n");
    put(ws.path.join("src/.gitignore"), "*\n");
    put(field.main().join(".gitignore"), "*\n");
    put(ws.path.join("src/local"), "");
    put(ws.path.join("src/new.txt"), "");
    put(ws.path.join("ignored"), "");
    let changed = [".gitignore", "src/.gitignore", "src/new.txt"];
    assert_eq!(paths(&mut watch), changed);
    assert_eq!(fresh(&field, &ws), changed);
}

#[test]
fn converted_files_are_compared_as_they_are_written() {
    let field = Field::with(|main| {
        put(
            main.join(".gitattributes"),
            "*.txt text eol=crlf\n*.id ident\n",
        );
        put(main.join("src/v.id"), "$Id$\n");
    });
    let ws = field.make("one");
    let mut watch = watch(&field, &ws);
    let written = fs::read(ws.path.join("src/a.txt")).unwrap();
    assert_eq!(written, b"one\r\n");
    for name in ["src/a.txt", "src/v.id", "run.sh"] {
        let file = File::options()
            .write(true)
            .open(ws.path.join(name))
            .unwrap();
        file.set_modified(SystemTime::now()).unwrap();
    }
    assert!(paths(&mut watch).is_empty());
    put(ws.path.join("src/a.txt"), "one\n");
    assert!(paths(&mut watch).is_empty());
    put(ws.path.join("src/a.txt"), "two\r\n");
    put(ws.path.join("src/v.id"), "$Id: 0 $\n");
    assert_eq!(paths(&mut watch), ["src/a.txt", "src/v.id"]);
    assert_eq!(fresh(&field, &ws), ["src/a.txt", "src/v.id"]);
}

#[test]
fn what_cannot_be_read_is_told_and_nothing_waits_for_it() {
    let field = various();
    let ws = field.make("one");
    let mut watch = watch(&field, &ws);
    let pipe = |name: &str| {
        let mode = nix::sys::stat::Mode::S_IRWXU;
        nix::unistd::mkfifo(&ws.path.join(name), mode).unwrap();
    };
    remove(&ws.path.join("src/a.txt"));
    pipe("src/a.txt");
    pipe("src/pipe");
    symlink("/", ws.path.join("src/all")).unwrap();
    put(ws.path.join("shut/new.txt"), "");
    let changed = ["src/a.txt", "src/all", "shut/new.txt"];
    let mut expected = changed.map(ToOwned::to_owned).to_vec();
    expected.sort();
    assert_eq!(paths(&mut watch), expected);
    let shut = |mode| {
        for name in ["shut", "docs"] {
            fs::set_permissions(ws.path.join(name), Permissions::from_mode(mode)).unwrap();
        }
    };
    shut(0o000);
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root {
        expected = [
            "docs",
            "docs/d.md",
            "docs/kept.log",
            "shut",
            "src/a.txt",
            "src/all",
        ]
        .map(ToOwned::to_owned)
        .to_vec();
    }
    let found = (paths(&mut watch), fresh(&field, &ws));
    shut(0o755);
    assert_eq!(found, (expected.clone(), expected));
}

#[test]
fn no_look_tells_more_than_it_may() {
    let field = Field::new();
    let ws = field.make("one");
    let mut watch = watch(&field, &ws);
    for folder in 0..3 {
        for file in 0..3_334 {
            put(ws.path.join(format!("n{folder}/{file}")), "");
        }
    }
    let found = watch.look().unwrap();
    assert_eq!((found.paths.len(), found.more), (10_000, true));
    remove(&ws.path.join("n0/0"));
    remove(&ws.path.join("n2/0"));
    let found = watch.look().unwrap();
    assert_eq!((found.paths.len(), found.more), (10_000, false));
    for folder in 0..10_001 {
        fs::create_dir_all(ws.path.join(format!("empty/{folder}"))).unwrap();
    }
    assert!(watch.look().unwrap().more);
    for name in ["n0", "n1", "n2", "empty"] {
        remove(&ws.path.join(name));
    }
    assert!(paths(&mut watch).is_empty());
}

/// It is another repository's what a submodule holds.
#[test]
fn a_submodule_is_its_folder() {
    let commit = "1".repeat(40);
    let field = Field::with(|main| {
        let entry = format!("160000,{commit},lib/sub");
        git(main, &["update-index", "--add", "--cacheinfo", &entry]);
        fs::create_dir_all(main.join("lib/sub")).unwrap();
    });
    let ws = field.make("one");
    let mut watch = watch(&field, &ws);
    assert!(paths(&mut watch).is_empty());
    let sub = ws.path.join("lib/sub");
    git(&sub, &["init", "-q"]);
    put(sub.join("new.txt"), "");
    assert!(paths(&mut watch).is_empty());
    remove(&sub);
    assert_eq!(paths(&mut watch), ["lib/sub"]);
    put(sub, "");
    assert_eq!(paths(&mut watch), ["lib/sub"]);
    assert_eq!(fresh(&field, &ws), ["lib/sub"]);
}

#[test]
fn what_a_sparse_checkout_leaves_out_is_not_gone() {
    let field = various();
    git(&field.main(), &["sparse-checkout", "set", "src"]);
    let repo = crate::git::Repo::discover(&field.main()).unwrap();
    let field = Field { repo, ..field };
    let ws = field.make("one");
    assert!(!ws.path.join("docs").exists());
    let mut watch = watch(&field, &ws);
    assert!(paths(&mut watch).is_empty());
    put(ws.path.join("docs/d.md"), "two\n");
    fs::remove_file(ws.path.join("src/b.txt")).unwrap();
    assert_eq!(paths(&mut watch), ["docs/d.md", "src/b.txt"]);
}

#[test]
fn a_worktree_that_is_gone_or_a_link_is_an_error() {
    let field = Field::new();
    let ws = field.make("one");
    let mut watch = watch(&field, &ws);
    let away = ws.path.with_extension("away");
    fs::rename(&ws.path, &away).unwrap();
    assert!(watch.look().is_err());
    symlink(&away, &ws.path).unwrap();
    assert!(watch.look().is_err());
}

/// The runner looks from other threads than its own.
#[test]
fn a_watch_can_be_handed_on() {
    fn can_be_sent<T: Send + 'static>() {}
    can_be_sent::<Watch>();
}
