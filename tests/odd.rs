//! Unusual repositories: work is done, lands, and what did not land is saved, as in any other.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::yard::{Yard, text};

/// Git's own answer, with nothing that the repository configures running meanwhile.
fn quiet(yard: &Yard, args: &[&str]) -> String {
    let mut all = vec![
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.hooksPath=/dev/null",
    ];
    all.extend(args);
    yard.git(&all)
}

/// One task changes `src/lib.txt`, adds `new.txt`, does `also`, and lands. Another does the same and
/// fails; `gc` saves what it left, and the branch `back` gets it again. Then all is sound.
pub fn goes_round(yard: &Yard, target: &str, also: &str) {
    let work = format!("echo more >> src/lib.txt && echo new > new.txt; {also}");
    let run = |name, end: &str| {
        let line = format!("{work}{end}");
        let args = ["run", "--target", target, "--name", name, "--", "sh", "-c"];
        yard.treeyard(&[&args[..], &[line.as_str()]].concat())
    };
    let output = run("good", "");
    assert!(
        output.status.success(),
        "{}{}",
        text(&output.stderr),
        yard.exits(0, &["logs", "good"])
    );
    yard.exits(0, &["land", "good"]);
    holds_work(yard, target, "one\ntwo\nthree\nmore\n");

    assert_eq!(run("bad", "\nexit 1").status.code(), Some(1));
    let gone = yard.exits(0, &["gc", "--set", "retention.sessions_days=0"]);
    assert!(!gone.contains("kept"), "{gone}");
    yard.exits(0, &["salvage", "restore", "bad", "--branch", "back"]);
    holds_work(yard, "back", "one\ntwo\nthree\nmore\nmore\n");
    yard.exits(0, &["doctor"]);
    yard.exits(0, &["events", "verify"]);
    quiet(yard, &["fsck", "--strict"]);
}

fn holds_work(yard: &Yard, rev: &str, lib: &str) {
    let shown = |path: &str| yard.git(&["show", &format!("{rev}:{path}")]);
    assert_eq!(shown("src/lib.txt").replace('\r', ""), lib);
    assert_eq!(shown("new.txt"), "new\n");
}

/// The paths that landed, one commit before the merge commit against it.
pub fn landed(yard: &Yard, target: &str) -> String {
    quiet(
        yard,
        &["diff", "--name-only", &format!("{target}~1"), target],
    )
}

pub fn clean(yard: &Yard) {
    assert_eq!(quiet(yard, &["status", "--porcelain"]), "");
}

pub fn tree(yard: &Yard, rev: &str) -> String {
    quiet(yard, &["ls-tree", "-r", rev])
}

fn commit_all(yard: &Yard) {
    yard.git(&["add", "-A"]);
    yard.git(&["commit", "-qm", "Prepare"]);
}

pub fn program(yard: &Yard, name: &str, text: &str) -> String {
    let path = yard.folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

const FILES: &str = "protocol.file.allow=always";

fn with_submodule() -> Yard {
    let yard = Yard::new();
    yard.git(&["clone", "-q", ".", "../sub"]);
    let url = yard.folder.path().join("sub").display().to_string();
    yard.git(&["-c", FILES, "submodule", "--quiet", "add", &url, "sub"]);
    yard.git(&["commit", "-qm", "Add a submodule"]);
    yard
}

#[test]
fn submodules_that_are_there_stay_where_they_are() {
    let yard = with_submodule();
    let pinned = yard.git(&["rev-parse", "main:sub"]);
    goes_round(&yard, "main", "test ! -e sub/README.md");
    assert_eq!(landed(&yard, "main"), "new.txt\nsrc/lib.txt\n");
    assert_eq!(yard.git(&["rev-parse", "back:sub"]), pinned);
    assert!(yard.repo().join("sub/README.md").exists());
    clean(&yard);
}

#[test]
fn submodules_that_are_absent_stay_absent() {
    let mut yard = with_submodule();
    yard.git(&["clone", "-q", ".", "../clone"]);
    yard.place = "clone".into();
    goes_round(&yard, "main", "");
    assert!(!yard.repo().join("sub/README.md").exists());
    clean(&yard);
}

/// A submodule that a session fills in its `setup` is nobody's work as long as it is as it was cloned.
#[test]
fn submodules_that_a_session_fills_are_not_in_the_way() {
    let yard = with_submodule();
    let fill = format!("git -c {} submodule --quiet update --init", FILES);
    goes_round(&yard, "main", &format!("{fill} && test -e sub/README.md"));
    assert_eq!(landed(&yard, "main"), "new.txt\nsrc/lib.txt\n");
}

/// To see what has changed in a submodule, git starts itself in there, outside of the sandbox.
#[test]
fn settings_of_a_submodule_that_a_session_made_are_not_heeded() {
    let yard = Yard::new();
    // Only there a session may write that is to leave no mark.
    std::fs::remove_file(yard.folder.path().join("home/config/treeyard/config.toml")).unwrap();
    let mark = yard.folder.path().join("mark");
    let lines = format!(
        "G=$(sed 's/^gitdir: //' .git)
         git init -q sub; echo '* filter=e' > sub/.gitattributes; echo x > sub/f
         git -C sub add -A; git -C sub commit -qm x
         git update-index --add --cacheinfo 160000,$(git -C sub rev-parse HEAD),sub
         C=$(git commit-tree -p HEAD -m x $(git write-tree))
         echo $C > $G/$(sed 's/^ref: //' $G/HEAD)
         git -C sub config filter.e.clean 'touch {}; cat'; echo yy > sub/f",
        mark.display()
    );
    let ran = yard.treeyard(&["run", "--name", "n", "--", "sh", "-c", &lines]);
    assert!(!mark.exists(), "{}", text(&ran.stdout));
    assert_eq!(yard.state_of("n"), "BLOCKED");
}

const POINTER: &str = "version https://git-lfs.github.com/spec/v1\n\
    oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";

/// As where git-lfs is configured and required, and not installed.
#[test]
fn lfs_pointers_stay_pointers() {
    let yard = Yard::new();
    yard.write(
        ".gitattributes",
        "*.bin filter=lfs diff=lfs merge=lfs -text\n",
    );
    yard.write("a.bin", POINTER);
    yard.write("b.bin", POINTER);
    commit_all(&yard);
    let ran = program(&yard, "lfs", "touch \"$(dirname \"$0\")/ran\"; exit 1");
    for (key, value) in [
        ("process", ran.as_str()),
        ("clean", &ran),
        ("smudge", &ran),
        ("required", "true"),
    ] {
        yard.git(&["config", &format!("filter.lfs.{key}"), value]);
    }
    yard.git(&["config", "merge.lfs.driver", &ran]);
    // Touched, so that git would look inside.
    fs::File::open(yard.repo().join("a.bin"))
        .unwrap()
        .set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    let same = format!("test \"$(wc -c < a.bin)\" = {}", POINTER.len());
    goes_round(&yard, "main", &format!("{same} && echo c >> b.bin"));
    assert_eq!(landed(&yard, "main"), "b.bin\nnew.txt\nsrc/lib.txt\n");
    for rev in ["main", "back"] {
        assert_eq!(yard.git(&["show", &format!("{rev}:a.bin")]), POINTER);
    }
    let here = |name| fs::read_to_string(yard.repo().join(name)).unwrap();
    assert_eq!(here("a.bin"), POINTER);
    assert_eq!(here("b.bin"), format!("{POINTER}c\n"));
    assert!(!yard.folder.path().join("ran").exists(), "a filter was run");
}

#[test]
fn a_sparse_checkout_stays_sparse() {
    let yard = Yard::new();
    yard.write("in/a", "a\n");
    yard.write("out/b", "b\n");
    commit_all(&yard);
    yard.git(&["sparse-checkout", "set", "--cone", "src", "in"]);
    goes_round(&yard, "main", "test ! -e out && echo g > in/g");
    assert_eq!(landed(&yard, "main"), "in/g\nnew.txt\nsrc/lib.txt\n");
    for rev in ["main", "back"] {
        assert!(tree(&yard, rev).contains("out/b"), "{rev}");
    }
    assert!(!yard.repo().join("out").exists());
    clean(&yard);
}

#[test]
fn line_endings_are_converted_as_git_does() {
    let yard = Yard::new();
    yard.write(
        ".gitattributes",
        "*.win text eol=crlf\n*.unix text eol=lf\n*.raw -text\n",
    );
    yard.write("a.win", "a\n");
    yard.write("a.unix", "a\n");
    yard.write("a.raw", "a\r\n");
    commit_all(&yard);
    yard.git(&["config", "core.autocrlf", "true"]);
    for name in ["a.win", "README.md"] {
        fs::remove_file(yard.repo().join(name)).unwrap();
    }
    yard.git(&["checkout", "-q", "."]);
    let has = |name, text| format!("test \"$(cat {name}; echo .)\" = \"$(printf '{text}.\\n')\"");
    let also = [
        has("a.win", "a\\r\\n"),
        has("a.unix", "a\\n"),
        has("README.md", "# Yard\\r\\n"),
        "printf 'b\\r\\n' >> a.win && printf 'b\\n' >> a.unix && printf 'b\\r\\n' >> a.raw"
            .to_owned(),
        "printf 'c\\r\\n' > c.md".to_owned(),
    ];
    goes_round(&yard, "main", &also.join(" && "));
    let stored = |name: &str| yard.git(&["show", &format!("main:{name}")]);
    assert_eq!(stored("a.win"), "a\nb\n");
    assert_eq!(stored("a.unix"), "a\nb\n");
    assert_eq!(stored("a.raw"), "a\r\nb\r\n");
    assert_eq!(stored("c.md"), "c\n");
    assert_eq!(stored("README.md"), "# Yard\n");
    let here = |name| fs::read_to_string(yard.repo().join(name)).unwrap();
    assert_eq!(here("a.win"), "a\r\nb\r\n");
    clean(&yard);
}

/// Attributes that are not in the repository: `info/attributes`, and the person's own file.
#[test]
fn attributes_from_outside_the_tree_count() {
    for personal in [false, true] {
        let yard = Yard::new();
        yard.write("a.win", "a\n");
        commit_all(&yard);
        let file = if personal {
            yard.git(&["config", "core.attributesFile", "~/attributes"]);
            yard.folder.path().join("home/attributes")
        } else {
            yard.repo().join(".git/info/attributes")
        };
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "*.win text eol=crlf\n").unwrap();
        fs::remove_file(yard.repo().join("a.win")).unwrap();
        yard.git(&["checkout", "-q", "."]);
        goes_round(&yard, "main", "printf 'b\\r\\n' >> a.win");
        assert_eq!(yard.git(&["show", "main:a.win"]), "a\nb\n", "{personal}");
        clean(&yard);
    }
}

#[test]
fn links_and_modes_come_through() {
    let yard = Yard::new();
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, yard.repo().join(at)).unwrap();
    link("README.md", "to-file");
    link("nowhere/at/all", "to-nothing");
    yard.write("tool", "#!/bin/sh\n");
    let tool = yard.repo().join("tool");
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    commit_all(&yard);
    let also = "chmod -x tool; chmod +x README.md; ln -sfn src to-folder; rm to-nothing; echo file > to-nothing";
    goes_round(&yard, "main", also);
    for rev in ["main", "back"] {
        let tree = tree(&yard, rev);
        for (mode, path) in [
            ("100644", "tool"),
            ("100755", "README.md"),
            ("120000", "to-folder"),
            ("120000", "to-file"),
            ("100644", "to-nothing"),
        ] {
            let found = tree
                .lines()
                .find(|l| l.ends_with(&format!("\t{path}")))
                .unwrap();
            assert!(found.starts_with(mode), "{rev}: {found}");
        }
    }
    clean(&yard);
}

#[test]
fn any_file_name_that_git_takes_is_taken() {
    let yard = Yard::new();
    let names: [&[u8]; 4] = [
        b"with space",
        b"new\nline",
        b"not-\xff-utf8",
        b"tab\tand\x1besc",
    ];
    for name in names {
        let path = yard.repo().join(std::ffi::OsStr::from_bytes(name));
        fs::write(path, "a\n").unwrap();
    }
    commit_all(&yard);
    goes_round(
        &yard,
        "main",
        "for f in *-utf8 new*e; do echo b >> \"$f\"; done; printf x > \"$(printf 'y\\376 z')\"",
    );
    let paths = quiet(&yard, &["ls-tree", "-r", "--name-only", "main"]);
    for quoted in [
        "with space",
        "\"new\\nline\"",
        "\"not-\\377-utf8\"",
        "\"y\\376 z\"",
    ] {
        assert!(
            paths.lines().any(|line| line == quoted),
            "{quoted} in {paths}"
        );
    }
    let on_disk = fs::read(yard.repo().join(std::ffi::OsStr::from_bytes(names[2]))).unwrap();
    assert_eq!(on_disk, b"a\nb\n");
    clean(&yard);
}

#[test]
fn a_bare_repository_needs_no_checkout() {
    let mut yard = Yard::new();
    yard.git(&["clone", "-q", "--bare", ".", "../bare.git"]);
    yard.place = "bare.git".into();
    goes_round(&yard, "main", "");
    assert!(Path::new(&yard.folder.path().join("bare.git.treeyard")).is_dir());
}

/// The current branch is that of the worktree one stands in.
#[test]
fn a_linked_worktree_is_a_place_like_any() {
    let mut yard = Yard::new();
    yard.git(&["worktree", "add", "-q", "-b", "side", "../side"]);
    let main = yard.git(&["rev-parse", "main"]);
    yard.place = "side".into();
    yard.exits(
        0,
        &["run", "--name", "here", "--", "sh", "-c", "echo h > h"],
    );
    yard.exits(0, &["land", "here"]);
    assert_eq!(fs::read_to_string(yard.repo().join("h")).unwrap(), "h\n");
    goes_round(&yard, "side", "");
    assert_eq!(yard.git(&["rev-parse", "main"]), main);
    clean(&yard);
}

#[test]
fn a_detached_head_needs_a_target() {
    let yard = Yard::new();
    let here = yard.git(&["rev-parse", "HEAD"]);
    yard.git(&["checkout", "-q", "--detach"]);
    yard.exits(2, &["run", "--", "true"]);
    goes_round(&yard, "main", "");
    assert_eq!(yard.git(&["rev-parse", "HEAD"]), here);
    clean(&yard);
}

#[test]
fn borrowed_objects_are_found() {
    for relative in [false, true] {
        let mut yard = Yard::new();
        yard.git(&["clone", "-q", "--shared", ".", "../shared"]);
        yard.place = "shared".into();
        if relative {
            let file = yard.repo().join(".git/objects/info/alternates");
            fs::write(file, "../../../repo/.git/objects\n").unwrap();
        }
        goes_round(&yard, "main", "git log --oneline > log.txt");
        clean(&yard);
    }
}

#[test]
fn a_shallow_clone_stays_shallow() {
    let mut yard = Yard::new();
    yard.git(&["commit", "-q", "--allow-empty", "-m", "Second"]);
    let from = format!("file://{}", yard.repo().display());
    yard.git(&["clone", "-q", "--depth=1", &from, "../shallow"]);
    yard.place = "shallow".into();
    goes_round(&yard, "main", "git log --oneline > log.txt");
    assert_eq!(
        yard.git(&["rev-parse", "--is-shallow-repository"]),
        "true\n"
    );
    clean(&yard);
}

#[test]
fn a_partial_clone_lacks_only_what_nobody_needs() {
    let mut yard = Yard::new();
    yard.git(&["config", "uploadpack.allowFilter", "true"]);
    yard.write("README.md", "# Yard, again\n");
    yard.git(&["commit", "-qam", "Second"]);
    let from = format!("file://{}", yard.repo().display());
    yard.git(&["clone", "-q", "--filter=blob:none", &from, "../partial"]);
    yard.place = "partial".into();
    goes_round(&yard, "main", "");
    let missing = yard.git(&["rev-list", "--objects", "--all", "--missing=print"]);
    assert!(
        missing.lines().any(|line| line.starts_with('?')),
        "{missing}"
    );
    clean(&yard);
}
