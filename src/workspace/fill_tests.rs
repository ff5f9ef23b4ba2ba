//! What a new worktree holds.

use std::fs;
use std::path::Path;

use super::tests::{Field, git, put};
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
fn large_files_share_blocks_only_with_what_is_certainly_the_same() {
    let large = |byte: &str| byte.repeat(200_000);
    let field = Field::with(|main| {
        for name in ["same", "edited", "young", "staged"] {
            put(main.join(name), &large(&name[..1]));
        }
        let past = std::time::SystemTime::now() - std::time::Duration::from_secs(100);
        for name in ["same", "edited", "staged"] {
            let file = fs::File::options().append(true).open(main.join(name));
            file.unwrap().set_modified(past).unwrap();
        }
    });
    put(field.main().join("edited"), &large("X"));
    put(field.main().join("staged"), &large("Y"));
    git(&field.main(), &["add", "staged"]);
    let ws = field.make("large");
    let expected = match shares_blocks(field.dir.path()) {
        true => FillMethod::Reflink,
        false => FillMethod::Checkout,
    };
    assert_eq!(ws.method, expected);
    for name in ["same", "edited", "young", "staged"] {
        assert_eq!(
            fs::read_to_string(ws.path.join(name)).unwrap(),
            large(&name[..1]),
            "{name}"
        );
    }
    assert_eq!(git(&ws.path, &["status", "--porcelain"]), "");
    assert!(untouched::untouched(&ws.path, &ws.git_dir.join("index")).unwrap());
    put(ws.path.join("same"), "changed here");
    let theirs = fs::read_to_string(field.main().join("same")).unwrap();
    assert_eq!(theirs, large("s"));
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
}
