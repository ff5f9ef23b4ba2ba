use serde_json::json;
use treeyard::model::code::Code;

use super::ground::{Ground, begin, store};
use crate::yard::eventually;

#[test]
fn more_files_are_granted_to_tools_and_hooks() {
    let ground = Ground::new(&["./src/**"]);
    let write = |path: &str| json!({ "path": path, "content": "x\n" });
    let refused = ground.refused("file.write", write("docs/a.md"));
    assert_eq!(refused.code, Code::OutOfScope);
    let ask = json!({ "patterns": ["docs/**"] });
    let dry = ground.permit("scope.request", &ask, true).unwrap();
    let dry = dry.run(&ground.world).unwrap().result;
    assert_eq!(dry, json!({ "answer": "not_asked", "scope": ["src/**"] }));
    ground.refused("file.write", write("docs/a.md"));

    let granted = ground.ok("scope.request", ask.clone());
    assert_eq!(
        granted,
        json!({ "answer": "granted", "scope": ["src/**", "docs/**"] })
    );
    ground.ok("file.write", write("docs/a.md"));
    ground.ok("git.commit", json!({ "message": "x" }));
    ground.refused("file.write", write("other.md"));
    // What is held already is not asked for again.
    let before = store(&ground.yard).locks().unwrap()[0].token;
    assert_eq!(ground.ok("scope.request", ask)["answer"], "granted");
    assert_eq!(store(&ground.yard).locks().unwrap()[0].token, before);
    for args in [
        json!({ "patterns": [] }),
        json!({ "patterns": ["../x"] }),
        json!({ "patterns": ["a\0b"] }),
        json!({ "patterns": vec!["a"; 101] }),
    ] {
        let refused = ground.refused("scope.request", args.clone());
        assert_eq!(refused.code, Code::ToolArguments, "{args}: {refused}");
    }
    ground.yard.sound();
}

#[test]
fn what_somebody_else_holds_is_told_or_waited_for() {
    let ground = Ground::new(&["./src/**"]);
    begin(&ground.yard, "holder", &["./docs/**"]);
    let ask = |queue: bool| json!({ "patterns": ["./docs/api/**"], "queue": queue });
    let refused = ground.refused("scope.request", ask(false));
    assert_eq!(refused.code, Code::ScopeConflict);
    assert!(
        refused.message.contains("holder") && refused.message.contains("docs/api/"),
        "{refused}"
    );
    assert_eq!(refused.details["holder"], "holder");
    assert!(
        refused.details["witness"]
            .as_str()
            .unwrap()
            .starts_with("docs/api/")
    );

    let queued = ground.ok("scope.request", ask(true));
    assert_eq!(queued["answer"], "queued");
    assert_eq!(queued["scope"], json!(["src/**"]));
    assert!(queued["holder"].as_str().unwrap().starts_with("holder"));
    let write = json!({ "path": "docs/api/a.md", "content": "x\n" });
    let early = ground.refused("file.write", write.clone());
    assert_eq!(early.code, Code::OutOfScope);
    ground.yard.exits(0, &["cancel", "holder"]);
    eventually("it is granted", || {
        let scope = ground.world.follow_scope().unwrap().unwrap();
        scope.patterns().len() == 2
    });
    ground.ok("file.write", write);
    ground.ok("git.commit", json!({ "message": "x" }));
    assert_eq!(ground.ok("scope.request", ask(false))["answer"], "granted");
    ground.yard.sound();
}
