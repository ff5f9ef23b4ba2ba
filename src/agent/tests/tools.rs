use serde_json::{Value, json};

use super::yard::Yard;
use crate::model::code::Code;
use crate::model::tool::ErrorKind;

#[test]
fn read() {
    let yard = Yard::new();
    let all = yard.ok("file.read", json!({ "path": "src/main.rs" }));
    assert_eq!(
        all["content"],
        "     1\tfn main() {\n     2\t    run();\n     3\t}\n"
    );
    assert_eq!(
        (&all["total_lines"], &all["next_line"]),
        (&json!(3), &Value::Null)
    );
    let part = json!({ "path": "./src/main.rs", "start_line": 2, "lines": 1, "numbered": false });
    let part = yard.ok("file.read", part);
    assert_eq!(
        (&part["content"], &part["next_line"]),
        (&json!("    run();\n"), &json!(3))
    );
    let behind = yard.ok(
        "file.read",
        json!({ "path": "src/main.rs", "start_line": 9 }),
    );
    assert_eq!(
        (&behind["content"], &behind["next_line"]),
        (&json!(""), &Value::Null)
    );

    yard.write("long", "x".repeat(5000) + "\n" + &"line\n".repeat(20_000));
    let mut at = json!(1);
    let (mut parts, mut lines) = (0, 0);
    while !at.is_null() {
        let part = yard.ok("file.read", json!({ "path": "long", "start_line": at }));
        assert!(part.to_string().len() < 32 * 1024);
        lines += part["content"].as_str().unwrap().lines().count();
        (at, parts) = (part["next_line"].clone(), parts + 1);
    }
    assert_eq!(lines, 20_001);
    assert!(parts >= 10);

    yard.write("binary", b"\x00\x01\xff");
    let told = yard
        .refused("file.read", json!({ "path": "binary" }))
        .message;
    assert!(
        told.contains("binary is not text: it has 3 bytes"),
        "{told}"
    );
    yard.write("large", vec![b'a'; (4 << 20) + 1]);
    let told = yard
        .refused("file.read", json!({ "path": "large" }))
        .message;
    assert!(
        told.contains("4194305 bytes, more than the 4194304"),
        "{told}"
    );
    assert_eq!(
        yard.refused("file.read", json!({ "path": "src" })).code,
        Code::FileUnsuitable
    );
    assert_eq!(
        yard.refused("file.read", json!({ "path": "none" })).code,
        Code::FileMissing
    );
    yard.write("empty", "");
    assert_eq!(
        yard.ok("file.read", json!({ "path": "empty" }))["total_lines"],
        0
    );
}

#[test]
fn write() {
    let yard = Yard::new();
    let new = json!({ "path": "a/b/c.txt", "content": "one\n" });
    assert!(
        yard.dry("file.write", &new)["diff"]
            .as_str()
            .unwrap()
            .contains("--- /dev/null")
    );
    assert_eq!(yard.ok("file.write", new.clone())["created"], true);
    assert_eq!(yard.read("a/b/c.txt"), "one\n");
    // The same once more is no harm.
    assert_eq!(yard.ok("file.write", new)["created"], false);
    let other = json!({ "path": "a/b/c.txt", "content": "two\n" });
    let told = yard.refused("file.write", other).message;
    assert!(told.contains("overwrite"), "{told}");
    yard.ok(
        "file.write",
        json!({ "path": "a/b/c.txt", "content": "two\n", "overwrite": true }),
    );
    assert_eq!(yard.read("a/b/c.txt"), "two\n");
    yard.refused("file.write", json!({ "path": "src", "content": "" }));
    yard.refused("file.write", json!({ "path": ".", "content": "" }));
    yard.refused(
        "file.write",
        json!({ "path": "README.md/x", "content": "" }),
    );
    assert!(!yard.tree().join("README.md/x").exists());
}

#[test]
fn edit() {
    let yard = Yard::new();
    yard.write("f", "a\n  b\nc\na\n");
    let edit = |old: &str, new: &str| json!({ "path": "f", "old": old, "new": new });
    let told = yard.refused("file.edit", edit("a\n", "x\n"));
    assert_eq!(told.code, Code::EditMismatch);
    assert!(
        told.message.contains("2 times, in lines 1, 4"),
        "{}",
        told.message
    );
    let told = yard.refused("file.edit", edit("a\nb\nc\n", "x")).message;
    assert!(
        told.contains("the lines 1 to 3, which read:\na\n  b\nc"),
        "{told}"
    );
    let told = yard
        .refused("file.edit", edit("nothing like it", "x"))
        .message;
    assert!(told.contains("nothing like it is"), "{told}");
    assert_eq!(yard.read("f"), "a\n  b\nc\na\n");

    let done = yard.ok("file.edit", edit("  b\nc", "B"));
    assert_eq!(
        (&done["replaced"], &done["first_line"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(yard.read("f"), "a\nB\na\n");
    let all = json!({ "path": "f", "old": "a", "new": "aa", "all": true });
    assert!(
        yard.dry("file.edit", &all)["diff"]
            .as_str()
            .unwrap()
            .contains("+aa")
    );
    assert_eq!(yard.ok("file.edit", all)["replaced"], 2);
    assert_eq!(yard.read("f"), "aa\nB\naa\n");
    yard.refused("file.edit", edit("", "x"));
    yard.refused("file.edit", edit("B", "B"));

    yard.write("f", "x\n\n\ny\n");
    for all in [false, true] {
        let twice = json!({ "path": "f", "old": "\n\n", "new": "-", "all": all });
        let told = yard.refused("file.edit", twice).message;
        assert!(told.contains("twice from line 2 on"), "{told}");
    }
    yard.ok("file.edit", edit("x\n\n", "x"));

    yard.write("crlf", "one\r\ntwo\r\n");
    yard.ok(
        "file.edit",
        json!({ "path": "crlf", "old": "one\ntwo", "new": "1\n2" }),
    );
    assert_eq!(yard.read("crlf"), "1\r\n2\r\n");
}

#[test]
fn list_and_glob() {
    let yard = Yard::new();
    yard.write(".gitignore", "target/\n*.log\n!keep.log\n");
    yard.write("target/x", "");
    yard.write("src/a.log", "");
    yard.write("src/keep.log", "");
    yard.write("src/deep/.gitignore", "/hidden\n");
    yard.write("src/deep/hidden", "");
    yard.write("src/deep/lib.rs", "");
    let paths = |list: &Value| -> Vec<String> {
        let one = |value: &Value| {
            value["path"]
                .as_str()
                .or(value.as_str())
                .unwrap()
                .to_owned()
        };
        list.as_array().unwrap().iter().map(one).collect()
    };
    let top = yard.ok("file.list", json!({}));
    let names = paths(&top["entries"]);
    assert!(names.contains(&"src".to_owned()) && !names.contains(&"target".to_owned()));
    assert!(
        !names
            .iter()
            .any(|name| name.contains(".git/") || name == ".git")
    );
    let deep = yard.ok("file.list", json!({ "path": "src", "depth": 2 }));
    let expected = [
        "src/deep",
        "src/keep.log",
        "src/main.rs",
        "src/deep/.gitignore",
        "src/deep/lib.rs",
    ];
    assert_eq!(paths(&deep["entries"]), expected);
    let all = json!({ "path": "src", "ignored": true });
    assert!(paths(&yard.ok("file.list", all)["entries"]).contains(&"src/a.log".to_owned()));
    let rust = yard.ok("file.glob", json!({ "pattern": "**/*.rs" }));
    assert_eq!(paths(&rust["files"]), ["src/main.rs", "src/deep/lib.rs"]);
    let here = yard.ok("file.glob", json!({ "pattern": "*.rs", "path": "folder" }));
    assert_eq!(paths(&here["files"]), ["src/main.rs"]);
    for n in 0..600 {
        yard.write(&format!("many/{n}"), "");
    }
    let many = yard.ok("file.glob", json!({ "pattern": "many/*" }));
    assert_eq!(
        (many["files"].as_array().unwrap().len(), &many["more"]),
        (500, &json!(true))
    );
    yard.refused("file.glob", json!({ "pattern": "a[" }));
    yard.refused("file.list", json!({ "path": "README.md" }));
    yard.refused("file.list", json!({ "path": "out" }));
    yard.refused("file.list", json!({ "depth": 0 }));
}

#[test]
fn search() {
    let yard = Yard::new();
    yard.write(".gitignore", "*.log\n");
    yard.write("a.log", "needle\n");
    yard.write("b.txt", "one\nNeedle here\nthree\n");
    yard.write("binary", b"needle\0needle\n");
    let args = json!({ "pattern": r"needle\s", "ignore_case": true, "context": 1 });
    let found = yard.ok("file.search", args);
    assert_eq!(found["matches"], 1);
    let lines = found["files"][0]["lines"].as_array().unwrap();
    assert_eq!(found["files"][0]["path"], "b.txt");
    assert_eq!(lines[1], json!({ "line": 2, "text": "Needle here" }));
    assert_eq!(
        lines[0],
        json!({ "line": 1, "text": "one", "context": true })
    );
    let all = json!({ "pattern": "needle", "ignored": true, "glob": "*.log" });
    assert_eq!(yard.ok("file.search", all)["files"][0]["path"], "a.log");
    let literal = json!({ "pattern": "run();", "literal": true, "path": "inside" });
    assert_eq!(
        yard.ok("file.search", literal)["files"][0]["path"],
        "src/main.rs"
    );
    yard.write("many", "hit\n".repeat(5000));
    let many = yard.ok("file.search", json!({ "pattern": "hit" }));
    assert_eq!(
        (&many["matches"], &many["more"]),
        (&json!(400), &json!(true))
    );
    assert!(many.to_string().len() < 32 * 1024);
    let error = yard.refused("file.search", json!({ "pattern": "(" }));
    assert!(error.message.contains("`pattern`"), "{error}");
    yard.refused(
        "file.search",
        json!({ "pattern": "((a{1000}){1000}){1000}" }),
    );
    yard.refused("file.search", json!({ "pattern": "x", "path": "none" }));

    yard.world
        .canceling()
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let error = yard.refused("file.search", json!({ "pattern": "x" }));
    assert_eq!(error.kind, ErrorKind::Canceled);
}

#[test]
fn move_and_delete() {
    let yard = Yard::new();
    let args = json!({ "from": "README.md", "to": "docs/guide/README.md" });
    yard.dry("file.move", &args);
    yard.ok("file.move", args.clone());
    assert_eq!(yard.read("docs/guide/README.md"), "# Yard\n");
    assert_eq!(yard.refused("file.move", args).code, Code::FileMissing);
    let onto = json!({ "from": "docs/guide/README.md", "to": "src/main.rs" });
    assert_eq!(yard.refused("file.move", onto).code, Code::FileUnsuitable);
    yard.refused("file.move", json!({ "from": "src", "to": "source" }));
    let gone = json!({ "path": "src/main.rs" });
    yard.dry("file.delete", &gone);
    yard.ok("file.delete", gone.clone());
    assert_eq!(yard.refused("file.delete", gone).code, Code::FileMissing);
    yard.refused("file.delete", json!({ "path": "docs" }));
    let left = std::fs::read_dir(yard.tree().join("src")).unwrap();
    assert_eq!(left.count(), 0);
}

#[test]
fn todo() {
    let yard = Yard::new();
    assert_eq!(yard.ok("todo.read", json!({})), json!({ "items": [] }));
    let items = json!({ "items": [{ "text": "a", "state": "in_progress" }, { "text": "b", "state": "pending" }] });
    yard.dry("todo.write", &items);
    assert_eq!(yard.ok("todo.read", json!({})), json!({ "items": [] }));
    yard.ok("todo.write", items.clone());
    assert_eq!(yard.ok("todo.read", json!({})), items);
    let bad = json!({ "items": [{ "text": "", "state": "done" }] });
    assert!(
        yard.refused("todo.write", bad)
            .message
            .contains("`items[0].text`")
    );
}

#[test]
fn wrong_arguments_are_told_so_that_a_model_can_correct_them() {
    let yard = Yard::new();
    for (tool, args, field, said) in [
        ("file.read", json!({}), "", "missing field `path`"),
        (
            "file.read",
            json!({ "pth": "a" }),
            "pth",
            "unknown field `pth`, expected one of `path`",
        ),
        (
            "file.read",
            json!({ "path": 3 }),
            "path",
            "expected a string",
        ),
        (
            "file.read",
            json!({ "path": "/etc/passwd" }),
            "path",
            "write it from the root of the worktree",
        ),
        (
            "file.read",
            json!({ "path": "a", "lines": "ten" }),
            "lines",
            "expected u32",
        ),
        (
            "file.read",
            json!({ "path": "a", "lines": -1 }),
            "lines",
            "expected u32",
        ),
        (
            "file.read",
            json!({ "path": "a", "lines": 0 }),
            "lines",
            "from 1 to 2000",
        ),
        (
            "file.read",
            json!("{\"path\": "),
            "",
            "this is not one JSON object",
        ),
        ("file.read", json!(null), "", "expected struct"),
        (
            "todo.write",
            json!({ "items": [{ "text": "a", "state": "later" }] }),
            "items[0].state",
            "expected one of `pending`",
        ),
    ] {
        let error = yard.refused(tool, args.clone());
        assert_eq!(
            (error.code, error.kind),
            (Code::ToolArguments, ErrorKind::Validation)
        );
        assert_eq!(error.details["field"], field, "{args}: {error}");
        assert!(error.message.contains(said), "{args}: {error}");
        assert!(
            error.message.contains("A right call looks like this: {"),
            "{error}"
        );
        assert!(error.message.starts_with(tool) && error.message.len() < 1500);
    }
    let unknown = yard.refused("file.rm", json!({}));
    assert_eq!(unknown.code, Code::ToolUnknown);
    assert!(unknown.message.contains("file.delete"));
}

#[test]
fn an_envelope_is_read_with_its_version_and_its_reference() {
    use crate::model::ids::{ContentHash, EventId, SessionId};
    use crate::model::tool::{Payload, Request};
    let yard = Yard::new();
    let request = json!({
        "schema_version": "htc-1.0", "tool_call_id": "c", "trace_id": EventId::new(),
        "session_id": SessionId::new(), "actor": { "kind": "agent" }, "tool_id": "file.read",
        "tool_version": "1.0.0", "args": { "path": "README.md" }, "dry_run": true,
    });
    let mut request = Request::parse(request.to_string().as_bytes()).unwrap();
    let none = |_: &ContentHash| unreachable!();
    assert!(
        yard.registry
            .prepare_request(&request, none, &yard.world)
            .is_ok()
    );
    request.args = Payload::Reference(ContentHash::from_hex(&"0a".repeat(32)).unwrap());
    let fetch = |text: &'static str| move |_: &ContentHash| Ok(text.as_bytes().to_vec());
    let path = fetch("{\"path\": \"README.md\"}");
    assert!(
        yard.registry
            .prepare_request(&request, path, &yard.world)
            .is_ok()
    );
    assert!(
        yard.registry
            .prepare_request(&request, fetch("{"), &yard.world)
            .is_err()
    );
    request.tool_version = "2.0.0".parse().unwrap();
    let error = yard
        .registry
        .prepare_request(&request, fetch("{}"), &yard.world);
    assert_eq!(error.unwrap_err().code, Code::EnvelopeInvalid);
}
