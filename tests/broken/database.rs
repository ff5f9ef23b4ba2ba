//! The database damaged or lost: it is told, and no work goes with it.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::process::Command;

use super::{doctor, open_session};
use crate::yard::{Yard, eventually, text};

type Damage<'a> = &'a dyn Fn(&mut fs::File);

fn damage(yard: &Yard, how: impl Fn(&mut fs::File)) {
    let state = yard.repo().join(".git/treeyard");
    for part in ["treeyard.db-wal", "treeyard.db-shm"] {
        let _ = fs::remove_file(state.join(part));
    }
    let path = state.join("treeyard.db");
    let mut file = fs::File::options().read(true).write(true).open(path);
    how(file.as_mut().unwrap());
}

#[test]
fn a_damaged_database_is_told_and_costs_no_work() {
    let garbage: &[u8] = &[0xa5; 4096];
    let write = |file: &mut fs::File, at: u64, bytes: &[u8]| {
        file.seek(SeekFrom::Start(at)).unwrap();
        file.write_all(bytes).unwrap();
    };
    let ways: [(&str, Damage); 3] = [
        ("header", &|file| write(file, 0, &garbage[..64])),
        ("pages", &|file| {
            let pages = file.metadata().unwrap().len() / 4096;
            (1..pages).for_each(|page| write(file, page * 4096, garbage));
        }),
        ("end", &|file| file.set_len(9_000).unwrap()),
    ];
    for (what, how) in ways {
        let yard = Yard::new();
        let place = open_session(&yard, "w", &[]);
        let branches = yard.git(&["for-each-ref"]);
        damage(&yard, how);
        for args in [
            &["ls"][..],
            &["run", "--", "true"],
            &["land", "w"],
            &["doctor", "--fix"],
        ] {
            let output = yard.treeyard(args);
            let said = text(&output.stderr) + &text(&output.stdout);
            assert_eq!(output.status.code(), Some(6), "{what} {args:?}: {said}");
            assert!(said.contains("treeyard.db-wal"), "{what} {args:?}: {said}");
        }
        // As the hint says.
        fs::remove_file(yard.repo().join(".git/treeyard/treeyard.db")).unwrap();
        let found = doctor(&yard, &["--fix"]);
        assert!(found[0].contains("belongs to no session"), "{found:?}");
        yard.exits(0, &["gc", "--set", "retention.sessions_days=0"]);
        assert_eq!(fs::read_to_string(place.join("three")).unwrap(), "3\n");
        assert_eq!(yard.git(&["for-each-ref"]), branches, "{what}");
        yard.exits(0, &["run", "--name", "w", "--", "sh", "-c", "echo n > n"]);
        yard.exits(0, &["land", "w"]);
        yard.sound();
    }
}

fn owner(yard: &Yard) -> String {
    let lock = fs::read_to_string(yard.repo().join(".git/treeyard/runner.lock")).unwrap();
    let owner: serde_json::Value = serde_json::from_str(&lock).unwrap();
    owner["pid"].to_string()
}

/// The journal of a killed runner goes, and with it the last records; the work does not.
#[test]
fn a_lost_journal_costs_no_work() {
    let yard = Yard::new();
    yard.exits(0, &["up"]);
    yard.exits(
        0,
        &[
            "submit",
            "--name",
            "w",
            "--scope",
            "./w",
            "--",
            "sh",
            "-c",
            "echo w > w",
        ],
    );
    eventually("it is complete", || yard.state_of("w") == "COMPLETED");
    let second = yard.treeyard(&["up"]);
    assert_eq!(second.status.code(), Some(5));
    assert!(
        text(&second.stderr).contains(&owner(&yard)),
        "names the first"
    );
    let killed = Command::new("kill").args(["-9", &owner(&yard)]).status();
    assert!(killed.unwrap().success());
    let branches = yard.git(&["for-each-ref", "refs/heads"]);
    eventually("the lock is free", || {
        yard.treeyard(&["doctor"]).status.code() == Some(0)
    });
    damage(&yard, |_| {});
    let code = yard.treeyard(&["ls"]).status.code();
    assert!(matches!(code, Some(0 | 6)), "{code:?}");
    if code == Some(6) {
        fs::remove_file(yard.repo().join(".git/treeyard/treeyard.db")).unwrap();
    }
    yard.exits(0, &["doctor", "--fix"]);
    assert_eq!(yard.git(&["for-each-ref", "refs/heads"]), branches);
    assert!(branches.contains("refs/heads/ty/w-"), "{branches}");
    yard.exits(
        0,
        &["run", "--name", "next", "--scope", "./next", "--", "true"],
    );
    yard.sound();
}
