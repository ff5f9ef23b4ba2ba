//! Who holds what, with the real program: waiting, refusing, widening, losing.

mod claims;
mod together;

use serde_json::Value;

use super::yard::{Yard, eventually, text};

/// What the program says on the way, and its exit code.
fn said(yard: &Yard, args: &[&str]) -> (i32, String) {
    let output = yard.treeyard(args);
    let both = text(&output.stdout) + &text(&output.stderr);
    (output.status.code().unwrap(), both)
}

fn locks(yard: &Yard) -> Vec<Value> {
    yard.json(&["locks", "ls"])["locks"]
        .as_array()
        .unwrap()
        .clone()
}

/// A finished session that holds `pattern` and has changed `path`.
fn finished(yard: &Yard, name: &str, pattern: &str, path: &str) {
    let line = format!("mkdir -p $(dirname {path}) && echo {name} > {path}");
    let args = ["run", "--name", name, "--scope", pattern, "--"];
    yard.exits(0, &[&args[..], &["sh", "-c", &line]].concat());
}

#[test]
fn what_overlaps_waits_is_told_on_both_sides_and_starts_by_itself() {
    let yard = Yard::new();
    finished(&yard, "docs", "docs/**", "docs/a.md");
    let waiting = ["run", "--name", "guide", "--scope", "docs/guide.md", "--"];
    let (code, told) = said(&yard, &[&waiting[..], &["true"]].concat());
    assert_eq!(code, 5, "{told}");
    for part in ["CX-MM-002", "docs/guide.md", "which docs", "until it lands"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    let explained = yard.json(&["locks", "explain", "guide"]);
    let conflict = &explained["conflicts"][0];
    assert_eq!(conflict["code"], "CX-MM-002");
    assert_eq!(conflict["witness"], "docs/guide.md");
    assert_eq!(conflict["holder"]["name"], "docs");
    assert_eq!(conflict["choices"].as_array().unwrap().len(), 3);
    let status = explained["hsk_status"].as_str().unwrap();
    assert!(status.contains("lock=CONFLICT") && status.ends_with("code=CX-MM-002"));
    let shown = yard.exits(0, &["locks", "explain", "guide"]);
    assert!(shown.contains("treeyard land docs"), "{shown}");
    let holder = yard.json(&["locks", "explain", "docs"]);
    assert_eq!(holder["waiting"][0], "guide");
    let sides: Vec<Value> = yard.events("FR-EVT-LOCK-003");
    let of = |name: &str| {
        let id = yard.json(&["show", name])["session"]["session_id"].clone();
        sides
            .iter()
            .filter(|side| side["model_session_id"] == id)
            .count()
    };
    assert_eq!((of("guide"), of("docs")), (1, 1));

    yard.exits(0, &["up"]);
    assert_eq!(yard.state_of("guide"), "CREATED");
    yard.exits(0, &["land", "docs"]);
    eventually("it starts by itself", || {
        yard.state_of("guide") == "COMPLETED"
    });
    assert!(
        locks(&yard).is_empty(),
        "it changed nothing, so it holds nothing"
    );
    yard.sound();
}

#[test]
fn a_task_without_a_scope_holds_everything_and_says_so() {
    let yard = Yard::new();
    let (code, told) = said(
        &yard,
        &["run", "--name", "all", "--", "sh", "-c", "echo x > x"],
    );
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("holds the whole repository"), "{told}");
    let listed = yard.exits(0, &["locks", "ls"]);
    assert!(
        listed.contains("all (") && listed.contains("**"),
        "{listed}"
    );
    let (code, _) = said(&yard, &["run", "--read-only", "--", "true"]);
    assert_eq!(code, 0, "what changes nothing waits for nobody");
}

#[test]
fn less_urgent_narrower_and_given_up() {
    let yard = Yard::new();
    finished(&yard, "one", "src/**", "src/one");
    yard.exits(
        0,
        &[
            "submit",
            "--name",
            "two",
            "--scope",
            "src/api/**",
            "--",
            "true",
        ],
    );
    yard.exits(0, &["up"]);
    let (code, told) = said(&yard, &["locks", "narrow", "two", "docs/**"]);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("such as docs/"), "{told}");
    yard.exits(0, &["priority", "two", "3"]);
    yard.exits(0, &["locks", "narrow", "one", "!src/api/**"]);
    eventually("it is out of the way", || {
        yard.state_of("two") == "COMPLETED"
    });
    let of_type = |id: &str| yard.events(id).len();
    assert_eq!(
        (of_type("FR-EVT-LOCK-004"), of_type("FR-EVT-SESS-SCHED-005")),
        (1, 1)
    );

    finished(&yard, "three", "lib/**", "lib/three");
    yard.exits(0, &["locks", "transfer", "one", "three"]);
    assert_eq!(locks(&yard).len(), 1);
    let scope = locks(&yard)[0]["scope"].clone();
    assert_eq!(
        scope,
        serde_json::json!(["src/**", "!src/api/**", "lib/**"])
    );
    yard.exits(3, &["locks", "release", "one"]);
    let token = locks(&yard)[0]["token"].to_string();
    yard.exits(0, &["release", &token]);
    assert!(locks(&yard).is_empty());
    // Its own files are still free, but another one had them in between.
    let (code, told) = said(&yard, &["land", "one"]);
    assert!(code == 5 && told.contains("TY-LOCK-LOST"), "{told}");
    yard.sound();
}

/// The token in its commits is that of a grant which it lost, and others had the files since.
#[test]
fn work_under_a_lost_lock_does_not_land() {
    let yard = Yard::new();
    finished(&yard, "docs", "docs/**", "docs/a.md");
    let place = yard.exits(0, &["open", "docs"]);
    let inside = |args: &[&str]| {
        let mut git = yard.command("git");
        let output = git.current_dir(place.trim()).args(args).output().unwrap();
        (output.status.success(), text(&output.stderr))
    };
    let write = |name: &str| {
        let path = std::path::Path::new(place.trim()).join("docs").join(name);
        std::fs::write(path, "more\n").unwrap();
        inside(&["add", "-A"]);
    };
    write("b.md");
    assert!(inside(&["commit", "-qm", "More"]).0);
    yard.exits(0, &["locks", "release", "docs"]);
    write("c.md");
    let (went, told) = inside(&["commit", "-qm", "Late"]);
    assert!(!went && told.contains("TY-LOCK-LOST"), "{told}");
    inside(&["reset", "-q", "--hard"]);

    // Nobody had any of it in between: that it asks again changes nothing.
    finished(&yard, "far", "far/**", "far/a");
    let (code, told) = said(&yard, &["land", "docs"]);
    assert_eq!(code, 0, "{told}");

    finished(&yard, "again", "docs/**", "docs/x.md");
    let place = yard.exits(0, &["open", "again"]);
    let inside = |args: &[&str]| {
        let mut git = yard.command("git");
        git.current_dir(place.trim())
            .args(args)
            .output()
            .unwrap()
            .status
            .success()
    };
    std::fs::write(format!("{}/docs/y.md", place.trim()), "y\n").unwrap();
    assert!(inside(&["add", "-A"]) && inside(&["commit", "-qm", "Y"]));
    yard.exits(0, &["locks", "release", "again"]);
    finished(&yard, "other", "docs/x.md", "docs/x.md");
    let (code, told) = said(&yard, &["land", "again"]);
    assert_eq!(code, 5, "{told}");
    assert!(
        told.contains("CX-MM-002") && told.contains("other"),
        "{told}"
    );
    yard.exits(0, &["locks", "release", "other"]);
    let (code, told) = said(&yard, &["land", "again"]);
    assert_eq!(code, 5, "{told}");
    assert!(told.contains("TY-LOCK-LOST"), "{told}");
    // As its hint says: made anew, under the lock that it has now.
    assert!(inside(&[
        "rebase",
        "-q",
        "--exec",
        "git commit -q --amend --no-edit",
        "HEAD~2"
    ]));
    let (code, told) = said(&yard, &["land", "again"]);
    assert_eq!(code, 0, "{told}");
    let landed = yard.git(&["log", "-1", "--format=%B"]);
    assert!(landed.contains("Treeyard-Lock: "), "{landed}");
    yard.sound();
}

/// Work that says nothing of a lock: left uncommitted, or committed past the hooks.
#[test]
fn what_names_no_lock_does_not_land_after_one_was_lost() {
    let yard = Yard::new();
    for commit in ["true", "git add -A && git commit -q --no-verify -m Past"] {
        let line = format!("sed -i s/one/{}/ src/lib.txt && {commit}", commit.len());
        let session = ["run", "--name", "old", "--scope", "src/**", "--"];
        yard.exits(0, &[&session[..], &["sh", "-c", &line]].concat());
        yard.exits(0, &["locks", "release", "old"]);
        finished(&yard, "new", "src/**", &format!("src/{}", commit.len()));
        yard.exits(0, &["land", "new"]);
        let (code, told) = said(&yard, &["land", "old"]);
        assert_eq!(code, 5, "{commit}: {told}");
        assert!(told.contains("TY-LOCK-LOST"), "{commit}: {told}");
        let place = yard.exits(0, &["open", "old"]);
        let made_anew = ["rebase", "-q", "--exec", "git commit -q --amend --no-edit"];
        let mut git = yard.command("git");
        git.current_dir(place.trim()).args(made_anew);
        let output = git.arg("HEAD~1").output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        yard.exits(0, &["land", "old"]);
        yard.git(&["checkout", "-q", "main"]);
        yard.write("src/lib.txt", "one\n");
        yard.git(&["commit", "-qam", "Back"]);
    }
    yard.sound();
}

/// What goes on from unlanded work is one line of work with it.
#[test]
fn a_chain_that_has_not_landed_is_one_holder() {
    let yard = Yard::new();
    let plan = yard.plan(
        "[[task]]\nname = \"one\"\nscope = [\"a/**\"]\nrun = \"mkdir a && echo 1 > a/f\"\n\
         [[task]]\nname = \"two\"\nscope = [\"a/**\"]\nafter = [\"one\"]\nrun = \"echo 2 >> a/f\"\n\
         [[task]]\nname = \"other\"\nscope = [\"a/f\"]\nrun = \"true\"\n",
    );
    let (code, told) = said(&yard, &["run", &plan]);
    assert_eq!(code, 5, "{told}");
    assert_eq!(yard.state_of("two"), "COMPLETED");
    assert_eq!(yard.state_of("other"), "CREATED");
    assert_eq!(locks(&yard).len(), 2);
    yard.exits(0, &["land", "two"]);
    let told = yard.treeyard(&["land", "one"]);
    assert!(text(&told.stderr).contains("TY-NOTHING-TO-LAND"));
    assert!(locks(&yard).is_empty());
    assert_eq!(yard.git(&["show", "main:a/f"]), "1\n2\n");
    yard.sound();
}
