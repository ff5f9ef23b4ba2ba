//! Calls as somebody would make them who wants out, or who makes no sense.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::ground::Ground;

const TOOLS: [&str; 9] = [
    "artifact.get",
    "artifact.list",
    "artifact.put",
    "git.commit",
    "git.diff",
    "git.log",
    "git.status",
    "scope.request",
    "shell.exec",
];

const TEXTS: [&str; 30] = [
    "",
    " ",
    ".",
    "..",
    "../../etc/passwd",
    "/etc/passwd",
    "out",
    "out/new",
    "leak",
    ".git",
    ".git/config",
    "--output=../outside/made",
    "--upload-pack=touch ../outside/made",
    "-rf",
    "--",
    ":(top)",
    ":(exclude)*",
    ":!x",
    "!x",
    "**",
    "[",
    "a\0b",
    "a\nb",
    "\u{202e}\u{1b}[2J\u{feff}",
    "echo x > ../outside/made",
    "rm -rf ../outside ; cat ../outside/secret.txt",
    "$(touch ../outside/made)",
    "'; touch ../outside/made; '",
    "src",
    "src/lib.txt",
];

/// Values that fit the type of a field, and some that do not.
fn values(field: &Value) -> Vec<Value> {
    let kinds = field["type"].to_string();
    let odd = [json!(null), json!({}), json!(-1), json!(1e300), json!([[]])];
    let texts = TEXTS.iter().map(|text| json!(text));
    let mut all: Vec<Value> = odd.into_iter().collect();
    if kinds.contains("boolean") {
        all.extend([json!(true), json!(false)]);
    } else if kinds.contains("integer") {
        all.extend([0, 1, 300, 5000, u64::MAX].map(|number| json!(number)));
    } else if kinds.contains("array") {
        all.extend(texts.map(|text| json!([text, "src"])));
    } else {
        all.extend(texts);
    }
    all
}

/// All that is there, without following links.
fn print(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![folder.to_owned()];
    while let Some(path) = left.pop() {
        let meta = fs::symlink_metadata(&path).unwrap();
        if meta.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|one| one.unwrap().path()));
        }
        let content = match meta.is_file() {
            true => fs::read(&path).unwrap(),
            false => Vec::new(),
        };
        found.insert(path, content);
    }
    found
}

#[test]
fn nothing_outside_is_reached_whatever_is_asked() {
    let ground = Ground::new(&["./src/**"]);
    let outside = ground.tree.parent().unwrap().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret.txt"), "secret words\n").unwrap();
    symlink("../outside", ground.tree.join("out")).unwrap();
    symlink("../outside/secret.txt", ground.tree.join("leak")).unwrap();
    let kept = || {
        let main = ground.yard.repo().join("src");
        (
            print(&outside),
            print(&main),
            print(&ground.tree.join(".git")),
        )
    };
    let before = kept();
    let (mut good, mut bad) = (0, 0);
    for tool in TOOLS {
        let entry = ground.registry.get(tool).unwrap();
        let fields = entry.input_schema["properties"].as_object().cloned();
        let mut calls = vec![json!({ "unknown": 1 }), json!([]), json!("x"), json!({})];
        for (name, field) in fields.unwrap_or_default() {
            calls.extend(values(&field).into_iter().map(|value| {
                let mut args: Map<_, _> = entry.example.as_object().unwrap().clone();
                // A short one, since it runs often.
                args.entry("command")
                    .and_modify(|line| *line = json!("true"));
                if matches!(&*name, "argv" | "path") {
                    args.retain(|other, _| !matches!(&**other, "command" | "text"));
                }
                args.insert(name.clone(), value);
                Value::Object(args)
            }));
        }
        for args in calls {
            let told = match ground.call(tool, args.clone()) {
                Ok(done) => {
                    good += 1;
                    done.result.to_string()
                }
                Err(error) => {
                    bad += 1;
                    format!("{error} {}", error.details)
                }
            };
            assert!(!told.contains("secret words"), "{tool} {args}: {told}");
        }
        assert!(kept() == before, "{tool} changed what is not its own");
    }
    assert!(good > 50 && bad > 100, "{good} ran, {bad} were refused");
    let jobs: Vec<_> = fs::read_dir(&ground.jobs).unwrap().collect();
    assert!(jobs.is_empty(), "{jobs:?}");
}
