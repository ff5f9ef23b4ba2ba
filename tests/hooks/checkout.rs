//! The hooks of a person's checkout.

use super::*;

/// A repository with hooks, and a session that holds `docs/**`.
fn held(yard: &Yard) -> Place<'_> {
    held_by(yard, &[])
}

fn held_by<'y>(yard: &'y Yard, flags: &[&str]) -> Place<'y> {
    yard.write("docs/a.md", "one\n");
    yard.write("docs/b.md", "two\n");
    yard.git(&["add", "-A"]);
    yard.git(&["commit", "-qm", "Docs"]);
    yard.exits(0, &["hooks", "install"]);
    Place::of_session_by(yard, "docs", &["docs/**"], flags);
    Place::new(yard, &yard.repo())
}

#[test]
fn what_a_session_holds_is_refused_and_the_session_named() {
    let yard = Yard::new();
    let place = held(&yard);
    let before = place.head();
    place.write("docs/a.md", "mine\n");
    place.write("src/lib.txt", "mine\n");
    let said = place.refused(HELD, &["commit", "-qam", "both"]);
    assert_eq!(said.lines().count(), 5, "{said}");
    for word in [
        "docs/a.md",
        "session docs",
        "COMPLETED",
        "override --once docs/a.md",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    place.refused(HELD, &["commit", "-qam", "both", "--no-verify"]);
    assert_eq!(place.head(), before);
    place.git(&["stash", "-q"]);
    place.git(&["stash", "pop", "-q"]);
    place.git(&["reset", "-q", "--hard"]);
    place.write("src/lib.txt", "mine\n");
    place.git(&["commit", "-qam", "mine"]);

    // Any worktree of this person is one place to commit in.
    let second = yard.folder.path().join("second");
    place.git(&[
        "worktree",
        "add",
        "-q",
        "-b",
        "other",
        second.to_str().unwrap(),
    ]);
    let second = Place::new(&yard, &second);
    second.write("docs/a.md", "second\n");
    second.refused(HELD, &["commit", "-qam", "x"]);
    second.refused(HELD, &["commit", "-qam", "x", "--no-verify"]);
}

#[test]
fn it_is_about_what_is_made_here_not_about_what_was_made_elsewhere() {
    let yard = Yard::new();
    let place = held(&yard);
    place.git(&["switch", "-q", "-c", "feature"]);
    place.git(&["-c", "core.hooksPath=/dev/null", "rm", "-q", "docs/b.md"]);
    place.git(&[
        "-c",
        "core.hooksPath=/dev/null",
        "commit",
        "-qm",
        "made before",
    ]);
    let feature = place.head();
    place.git(&["switch", "-q", "main"]);
    place.write("src/lib.txt", "mine\n");
    place.git(&["commit", "-qam", "mine"]);
    place.git(&["merge", "-q", "--no-ff", "-m", "merge", "feature"]);
    place.git(&["reset", "-q", "--hard", "HEAD^"]);
    place.git(&["branch", "-f", "copy", "feature"]);

    // Amending a message, or moving a commit, changes no file.
    place.git(&["switch", "-q", "copy"]);
    place.git(&["commit", "-q", "--amend", "-m", "made before, said better"]);
    place.git(&["rebase", "-q", "main"]);
    place.git(&["switch", "-q", "main"]);
    place.refused(HELD, &["cherry-pick", &feature]);
    place.git(&["reset", "-q", "--hard"]);
    let tree = place.git(&["rev-parse", "feature^{tree}"]);
    let made = place.git(&["commit-tree", "-m", "x", "-p", "main", &tree]);
    place.refused(HELD, &["update-ref", "refs/heads/main", &made]);
    place.refused(HELD, &["branch", "new", &made]);

    // Fetched and merged.
    let origin = yard.folder.path().join("origin");
    let origin = origin.to_str().unwrap();
    place.git(&["clone", "-q", ".", origin]);
    let upstream = Place::new(&yard, Path::new(origin));
    upstream.write("docs/a.md", "upstream\n");
    upstream.git(&["commit", "-qam", "upstream"]);
    place.git(&["pull", "-q", "--ff-only", origin, "main"]);
    assert_eq!(place.head(), upstream.head());
    upstream.write("docs/a.md", "again\n");
    upstream.git(&["commit", "-qam", "upstream"]);
    place.write("src/lib.txt", "more\n");
    place.git(&["commit", "-qam", "more"]);
    place.git(&["pull", "-q", "--no-rebase", "--no-edit", origin, "main"]);
    place.git(&["pull", "-q", "--rebase", origin, "main"]);
}

/// What is made while a rebase has stopped, or by its commands, is no commit that was there before.
#[test]
fn a_rebase_hides_no_new_commit() {
    let yard = Yard::new();
    let place = held(&yard);
    for name in ["one", "two"] {
        place.write(&format!("{name}.txt"), "own\n");
        place.git(&["add", "-A"]);
        place.git(&["commit", "-qm", name]);
    }
    let before = place.head();
    let change = "echo more >> docs/b.md; git commit -qam held";
    place.refused(HELD, &["rebase", "-q", "--exec", change, "HEAD~1"]);
    place.git(&["reset", "-q", "--hard"]);
    place.git(&["rebase", "--abort"]);
    place.git(&[
        "-c",
        "sequence.editor=sed -i 1s/pick/edit/",
        "rebase",
        "-q",
        "-i",
        "HEAD~1",
    ]);
    place.write("docs/b.md", "more\n");
    place.refused(HELD, &["commit", "-qam", "held"]);
    place.refused(HELD, &["commit", "-qa", "--amend", "--no-edit"]);
    // Past the early look, it is seen when the branch moves.
    place.commit_unseen();
    place.refused(HELD, &["rebase", "--continue"]);
    let _it_may_have_ended = place.try_git(&["rebase", "--abort"]);
    assert_eq!(yard.git(&["rev-parse", "main"]).trim_end(), before);
}

#[test]
fn an_override_is_for_one_commit_has_a_reason_and_is_logged() {
    let yard = Yard::new();
    let place = held(&yard);
    let allow = |path: &str, reason: &str| {
        yard.treeyard(&["locks", "override", "--once", path, "--reason", reason])
    };
    assert_eq!(allow("docs/a.md", "  ").status.code(), Some(2));
    assert_eq!(allow("docs/a.md", "two\nlines").status.code(), Some(2));
    assert_eq!(allow("src/lib.txt", "because").status.code(), Some(2));
    assert_eq!(allow("../elsewhere", "because").status.code(), Some(2));
    yard.exits(2, &["locks", "override", "--once", "docs/a.md"]);
    yard.exits(
        2,
        &["locks", "override", "docs/a.md", "--reason", "because"],
    );
    place.write("docs/a.md", "mine\n");
    place.write("docs/b.md", "mine\n");
    let commit = &["commit", "-qam", "mine"];
    place.refused(HELD, commit);
    assert_eq!(allow("docs/a.md", "typo").status.code(), Some(0));
    place.refused(HELD, commit);
    assert_eq!(allow("docs/b.md", "typo").status.code(), Some(0));
    place.git(commit);
    for (from, named) in [
        ("docs", "a.md"),
        ("src", "docs/a.md"),
        ("src", "../docs/a.md"),
    ] {
        yard.exits(
            0,
            &[
                "-C", from, "locks", "override", "--once", named, "--reason", "typo",
            ],
        );
        place.write("docs/a.md", named);
        place.write("docs/a.md", &format!("{from} {named}\n"));
        place.git(commit);
    }
    place.write("docs/a.md", "mine again\n");
    place.refused(HELD, commit);
    place.refused(HELD, &["commit", "-qam", "mine", "--no-verify"]);
    assert_eq!(allow("docs/a.md", "once more").status.code(), Some(0));
    place.git(&["commit", "-qam", "mine", "--no-verify"]);

    let events = yard.json(&["events"])["events"].clone();
    let of = |id: &str| {
        let all = events.as_array().unwrap().iter();
        all.filter(|event| event["event_type"] == id).count()
    };
    assert_eq!((of("FR-EVT-HOOK-001"), of("FR-EVT-HOOK-002")), (6, 6));
    yard.exits(0, &["events", "verify"]);
}

#[test]
fn landings_go_through_and_end_the_hold() {
    let yard = Yard::new();
    let place = held(&yard);
    let session = Place::new(
        &yard,
        Path::new(yard.exits(0, &["open", "docs"]).trim_end()),
    );
    session.write("docs/a.md", "session\n");
    session.git(&["commit", "-qam", "session"]);
    yard.exits(0, &["land", "docs"]);
    assert_eq!(place.git(&["show", "HEAD:docs/a.md"]), "session");
    assert_eq!(place.git(&["status", "--porcelain"]), "");
    place.write("docs/a.md", "mine\n");
    place.git(&["commit", "-qam", "mine"]);
}

#[test]
fn a_plain_linked_session_may_commit_what_it_holds_itself() {
    let yard = Yard::new();
    yard.write("treeyard.toml", "[worktrees]\nisolation = \"linked\"\n");
    let place = held_by(&yard, &crate::yard::UNCONFINED);
    let own = Place::new(
        &yard,
        Path::new(yard.exits(0, &["open", "docs"]).trim_end()),
    );
    own.write("docs/a.md", "own\n");
    own.git(&["commit", "-qam", "own"]);
    place.write("docs/a.md", "mine\n");
    place.refused(HELD, &["commit", "-qam", "mine"]);
}

#[test]
fn a_store_that_cannot_be_asked_warns_and_lets_through() {
    let yard = Yard::new();
    let place = held(&yard);
    let store = yard.repo().join(".git/treeyard/treeyard.db");
    let whole = std::fs::read(&store).unwrap();
    place.write("docs/a.md", "mine\n");
    place.refused(HELD, &["commit", "-qam", "x"]);
    std::fs::write(&store, "nonsense, and a lot of it").unwrap();
    let done = place.try_git(&["commit", "-qam", "x"]);
    let said = text(&done.stderr);
    assert!(done.status.success() && said.contains("warning"), "{said}");
    std::fs::remove_file(&store).unwrap();
    place.write("docs/a.md", "mine again\n");
    place.git(&["commit", "-qam", "x"]);
    std::fs::write(&store, whole).unwrap();
}

#[test]
fn a_store_that_only_can_be_read_is_enough_to_refuse_and_not_to_override() {
    use std::os::unix::fs::PermissionsExt;
    let yard = Yard::new();
    let place = held(&yard);
    let state = yard.repo().join(".git/treeyard");
    let args = [
        "locks",
        "override",
        "--once",
        "docs/a.md",
        "--reason",
        "typo",
    ];
    yard.exits(0, &args);
    place.write("docs/b.md", "mine\n");
    let mode = |bits| {
        let db = state.join("treeyard.db");
        std::fs::set_permissions(&db, PermissionsExt::from_mode(bits & 0o666)).unwrap();
        std::fs::set_permissions(&state, PermissionsExt::from_mode(bits)).unwrap();
    };
    mode(0o555);
    place.refused(HELD, &["commit", "-qam", "x"]);
    place.git(&["checkout", "-q", "."]);
    place.write("docs/a.md", "mine\n");
    // For root nothing is read-only.
    if std::fs::write(state.join("probe"), "").is_err() {
        place.refused(HELD, &["commit", "-qam", "x"]);
    }
    mode(0o755);
}
