//! Each thing that is refused beside its harmless twin, in trees made entry by entry.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use gix::ObjectId;
use gix::objs::{Kind, Write as _};

use super::*;

/// A path, its mode and what is in it; a commit's id for a repository.
type File<'a> = (&'a str, &'a str, &'a str);

const F: &str = "100644";
const L: &str = "120000";
const G: &str = "160000";

const ONE: &str = "1111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222";

struct Field {
    _dir: tempfile::TempDir,
    objects: gix::Repository,
}

impl Field {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Git::new(dir.path()).args(["init", "-q"]).run().unwrap();
        let objects = open_isolated(&dir.path().join(".git"), &[]).unwrap();
        Self { _dir: dir, objects }
    }

    /// Bytes as they are, whatever git thinks of them.
    fn object(&self, kind: Kind, bytes: &[u8]) -> String {
        self.objects.write_buf(kind, bytes).unwrap().to_string()
    }

    fn raw_tree(&self, entries: &[(String, String, String)]) -> String {
        let mut raw = Vec::new();
        for (mode, name, id) in entries {
            raw.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            raw.extend_from_slice(ObjectId::from_hex(id.as_bytes()).unwrap().as_slice());
        }
        self.object(Kind::Tree, &raw)
    }

    fn tree(&self, files: &[File<'_>]) -> ObjectId {
        let mut entries = Vec::new();
        let mut below: BTreeMap<&str, Vec<File<'_>>> = BTreeMap::new();
        for (path, mode, content) in files {
            if let Some((folder, rest)) = path.split_once('/') {
                below.entry(folder).or_default().push((rest, mode, content));
                continue;
            }
            let id = match *mode {
                G => (*content).to_owned(),
                _ => self.object(Kind::Blob, content.as_bytes()),
            };
            entries.push(((*mode).to_owned(), (*path).to_owned(), id));
        }
        for (folder, files) in below {
            let id = self.tree(&files).to_string();
            entries.push(("40000".to_owned(), folder.to_owned(), id));
        }
        entries.sort_by_key(|(mode, name, _)| match mode.as_str() {
            "40000" => format!("{name}/"),
            _ => name.clone(),
        });
        ObjectId::from_hex(self.raw_tree(&entries).as_bytes()).unwrap()
    }

    fn commit(&self, tree: ObjectId, parents: &[&str]) -> String {
        let mut text = format!("tree {tree}\n");
        for parent in parents {
            writeln!(text, "parent {parent}").unwrap();
        }
        let who = "Ada <ada@example.org> 1700000000 +0000";
        writeln!(text, "author {who}\ncommitter {who}\n\nx").unwrap();
        self.object(Kind::Commit, text.as_bytes())
    }

    /// What is said of a commit that brings `after` where its parent had `before`.
    fn said(&self, before: &[File<'_>], after: &[File<'_>]) -> Option<String> {
        let parent = self.commit(self.tree(before), &[]);
        let commit = self.commit(self.tree(after), &[&parent]);
        self.judged(&commit)
    }

    fn judged(&self, commit: &str) -> Option<String> {
        let id = ObjectId::from_hex(commit.as_bytes()).unwrap();
        let found = unsound_commit(&self.objects, id, Standard::Landable).unwrap();
        let found = found?;
        assert_eq!(found.commit.as_ref().map(|c| c.as_str()), Some(commit));
        let said = found.to_string();
        assert!(said.contains(&commit[..10]), "{said}");
        Some(said)
    }

    /// Refused when it is new, not when the parent has it and something else changes.
    fn refuses(&self, beside: &[File<'_>], bad: File<'_>, named: &str, why: &str) {
        let (one, two) = ([("other", F, "1")], [("other", F, "2")]);
        let said = self.said(&[&one, beside].concat(), &[&two, beside, &[bad]].concat());
        let said = said.unwrap_or_else(|| panic!("{bad:?} was let through"));
        assert!(said.contains(why), "{bad:?}: {said}");
        assert!(said.starts_with(&format!("{named:?}")), "{bad:?}: {said}");
        let before = [&one, beside, &[bad]].concat();
        self.lets_through(&before, &[&two, beside, &[bad]].concat());
    }

    fn lets_through(&self, before: &[File<'_>], after: &[File<'_>]) {
        assert_eq!(self.said(before, after), None, "{before:?} {after:?}");
    }
}

#[test]
fn links_that_leave_the_repository_are_refused() {
    let it = Field::new();
    let leaves = "leaves the repository";
    let into = "into a git directory";
    for (path, to, why) in [
        ("l", "/etc/passwd", leaves),
        ("l", "/", leaves),
        ("l", "..", leaves),
        ("l", "../", leaves),
        ("l", "../x", leaves),
        ("l", "./../x", leaves),
        ("l", "a/../../x", leaves),
        ("l", "a/b/../../../x", leaves),
        ("d/l", "../../x", leaves),
        ("d/e/l", "../../../x", leaves),
        ("d/l", "..\\..\\x", leaves),
        ("d/l", "a\\b/../../../x", leaves),
        ("l", "\\\\server\\x", leaves),
        ("l", "C:\\Windows", leaves),
        ("l", "c:/Windows", leaves),
        ("l", ".git/config", into),
        ("l", ".git", into),
        ("d/l", "../.GIT/hooks", into),
        ("l", "sub/.git/HEAD", into),
        ("l", "a\\.git\\config", into),
        ("l", ".g\u{200c}it/config", into),
        ("l", "GIT~1/config", into),
        ("l", "", "no system follows"),
        ("l", "a\0b", "no system follows"),
    ] {
        it.refuses(&[], (path, L, to), path, why);
    }
    for (path, to) in [
        ("l", "x"),
        ("l", "."),
        ("l", "./x"),
        ("l", "d/../x"),
        ("d/l", "../x"),
        ("d/l", ".."),
        ("d/e/l", "../../x"),
        ("l", "..x/..."),
        ("l", ".github/x"),
        ("l", "x.git/config"),
        ("l", "dev\\x2ddisk.swap"),
        ("l", "nowhere/at/all"),
        ("l", "a:b"),
    ] {
        it.lets_through(&[("other", F, "1")], &[("other", F, "1"), (path, L, to)]);
    }
    // A file may say what it likes.
    it.lets_through(&[], &[("f", F, "/etc/passwd")]);
}

#[test]
fn a_link_that_was_there_may_stay_and_go_and_not_change_for_the_worse() {
    let it = Field::new();
    let old = [("d/l", L, "/old"), ("f", F, "f")];
    it.lets_through(&old, &[("f", F, "f")]);
    it.lets_through(&old, &[("d/l", L, "../f"), ("f", F, "f")]);
    for after in [("d/l", L, "/new"), ("d/moved", L, "/old"), ("f", L, "/old")] {
        let said = it.said(&old, &[after]).unwrap();
        assert!(said.contains(after.0) && said.contains("leaves"), "{said}");
    }
    // A person's link comes with a merge; the merge's own does not.
    let base = it.commit(it.tree(&[]), &[]);
    let theirs = it.commit(it.tree(&[("l", L, "/etc")]), &[&base]);
    let ours = it.commit(it.tree(&[("f", F, "f")]), &[&base]);
    let both = it.tree(&[("f", F, "f"), ("l", L, "/etc")]);
    assert_eq!(it.judged(&it.commit(both, &[&ours, &theirs])), None);
    assert!(it.judged(&it.commit(both, &[&ours, &base])).is_some());
    assert!(it.judged(&it.commit(both, &[])).is_some());
}

#[test]
fn a_link_of_more_bytes_than_any_system_follows_is_not_read() {
    let it = Field::new();
    let long = "x/".repeat(2048);
    it.lets_through(&[], &[("l", L, &long)]);
    let longer = format!("{long}x");
    it.refuses(&[], ("l", L, &longer), "l", "has 4097 bytes");
}

#[test]
fn two_names_that_some_system_takes_for_one_are_refused() {
    let it = Field::new();
    let why = "is the same file as";
    for (there, new, named) in [
        ("A.txt", "a.txt", "a.txt"),
        ("a.txt", "A.txt", "A.txt"),
        ("d/README", "d/readme", "d/readme"),
        ("caf\u{e9}", "cafe\u{301}", "cafe\u{301}"),
        ("\u{c4}", "\u{e4}", "\u{e4}"),
        ("dir", "Dir/x", "Dir"),
        ("dir/x", "Dir", "Dir"),
        ("dir/x", "Dir/y", "Dir"),
    ] {
        it.refuses(&[(there, F, "x")], (new, F, "y"), named, why);
    }
    let bad = [("a", F, "x"), ("A", F, "y")];
    assert!(it.said(&[], &bad).is_some());
    // Also when they are the only thing in common with what was there.
    assert!(it.said(&[("a", F, "x"), ("b", F, "x")], &bad).is_some());
    // As the kernel has them, with new files beside them, and changed.
    let pair = [("x/xt_MARK.h", F, "1"), ("x/xt_mark.h", F, "1")];
    let changed = [
        ("x/xt_MARK.h", F, "2"),
        ("x/xt_mark.h", F, "1"),
        ("x/n", F, "n"),
    ];
    it.lets_through(&pair, &changed);
    it.lets_through(&pair, &[pair[0]]);
    let third = [pair[0], pair[1], ("x/XT_mark.h", F, "1")];
    assert!(it.said(&pair, &third).unwrap().contains("XT_mark.h"));
    // A change of case is no twin, nor is the same name elsewhere.
    it.lets_through(&[("a", F, "x")], &[("A", F, "x")]);
    it.lets_through(&[("d/a", F, "x")], &[("d/a", F, "x"), ("e/A", F, "x")]);
    // Neither side of a merge has both.
    let one = it.commit(it.tree(&[("a", F, "x")]), &[]);
    let two = it.commit(it.tree(&[("A", F, "x")]), &[]);
    let both = it.tree(&[("A", F, "x"), ("a", F, "x")]);
    assert!(it.judged(&it.commit(both, &[&one, &two])).is_some());
}

#[test]
fn a_repository_in_the_repository_has_to_be_a_submodule() {
    let it = Field::new();
    let list = "[submodule \"s\"]\n\tpath = lib/sub\n\turl = https://example.org/sub\n";
    let no_url = "[submodule \"s\"]\n\tpath = lib/sub\n";
    let why = "no submodule";
    let sub = ("lib/sub", G, ONE);
    it.refuses(&[], sub, "lib/sub", why);
    for text in [
        "",
        no_url,
        "[submodule \"s\"",
        "[submodule \"lib/sub\"]\nurl = x\n",
    ] {
        it.refuses(&[(".gitmodules", F, text)], sub, "lib/sub", why);
    }
    it.refuses(
        &[(".gitmodules", F, list)],
        ("other-sub", G, ONE),
        "other-sub",
        why,
    );
    it.refuses(&[("lib/.gitmodules", F, list)], sub, "lib/sub", why);
    it.lets_through(&[], &[(".gitmodules", F, list), sub]);
    // Another commit of it is ordinary work, even where nobody declared it.
    it.lets_through(&[sub], &[("lib/sub", G, TWO)]);
    it.lets_through(&[sub], &[]);
    assert!(it.said(&[("lib/sub", F, "x")], &[sub]).is_some());
    assert!(it.said(&[sub], &[("sub", G, ONE)]).is_some());
}

#[test]
fn names_that_git_does_not_check_out_are_refused() {
    let it = Field::new();
    for name in [
        ".git",
        ".GIT",
        ".Git",
        ".git ",
        ".git.",
        ".git. .",
        ".git::$INDEX_ALLOCATION",
        ".git:x",
        "git~1",
        "GIT~1",
        "git~1 ",
        ".g\u{200c}it",
        "\u{feff}.git",
        ".gi\u{206f}T",
        "..",
        ".",
        "a\\..\\b",
        "..\\x",
        ".git\\config",
        "d\\.GIT\\hooks",
    ] {
        it.refuses(&[], (name, F, "x"), name, "refuses to check out");
        let below = format!("d/{name}/x");
        let named = format!("d/{name}");
        it.refuses(&[], (&below, F, "x"), &named, "refuses to check out");
    }
    for name in [".gitmodules", ".GITMODULES", "gitmod~1", ".gitmodules "] {
        it.refuses(&[], (name, L, "x"), name, "refuses to check out");
    }
    for name in [
        ".github",
        ".gitignore",
        ".gitmodules",
        "git",
        "git~2",
        "x.git",
        "...",
        "..x",
        "a:b",
        "aux",
        "dev-disk\\x2dby.swap",
        "x\\",
        "with space",
        "\u{200c}",
        "x ",
    ] {
        it.lets_through(&[], &[(name, F, "x")]);
    }
    for name in ["a\nb", "\x1b[2J", "tab\t", "x\x7f", "\u{85}", "d/\rx"] {
        it.refuses(&[], (name, F, "x"), name, "control characters");
        it.lets_through(&[(name, F, "x")], &[(name, F, "changed")]);
    }
}

#[test]
fn modes_that_git_does_not_write_are_refused() {
    let it = Field::new();
    for mode in [
        "100664", "100600", "100666", "100777", "100000", "120777", "0",
    ] {
        it.refuses(&[], ("f", mode, "x"), "f", "mode");
    }
    it.lets_through(&[], &[("f", "100755", "x"), ("g", F, "x")]);
    // An old one goes when its file is written again.
    it.lets_through(&[("f", "100664", "x")], &[("f", F, "x")]);
    assert!(
        it.said(&[("f", "100664", "x")], &[("f", "100664", "y")])
            .is_some()
    );
}

#[test]
fn a_folder_has_a_name_once() {
    let it = Field::new();
    let blob = it.object(Kind::Blob, b"x");
    let tree = it.tree(&[("x", F, "x")]).to_string();
    let entry = |mode: &str, id: &str| (mode.to_owned(), "a".to_owned(), id.to_owned());
    for other in [entry(F, &blob), entry("40000", &tree)] {
        let twice = it.raw_tree(&[entry(F, &blob), other]);
        let twice = ObjectId::from_hex(twice.as_bytes()).unwrap();
        let said = it.judged(&it.commit(twice, &[])).unwrap();
        assert!(said.contains("is there twice"), "{said}");
    }
}

/// What is saved for a person need not fit every checkout.
#[test]
fn what_is_stored_has_to_be_git_and_no_more() {
    let it = Field::new();
    let stored = |file: File<'_>| {
        let tree = it.tree(&[file, ("A", F, "x"), ("a", F, "x")]);
        unsound_tree(&it.objects, tree, &[], Standard::Storable).unwrap()
    };
    for file in [("l", L, "/etc"), ("s", G, ONE), ("a\nb", F, "x")] {
        assert_eq!(stored(file), None, "{file:?}");
    }
    for file in [(".GIT/x", F, "x"), ("f", "100600", "x")] {
        let said = stored(file).unwrap().to_string();
        assert!(said.contains("in the merged tree"), "{said}");
    }
}

/// The same folder ten times in each of ten folders, and so on, is looked at once.
#[test]
fn a_tree_of_ten_thousand_million_folders_takes_no_time() {
    let it = Field::new();
    let mut tree = it.tree(&[("x", F, "x")]).to_string();
    for _ in 0..10 {
        let entry = |n| ("40000".to_owned(), format!("d{n}"), tree.clone());
        tree = it.raw_tree(&(0..10).map(entry).collect::<Vec<_>>());
    }
    let tree = ObjectId::from_hex(tree.as_bytes()).unwrap();
    let judged = unsound_tree(&it.objects, tree, &[], Standard::Landable);
    assert_eq!(judged.unwrap(), None);
}
