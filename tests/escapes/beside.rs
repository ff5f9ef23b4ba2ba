//! What no level stops, each shown by itself.

use std::fs;
use std::net::TcpListener;

use crate::yard::Yard;

/// The person's own git reads the settings of the git directory that it stands in.
#[test]
fn a_worktree_is_not_a_place_for_ones_own_git() {
    let yard = Yard::confined();
    let ran = yard.folder.path().join("ran");
    let plant = format!(
        "G=$(git rev-parse --absolute-git-dir); printf '#!/bin/sh\\ntouch {}\\n' > $G/evil; \
         chmod +x $G/evil; git config core.fsmonitor $G/evil; echo work > work; git status",
        ran.display()
    );
    yard.exits(0, &["run", "-q", "--name", "one", "--", "sh", "-c", &plant]);
    for args in [&["ls"][..], &["show", "one"], &["diff", "one"], &["doctor"]] {
        yard.treeyard(args);
    }
    assert!(!ran.exists(), "treeyard ran it, or the session did");
    yard.exits(6, &["open", "one"]);
    let place = yard.folder.path().join("repo.treeyard");
    let place = fs::read_dir(place).unwrap().flatten();
    let place = place.map(|entry| entry.path()).find(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("one-")
    });
    let place = place.unwrap().display().to_string();
    yard.git(&["-C", &place, "status"]);
    assert!(
        ran.exists(),
        "git is safe here now: docs/threat-model.md is to say so"
    );
}

/// Services of the machine are reached as long as the network is open.
#[test]
fn an_open_network_reaches_the_machine() {
    let yard = Yard::confined();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let line = format!("exec 3<>/dev/tcp/127.0.0.1/{port}");
    let run = |code, name: &str, network: &str| {
        let set = format!("sandbox.network={network}");
        let args = [
            "run", "-q", "--name", name, "--set", &set, "--", "bash", "-c", &line,
        ];
        yard.exits(code, &args);
    };
    run(0, "open", "open");
    run(1, "shut", "none");
}
