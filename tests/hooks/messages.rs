//! What the hooks add to the messages of a session's commits, and what an amended one may leave out.

use super::super::yard::{Yard, text};
use super::session::docs;
use super::{OUTSIDE, Place};

#[test]
fn messages_get_trailers_once_and_empty_ones_stay_empty() {
    let yard = Yard::new();
    let place = docs(&yard);
    let id = yard.json(&["show", "docs"])["session"]["session_id"].clone();
    let id = id.as_str().unwrap();
    let message = || place.git(&["log", "-1", "--format=%B"]);
    let empty = |text: &str| place.git(&["commit", "-q", "--allow-empty", "-m", text]);
    empty("Subject\n\nBody with a\n---\nline");
    let lock = yard.json(&["locks", "ls"])["locks"][0]["token"].clone();
    let trailers = format!("Treeyard-Session: {id}\nTreeyard-Task: docs\nTreeyard-Lock: {lock}");
    assert_eq!(
        message(),
        format!("Subject\n\nBody with a\n---\nline\n\n{trailers}")
    );
    place.git(&["commit", "-q", "--allow-empty", "--amend", "--no-edit"]);
    assert_eq!(message().matches("Treeyard-").count(), 3);
    empty("Subject\n\nSigned-off-by: A <a@b.c>\nTreeyard-Task: other");
    assert_eq!(
        message(),
        format!(
            "Subject\n\nSigned-off-by: A <a@b.c>\nTreeyard-Task: other\nTreeyard-Session: {id}\n\
             Treeyard-Lock: {lock}"
        )
    );
    // A worktree of the session's own making shares its git directory.
    let second = yard.folder.path().join("second");
    let place_of = second.to_str().unwrap();
    place.git(&["worktree", "add", "-q", "--detach", place_of]);
    let second = Place::new(&yard, &second);
    second.git(&["commit", "-q", "--allow-empty", "-m", "Elsewhere"]);
    let said = second.git(&["log", "-1", "--format=%B"]);
    assert_eq!(said, format!("Elsewhere\n\n{trailers}"));
    let before = place.head();
    let done = place.try_git(&["commit", "--allow-empty", "-e"]);
    assert!(text(&done.stderr).contains("empty commit message"));
    yard.git(&["config", "--global", "core.commentChar", ";"]);
    let done = place.try_git(&["commit", "--allow-empty", "-e"]);
    assert!(text(&done.stderr).contains("empty commit message"));
    assert_eq!(place.head(), before);
}

fn lock_trailer(yard: &Yard) -> String {
    let token = &yard.json(&["locks", "ls"])["locks"][0]["token"];
    format!("Treeyard-Lock: {token}")
}

/// A commit that is made again, from whichever message, names the lock of today.
#[test]
fn commits_that_are_made_again_name_the_lock_of_today() {
    let yard = Yard::new();
    let place = docs(&yard);
    let today = lock_trailer(&yard);
    let locks = || {
        let message = place.git(&["log", "-1", "--format=%B"]);
        let named = |line: &&str| line.starts_with("Treeyard-Lock: ");
        message
            .lines()
            .filter(named)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let start = place.head();
    place.write("docs/a.md", "other\n");
    let old = "Old\n\nTreeyard-Lock: 999999";
    place.git(&["-c", "core.hooksPath=/dev/null", "commit", "-qam", old]);
    let made = place.head();
    for again in [
        &["commit", "-q", "--amend", "--no-edit"][..],
        &["commit", "-q", "--amend"],
        &["commit", "-q", "--amend", "--no-edit", "--no-verify"],
        &["commit", "-q", "--amend", "-m", old],
        &[
            "rebase",
            "-q",
            "--exec",
            "git commit -q --amend --no-edit",
            &start,
        ],
        &["rebase", "-q", "--force-rebase", &start],
    ] {
        place.git(&["reset", "-q", "--hard", &made]);
        place.git(again);
        assert_eq!(locks(), [today.as_str()], "{again:?}");
    }
    place.git(&["reset", "-q", "--hard", &start]);
    place.git(&["cherry-pick", &made]);
    assert_eq!(locks(), [today.as_str()]);
}

/// Only what was seen to beforehand is left alone, whatever the message says of itself.
#[test]
fn a_message_that_only_looks_as_if_it_had_them_gets_trailers() {
    let yard = Yard::new();
    let place = docs(&yard);
    let today = lock_trailer(&yard);
    let typed = yard.folder.path().join("typed");
    let with_editor = |text: &str, args: &[&str]| {
        std::fs::write(&typed, text).unwrap();
        let mut git = yard.command("git");
        git.current_dir(&place.path);
        git.env("GIT_EDITOR", format!("cp '{}'", typed.display()));
        git.args(["commit", "-q", "--allow-empty"])
            .args(args)
            .output()
            .unwrap()
    };
    let message = || place.git(&["log", "-1", "--format=%B"]);
    for text in [
        "Title\n\nTreeyard-Lock: 1\n",
        "Title\n\nTreeyard-Lock: the token of the lock.\nMore.\n\nEnd\n",
    ] {
        for args in [&[][..], &["-m", "other", "-e"]] {
            assert!(with_editor(text, args).status.success());
            let said = message();
            assert_eq!(said.lines().last(), Some(today.as_str()), "{said}");
            assert_eq!(said.matches("Treeyard-Session: ").count(), 1, "{said}");
        }
    }
    // All but the trailers is taken out, which ends a commit.
    let before = place.head();
    let block: Vec<String> = message().lines().rev().take(3).map(str::to_owned).collect();
    let block: Vec<&str> = block.iter().rev().map(String::as_str).collect();
    let done = with_editor(&format!("\n\n{}\n", block.join("\n")), &["-m", "x", "-e"]);
    assert!(text(&done.stderr).contains("empty commit message"));
    assert_eq!(place.head(), before);
    // With another sign for comments they are not doubled.
    yard.git(&["config", "--global", "core.commentChar", ";"]);
    place.git(&["commit", "-q", "--allow-empty", "-m", "one"]);
    place.git(&["commit", "-q", "--allow-empty", "--amend"]);
    assert_eq!(message().matches("Treeyard-").count(), 3, "{}", message());
}

/// Taking something back that is in the commit already changes nothing beyond the scope.
#[test]
fn an_amended_commit_may_leave_out_what_was_too_much() {
    let yard = Yard::new();
    let place = docs(&yard);
    place.write("docs/a.md", "own\n");
    place.write("src/lib.txt", "too much\n");
    place.commit_unseen();
    place.git(&["checkout", "-q", "HEAD^", "--", "src/lib.txt"]);
    place.git(&["commit", "-q", "--amend", "--no-edit"]);
    assert_eq!(place.git(&["diff", "--name-only", "HEAD^"]), "docs/a.md");
    place.write("src/lib.txt", "too much\n");
    place.commit_unseen();
    place.git(&["checkout", "-q", "HEAD^", "--", "src/lib.txt"]);
    place.git(&[
        "commit",
        "-q",
        "--amend",
        "--allow-empty",
        "-m",
        "said anew",
    ]);
    place.write("src/lib.txt", "other\n");
    place.refused(OUTSIDE, &["commit", "-qa", "--amend", "--no-edit"]);
}
