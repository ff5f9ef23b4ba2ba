//! What counts as a change of the index.

use super::*;

/// A session that may change `docs/**` but for one folder, with files of every kind around it.
fn kinds(yard: &Yard) -> Place<'_> {
    for path in [
        "docs/a",
        "docs/deep/er/b",
        "docs/not/c",
        "other/d",
        "docs-x",
        "e",
    ] {
        yard.write(path, "text\n");
    }
    std::os::unix::fs::symlink("e", yard.repo().join("link")).unwrap();
    yard.git(&["add", "-A"]);
    let gitlink = format!("160000,{},module", "1".repeat(40));
    yard.git(&["update-index", "--add", "--cacheinfo", &gitlink]);
    yard.git(&["commit", "-qm", "Kinds"]);
    Place::of_session(yard, "kinds", &["docs/**", "!docs/not/**"])
}

/// Stages something, and says what the refusal names; the index is as before then.
fn named(place: &Place<'_>, steps: &[&[&str]]) -> String {
    for step in steps {
        place.git(step);
    }
    let early = place.refused(OUTSIDE, &["commit", "-qm", "x"]);
    let unverified = place.refused(OUTSIDE, &["commit", "-qm", "x", "--no-verify"]);
    assert_eq!(early, unverified);
    let tree = place.git(&["write-tree"]);
    let made = place.git(&["commit-tree", "-m", "x", "-p", "HEAD", &tree]);
    let late = place.refused(OUTSIDE, &["update-ref", "HEAD", &made]);
    let files = |said: &str| {
        let line = said.lines().find(|line| line.starts_with("  files"));
        line.unwrap()
            .trim_start_matches("  files")
            .trim()
            .to_owned()
    };
    assert_eq!(files(&early), files(&late));
    place.git(&["reset", "-q", "--hard"]);
    files(&early)
}

#[test]
fn every_kind_of_change_is_seen_early_and_late() {
    let yard = Yard::new();
    let place = kinds(&yard);
    let zeros = format!("160000,{},module", "2".repeat(40));
    let inside = format!("160000,{},docs/not/module", "2".repeat(40));
    for (steps, files) in [
        (&[&["rm", "-q", "e"][..]][..], "e"),
        (&[&["rm", "-rq", "other"]], "other/d"),
        (&[&["mv", "e", "docs/e"]], "e"),
        (&[&["mv", "docs/a", "moved"]], "moved"),
        (&[&["mv", "docs/deep", "deep"]], "deep/er/b"),
        (
            &[&["mv", "docs/deep", "docs/not/deep"]],
            "docs/not/deep/er/b",
        ),
        (&[&["update-index", "--chmod=+x", "e"]], "e"),
        (&[&["update-index", "--cacheinfo", &zeros]], "module"),
        (
            &[&["update-index", "--add", "--cacheinfo", &inside]],
            "docs/not/module",
        ),
        (&[&["rm", "-q", "--cached", "module"]], "module"),
        (&[&["rm", "-q", "link"]], "link"),
        (
            &[&["rm", "-rq", "."]],
            "docs-x, docs/not/c, e, link and 4 more",
        ),
    ] {
        let found = named(&place, steps);
        // The repository of the yard has two files more.
        let files = files.replace(
            "docs-x, docs/not/c, e, link and 4",
            "README.md, docs-x, docs/not/c, e and 4",
        );
        assert_eq!(found, files, "{steps:?}");
    }
    // A file becomes a link, a folder a file, a file a folder.
    std::fs::remove_file(place.path.join("e")).unwrap();
    std::os::unix::fs::symlink("docs", place.path.join("e")).unwrap();
    assert_eq!(named(&place, &[&["add", "e"]]), "e");
    std::fs::remove_dir_all(place.path.join("other")).unwrap();
    place.write("other", "file\n");
    assert_eq!(named(&place, &[&["add", "-A"]]), "other, other/d");
    std::fs::remove_file(place.path.join("e")).unwrap();
    place.write("e/f", "file\n");
    assert_eq!(named(&place, &[&["add", "-A"]]), "e, e/f");
    place.git(&["clean", "-qfd"]);
    place.write("new\nline", "x");
    assert_eq!(named(&place, &[&["add", "-A"]]), "\"new\\nline\"");
}

#[test]
fn changes_inside_pass_and_announced_files_do_not_count() {
    let yard = Yard::new();
    let place = kinds(&yard);
    place.git(&["mv", "docs/deep", "docs/deeper"]);
    place.git(&["rm", "-q", "docs/a"]);
    place.write("docs/a/folder/now", "x\n");
    place.write("announced", "x\n");
    place.git(&["add", "docs"]);
    place.git(&["add", "-N", "announced"]);
    place.git(&["commit", "-qm", "fine"]);
    assert_eq!(
        place
            .git(&["show", "--name-only", "--format=", "--no-renames"])
            .lines()
            .count(),
        4
    );
}

#[test]
fn an_index_of_its_own_is_the_one_that_counts() {
    let yard = Yard::new();
    let place = kinds(&yard);
    let own = yard.folder.path().join("own-index");
    let with_own = |args: &[&str]| {
        let mut git = yard.command("git");
        git.current_dir(&place.path).env("GIT_INDEX_FILE", &own);
        git.args(args).output().unwrap()
    };
    assert!(with_own(&["read-tree", "HEAD"]).status.success());
    place.write("e", "changed\n");
    place.write("docs/a", "changed\n");
    assert!(with_own(&["add", "e"]).status.success());
    let done = with_own(&["commit", "-qm", "x"]);
    assert!(
        text(&done.stderr).contains(OUTSIDE),
        "{}",
        text(&done.stderr)
    );
    assert!(with_own(&["read-tree", "HEAD"]).status.success());
    assert!(with_own(&["add", "docs/a"]).status.success());
    // What the usual index has does not matter then.
    place.git(&["add", "e"]);
    let done = with_own(&["commit", "-qm", "x"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    place.refused(OUTSIDE, &["commit", "-qm", "x"]);
}

#[test]
fn odd_formats_of_the_index_are_read() {
    let yard = Yard::new();
    let place = kinds(&yard);
    for format in [
        &["update-index", "--index-version=4"][..],
        &["update-index", "--split-index"],
        &["update-index", "--no-split-index"],
        &["config", "index.recordEndOfIndexEntries", "false"],
        &["config", "index.threads", "2"],
        &["update-index", "--index-version=2"],
    ] {
        place.git(format);
        place.write("e", "changed\n");
        place.write("docs/a", &format!("{format:?}\n"));
        place.git(&["add", "-A"]);
        let said = place.refused(OUTSIDE, &["commit", "-qm", "x"]);
        assert!(said.contains("files  e\n"), "{said}");
        place.git(&["restore", "--staged", "--worktree", "e"]);
        place.git(&["commit", "-qm", "x"]);
    }
    place.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "docs"]);
    place.write("docs/a", "sparse\n");
    place.git(&["add", "docs/a"]);
    place.git(&["commit", "-qm", "sparse"]);
    place.git(&["rm", "-q", "--sparse", "--cached", "other/d"]);
    let said = place.refused(OUTSIDE, &["commit", "-qm", "x"]);
    assert!(said.contains("files  other/d\n"), "{said}");
}
