//! What a new worktree holds.

use std::fs;
use std::path::Path;

use super::tests::{Field, commit_all, git, import, put};
use super::*;
use crate::git::Repo;
use crate::model::ids::SessionId;

/// Whether the file system of temporary files shares blocks. `scripts/filesystems` sees to it that
/// the tests run on some that do.
fn shares_blocks(dir: &Path) -> bool {
    let (one, two) = (dir.join("probe-1"), dir.join("probe-2"));
    fs::write(&one, "x".repeat(4096)).unwrap();
    let target = fs::File::create(&two).unwrap();
    let shared = rustix::fs::ioctl_ficlone(&target, fs::File::open(&one).unwrap()).is_ok();
    fs::remove_file(one).unwrap();
    fs::remove_file(two).unwrap();
    shared
}

#[test]
fn what_the_main_checkout_has_converted_is_not_taken() {
    for late in ["untracked attributes", "an old setting"] {
        let field = changed_checkout(0);
        let main = field.main();
        put(main.join("deep/text"), "one\ntwo\n");
        git(&main, &["add", "-A"]);
        git(&main, &["commit", "-qm", "Text"]);
        match late {
            "an old setting" => drop(git(&main, &["config", "core.autocrlf", "true"])),
            _ => put(main.join("deep/.gitattributes"), "* text eol=crlf\n"),
        }
        fs::remove_file(main.join("deep/text")).unwrap();
        git(&main, &["checkout", "-q", "--", "deep/text"]);
        assert_eq!(fs::read(main.join("deep/text")).unwrap(), b"one\r\ntwo\r\n");
        if late == "an old setting" {
            git(&main, &["config", "--unset", "core.autocrlf"]);
        }
        // The index is certainly younger than the file that it describes.
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(100);
        let index = fs::File::options()
            .append(true)
            .open(main.join(".git/index"));
        index.unwrap().set_modified(later).unwrap();
        let base = git(&main, &["rev-parse", "HEAD"]).parse().unwrap();
        let field = Field { base, ..field };
        let ws = field.make("stored");
        assert_eq!(
            fs::read(ws.path.join("deep/text")).unwrap(),
            b"one\ntwo\n",
            "{late}"
        );
    }
}

/// A main checkout with files of `size` bytes: `same` as committed, `edited` since, edited and
/// then `added`, and as `young` as the index.
fn changed_checkout(size: usize) -> Field {
    let names = ["same", "edited", "added", "young"];
    let field = Field::with(|main| {
        for name in names {
            put(main.join(name), &name[..1].repeat(size));
        }
        let past = std::time::SystemTime::now() - std::time::Duration::from_secs(100);
        for name in &names[..3] {
            let file = fs::File::options().append(true).open(main.join(name));
            file.unwrap().set_modified(past).unwrap();
        }
    });
    put(field.main().join("edited"), &"X".repeat(size));
    put(field.main().join("added"), &"Y".repeat(size));
    git(&field.main(), &["add", "added"]);
    field
}

#[test]
fn files_come_from_the_main_checkout_only_when_they_are_certainly_the_same() {
    for size in [0, 1, 100, 200_000] {
        let field = changed_checkout(size);
        let ws = field.make("taken");
        let expected = match shares_blocks(field.dir.path()) && size > 100_000 {
            true => FillMethod::Reflink,
            false => FillMethod::Checkout,
        };
        assert_eq!(ws.method, expected);
        for name in ["same", "edited", "added", "young"] {
            let found = fs::read_to_string(ws.path.join(name)).unwrap();
            assert!(found == name[..1].repeat(size), "{name} of {size}");
        }
        assert_eq!(git(&ws.path, &["status", "--porcelain"]), "");
        assert!(untouched::untouched(&ws.path, &ws.git_dir.join("index")).unwrap());
        put(ws.path.join("same"), "changed here");
        let theirs = fs::read_to_string(field.main().join("same")).unwrap();
        assert!(theirs == "s".repeat(size));
    }
}

#[test]
fn what_the_main_checkout_has_in_memory_is_not_unpacked() {
    let field = changed_checkout(100);
    // As if the object had other bytes, of the same number.
    let object = |name: &str| {
        let id = git(&field.main(), &["rev-parse", name]);
        let (folder, file) = id.split_at(2);
        field.main().join(".git/objects").join(folder).join(file)
    };
    fs::rename(object("HEAD:added"), object("HEAD:same")).unwrap();
    fs::copy(object("HEAD:same"), object("HEAD:added")).unwrap();
    let ws = field.make("taken");
    let found = fs::read_to_string(ws.path.join("same")).unwrap();
    assert_eq!(found, "s".repeat(100));
}

#[test]
fn files_are_converted_as_git_converts_them() {
    for setting in [
        None,
        Some(("core.autocrlf", "true")),
        Some(("core.eol", "crlf")),
    ] {
        let field = Field::with(|main| {
            let attributes = "* text=auto\n*.win eol=crlf\n*.unix eol=lf\n*.bin -text\n\
                              *.id ident\n*.wide working-tree-encoding=UTF-16LE\n*.lfs filter=lfs\n";
            put(main.join(".gitattributes"), attributes);
            put(main.join("deep/.gitattributes"), "*.win -text\n");
            for folder in ["", "deep"] {
                for kind in ["txt", "win", "unix", "bin", "id", "wide", "lfs"] {
                    let text = "one\n$Id$\nthree\n";
                    let bytes: Vec<u8> = match kind {
                        "wide" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
                        "bin" => b"\0a\r\nb\n".to_vec(),
                        _ => text.as_bytes().to_vec(),
                    };
                    fs::write(main.join(folder).join(format!("a.{kind}")), bytes).unwrap();
                }
            }
        });
        if let Some((key, value)) = setting {
            git(&field.main(), &["config", key, value]);
        }
        let repo = Repo::discover(&field.main()).unwrap();
        let field = Field { repo, ..field };
        let ws = field.make("converted");
        let theirs = field.dir.path().join("theirs");
        let path = theirs.to_str().unwrap();
        git(&field.main(), &["worktree", "add", "-q", "--detach", path]);
        for name in git(&theirs, &["ls-files"]).lines() {
            let expected = fs::read(theirs.join(name)).unwrap();
            let found = fs::read(ws.path.join(name)).unwrap();
            assert_eq!(found, expected, "{name} with {setting:?}");
        }
        assert_eq!(git(&ws.path, &["status", "--porcelain"]), "");
        assert!(untouched::untouched(&ws.path, &ws.git_dir.join("index")).unwrap());
    }
}

#[test]
fn line_endings_follow_the_main_configuration() {
    let field = Field::with(|main| {
        git(main, &["config", "core.autocrlf", "true"]);
    });
    let ws = field.make("crlf");
    assert_eq!(
        fs::read_to_string(ws.path.join("src/a.txt")).unwrap(),
        "one\r\n"
    );
    assert_eq!(git(&ws.path, &["status", "--porcelain"]), "");
    put(ws.path.join("src/a.txt"), "one\r\ntwo\r\n");
    let commit = commit_all(&field.repo, &ws.located(), "x")
        .unwrap()
        .unwrap();
    import(&field.repo, &ws.located()).unwrap();
    let stored = git(&field.main(), &["show", &format!("{commit}:src/a.txt")]);
    assert_eq!(stored, "one\ntwo");
}

#[test]
fn included_files_come_along_and_sparse_checkouts_stay_sparse() {
    let field = Field::with(|main| {
        put(main.join(".worktreeinclude"), "ignored\nsrc/\n");
        put(main.join("other/b.txt"), "b\n");
        put(main.join("elsewhere/c.txt"), "c\n");
    });
    put(field.main().join("ignored"), "secret\n");
    let ws = field.make("include");
    assert_eq!(
        fs::read_to_string(ws.path.join("ignored")).unwrap(),
        "secret\n"
    );
    git(&field.main(), &["sparse-checkout", "set", "src"]);
    let repo = Repo::discover(&field.main()).unwrap();
    let field = Field { repo, ..field };
    let ws = field.make("sparse");
    assert_eq!(ws.method, FillMethod::Sparse);
    assert!(ws.path.join("src/a.txt").exists() && !ws.path.join("other").exists());
    assert_eq!(git(&ws.path, &["status", "--porcelain"]), "");
    assert_eq!(
        save(&field.repo, &ws.located(), &SessionId::new()).unwrap(),
        None
    );
    // What is written outside of the sparse checkout is work; what is absent there is not deleted.
    put(ws.path.join("other/b.txt"), "changed\n");
    put(ws.path.join("other/new.txt"), "new\n");
    let commit = commit_all(&field.repo, &ws.located(), "x")
        .unwrap()
        .unwrap();
    import(&field.repo, &ws.located()).unwrap();
    let show = |path: &str| git(&field.main(), &["show", &format!("{commit}:{path}")]);
    assert_eq!(
        (show("other/b.txt"), show("other/new.txt")),
        ("changed".into(), "new".into())
    );
    assert_eq!(show("elsewhere/c.txt"), "c");
}
