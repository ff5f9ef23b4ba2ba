//! Calls as somebody would make them who wants out, or who makes no sense.

use std::fs;
use std::panic::AssertUnwindSafe;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use super::yard::{Yard, fingerprint};

const CALLS: u32 = 2000;

fn any_path() -> impl Strategy<Value = String> {
    let fixed = proptest::sample::select(vec![
        "../outside/secret.txt",
        "../../etc/passwd",
        "/etc/passwd",
        "a/../../outside/new",
        "out/new",
        "out/deep/file",
        "leak",
        "absolute",
        "git/config",
        ".git/config",
        ".git/hooks/post-commit",
        ".GIT/config",
        "git~1/config",
        ".git./config",
        "sub/.git/HEAD",
        "sub/.Git/HEAD",
        "around/x",
        "circle",
        "folder/new",
        "inside",
        "src/main.rs",
        "README.md",
        ".",
        "",
        "./",
        "//",
        "~/.ssh/id",
        "a\0b",
        "src/\0/../..",
        "src\\..\\..\\outside",
        "file:///etc/passwd",
        "src/main.rs/x",
        "pipe",
        "\u{202e}x",
        "a\nb",
        ".git\u{200c}/config",
        "/proc/self/root/etc/passwd",
        "new/deep/file",
        ".gitignore",
        "..",
        "...",
        "-rf",
        "$(id)",
        "*",
        "[",
    ]);
    let part = proptest::sample::select(vec![
        "..", ".", "out", "folder", "src", ".git", "a", "", "sub",
    ]);
    let joined = proptest::collection::vec(part, 1..6).prop_map(|parts| parts.join("/"));
    let long = (1..6000usize).prop_map(|n| "a/".repeat(n));
    prop_oneof![4 => fixed.prop_map(str::to_owned), 3 => joined, 1 => long, 1 => any::<String>()]
}

fn any_text(path: String) -> impl Strategy<Value = String> {
    let patch = format!("--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-secret words\n+x\n");
    let new = format!("--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n");
    let gone = format!("--- a/{path}\n+++ /dev/null\n@@ -1 +0,0 @@\n-secret words\n");
    let fixed = vec![
        patch,
        new,
        gone,
        path,
        "secret".to_owned(),
        "x".to_owned(),
        String::new(),
        "# Yard\n".to_owned(),
        ".*".to_owned(),
        "**".to_owned(),
        "(((((".to_owned(),
        "(a+)+$".to_owned(),
        "x".repeat(40_000),
        "@@ -99999999999999999999 +1 @@\n".to_owned(),
        "\\".to_owned(),
        "\u{0}\u{feff}é".to_owned(),
    ];
    prop_oneof![6 => proptest::sample::select(fixed), 1 => any::<String>()]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        any_path().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A value of the type that a field has.
fn fitting(field: &Value, path: &str, text: &str, name: &str, pick: u64) -> Value {
    let kinds = &field["type"];
    let is = |kind: &str| {
        kinds == kind
            || kinds
                .as_array()
                .is_some_and(|all| all.contains(&json!(kind)))
    };
    if is("boolean") {
        json!(pick.is_multiple_of(2))
    } else if is("integer") {
        json!([0, 1, 2, 10, 2000, u32::MAX][(pick % 6) as usize])
    } else if is("array") {
        json!([{ "text": text, "state": "done" }])
    } else if matches!(name, "path" | "from" | "to") {
        json!(path)
    } else {
        json!(text)
    }
}

fn any_call(yard: &Yard) -> impl Strategy<Value = (String, Value, bool)> + use<> {
    let schemas = yard.registry.entries();
    let schemas: Vec<(String, Map<String, Value>)> = schemas
        .map(|entry| {
            let fields = entry.input_schema["properties"].as_object();
            (
                entry.card.tool_id.to_string(),
                fields.cloned().unwrap_or_default(),
            )
        })
        .collect();
    let strings = (any_path(), any_path())
        .prop_flat_map(|(path, other)| (Just(path.clone()), Just(other), any_text(path)));
    let shape = (
        proptest::sample::select(schemas),
        strings,
        any::<u64>(),
        any::<bool>(),
    );
    let sound = shape.prop_map(|((tool, fields), (path, other, text), pick, dry_run)| {
        let mut args = Map::new();
        for (at, (name, field)) in fields.iter().enumerate() {
            let path = if name == "to" { &other } else { &path };
            // Most of the fields, so that many calls get past the reading of the arguments.
            if name == "path" || name == "from" || (pick >> (at * 3)) & 7 != 0 {
                args.insert(name.clone(), fitting(field, path, &text, name, pick >> at));
            }
        }
        (tool, Value::Object(args), dry_run)
    });
    (sound, any_json(), any::<String>(), 0..8u8).prop_map(
        |((tool, mut args, dry_run), odd, name, how)| {
            match how {
                0 => args = odd,
                1 => drop(args.as_object_mut().map(|fields| fields.insert(name, odd))),
                2 => {
                    if let Some(value) = args
                        .as_object_mut()
                        .and_then(|fields| fields.values_mut().next())
                    {
                        *value = odd;
                    }
                }
                _ => {}
            }
            (tool, args, dry_run)
        },
    )
}

#[test]
fn hostile_calls_panic_nowhere_and_reach_nothing_outside() {
    let outer = Yard::new();
    let mut runner = TestRunner::new(Config {
        cases: CALLS,
        failure_persistence: None,
        ..Config::default()
    });
    let kept = [
        outer.root.path().join("outside"),
        outer.tree().join(".git"),
        outer.tree().join("sub/.git"),
    ];
    let print = || kept.each_ref().map(|folder| fingerprint(folder));
    let before = print();
    let pipe = outer.tree().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let counts = std::cell::Cell::new((0, 0));
    let ran = runner.run(&any_call(&outer), |(tool, args, dry_run)| {
        let tree = dry_run.then(|| fingerprint(&outer.tree()));
        let called = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let permit = outer.permit(&tool, &args, dry_run);
            permit.and_then(|permit| permit.run(&outer.world))
        }));
        let Ok(done) = called else {
            return Err(TestCaseError::fail(format!("{tool} panics: {args}")));
        };
        let (good, bad) = counts.get();
        let told = match &done {
            Ok(done) => done.result.to_string(),
            Err(error) => format!("{error} {}", error.details),
        };
        counts.set(if done.is_ok() {
            (good + 1, bad)
        } else {
            (good, bad + 1)
        });
        // The words are in some calls themselves, so they may come back; the file's own line may not.
        let is_read = done.is_ok() && tool == "file.read";
        prop_assert!(!(is_read && told.contains("secret words")), "{told}");
        prop_assert!(
            print() == before,
            "{tool} {args} changed what is not its own"
        );
        if let Some(tree) = tree {
            prop_assert!(
                fingerprint(&outer.tree()) == tree,
                "a dry run of {tool} changed something"
            );
        }
        Ok(())
    });
    ran.unwrap();
    let (good, bad) = counts.get();
    assert!(good > 100 && bad > 300, "{good} ran, {bad} were refused");
    let beside: Vec<_> = fs::read_dir(outer.root.path()).unwrap().collect();
    assert_eq!(beside.len(), 2);
}
