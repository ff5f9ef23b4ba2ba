use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use std::time::Duration;

use super::failure::Failure;
use super::model_list::{self, KeyState};
use super::models::*;
use crate::config::Settings;
use crate::model::backend::{Backend, ParameterClass};
use crate::model::chat::Effort;
use crate::model::chat::{ChatRequest, Message, ToolChoice};
use crate::model::code::Code;
use crate::model::price::Prices;
use crate::model::redact::Redactor;
use crate::model::secret::SecretValue;

/// Settings of a person's own file.
fn own(dir: &Path, text: &str) -> Settings {
    let file = dir.join("config.toml");
    fs::write(&file, text).unwrap();
    Settings::load(None, Some(&file), &[]).unwrap_or_else(|error| panic!("{error}"))
}

fn nothing(_: &str) -> Option<String> {
    None
}

fn keys(name: &str) -> Option<String> {
    (name == "ANTHROPIC_API_KEY" || name == "MY_KEY").then(|| " sk-0123456789abcdef\n".to_owned())
}

fn open(settings: &Settings, name: &str) -> Result<OpenModel, Failure> {
    open_model(settings, name, keys, &Redactor::patterns())
}

fn file(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

const SCRIPT: &str = "format = 1\n[[step]]\ntext = \"the key is sk-0123456789abcdef\"\n";

/// How long its provider may say nothing.
fn silence(model: &OpenModel) -> Duration {
    model.provider.limits().unwrap().between_chunks
}

#[test]
fn built_in_providers_need_no_table() {
    let settings = Settings::default();
    let model = open(&settings, "anthropic/claude-opus-5").unwrap();
    assert_eq!(model.provider_name, "anthropic");
    assert_eq!(
        (model.model.as_str(), model.price_name.as_str()),
        ("claude-opus-5", "anthropic")
    );
    assert_eq!(model.endpoint, "https://api.anthropic.com/");
    assert_eq!(model.backend, Backend::Cloud);
    assert_eq!(model.key.as_ref().unwrap().expose(), b"sk-0123456789abcdef");
    assert_eq!(silence(&model), Duration::from_secs(120));
    assert_eq!(model.capabilities.max_context_window, 1_000_000);
    assert_eq!(model.max_output_tokens, 32_768);
    let model = open(&settings, "ollama/qwen3:30b").unwrap();
    assert_eq!(model.endpoint, "http://localhost:11434/");
    assert_eq!(
        (
            model.backend,
            model.key.is_none(),
            model.price_name.as_str()
        ),
        (Backend::Local, true, "ollama")
    );
    assert_eq!(model.parameter_class, ParameterClass::P32B);
}

#[test]
fn every_failure_has_its_code() {
    let dir = tempfile::tempdir().unwrap();
    let exposed = file(dir.path(), "exposed", "sk-0123456789abcdef");
    fs::set_permissions(&exposed, Permissions::from_mode(0o644)).unwrap();
    let empty = file(dir.path(), "empty", "\n");
    let (exposed, empty) = (exposed.display(), empty.display());
    let base = "wire = \"openai-compatible\"\nbase_url = \"http://localhost:1/v1\"";
    let text = format!(
        "[providers.exposed]\n{base}\nkey_file = \"{exposed}\"\n\
         [providers.gone]\n{base}\nkey_file = \"/no/such/file\"\n\
         [providers.empty]\n{base}\nkey_file = \"{empty}\"\n\
         [providers.port]\nwire = \"ollama\"\nbase_url = \"http://a:99999\"\n\
         [providers.headed]\n{base}\nheaders = {{ Host = \"b\" }}\n\
         [providers.script]\nwire = \"scripted\"\nscript = \"/no/such/script\"\n"
    );
    let settings = own(dir.path(), &text);
    for (name, code) in [
        ("", Code::ModelUnnamed),
        ("fast", Code::ModelUnnamed),
        ("/x", Code::ModelUnnamed),
        ("opnai/gpt-5", Code::ProviderUnknown),
        ("openai/gpt-5", Code::KeyMissing),
        ("gone/x", Code::KeyMissing),
        ("empty/x", Code::KeyMissing),
        ("exposed/x", Code::KeyExposed),
        ("port/x", Code::ProviderInvalid),
        ("headed/x", Code::ProviderInvalid),
        ("script/x", Code::ScriptUnusable),
    ] {
        let failure = open(&settings, name).unwrap_err();
        assert_eq!(failure.code, code, "{name}: {failure}");
        assert!(!failure.message.contains("sk-0"), "{failure}");
    }
    let missing = open(&settings, "openai/gpt-5").unwrap_err();
    assert!(missing.message.contains("OPENAI_API_KEY"), "{missing}");
    let unnamed = model_name(&settings, None).unwrap_err();
    assert_eq!(unnamed.code, Code::ModelUnnamed);
}

#[test]
fn a_table_changes_a_built_in_provider() {
    let dir = tempfile::tempdir().unwrap();
    let key = file(dir.path(), "key", "sk-fedcba9876543210\n");
    let text = format!(
        "[providers.openai]\nkey_file = \"{}\"\ntimeout = \"5s\"\nlocal = true\nprices = \"house\"\n\
         [models.big]\nprovider = \"openai\"\nmodel = \"gpt-5\"\nthinking = \"low\"\ntemperature = 0.7\n\
         parameter_class = \"P110B\"\nmax_output_tokens = 9\nsupports_vision = false\n",
        key.display()
    );
    let model = open(&own(dir.path(), &text), "big").unwrap();
    assert_eq!(model.key.as_ref().unwrap().expose(), b"sk-fedcba9876543210");
    assert_eq!(model.endpoint, "https://api.openai.com/v1");
    assert_eq!(
        (model.backend, model.price_name.as_str()),
        (Backend::Local, "house")
    );
    assert_eq!(silence(&model), Duration::from_secs(5));
    assert_eq!(
        (model.thinking, model.temperature),
        (Some(Effort::Low), Some(0.7))
    );
    assert_eq!(model.parameter_class, ParameterClass::P110B);
    assert_eq!(model.max_output_tokens, 9);
    assert!(!model.capabilities.supports_vision && model.capabilities.supports_thinking);
}

#[tokio::test]
async fn what_is_recorded_holds_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let script = file(dir.path(), "script.toml", SCRIPT);
    let record = dir.path().join("record.toml");
    let text = format!(
        "[providers.s]\nwire = \"scripted\"\nscript = \"{}\"\nrecord = \"{}\"\nlocal = false\n",
        script.display(),
        record.display()
    );
    let known = (
        "KEY".parse().unwrap(),
        SecretValue::new(b"sk-0123456789abcdef".to_vec()),
    );
    let redactor = Redactor::new(&[known]).unwrap();
    let settings = own(dir.path(), &text);
    let model = open_model(&settings, "s/any", nothing, &redactor).unwrap();
    assert_eq!(model.backend, Backend::Cloud);
    assert!(model.endpoint.starts_with("script /"));
    let request = ChatRequest {
        model: model.model.clone(),
        system: vec![],
        messages: vec![Message::user("Say it.")],
        tools: vec![],
        tool_choice: ToolChoice::Auto,
        max_output_tokens: 10,
        temperature: None,
        thinking: None,
        output_schema: None,
        cache: false,
    };
    let mut watch = |_| {};
    let answer = model
        .provider
        .chat(&request, None, &mut watch, std::future::pending());
    answer.await.unwrap();
    let kept = fs::read_to_string(&record).unwrap();
    assert!(
        kept.contains("[redacted:KEY]") && !kept.contains("sk-0"),
        "{kept}"
    );
}

#[test]
fn ollama_is_where_its_variable_says() {
    let at = |host: &'static str| {
        let env = move |name: &str| (name == "OLLAMA_HOST").then(|| host.to_owned());
        let settings = Settings::default();
        let model = open_model(&settings, "ollama/x", env, &Redactor::patterns()).unwrap();
        (model.endpoint, model.backend)
    };
    let here = |url: &str| (url.to_owned(), Backend::Local);
    assert_eq!(at(""), here("http://localhost:11434/"));
    assert_eq!(at("0.0.0.0"), here("http://127.0.0.1:11434/"));
    assert_eq!(at("127.0.0.1:99"), here("http://127.0.0.1:99/"));
    let there = ("https://gpu.example:1/".to_owned(), Backend::Cloud);
    assert_eq!(at("https://gpu.example:1/"), there);
}

#[test]
fn variables_of_keys_are_named_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let settings = own(
        dir.path(),
        "[providers.mine]\nwire = \"openai-chat\"\nbase_url = \"http://a/v1\"\nkey_env = \"MY_KEY\"\n\
         [providers.openai]\nkey_file = \"/k\"\n",
    );
    let names = key_variables(&settings);
    for name in [
        "ANTHROPIC_API_KEY",
        "GEMINI_API_KEY",
        "MY_KEY",
        "OLLAMA_HOST",
        "https_proxy",
    ] {
        assert!(names.iter().any(|one| one == name), "{name}");
    }
    assert!(!names.iter().any(|name| name == "OPENAI_API_KEY"));
}

#[test]
fn a_list_says_whether_keys_are_there() {
    let dir = tempfile::tempdir().unwrap();
    let text =
        "[agent]\nmodel = \"anthropic/claude-opus-5\"\n[models.fast]\nprovider = \"ollama\"\n";
    let settings = own(dir.path(), text);
    let listed = model_list::models(&settings, &Prices::default(), keys).unwrap();
    let found: Vec<_> = listed
        .iter()
        .map(|model| (model.name.as_str(), model.is_default, model.key))
        .collect();
    let expected = [
        ("anthropic/claude-opus-5", true, KeyState::Present),
        ("fast", false, KeyState::NotNeeded),
    ];
    assert_eq!(found, expected);
    let providers = model_list::providers(&settings, keys).unwrap();
    let openai = providers.iter().find(|of| of.name == "openai").unwrap();
    assert_eq!(openai.key, KeyState::Missing);
}
