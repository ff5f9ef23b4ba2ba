//! Sessions that go to another machine in one file.

use std::fs;
use std::path::PathBuf;

use crate::yard::{Yard, text};

const SCRIPT: &str = r#"
[[step]]
say = [{ call = "file.write", arguments = { path = "src/a.txt", content = "one\n" } }]
[[step]]
say = [{ call = "shell.exec", arguments = { command = "date +%s%N > src/now.txt; cat src/now.txt" } }]
[[step]]
say = [{ call = "file.edit", arguments = { path = "src/a.txt", old = "one", new = "two" } }]
[[step]]
text = "Done."
"#;

/// A repository in which a model has worked.
fn yard() -> Yard {
    let yard = Yard::new();
    yard.plays(SCRIPT, "profile = \"full\"\n");
    yard.exits(
        0,
        &[
            "run", "--name", "task", "--scope", "src/**", "--prompt", "Do it",
        ],
    );
    yard
}

fn bundle_of(yard: &Yard, more: &[&str]) -> PathBuf {
    let file = yard.folder.path().join("task.treeyard");
    let output = file.display().to_string();
    let args = [&["export", "task", "--output", &output], more].concat();
    yard.exits(0, &args);
    file
}

/// Another machine, with a repository that has nothing to do with the first one.
fn elsewhere() -> Yard {
    let yard = Yard::new();
    // What every yard begins with is the same commit in two of them that were made in the same second.
    fs::remove_dir_all(yard.repo().join(".git")).unwrap();
    yard.git(&["init", "-q", "-b", "main"]);
    yard.write("other.txt", "other\n");
    yard.git(&["add", "-A"]);
    yard.git(&["commit", "-qm", "Other"]);
    yard
}

#[test]
fn another_machine_replays_what_was_exported() {
    let here = yard();
    let file = bundle_of(&here, &[]);
    let there = elsewhere();
    let file = file.display().to_string();
    let told = there.exits(0, &["import", &file]);
    assert!(told.contains("task") && told.contains("left out"), "{told}");
    let told = there.exits(0, &["replay", "task"]);
    assert!(told.contains("task: reproduced"), "{told}");
    assert!(
        told.contains("4 requests and 2 checkpoints compared"),
        "{told}"
    );
    let thread = there.exits(0, &["thread", "task"]);
    assert_eq!(thread, here.exits(0, &["thread", "task"]));
    // Nothing of it is open here, and nobody is held up by it.
    assert!(there.exits(0, &["locks", "ls"]).contains("nothing is held"));
    there.exits(
        0,
        &["run", "--name", "own", "--scope", "src/**", "--", "true"],
    );
    let again = there.treeyard(&["import", &file]);
    assert!(
        text(&again.stderr).contains("is here already"),
        "{}",
        text(&again.stderr)
    );
    there.exits(0, &["gc"]);
    there.exits(0, &["replay", "task"]);
    there.sound();
}

#[test]
fn what_is_offered_of_it_can_be_done_there() {
    let here = yard();
    let file = bundle_of(&here, &[]).display().to_string();
    let there = elsewhere();
    there.exits(0, &["import", &file]);
    let listed = there.exits(0, &["ls", "--all"]);
    assert!(
        listed.contains("taken in from a file") && !listed.contains("land"),
        "{listed}"
    );
    let shown = there.exits(0, &["show", "task"]);
    assert!(
        shown.contains("treeyard replay") && !shown.contains("restore"),
        "{shown}"
    );
    assert!(there.exits(0, &["diff", "task"]).contains("+two"));
    for verb in ["land", "retry"] {
        let refused = there.treeyard(&[verb, "task"]);
        let told = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{told}");
        assert!(told.contains("treeyard fork"), "{told}");
    }
    there.sound();
}

#[test]
fn what_it_used_up_is_not_used_up_here() {
    let here = yard();
    let file = bundle_of(&here, &[]).display().to_string();
    let there = elsewhere();
    there.exits(0, &["import", &file]);
    assert_eq!(there.exits(0, &["usage"]), "no model was called\n");
    let calls = |there: &Yard| there.json(&["usage", "task"])["usage"][0]["calls"].clone();
    assert_eq!(calls(&there), 4);
    // Four calls a day are enough for a run of its own, of the same name.
    let limits = "profile = \"full\"\n[budget]\nday = { steps = 4 }\ntask = { steps = 4 }\n";
    there.plays(SCRIPT, limits);
    let run = [
        "run", "--name", "task", "--scope", "src/**", "--prompt", "Do it",
    ];
    there.exits(0, &run);
    assert!(there.exits(0, &["usage"]).contains("task"));
    there.sound();
}

#[test]
fn a_file_that_is_none_is_told_in_a_line() {
    let yard = elsewhere();
    let noise: Vec<u8> = (0..3000_u32).map(|n| (n * n % 251) as u8).collect();
    for (name, bytes) in [("text", &b"no archive\n"[..]), ("noise", &noise)] {
        let file = yard.folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        let file = file.display().to_string();
        for verb in ["import", "replay"] {
            let refused = yard.treeyard(&[verb, &file]);
            let told = text(&refused.stderr);
            assert!(
                told.starts_with("error: this is no exported session: it is no archive"),
                "{told}"
            );
            assert_eq!(told.lines().count(), 3, "{told}");
        }
    }
    for (file, code) in [("../none.treeyard", "TY-NO-FILE"), ("../repo", "TY-IO")] {
        for verb in ["import", "replay"] {
            let refused = yard.treeyard(&[verb, file]);
            let told = text(&refused.stderr);
            assert!(told.contains(code) && told.contains(file), "{told}");
        }
    }
}

#[test]
fn a_file_may_be_replayed_at_once_and_gone_on_from() {
    let here = yard();
    let file = bundle_of(&here, &[]).display().to_string();
    let there = elsewhere();
    there.plays(SCRIPT, "profile = \"full\"\n");
    for _ in 0..2 {
        let told = there.exits(0, &["replay", &file]);
        assert!(told.contains("task: reproduced"), "{told}");
    }
    there.exits(0, &["replay", "task", "--live", "--from", "2"]);
    there.exits(0, &["up"]);
    crate::yard::eventually("it is done", || there.state_of("task-fork") == "COMPLETED");
    there.exits(0, &["down"]);
    let told = there.exits(0, &["diff", "task-fork"]);
    assert!(told.contains("+two"), "{told}");
    there.sound();
}

#[test]
fn a_thin_file_needs_the_commit_that_it_goes_on_from() {
    let here = yard();
    let file = bundle_of(&here, &["--thin"]).display().to_string();
    let refused = elsewhere().treeyard(&["import", &file]);
    let told = text(&refused.stderr);
    assert!(
        told.contains("TY-BUNDLE-INVALID") && told.contains("which this repository has not"),
        "{told}"
    );
    let mut clone = Yard::new();
    let from = here.repo().display().to_string();
    clone.git(&["clone", "-q", &from, "../clone"]);
    clone.place = "clone".into();
    clone.exits(0, &["import", &file]);
    let told = clone.exits(0, &["replay", "task"]);
    assert!(told.contains("task: reproduced"), "{told}");
}

#[test]
fn files_with_secrets_are_not_exported() {
    let key = concat!("ghp_", "0123456789abcdefghijABCDEFGHIJ456789");
    let yard = Yard::new();
    let script = SCRIPT.replace("date +%s%N", &format!("echo {key}"));
    yard.plays(&script, "profile = \"full\"\n");
    yard.exits(
        0,
        &[
            "run", "--name", "task", "--scope", "src/**", "--prompt", "Do it",
        ],
    );
    let file = yard.folder.path().join("task.treeyard");
    let file = file.display().to_string();
    let refused = yard.treeyard(&["export", "task", "--output", &file]);
    let told = text(&refused.stderr);
    assert!(
        told.contains("TY-BUNDLE-SECRETS") && told.contains("src/now.txt"),
        "{told}"
    );
    assert!(!told.contains(key) && !fs::exists(&file).unwrap());
    assert!(!told.contains("checkpoints.ignored"), "{told}");
    // What git ignores is in checkpoints as well then, and `.gitignore` keeps nothing out.
    yard.configure("[checkpoints]\nignored = [\"data/**\"]\n");
    let refused = yard.treeyard(&["export", "task", "--output", &file]);
    let told = text(&refused.stderr);
    assert!(told.contains("`checkpoints.ignored` leave"), "{told}");
    yard.exits(0, &["export", "task", "--output", &file, "--with-secrets"]);
    let there = elsewhere();
    there.exits(0, &["import", &file]);
    there.exits(0, &["thread", "task"]);
}

/// Nobody knew that it was one when it was written down.
#[test]
fn a_secret_that_became_one_later_does_not_leave_either() {
    let yard = Yard::new();
    let kept = yard.folder.path().join("kept");
    fs::write(&kept, "correct-horse-battery").unwrap();
    let mine = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&kept, mine).unwrap();
    let script = yard.folder.path().join("script.toml");
    fs::write(&script, format!("format = 1\n{SCRIPT}")).unwrap();
    yard.configure(&format!(
        "[providers.play]\nwire = \"scripted\"\nscript = \"{}\"\n[models.test]\nprovider = \"play\"\n\
         [agent]\nmodel = \"test\"\nprofile = \"full\"\n[secrets]\nWORD = {{ file = \"{}\" }}\n",
        script.display(),
        kept.display()
    ));
    let plan = yard.plan(
        "[[task]]\nname = \"task\"\nscope = [\"src/**\"]\nsecrets = [\"WORD\"]\n\
         prompt = \"Say open-sesame-please to it\"\n",
    );
    yard.exits(0, &["run", &plan]);
    fs::write(&kept, "open-sesame-please").unwrap();
    let file = bundle_of(&yard, &[]);
    let bytes = fs::read(&file).unwrap();
    let word = b"open-sesame-please";
    assert!(!bytes.windows(word.len()).any(|part| part == word));
    let there = elsewhere();
    there.exits(0, &["import", &file.display().to_string()]);
    let thread = there.exits(0, &["thread", "task"]);
    assert!(
        thread.contains("Say ") && thread.contains(" to it"),
        "{thread}"
    );
    there.exits(0, &["artifacts", "verify"]);
    // What the model was sent is not what is on record there.
    let told = there.exits(1, &["replay", "task"]);
    assert!(
        told.contains("what the model was sent for answer 1"),
        "{told}"
    );
}

#[test]
fn a_damaged_file_brings_nothing() {
    let here = yard();
    let file = bundle_of(&here, &[]);
    let whole = fs::read(&file).unwrap();
    let step = whole.len() / 40;
    let flipped = (0..40).map(|at| {
        let mut bytes = whole.clone();
        bytes[at * step + 7] ^= 1;
        bytes
    });
    let cut = (0..20).map(|at| whole[..at * step * 2].to_vec());
    let (mut there, mut refused) = (elsewhere(), 0);
    for bytes in flipped.chain(cut).chain([b"nonsense".to_vec()]) {
        let hurt = there.folder.path().join("hurt.treeyard");
        fs::write(&hurt, bytes).unwrap();
        let refs = there.git(&["for-each-ref"]);
        let done = there.treeyard(&["import", &hurt.display().to_string()]);
        // What pads an archive, and what it says of times, is nothing that is taken in.
        if done.status.code() == Some(0) {
            there.exits(0, &["replay", "task"]);
            there = elsewhere();
            continue;
        }
        refused += 1;
        let told = text(&done.stderr);
        assert!(told.contains("TY-BUNDLE-"), "{told}");
        assert_eq!(there.git(&["for-each-ref"]), refs, "{told}");
        let rows = there.json(&["ls", "--all"]);
        assert!(rows["sessions"].as_array().unwrap().is_empty());
    }
    assert!(refused >= 50, "{refused}");
    there.sound();
}

#[test]
fn a_file_of_a_version_to_come_says_so() {
    let here = yard();
    let bytes = fs::read(bundle_of(&here, &[])).unwrap();
    let at = bytes
        .windows(12)
        .position(|part| part == b"\"version\": 1")
        .unwrap();
    let mut later = bytes;
    later[at + 11] = b'9';
    let file = here.folder.path().join("later.treeyard");
    fs::write(&file, later).unwrap();
    let told = here.treeyard(&["import", &file.display().to_string()]);
    assert!(
        text(&told.stderr).contains("TY-BUNDLE-NEWER"),
        "{}",
        text(&told.stderr)
    );
}

/// One file for each version of the format that there was.
#[test]
fn files_of_all_versions_are_taken_in_and_replayed() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/bundles");
    for version in 1..=treeyard::app::bundle::VERSION {
        let there = elsewhere();
        let file = folder
            .join(format!("{version}.treeyard"))
            .display()
            .to_string();
        there.exits(0, &["import", &file]);
        let told = there.exits(0, &["replay", "task"]);
        assert!(told.contains("task: reproduced"), "{version}: {told}");
        there.sound();
    }
}
