use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use treeyard::agent::Admission;
use treeyard::model::code::Code;
use treeyard::model::tool::{Covers, Effect, Pattern, Rule, Rules};

use super::ground::{Ground, SECRET};

#[test]
fn the_state_of_the_worktree_is_told() {
    let ground = Ground::new(&["**"]);
    let clean = ground.ok("git.status", json!({}));
    assert_eq!(clean["files"], json!([]));
    assert_eq!(clean["commit"], ground.git(&["rev-parse", "HEAD"]).trim());
    assert!(clean["branch"].as_str().unwrap().starts_with("ty/s-"));

    let odd = "src/ odd\n\"name\té → * ?.txt";
    ground.write(odd, "x\n");
    ground.write("-rf", "x\n");
    ground.write("staged", "x\n");
    ground.git(&["add", "staged"]);
    ground.git(&["mv", "README.md", "moved  twice.md"]);
    fs::remove_file(ground.tree.join("src/lib.txt")).unwrap();
    let told = ground.ok("git.status", json!({}));
    let mut files = told["files"].as_array().unwrap().clone();
    files.sort_by_key(|file| file["path"].to_string());
    let mut expected = [
        json!({ "path": "-rf", "unstaged": "untracked" }),
        json!({ "path": "moved  twice.md", "staged": "renamed", "from": "README.md" }),
        json!({ "path": odd, "unstaged": "untracked" }),
        json!({ "path": "src/lib.txt", "unstaged": "deleted" }),
        json!({ "path": "staged", "staged": "added" }),
    ];
    expected.sort_by_key(|file| file["path"].to_string());
    assert_eq!(files, expected);
    assert_eq!(told["more"], false);
    // Looking changes nothing, whatever the session's settings say.
    let index = ground.git(&["rev-parse", "--git-path", "index"]);
    let stamp = || fs::metadata(index.trim()).unwrap().modified().unwrap();
    let before = stamp();
    ground.git(&["config", "diff.external", "touch evil; true"]);
    ground.git(&["config", "status.short", "true"]);
    ground.git(&["config", "core.pager", "touch evil"]);
    ground.ok("git.status", json!({}));
    ground.ok("git.diff", json!({}));
    assert_eq!(before, stamp());
    assert!(!ground.tree.join("evil").exists());
}

#[test]
fn differences_are_told() {
    let ground = Ground::new(&["**"]);
    assert_eq!(ground.ok("git.diff", json!({}))["diff"], "");
    // What git complains of is no part of its answer.
    ground.git(&["config", "core.autocrlf", "input"]);
    ground.git(&["config", "core.safecrlf", "warn"]);
    ground.write("src/lib.txt", "one\r\ntwo\r\nthree\r\n");
    assert_eq!(ground.ok("git.diff", json!({}))["diff"], "");
    ground.write("src/lib.txt", "one\nTWO\nthree\n");
    ground.write("README.md", &format!("# {SECRET}\n"));
    let all = ground.ok("git.diff", json!({}))["diff"].clone();
    let all = all.as_str().unwrap();
    assert!(
        all.contains("-two\n+TWO\n") && all.contains("+# [redacted:github-token]\n"),
        "{all}"
    );
    let part = |args: Value| {
        let diff = ground.ok("git.diff", args)["diff"].clone();
        let diff = diff.as_str().unwrap().to_owned();
        (diff.contains("TWO"), diff.contains("README"))
    };
    assert_eq!(part(json!({ "paths": ["src"] })), (true, false));
    assert_eq!(part(json!({ "paths": ["*"] })), (false, false));
    assert_eq!(part(json!({ "paths": ["."] })), (true, true));
    assert_eq!(part(json!({ "staged": true })), (false, false));
    ground.git(&["add", "src"]);
    assert_eq!(part(json!({ "staged": true })), (true, false));
    assert_eq!(part(json!({})), (false, true));
    assert_eq!(part(json!({ "base": true })), (true, true));
    ground.ok("git.commit", json!({ "message": "both" }));
    assert_eq!(part(json!({})), (false, false));
    assert_eq!(part(json!({ "base": true })), (true, true));

    ground.write("src/lib.txt", &"line é\n".repeat(20_000));
    let done = ground.call("git.diff", json!({})).unwrap();
    let told = done.result["diff"].as_str().unwrap();
    let left = done.result["omitted_bytes"].as_u64().unwrap();
    assert!(told.len() <= 24 * 1024 && left > 100_000);
    assert_eq!(done.artifacts[0].size, told.len() as u64 + left);
    assert_eq!(done.result["artifact"], done.artifacts[0].hash.to_string());
    assert_eq!(done.result["more"], false);
    // Of what is not whole nothing is kept that looks as if it were.
    ground.write("src/lib.txt", &"line\n".repeat(1_000_000));
    let done = ground.call("git.diff", json!({})).unwrap();
    assert_eq!(done.result["more"], true);
    assert_eq!(done.result["artifact"], Value::Null);
    assert!(done.artifacts.is_empty());
    let refused = ground.refused("git.diff", json!({ "paths": ["../x"] }));
    assert_eq!(refused.code, Code::ToolArguments);
}

#[test]
fn what_a_person_closed_is_not_told() {
    let ground = Ground::new(&["**"]);
    ground.write("src/lib.txt", "key of src\n");
    ground.write("README.md", "key of readme\n");
    ground.write("src/new", "");
    let rule = Rule {
        effect: Effect::Deny,
        covers: Covers::Matching(Pattern::new("git.*", Some("src")).unwrap()),
    };
    let rules: Rules = [rule].into_iter().collect();
    for tool in ["git.diff", "git.status"] {
        let admission = ground.admit(tool, &json!({}), false, &rules).unwrap();
        let Admission::Permit(permit) = admission else {
            panic!("{admission:?}");
        };
        let told = permit.run(&ground.world).unwrap().result.to_string();
        assert!(
            told.contains("README.md") && !told.contains("src"),
            "{told}"
        );
    }
    for (tool, args) in [
        ("git.diff", json!({ "paths": ["src/lib.txt"] })),
        ("git.commit", json!({ "message": "x", "paths": ["src"] })),
    ] {
        let admission = ground.admit(tool, &args, false, &rules).unwrap();
        assert!(
            matches!(admission, Admission::Denied { .. }),
            "{admission:?}"
        );
    }
}

#[test]
fn work_is_committed() {
    let ground = Ground::new(&["**"]);
    let nothing = ground.refused("git.commit", json!({ "message": "x" }));
    assert!(nothing.message.contains("nothing to commit"), "{nothing}");
    ground.write("src/new é\n.txt", "x\n");
    ground.write("src2", "x\n");
    fs::remove_file(ground.tree.join("README.md")).unwrap();
    let words = json!({ "message": "--amend\n\n# kept\n$(id)", "paths": ["src"] });
    let dry = ground.permit("git.commit", &words, true).unwrap();
    let dry = dry.run(&ground.world).unwrap().result;
    assert_eq!(dry, json!({ "commit": null, "files": ["src/new é\n.txt"] }));
    assert_eq!(ground.git(&["diff", "--cached", "--name-only"]), "");
    let done = ground.ok("git.commit", words);
    assert_eq!(done["files"], json!(["src/new é\n.txt"]));
    assert_eq!(done["commit"], ground.git(&["rev-parse", "HEAD"]).trim());
    let log = ground.ok("git.log", json!({}));
    // What the hooks add comes behind.
    let message = log["commits"][0]["message"].as_str().unwrap();
    let ours = "--amend\n\n# kept\n$(id)\n\nTreeyard-Session: ";
    assert!(message.starts_with(ours), "{message}");
    assert_eq!(log["commits"][0]["id"], done["commit"]);
    assert_eq!(log["commits"][0]["author"], "Test");
    assert_eq!(log["commits"][1]["message"], "Start");
    assert_eq!(log["commits"].as_array().unwrap().len(), 2);
    let one = ground.ok("git.log", json!({ "max_count": 1 }));
    assert_eq!(one["commits"].as_array().unwrap().len(), 1);

    let rest = ground.ok("git.commit", json!({ "message": "rest" }));
    assert_eq!(rest["files"], json!(["README.md", "src2"]));
    assert_eq!(ground.ok("git.status", json!({}))["files"], json!([]));
    let none = ground.refused("git.commit", json!({ "message": "x", "paths": ["none"] }));
    assert!(none.message.contains("did not match any files"), "{none}");
    let empty = ground.refused("git.commit", json!({ "message": " \n" }));
    assert_eq!(empty.code, Code::ToolArguments);
}

#[test]
fn what_a_hook_says_is_told() {
    let ground = Ground::new(&["./src/**"]);
    ground.write("outside.txt", "x\n");
    let refused = ground.refused("git.commit", json!({ "message": "x" }));
    assert_eq!(refused.code, Code::GitFailed);
    let told = &refused.message;
    assert!(
        told.contains("outside.txt") && told.contains("scope"),
        "{told}"
    );
    fs::remove_file(ground.tree.join("outside.txt")).unwrap();
    ground.write("src/in.txt", "x\n");
    ground.ok("git.commit", json!({ "message": "x" }));

    let held = ground.tree.join("src/in.txt");
    fs::set_permissions(&held, fs::Permissions::from_mode(0o755)).unwrap();
    let changed = ground.ok("git.status", json!({}));
    assert_eq!(
        changed["files"],
        json!([{ "path": "src/in.txt", "unstaged": "modified" }])
    );
}

#[test]
fn a_branch_without_commits_has_no_history() {
    let ground = Ground::new(&["**"]);
    ground.git(&["symbolic-ref", "HEAD", "refs/heads/unborn"]);
    assert_eq!(ground.ok("git.log", json!({})), json!({ "commits": [] }));
    let status = ground.ok("git.status", json!({}));
    assert_eq!(
        (&status["branch"], &status["commit"]),
        (&json!("unborn"), &Value::Null)
    );
    fs::write(ground.tree.join(".git"), "gitdir: /nowhere\n").unwrap();
    let broken = ground.refused("git.status", json!({}));
    assert_eq!(broken.code, Code::GitFailed);
    assert!(broken.message.contains("not a git repository"), "{broken}");
}
