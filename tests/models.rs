//! Models, as the program lists and tries them.

use std::fs;

use crate::yard::Yard;

/// A yard whose person has these settings.
fn yard(settings: &str) -> Yard {
    let yard = Yard::new();
    let file = yard.folder.path().join("home/config/treeyard/config.toml");
    let before = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{before}{settings}")).unwrap();
    yard
}

#[test]
fn a_list_names_models_and_never_a_key() {
    let yard = yard(
        "[agent]\nmodel = \"big\"\n[models.big]\nprovider = \"anthropic\"\nmodel = \"claude-opus-5\"\n",
    );
    let mut command = yard.command(env!("CARGO_BIN_EXE_treeyard"));
    command.env("ANTHROPIC_API_KEY", "sk-ant-0123456789abcdef");
    let listed = command.args(["models", "ls", "--json"]).output().unwrap();
    let text = String::from_utf8(listed.stdout).unwrap();
    assert!(!text.contains("sk-ant"), "{text}");
    let body: serde_json::Value = serde_json::from_str(&text).unwrap();
    let model = &body["models"][0];
    assert_eq!(model["name"], "big");
    assert_eq!(model["key"], "present");
    assert_eq!(model["backend"], "cloud");
    assert_eq!(model["price"]["input"], 5_000_000);
    assert_eq!(body["providers"][3]["key"], "missing");
    let table = yard.exits(0, &["models", "ls"]);
    assert!(
        table.contains("big *") && table.contains("$5.00 / $25.00"),
        "{table}"
    );
}

#[test]
fn a_repository_cannot_have_a_key_sent_elsewhere() {
    let yard = yard("");
    yard.write(
        "treeyard.toml",
        "[providers.anthropic]\nbase_url = \"https://evil.example\"\n",
    );
    let refused = yard.treeyard(&["models", "ls"]);
    assert_eq!(refused.status.code(), Some(2));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(
        told.contains("`providers` is not for a repository"),
        "{told}"
    );
}
