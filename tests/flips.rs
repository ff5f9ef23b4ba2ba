//! One bit that is another one than was written, in artifacts and in the database: it is found when it is read, or nothing
//! that is told depends on it.

use std::path::{Path, PathBuf};

use treeyard::store::{DATABASE, EventFilter, Store, StoreError};

use crate::yard::{Yard, text};

/// How many bits of the database are flipped; more by this variable.
const VARIABLE: &str = "TREEYARD_FLIPS";

const SCRIPT: &str = r#"
[[step]]
say = [{ call = "file.write", arguments = { path = "src/a.txt", content = "one\n" } }]
[[step]]
say = [{ call = "shell.exec", arguments = { command = "echo ran" } }]
[[step]]
text = "Done."
"#;

/// One life of a command and one of a model, landed and not.
fn lived() -> Yard {
    let yard = Yard::new();
    yard.plays(SCRIPT, "");
    let plan = yard.plan(
        "auto_land = true\n[[task]]\nname = \"model\"\nscope = [\"src/**\"]\nprompt = \"Do it\"\nprofile = \"full\"\n\
         [[task]]\nname = \"kept\"\nscope = [\"kept/**\"]\nrun = \"mkdir kept; echo a > kept/a; echo the output\"\n",
    );
    yard.exits(0, &["run", &plan]);
    yard.exits(0, &["submit", "--name", "waits", "--", "true"]);
    yard.exits(0, &["events", "verify"]);
    yard
}

fn object(yard: &Yard, hash: &str) -> PathBuf {
    let hex = hash.strip_prefix("blake3:").unwrap();
    let objects = yard.repo().join(".git/treeyard/cas/objects");
    objects.join(&hex[..2]).join(&hex[2..])
}

fn flip(file: &Path, bit: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    let at = bit % (bytes.len() * 8);
    bytes[at / 8] ^= 1 << (at % 8);
    // Objects cannot be written; their folders can.
    std::fs::remove_file(file).unwrap();
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn a_flipped_bit_of_an_artifact_is_told_and_not_served() {
    let yard = lived();
    let stored = |of: &str| {
        let events = yard.events("FR-EVT-001");
        let mut outputs = events
            .iter()
            .filter_map(|event| event["data"]["output"].as_str());
        let said = yard.events("FR-EVT-SESS-004");
        let mut words = said
            .iter()
            .filter(|event| event["data"]["message"]["role"] == of);
        match of {
            "output" => outputs.next().map(str::to_owned),
            _ => words.next().map(|one| {
                one["data"]["message"]["content_hash"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            }),
        }
    };
    let output = stored("output").unwrap();
    flip(&object(&yard, &output), 77);
    for reader in [vec!["logs", "kept"], vec!["artifacts", "cat", &output]] {
        let told = yard.treeyard(&reader);
        let error = text(&told.stderr);
        assert_eq!(told.status.code(), Some(6), "{reader:?}: {error}");
        assert!(
            error.contains("TY-ARTIFACT-DAMAGED") && error.contains("makes its output anew"),
            "{error}"
        );
        assert!(
            !text(&told.stdout).contains("output"),
            "{reader:?} serves it"
        );
    }
    let answer = stored("ASSISTANT").unwrap();
    flip(&object(&yard, &answer), 4_321);
    let thread = yard.treeyard(&["thread", "model"]);
    let told = text(&thread.stdout) + &text(&thread.stderr);
    assert!(told.contains("TY-ARTIFACT-DAMAGED"), "{told}");
    let replayed = yard.treeyard(&["replay", "model"]);
    assert!(text(&replayed.stderr).contains("TY-ARTIFACT-DAMAGED"));
    assert_ne!(replayed.status.code(), Some(0));
}

/// All that a store tells, or the code of why it does not.
fn served(store: &Store) -> Vec<String> {
    let mut told = Vec::new();
    let mut tell = |what: Result<String, StoreError>| {
        told.push(what.unwrap_or_else(|error| error.code().id().to_owned()));
    };
    tell(
        store
            .events(&EventFilter::default())
            .map(|events| format!("{events:?}")),
    );
    tell(store.queue().map(|queue| format!("{queue:?}")));
    tell(store.locks().map(|locks| format!("{locks:?}")));
    tell(store.artifacts(None).map(|rows| format!("{rows:?}")));
    let sessions = store.sessions(i64::MIN);
    let ids: Vec<_> = sessions.iter().flatten().map(|row| row.id).collect();
    tell(sessions.map(|rows| format!("{rows:?}")));
    for id in ids {
        tell(store.session(id).map(|row| format!("{row:?}")));
        tell(store.jobs_of(id).map(|rows| format!("{rows:?}")));
        tell(store.all_messages(id).map(|rows| format!("{rows:?}")));
        tell(store.checkpoints(id).map(|rows| format!("{rows:?}")));
        let filter = EventFilter {
            session: Some(id),
            ..EventFilter::default()
        };
        tell(store.events(&filter).map(|events| format!("{events:?}")));
    }
    told
}

fn is_sound(store: &Store) -> bool {
    store
        .integrity_check()
        .is_ok_and(|damage| damage.is_empty())
        && store.verify_chain().is_ok()
        && store.verify_tables().is_ok()
}

#[test]
fn a_flipped_bit_of_the_database_is_found_or_changes_nothing() {
    let flips = std::env::var(VARIABLE).map_or(60, |text| text.parse().unwrap());
    let yard = lived();
    let original = std::fs::read(yard.repo().join(".git/treeyard").join(DATABASE)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(DATABASE);
    std::fs::write(&file, &original).unwrap();
    let before = served(&Store::open(folder.path()).unwrap());
    assert!(before.len() > 15 && before[0].len() > 10_000);
    let (mut found, mut harmless) = (0, 0);
    let mut state = 0x5eed_u64;
    for _ in 0..flips {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let bit = (state >> 16) as usize % (original.len() * 8);
        for beside in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("{DATABASE}{beside}")));
        }
        let mut bytes = original.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&file, &bytes).unwrap();
        match Store::open(folder.path()) {
            Err(error) => {
                assert!(!error.code().hint().is_empty());
                found += 1;
            }
            Ok(store) if is_sound(&store) => {
                let now = served(&store);
                for (now, told) in now.iter().zip(&before) {
                    // An error is told with its code.
                    let unnoticed = now != told && !now.starts_with("TY-");
                    assert!(
                        !unnoticed,
                        "bit {bit} changed what is told, and nobody noticed: {now}"
                    );
                }
                if now != before {
                    found += 1;
                    continue;
                }
                harmless += 1;
            }
            Ok(store) => {
                // No panic, whatever is asked of it.
                served(&store);
                found += 1;
            }
        }
    }
    println!(
        "flips: {flips} bits of {} bytes, {found} found, {harmless} without effect",
        original.len()
    );
    assert!(found > 0);
}
