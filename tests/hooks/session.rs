//! The hooks of a session's own worktree.

use super::*;

/// A repository with two folders, and a session that may change one of them.
pub(super) fn docs(yard: &Yard) -> Place<'_> {
    yard.write("docs/a.md", "one\n");
    yard.write("docs/b.md", "two\n");
    yard.git(&["add", "-A"]);
    yard.git(&["commit", "-qm", "Docs"]);
    Place::of_session(yard, "docs", &["docs/**"])
}

/// A commit outside of the scope that no ref of the session has.
fn stray(place: &Place<'_>) -> String {
    place.git(&["checkout", "-q", "--detach"]);
    place.write("src/lib.txt", "stray\n");
    place.commit_unseen();
    let id = place.head();
    place.git(&["checkout", "-q", "-"]);
    id
}

#[test]
fn ordinary_commits_are_refused_early_and_say_why_in_five_lines() {
    let yard = Yard::new();
    let place = docs(&yard);
    let before = place.head();
    place.write("docs/a.md", "changed\n");
    place.write("src/lib.txt", "changed\n");
    let said = place.refused(OUTSIDE, &["commit", "-qam", "both"]);
    assert_eq!(said.lines().count(), 5, "{said}");
    for word in [
        "src/lib.txt",
        "docs/**",
        "session docs",
        "git restore --staged",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(!said.contains("docs/a.md"));
    place.refused(OUTSIDE, &["commit", "-qm", "x", "-o", "src/lib.txt"]);
    place.refused(OUTSIDE, &["commit", "-qm", "x", "-i", "src/lib.txt"]);
    place.git(&["reset", "-q"]);
    assert_eq!(place.head(), before);
    place.git(&["commit", "-qm", "own", "-o", "docs/a.md"]);
    assert_eq!(place.git(&["status", "--porcelain"]), " M src/lib.txt");
    place.git(&["add", "src/lib.txt"]);
    place.refused(OUTSIDE, &["commit", "-q", "--amend", "-m", "more"]);
    place.git(&["restore", "--staged", "--", "src/lib.txt"]);
    place.git(&["commit", "-q", "--amend", "-m", "again"]);
    place.git(&["commit", "-q", "--allow-empty", "-m", "nothing"]);
    place.git(&[
        "commit",
        "-q",
        "--allow-empty",
        "--no-verify",
        "-m",
        "nothing",
    ]);
}

#[test]
fn what_skips_the_early_hook_is_refused_when_the_branch_moves() {
    let yard = Yard::new();
    let place = docs(&yard);
    let (start, stray) = (place.head(), stray(&place));
    let branch = place.git(&["symbolic-ref", "HEAD"]);
    let short = branch.trim_start_matches("refs/heads/");
    place.write("src/lib.txt", "changed\n");
    place.refused(OUTSIDE, &["commit", "-qam", "x", "--no-verify"]);
    place.git(&["reset", "-q", "--hard"]);
    for args in [
        &["cherry-pick", &stray][..],
        &["update-ref", &branch, &stray],
        &["update-ref", "HEAD", &stray],
        &["reset", "-q", "--soft", &stray],
        &["merge", "-q", "--ff-only", &stray],
        &["merge", "-q", "--no-ff", "--no-verify", "-m", "m", &stray],
        &["checkout", "-q", "-B", short, &stray],
    ] {
        place.refused(OUTSIDE, args);
        assert_eq!(place.git(&["rev-parse", &branch]), start, "{args:?}");
        let _nothing_to_abort = place.try_git(&["cherry-pick", "--abort"]);
        let _nothing_to_abort = place.try_git(&["merge", "--abort"]);
        place.git(&["reset", "-q", "--hard", "HEAD"]);
    }
    place.git(&["switch", "-q", "--detach"]);
    place.refused(OUTSIDE, &["branch", "-f", short, &stray]);
    place.git(&["switch", "-q", short]);

    let patch = place.git(&["format-patch", "-1", "--stdout", &stray]);
    place.write("docs/stray.patch", &format!("{patch}\n"));
    place.refused(OUTSIDE, &["am", "-q", "docs/stray.patch"]);
    place.git(&["am", "--abort"]);
    let tree = place.git(&["rev-parse", &format!("{stray}^{{tree}}")]);
    let made = place.git(&["commit-tree", "-m", "x", "-p", "HEAD", &tree]);
    place.refused(OUTSIDE, &["update-ref", "HEAD", &made]);
    assert_eq!(place.git(&["rev-parse", &branch]), start);

    // In one transaction with refs that are nobody's, in any order.
    let lines = |names: &[&str]| {
        let line = |name: &&str| format!("update {name} {made}\n");
        names.iter().map(line).collect::<String>()
    };
    for order in [
        &["AUTO_MERGE", branch.as_str()][..],
        &["AUTO_MERGE", "ORIG_HEAD", &branch],
        &[&branch, "AUTO_MERGE"],
        &["refs/tags/t", &branch],
    ] {
        let path = yard.folder.path().join("updates");
        std::fs::write(&path, lines(order)).unwrap();
        let mut git = yard.command("git");
        git.current_dir(&place.path).args(["update-ref", "--stdin"]);
        let done = git.stdin(std::fs::File::open(&path).unwrap()).output();
        let said = text(&done.unwrap().stderr);
        assert!(said.contains(OUTSIDE), "{order:?}: {said}");
    }
    assert_eq!(place.git(&["rev-parse", &branch]), start);

    // Undone again within the same move, and still a commit of the branch.
    let back = place.git(&["rev-parse", &format!("{start}^{{tree}}")]);
    let undone = place.git(&["commit-tree", "-m", "x", "-p", &made, &back]);
    place.refused(OUTSIDE, &["reset", "-q", "--soft", &undone]);
}

#[test]
fn a_rebase_with_a_stray_commit_does_not_reach_the_branch() {
    let yard = Yard::new();
    let place = docs(&yard);
    let branch = place.git(&["symbolic-ref", "HEAD"]);
    let stray = stray(&place);
    place.write("docs/a.md", "own\n");
    place.git(&["commit", "-qam", "own"]);
    let own = place.head();
    place.refused(OUTSIDE, &["rebase", "-q", &stray]);
    assert_eq!(place.git(&["rev-parse", &branch]), own);
    let _it_may_have_ended = place.try_git(&["rebase", "--abort"]);
    place.git(&["switch", "-q", branch.trim_start_matches("refs/heads/")]);
    assert_eq!(place.head(), own);
}

#[test]
fn what_stays_inside_works_as_ever() {
    let yard = Yard::new();
    let place = docs(&yard);
    place.git(&["switch", "-q", "-c", "side"]);
    place.write("docs/side.md", "side\n");
    place.git(&["add", "-A"]);
    place.git(&["commit", "-qm", "side"]);
    place.git(&["switch", "-q", "-"]);
    place.write("docs/a.md", "own\n");
    place.git(&["commit", "-qam", "own"]);
    place.git(&["merge", "-q", "--no-ff", "-m", "merged", "side"]);
    place.git(&["reset", "-q", "--hard", "HEAD^"]);
    place.git(&["cherry-pick", "side"]);
    place.git(&["revert", "--no-edit", "HEAD"]);
    place.git(&["rebase", "-q", "side"]);
    place.git(&["commit", "-q", "--amend", "--allow-empty", "-m", "amended"]);
    let patch = place.git(&["format-patch", "-1", "--stdout", "side"]);
    place.git(&["reset", "-q", "--hard", "side^"]);
    std::fs::write(yard.folder.path().join("patch"), format!("{patch}\n")).unwrap();
    let patch = yard.folder.path().join("patch");
    place.git(&["am", "-q", patch.to_str().unwrap()]);
    place.git(&["branch", "-D", "side"]);
    place.git(&["tag", "mark"]);
    place.git(&["gc", "-q"]);
    place.git(&["pack-refs", "--all"]);
    place.write("docs/b.md", "own\n");
    place.git(&["commit", "-qam", "after packing"]);
    let second = yard.folder.path().join("second");
    place.git(&["worktree", "add", "-q", second.to_str().unwrap()]);
    let second = Place::new(&yard, &second);
    second.write("src/lib.txt", "second\n");
    second.refused(OUTSIDE, &["commit", "-qam", "x"]);
    second.git(&["checkout", "-q", "."]);
    second.write("docs/a.md", "second\n");
    second.git(&["commit", "-qam", "x"]);
}

#[test]
fn stash_and_hard_resets_keep_working_with_files_from_outside() {
    let yard = Yard::new();
    let place = docs(&yard);
    place.write("src/lib.txt", "stashed\n");
    place.git(&["stash", "-q"]);
    assert_eq!(place.git(&["status", "--porcelain"]), "");
    place.git(&["stash", "pop", "-q"]);
    assert_eq!(place.git(&["status", "--porcelain"]), " M src/lib.txt");
    place.git(&["stash", "-q"]);
    place.git(&["stash", "apply", "-q"]);
    place.git(&["reset", "-q", "--hard"]);
    place.git(&["reset", "-q", "--hard", "HEAD^"]);
    place.git(&["reset", "-q", "--hard", "ORIG_HEAD"]);
    place.git(&["checkout", "-q", "--detach"]);
    assert_eq!(place.git(&["status", "--porcelain"]), "");
}

#[test]
fn the_target_comes_in_and_is_not_taken_back() {
    let yard = Yard::new();
    let place = docs(&yard);
    place.write("docs/a.md", "own\n");
    place.git(&["commit", "-qam", "own"]);
    let own = place.head();
    yard.write("src/lib.txt", "newer\n");
    yard.git(&["commit", "-qam", "newer"]);
    let target = yard.git(&["rev-parse", "main"]);
    let target = target.trim_end();
    place.refused(OUTSIDE, &["merge", "-q", "-s", "ours", "-m", "m", target]);
    place.git(&["reset", "-q", "--hard", &own]);
    place.git(&["merge", "-q", "-m", "m", target]);
    place.git(&["reset", "-q", "--hard", &own]);
    place.git(&["rebase", "-q", target]);
    assert_eq!(place.git(&["show", "HEAD:src/lib.txt"]), "newer");
    place.git(&["reset", "-q", "--hard", target]);

    // More than the merge brings.
    place.git(&["reset", "-q", "--hard", &own]);
    place.git(&["merge", "-q", "--no-commit", "--no-ff", target]);
    place.write("README.md", "more\n");
    place.refused(OUTSIDE, &["commit", "-qam", "evil"]);
    place.refused(OUTSIDE, &["commit", "-qam", "evil", "--no-verify"]);
}

#[test]
fn other_branches_that_matter_are_not_the_sessions_to_move() {
    let yard = Yard::new();
    let place = docs(&yard);
    let guarded = "TY-BRANCH-GUARDED";
    for name in ["main", "ty/other-0a1b2c3d"] {
        place.refused(guarded, &["branch", name]);
        place.refused(
            guarded,
            &["update-ref", &format!("refs/heads/{name}"), "HEAD"],
        );
        place.refused(guarded, &["switch", "-q", "-c", name]);
    }
    let own = place.git(&["symbolic-ref", "HEAD"]);
    assert!(own.starts_with("refs/heads/ty/docs-"));
    place.git(&["branch", "mine"]);
    let main = yard.repo();
    let main = main.to_str().unwrap();
    place.refused(guarded, &["push", "-q", main, "HEAD:main"]);
    let elsewhere = yard.folder.path().join("elsewhere.git");
    let elsewhere = elsewhere.to_str().unwrap();
    yard.git(&["init", "-q", "--bare", elsewhere]);
    place.git(&["push", "-q", elsewhere, "HEAD:refs/heads/review"]);
    place.git(&["push", "-q", elsewhere, ":refs/heads/review"]);
    place.git(&["checkout", "-q", "--detach"]);
    place.write("src/lib.txt", "stray\n");
    place.commit_unseen();
    place.refused(
        OUTSIDE,
        &["push", "-q", elsewhere, "HEAD:refs/heads/review"],
    );
}

#[test]
fn sessions_need_neither_store_nor_runner_and_fail_closed_without_their_guard() {
    let yard = Yard::new();
    let place = docs(&yard);
    let state = yard.repo().join(".git/treeyard");
    for entry in std::fs::read_dir(&state).unwrap().flatten() {
        if entry.file_type().unwrap().is_file() {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    place.write("src/lib.txt", "changed\n");
    place.refused(OUTSIDE, &["commit", "-qam", "x"]);
    place.git(&["checkout", "-q", "."]);
    place.git(&["commit", "-q", "--allow-empty", "-m", "fine"]);
    let record = std::fs::read_dir(state.join("workspaces")).unwrap();
    let guard = record.flatten().next().unwrap().path().join("guard.json");
    let whole = std::fs::read_to_string(&guard).unwrap();
    for broken in ["", "{}", &whole.replace("\"version\":1", "\"version\":99")] {
        std::fs::write(&guard, broken).unwrap();
        let args = &["commit", "-q", "--allow-empty", "-m", "unknown"];
        place.refused("TY-HOOK-UNDECIDED", args);
    }
    std::fs::remove_file(state.join("hooks/session/treeyard")).unwrap();
    place.refused(
        "doctor --fix",
        &["commit", "-q", "--allow-empty", "-m", "x"],
    );
}

#[test]
fn the_place_that_git_is_told_of_counts() {
    let yard = Yard::new();
    let place = docs(&yard);
    let own = place.git(&["rev-parse", "--absolute-git-dir"]);
    place.write("src/lib.txt", "changed\n");
    let from = |folder: &Path, args: &[&str]| {
        let mut git = yard.command("git");
        git.current_dir(folder).args(args);
        let done = git.args(["commit", "-qam", "x"]).output().unwrap();
        text(&done.stderr)
    };
    let (tree, dir) = (
        format!("--work-tree={}", place.path.display()),
        format!("--git-dir={own}"),
    );
    for said in [
        from(yard.folder.path(), &[&tree, &dir]),
        from(yard.folder.path(), &["-C", place.path.to_str().unwrap()]),
        from(&place.path.join("docs"), &[]),
        from(Path::new(&own), &[&tree, "--git-dir=."]),
    ] {
        assert!(said.contains(OUTSIDE), "{said}");
    }
}

#[test]
fn two_sessions_do_not_disturb_each_other_and_their_work_lands() {
    let yard = Yard::new();
    let one = docs(&yard);
    let two = Place::of_session(&yard, "code", &["src/**"]);
    one.write("src/lib.txt", "x\n");
    one.refused(OUTSIDE, &["commit", "-qam", "x"]);
    one.git(&["checkout", "-q", "."]);
    two.write("src/lib.txt", "two\n");
    two.git(&["commit", "-qam", "two"]);
    two.write("docs/a.md", "x\n");
    two.refused(OUTSIDE, &["commit", "-qam", "x"]);
    two.git(&["checkout", "-q", "."]);
    // What treeyard commits itself is not asked; landing answers for that.
    one.write("docs/a.md", "uncommitted\n");
    yard.exits(0, &["land", "docs"]);
    yard.exits(0, &["land", "code"]);
    assert_eq!(yard.git(&["show", "main:docs/a.md"]), "uncommitted\n");
    assert_eq!(yard.git(&["show", "main:src/lib.txt"]), "two\n");
    yard.sound();
}

#[test]
fn the_installed_hooks_are_right_and_others_are_noticed() {
    let yard = Yard::new();
    let place = docs(&yard);
    let checks = || {
        let found = yard.json(&["doctor"])["checks"].clone();
        let found = found.as_array().unwrap().iter();
        let bad = found.filter(|check| check["status"] != "ok");
        bad.map(|check| check["detail"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(checks(), Vec::<String>::new());
    let hooks = PathBuf::from(place.git(&["rev-parse", "--absolute-git-dir"])).join("hooks");
    std::fs::write(hooks.join("commit-msg"), "#!/bin/sh\n").unwrap();
    assert!(checks()[0].contains("hooks were added"), "{:?}", checks());
    std::fs::remove_file(hooks.join("commit-msg")).unwrap();

    let shared = yard.repo().join(".git/treeyard/hooks/session");
    std::fs::write(shared.join("post-commit"), "#!/bin/sh\n").unwrap();
    std::fs::remove_file(shared.join("commit-msg")).unwrap();
    std::fs::write(shared.join("commit-msg"), "#!/bin/sh\nexit 0\n").unwrap();
    assert!(checks()[0].contains("commit-msg"), "{:?}", checks());
    yard.exits(0, &["doctor", "--fix"]);
    assert_eq!(checks(), Vec::<String>::new());
    place.write("src/lib.txt", "x\n");
    place.refused(OUTSIDE, &["commit", "-qam", "x"]);

    place.git(&["config", "core.hooksPath", "/elsewhere"]);
    assert!(checks()[0].contains("configuration was changed"));
}

#[test]
fn hooks_follow_a_repository_that_was_moved() {
    let mut yard = Yard::new();
    docs(&yard);
    let root = yard.folder.path().to_owned();
    std::fs::rename(root.join("repo"), root.join("moved")).unwrap();
    std::fs::rename(root.join("repo.treeyard"), root.join("moved.treeyard")).unwrap();
    yard.place = "moved".into();
    yard.exits(0, &["doctor", "--fix"]);
    let place = Place::new(
        &yard,
        Path::new(yard.exits(0, &["open", "docs"]).trim_end()),
    );
    place.write("src/lib.txt", "x\n");
    place.refused(OUTSIDE, &["commit", "-qam", "x"]);
    place.git(&["checkout", "-q", "."]);
    place.git(&["commit", "-q", "--allow-empty", "-m", "fine"]);
}
