use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::CWD;
use serde_json::json;

use super::yard::{Yard, fingerprint};
use crate::agent::RelPath;
use crate::agent::place::Change;
use crate::model::code::Code;

#[test]
fn paths_have_one_spelling() {
    for (text, path) in [
        ("a/b", "a/b"),
        ("./a//b/", "a/b"),
        (".", ""),
        ("./", ""),
        ("a b/ü", "a b/ü"),
        (".gitignore", ".gitignore"),
        ("git", "git"),
    ] {
        assert_eq!(text.parse::<RelPath>().unwrap().as_str(), path);
    }
    let long = "a/".repeat(3000);
    let name = "a".repeat(256);
    for bad in [
        "",
        "/a",
        "//a",
        "~",
        "~/a",
        "..",
        "a/../b",
        "a/..",
        "a\0b",
        "a\nb",
        "\u{7f}",
        ".git",
        ".git/config",
        "a/.git",
        "a/.GIT/x",
        ".Git",
        ".git.",
        ".git ",
        "git~1",
        "GIT~1/hooks",
        ".git::$INDEX_ALLOCATION",
        ".g\u{200c}it",
        "a\\..\\.git\\x",
        &long,
        &name,
    ] {
        assert!(bad.parse::<RelPath>().is_err(), "{bad:?}");
    }
}

#[test]
fn links_are_followed_for_reading_and_stay_inside() {
    for has_openat2 in [true, false] {
        let yard = Yard::with(&["**"], has_openat2);
        for path in ["inside", "folder/main.rs"] {
            let read = yard.ok("file.read", json!({ "path": path }));
            assert_eq!(read["path"], "src/main.rs");
        }
        for path in [
            "out/secret.txt",
            "leak",
            "absolute",
            "circle",
            "git/config",
            "around/secret.txt",
        ] {
            let error = yard.refused("file.read", json!({ "path": path }));
            assert_eq!(error.code, Code::PathRefused, "{path}: {error}");
            assert!(!error.message.contains("secret words"));
        }
        let gone = yard.refused("file.read", json!({ "path": "folder/none" }));
        assert_eq!(gone.code, Code::FileMissing);
    }
}

#[test]
fn nothing_is_written_through_a_link() {
    for has_openat2 in [true, false] {
        let yard = Yard::with(&["**"], has_openat2);
        let before = fingerprint(yard.root.path());
        for path in [
            "inside",
            "folder/new",
            "folder/main.rs",
            "out/new",
            "out/secret.txt",
            "leak",
            "absolute",
            "circle",
            "circle/x",
            "git/config",
            "git/new",
            "around/new",
        ] {
            let content = json!({ "path": path, "content": "x", "overwrite": true });
            yard.refused("file.write", content);
            yard.refused("file.delete", json!({ "path": path }));
            yard.refused("file.edit", json!({ "path": path, "old": "s", "new": "x" }));
            yard.refused("file.move", json!({ "from": path, "to": "moved" }));
            if path.contains('/') {
                yard.refused("file.move", json!({ "from": "README.md", "to": path }));
            }
        }
        assert_eq!(before, fingerprint(yard.root.path()));
    }
}

#[test]
fn pipes_and_sockets_are_refused_at_once() {
    let yard = Yard::new();
    let pipe = yard.tree().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(yard.tree().join("socket")).unwrap();
    let began = Instant::now();
    for path in ["pipe", "socket"] {
        for (tool, args) in [
            ("file.read", json!({ "path": path })),
            ("file.edit", json!({ "path": path, "old": "a", "new": "b" })),
            (
                "file.write",
                json!({ "path": path, "content": "", "overwrite": true }),
            ),
            ("file.delete", json!({ "path": path })),
        ] {
            assert_eq!(yard.refused(tool, args).code, Code::FileUnsuitable);
        }
    }
    assert_eq!(
        yard.ok("file.search", json!({ "pattern": "zzz" }))["matches"],
        0
    );
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn files_keep_their_modes_and_those_who_read_them_their_content() {
    let yard = Yard::new();
    let script = yard.tree().join("run.sh");
    yard.write("run.sh", "echo one\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o750)).unwrap();
    fs::hard_link(&script, yard.root.path().join("outside/linked")).unwrap();
    let edit = json!({ "path": "run.sh", "old": "one", "new": "two" });
    yard.ok("file.edit", edit);
    assert_eq!(yard.read("run.sh"), "echo two\n");
    let mode = fs::metadata(&script).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o750);
    let linked = fs::read_to_string(yard.root.path().join("outside/linked")).unwrap();
    assert_eq!(linked, "echo one\n");
    let names = fs::read_dir(yard.tree()).unwrap();
    let left = names.filter(|one| {
        let name = one.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with(".treeyard-")
    });
    assert_eq!(left.count(), 0);
}

#[test]
fn several_changes_are_made_together_or_not_at_all() {
    let yard = Yard::new();
    yard.write("a", "a\n");
    yard.write("b", "b\n");
    let place = &yard.world.place;
    let stamp = |path: &str| place.look(&path.parse().unwrap()).unwrap().unwrap().1;
    let path = |text: &str| text.parse::<RelPath>().unwrap();
    let write = |name: &str, over| Change::Write {
        path: path(name),
        bytes: b"new\n".to_vec(),
        over,
    };
    let stale = stamp("b");
    let (a, readme) = (stamp("a"), stamp("README.md"));
    thread::sleep(Duration::from_millis(20));
    yard.write("b", "other\n");
    let before = fingerprint(yard.root.path());
    let changes = [
        write("a", Some(a)),
        write("new/deep/file", None),
        Change::Remove {
            path: path("README.md"),
            over: readme,
        },
        write("b", Some(stale)),
    ];
    let error = place.apply(&changes).unwrap_err().to_string();
    assert!(error.contains("b was changed by somebody else"), "{error}");
    assert_eq!(before, fingerprint(yard.root.path()));

    place.apply(&changes[..3]).unwrap();
    assert_eq!(yard.read("a"), "new\n");
    assert_eq!(yard.read("new/deep/file"), "new\n");
    assert!(!yard.tree().join("README.md").exists());
    // What is there is not taken for new.
    assert!(place.apply(&[write("new/deep/file", None)]).is_err());
}

#[test]
fn only_the_scope_is_written() {
    let yard = Yard::with(&["src/**", "!src/generated/**"], true);
    yard.ok(
        "file.write",
        json!({ "path": "src/new.rs", "content": "x" }),
    );
    let before = fingerprint(yard.root.path());
    for (tool, args) in [
        (
            "file.write",
            json!({ "path": "README.md", "content": "x", "overwrite": true }),
        ),
        (
            "file.write",
            json!({ "path": "src/generated/a", "content": "x" }),
        ),
        (
            "file.edit",
            json!({ "path": "README.md", "old": "Yard", "new": "x" }),
        ),
        ("file.delete", json!({ "path": "README.md" })),
        ("file.move", json!({ "from": "README.md", "to": "src/x" })),
        (
            "file.move",
            json!({ "from": "src/main.rs", "to": "main.rs" }),
        ),
        (
            "file.patch",
            json!({ "patch": "--- a/src/main.rs\n+++ b/src/main.rs\n@@ -1 +1 @@\n-fn main() {\n+fn main2() {\n--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-# Yard\n+# X\n" }),
        ),
    ] {
        let error = yard.refused(tool, args);
        assert_eq!(error.code, Code::OutOfScope);
        assert!(error.message.contains("scope.request"));
    }
    assert_eq!(before, fingerprint(yard.root.path()));
}

/// Ends the other thread also when this one fails.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Somebody swaps a folder for a link to the outside, and back, while it is written to and read.
#[test]
fn a_folder_that_becomes_a_link_leads_nowhere_else() {
    for has_openat2 in [true, false] {
        let yard = Yard::with(&["**"], has_openat2);
        let outside = yard.root.path().join("outside");
        let before = fingerprint(&outside);
        let (door, link) = (yard.tree().join("door"), yard.tree().join("link"));
        fs::create_dir(&door).unwrap();
        std::os::unix::fs::symlink(&outside, &link).unwrap();
        let done = AtomicBool::new(false);
        let (mut written, mut refused) = (0, 0);
        thread::scope(|scope| {
            let _ending = Ending(&done);
            scope.spawn(|| {
                let flags = rustix::fs::RenameFlags::EXCHANGE;
                while !done.load(Ordering::Relaxed) {
                    rustix::fs::renameat_with(CWD, &door, CWD, &link, flags).unwrap();
                    thread::yield_now();
                }
            });
            for turn in 0..150 {
                let path = format!("door/new-{turn}");
                match yard.call("file.write", json!({ "path": path, "content": "x" })) {
                    Ok(_) => written += 1,
                    Err(_) => refused += 1,
                }
                // A file of that name is in the folder too, as soon as it was written there.
                if let Ok(read) = yard.call("file.read", json!({ "path": "door/secret.txt" })) {
                    assert!(!read.result.to_string().contains("words"), "{read:?}");
                }
                let args = json!({ "path": "door/secret.txt", "content": "x", "overwrite": true });
                let _any = yard.call("file.write", args);
                let _any = yard.call("file.delete", json!({ "path": "door/secret.txt" }));
                let found = yard.call("file.search", json!({ "pattern": "secret words" }));
                assert!(found.is_err() || found.unwrap().result["matches"] == 0);
            }
        });
        assert_eq!(
            before,
            fingerprint(&outside),
            "{written} written, {refused} refused"
        );
    }
}
