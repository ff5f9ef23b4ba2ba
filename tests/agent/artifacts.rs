use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};
use treeyard::model::code::Code;

use super::ground::{Ground, SECRET, begin};

#[test]
fn what_is_stored_is_found_again_in_parts() {
    let ground = Ground::new(&["./src/**"]);
    assert_eq!(
        ground.ok("artifact.list", json!({}))["artifacts"],
        json!([])
    );
    let text = format!("{}\n{SECRET}\n", "é→🦀".repeat(2000));
    let put = json!({ "text": text, "media_type": "text/markdown" });
    let dry = ground.permit("artifact.put", &put, true).unwrap();
    let dry = dry.run(&ground.world).unwrap();
    assert_eq!(dry.result["hash"], Value::Null);
    assert_eq!(dry.artifacts, []);
    let done = ground.call("artifact.put", put).unwrap();
    let hash = done.result["hash"].clone();
    assert_eq!(
        (&done.result["redacted"], done.artifacts.len()),
        (&json!(1), 1)
    );
    assert_eq!(
        (done.artifacts[0].kind, &*done.artifacts[0].media_type),
        ("note", "text/markdown")
    );

    // It is the session's when somebody has recorded it.
    let get = json!({ "hash": hash });
    assert_eq!(
        ground.refused("artifact.get", get).code,
        Code::ArtifactUnknown
    );
    ground.record(&done);
    let (mut at, mut whole) = (json!(0), String::new());
    while !at.is_null() {
        let get = json!({ "hash": hash, "offset": at, "limit": 1001 });
        let part = ground.ok("artifact.get", get);
        whole.push_str(part["text"].as_str().unwrap());
        at = part["next_offset"].clone();
    }
    assert_eq!(whole, text.replace(SECRET, "[redacted:github-token]"));
    let behind = json!({ "hash": hash, "offset": u64::MAX });
    let behind = ground.ok("artifact.get", behind);
    assert_eq!(
        (&behind["text"], &behind["next_offset"]),
        (&json!(""), &Value::Null)
    );

    let ran = ground
        .call("shell.exec", json!({ "command": "seq 1 9999" }))
        .unwrap();
    ground.record(&ran);
    let listed = ground.ok("artifact.list", json!({}));
    let kinds = listed["artifacts"].as_array().unwrap().iter();
    let kinds: Vec<_> = kinds.map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["command_output", "note"]);
    let output = json!({ "hash": ran.result["artifact"], "offset": 10, "limit": 10 });
    assert_eq!(ground.ok("artifact.get", output)["text"], "6\n7\n8\n9\n10");
}

#[test]
fn only_what_the_session_has_is_stored_and_read() {
    let ground = Ground::new(&["./src/**"]);
    ground.write("report.bin", "a\0b");
    let done = ground
        .call("artifact.put", json!({ "path": "report.bin" }))
        .unwrap();
    assert_eq!(done.files, ["report.bin"]);
    assert_eq!(done.artifacts[0].media_type, "application/octet-stream");
    // It is another session's, and in the same store.
    begin(&ground.yard, "other", &["./none"]);
    ground.record_for("other", &done);
    let theirs = done.result["hash"].clone();
    let refused = ground.refused("artifact.get", json!({ "hash": theirs }));
    assert_eq!(refused.code, Code::ArtifactUnknown);
    assert_eq!(
        ground.ok("artifact.list", json!({}))["artifacts"],
        json!([])
    );

    symlink("/etc/passwd", ground.tree.join("passwd")).unwrap();
    let large = fs::File::create(ground.tree.join("large")).unwrap();
    large.set_len((16 << 20) + 1).unwrap();
    for (args, told) in [
        (json!({}), "one of `text` and `path`"),
        (
            json!({ "text": "x", "path": "report.bin" }),
            "one of `text` and `path`",
        ),
        (json!({ "path": "passwd" }), "absolute"),
        (json!({ "path": "../x" }), "`..`"),
        (json!({ "path": ".git" }), "git"),
        (json!({ "path": "src" }), "folder"),
        (json!({ "path": "none" }), "not there"),
        (json!({ "path": "large" }), "16777216"),
        (json!({ "text": "x", "media_type": "text" }), "text/plain"),
        (
            json!({ "text": "x", "media_type": "text/a\nb" }),
            "text/plain",
        ),
    ] {
        let refused = ground.refused("artifact.put", args.clone());
        assert!(refused.message.contains(told), "{args}: {refused}");
    }
    for args in [
        json!({ "hash": "../../etc/passwd" }),
        json!({ "hash": "blake3:" }),
        json!({ "hash": theirs, "limit": 3 }),
        json!({ "hash": theirs, "offset": -1 }),
    ] {
        let refused = ground.refused("artifact.get", args.clone());
        assert_eq!(refused.code, Code::ToolArguments, "{args}: {refused}");
    }
}
