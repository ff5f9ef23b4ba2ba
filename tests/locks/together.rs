//! Many at once.

use std::collections::BTreeMap;

use serde_json::Value;
use treeyard::model::scope::{Fold, Overlap, Scope, ScopeLanguage, overlap};

use super::{finished, locks, said};
use crate::yard::{Yard, eventually, text};

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

/// How often locks were granted, and that no two overlapping ones were ever held by two parties:
/// from the log alone.
fn never_two_holders(log: &[Value]) -> usize {
    let read = |scope: &Value| {
        let scope: Scope = serde_json::from_value(scope.clone()).unwrap();
        ScopeLanguage::new(&scope, Fold::default()).unwrap()
    };
    let mut held: BTreeMap<u64, (Value, ScopeLanguage)> = BTreeMap::new();
    let (mut last, mut grants) = (0, 0);
    for event in log {
        let data = &event["data"];
        let token = data["token"].as_u64();
        match event["event_type"].as_str().unwrap() {
            "FR-EVT-LOCK-001" => {
                let token = token.unwrap();
                assert!(token > last, "tokens rise");
                (last, grants) = (token, grants + 1);
                if let Some(old) = data["replaces"].as_u64() {
                    held.remove(&old).unwrap();
                }
                let (mine, scope) = (data["owner"].clone(), read(&data["scope"]));
                for (other, theirs) in held.values() {
                    let apart = overlap(&scope, theirs) == Overlap::Disjoint;
                    assert!(apart || *other == mine, "event {}", event["seq"]);
                }
                held.insert(token, (mine, scope));
            }
            "FR-EVT-LOCK-002" => drop(held.remove(&token.unwrap()).unwrap()),
            _ => {}
        }
    }
    assert!(held.is_empty(), "what landed holds nothing");
    grants
}

/// Twenty sessions whose scopes overlap at random, each of which changes a file of its scope and
/// lands. Two at work on one file at the same time would conflict.
#[test]
fn of_twenty_sessions_no_two_hold_the_same_at_any_moment() {
    let yard = Yard::new();
    for folder in ["a", "b", "c", "d"] {
        yard.write(&format!("{folder}/x/f"), "start\n");
        yard.write(&format!("{folder}/y/f"), "start\n");
    }
    yard.git(&["add", "-A"]);
    yard.git(&["commit", "-qm", "Folders"]);
    let mut dice = Dice(0x5EED_0000_0000_0014);
    let mut plan = "auto_land = true\n".to_owned();
    let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
    for n in 0..20 {
        let (folder, part) = (["a", "b", "c", "d"][dice.roll(4)], ["x", "y"][dice.roll(2)]);
        let file = format!("{folder}/{part}/f");
        let scope = match dice.roll(5) {
            0 => "**".to_owned(),
            1 => format!("{folder}/**"),
            2 => format!("{folder}/{part}/**"),
            3 => format!("*/{part}/f"),
            _ => file.clone(),
        };
        plan += &format!(
            "[[task]]\nname = \"t{n}\"\nscope = [\"{scope}\"]\npriority = {}\n\
             run = \"echo t{n} >> {file}\"\n",
            40 + dice.roll(20)
        );
        *wanted.entry(file).or_default() += 1;
    }
    yard.exits(0, &["run", &yard.plan(&plan)]);
    let log = yard.json(&["events"])["events"].as_array().unwrap().clone();
    assert_eq!(never_two_holders(&log), 20);
    for (file, times) in wanted {
        let lines = yard.git(&["show", &format!("main:{file}")]).lines().count();
        assert_eq!(lines, times + 1, "{file}");
    }
    let conflicts = yard.events("FR-EVT-MERGE-003").len();
    let waited = yard.events("FR-EVT-LOCK-003").len();
    assert!(
        conflicts == 0 && waited > 10,
        "{conflicts} conflicts, {waited} waits"
    );
    yard.sound();
}

/// Sixteen processes, each in a checkout of its own, ask for one folder at the same time.
#[test]
fn of_sixteen_processes_that_ask_at_once_one_wins() {
    let yard = Yard::new();
    yard.exits(0, &["ls"]);
    let places: Vec<String> = (0..16)
        .map(|n| {
            let place = yard
                .folder
                .path()
                .join(format!("w{n}"))
                .display()
                .to_string();
            yard.git(&["worktree", "add", "-q", "--detach", &place]);
            place
        })
        .collect();
    let children: Vec<_> = places
        .iter()
        .map(|place| {
            let mut claim = yard.command(env!("CARGO_BIN_EXE_treeyard"));
            let asked = claim.args(["-C", place, "claim", "src/**"]);
            asked
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped());
            asked.spawn().unwrap()
        })
        .collect();
    let mut codes: Vec<i32> = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let code = output.status.code().unwrap();
        assert!(code == 0 || text(&output.stderr).contains("CX-MM-002"));
        codes.push(code);
    }
    codes.sort_unstable();
    assert_eq!((codes[0], codes[1], codes[15]), (0, 5, 5), "{codes:?}");
    assert_eq!(locks(&yard).len(), 1);
    yard.sound();
}

/// A session asks from inside of its own command.
#[test]
fn a_session_gets_more_while_it_runs() {
    let yard = Yard::new();
    let program = env!("CARGO_BIN_EXE_treeyard");
    finished(&yard, "held", "held/**", "held/f");
    let line = format!(
        "set -e; mkdir -p a more; echo a > a/f; {program} scope request 'more/**'; echo m > more/f; \
         git add -A; git commit -qm both; ! {program} scope request held/x 2> told; \
         grep -q CX-MM-002 told; rm told; {program} scope request held/x --wait; echo h > held/x"
    );
    let line = line.replace("echo h >", "mkdir -p held; echo h >");
    yard.exits(0, &["up"]);
    let args = [
        "submit", "--name", "asks", "--scope", "a/**", "--", "sh", "-c", &line,
    ];
    yard.exits(0, &args);
    let answers = |word: &str| {
        let all = yard.events("FR-EVT-LOCK-008");
        all.iter()
            .filter(|event| event["data"]["answer"] == word)
            .count()
    };
    eventually("it waits for more", || answers("queued") > 0);
    assert_eq!((answers("granted"), answers("refused")), (1, 1));
    yard.exits(0, &["land", "held"]);
    eventually("it has all", || yard.state_of("asks") == "COMPLETED");
    let (code, told) = said(&yard, &["land", "asks"]);
    assert_eq!(code, 0, "{told}");
    let files = yard.git(&["ls-tree", "-r", "--name-only", "main"]);
    for file in ["a/f", "more/f", "held/f", "held/x"] {
        assert!(files.lines().any(|line| line == file), "{file} in {files}");
    }
    yard.sound();
}
