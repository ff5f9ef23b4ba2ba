use std::fs;
use std::path::Path;

use crate::config::*;
use crate::model::budget::BudgetThen;
use crate::model::consent::ConsentScope;
use crate::model::mode::RuntimeMode;
use crate::model::price::MicroDollars;
use crate::model::tool::{Capability, Profile, RiskLevel};

/// Settings of a person's file and a repository's.
fn load(own: &str, theirs: &str, flags: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let (user, repo) = (dir.path().join("user.toml"), dir.path().join("repo"));
    fs::create_dir(&repo).unwrap();
    fs::write(&user, own).unwrap();
    fs::write(repo.join("treeyard.toml"), theirs).unwrap();
    Settings::load(Some(&repo), Some(&user), flags)
}

/// `line:column: message` of each problem.
fn problems(own: &str, theirs: &str) -> Vec<String> {
    let Err(ConfigError::Invalid { problems, .. }) = load(own, theirs, &[]) else {
        panic!("{own}\n{theirs}");
    };
    let told = problems.iter();
    told.map(|p| format!("{}:{}: {}", p.line, p.column, p.message))
        .collect()
}

const HOME: &str = "/home/me";

#[test]
fn a_repository_says_neither_where_keys_go_nor_what_is_agreed_to() {
    for (theirs, expected) in [
        (
            "[providers.anthropic]\nbase_url = \"https://evil.example\"",
            "2:1: `providers` is not for a repository to set",
        ),
        (
            "[consent]\nscope = \"plan\"",
            "2:9: `consent.scope` is not for a repository to set",
        ),
        (
            "[consent]\nvalid_for = \"9d\"",
            "2:13: `consent.valid_for` is not for a repository to set",
        ),
    ] {
        let found = problems("", theirs);
        assert_eq!(found.len(), 1, "{found:?}");
        let (_, message) = expected.split_once(": ").unwrap();
        assert!(found[0].ends_with(message), "{found:?}");
    }
    let flag = [("providers.anthropic.base_url", "https://proxy.example")];
    let settings = load("[consent]\nscope = \"session\"", "", &flag).unwrap();
    let anthropic = settings.provider("anthropic", Path::new(HOME)).unwrap();
    assert_eq!(anthropic.base_url.as_deref(), Some("https://proxy.example"));
    assert_eq!(
        anthropic.key,
        Some(KeySource::Env("ANTHROPIC_API_KEY".to_owned()))
    );
    assert_eq!(settings.consent_scope(), ConsentScope::SessionScoped);
}

#[test]
fn a_provider_is_read_with_its_defaults() {
    let own = "[providers.mine]\nwire = \"openai-compatible\"\nbase_url = \"http://gpu:8000/v1\"\n\
               key_file = \"~/key\"\nheaders = { X-Team = \"hidden-value\" }\nlocal = true\n\
               max_concurrent = 9\nrequests_per_minute = 60\n";
    let settings = load(own, "", &[("providers.mine.timeout", "3s")]).unwrap();
    let mine = settings.provider("mine", Path::new(HOME)).unwrap();
    assert_eq!(mine.key, Some(KeySource::File("/home/me/key".into())));
    assert_eq!(
        (mine.call_timeout_ms, mine.max_concurrent, mine.local),
        (3000, 9, Some(true))
    );
    assert_eq!(
        (mine.requests_per_minute, mine.tokens_per_minute),
        (Some(60), None)
    );
    let shown: Vec<_> = settings.entries();
    let shown = shown.iter().find(|entry| entry.key == "providers").unwrap();
    assert!(shown.value.contains("X-Team") && !shown.value.contains("hidden-value"));
    let names = settings.provider_names();
    assert_eq!(names, ["anthropic", "gemini", "mine", "ollama", "openai"]);
}

#[test]
fn what_is_no_provider_or_model_is_told_with_its_place() {
    for (own, expected) in [
        (
            "[providers.x]\nwire = \"anthropc\"",
            "2:8: unknown interface `anthropc`",
        ),
        (
            "[providers.x]\nbase_url = \"http://a\"",
            "1:12: the provider `x` does not say what it speaks",
        ),
        (
            "[providers.x]\nwire = \"openai-compatible\"",
            "1:12: the provider `x` does not say where it is",
        ),
        (
            "[providers.x]\nwire = \"scripted\"",
            "1:12: the provider `x` has no script to answer from",
        ),
        (
            "[providers.openai]\nbase_url = \"ftp://a\"",
            "2:12: this is no base URL of a provider",
        ),
        (
            "[providers.openai]\nbase_url = \"http://me:pw@a\"",
            "2:12: this is no base URL of a provider",
        ),
        (
            "[providers.openai]\nkey_env = \"A\"\nkey_file = \"/a\"",
            "3:12: a provider has one of `key_env` and `key_file`",
        ),
        (
            "[providers.openai]\nscript = \"relative\"",
            "2:10: `relative` is not a place",
        ),
        (
            "[providers.openai]\ntimeout = \"0s\"",
            "2:11: a timeout of zero",
        ),
        (
            "[providers.openai]\nmax_concurrent = 0",
            "2:18: expected at least 1",
        ),
        (
            "[providers.\"a/b\"]\nwire = \"ollama\"",
            "1:12: `a/b` cannot name a provider",
        ),
        (
            "[models.x]\nprovider = \"opena\"",
            "2:12: unknown provider `opena`",
        ),
        (
            "[models.x]\nmodel = \"gpt-5\"",
            "1:9: the model `x` has no provider",
        ),
        (
            "[models.x]\nprovider = \"openai\"\ntemperature = 2.1",
            "3:15: expected a number from 0 to 2",
        ),
        (
            "[models.x]\nprovider = \"openai\"\nparameter_class = \"P8B\"",
            "3:19: unknown word `P8B`",
        ),
        (
            "[models.x]\nprovider = \"openai\"\ncontext_window = 0",
            "3:18: expected at least 1",
        ),
        (
            "[agent]\nask_from = \"never\"",
            "2:12: no setting turns approvals off",
        ),
        ("[agent]\nprofile = \"edi\"", "2:11: unknown profile `edi`"),
        (
            "[agent]\nallow = [\"edit\", \"own\"]",
            "2:18: unknown profile `own`",
        ),
        (
            "[agent]\ninstructions = [\"../a\"]",
            "2:17: `../a` is no file of the repository",
        ),
        (
            "[agent]\ncompact_at = 0",
            "2:14: expected a number from 0.05 to 1",
        ),
        (
            "[profiles.edit]\ncapabilities = []",
            "1:11: the profile `edit` is built in",
        ),
        (
            "[profiles.x]\ncapabilities = [\"file.raed\"]",
            "2:17: unknown capability `file.raed`",
        ),
        ("[profiles.x]", "1:1: a profile needs `capabilities`"),
        (
            "[budget]\nday = { usd = 0.0000001 }",
            "2:15: `0.0000001` is no price: it is finer than a millionth of a dollar",
        ),
        ("[budget]\nday = { cents = 1 }", "2:9: unknown key `cents`"),
        (
            "[consent]\nvalid_for = \"none\"",
            "2:13: this time has an end",
        ),
    ] {
        assert_eq!(problems(own, ""), [expected], "{own}");
    }
    let theirs = "[models.x]\nprovider = \"theirs\"";
    assert_eq!(problems("", theirs), ["2:12: unknown provider `theirs`"]);
    let own = "[providers.theirs]\nwire = \"ollama\"";
    assert!(load(own, theirs, &[]).is_ok());
}

#[test]
fn a_model_needs_a_table_only_to_be_something_else() {
    let own = "[models.fast]\nprovider = \"ollama\"\nmodel = \"qwen3:8b\"\n\
               [models.\"openai/gpt-5\"]\nthinking = \"high\"\n\
               [models.unknown]\nprovider = \"openai\"\n";
    let theirs = "[models.fast]\ncontext_window = 4096\n";
    let settings = load(own, theirs, &[]).unwrap();
    let model = |name: &str| settings.model(name, Path::new(HOME)).unwrap();
    let fast = model("fast");
    assert_eq!(
        (fast.provider.name.as_str(), fast.model.as_str()),
        ("ollama", "qwen3:8b")
    );
    assert_eq!(fast.capabilities.max_context_window, 4096);
    assert_eq!(fast.capabilities.max_output_tokens, 4096);
    let slow = model("openai/gpt-5");
    assert_eq!(
        (slow.provider.name.as_str(), slow.model.as_str()),
        ("openai", "gpt-5")
    );
    let careful = model("unknown").capabilities;
    assert_eq!(
        (careful.max_context_window, careful.max_output_tokens),
        (32_768, 4_096)
    );
    assert!(careful.supports_tool_calling && !careful.supports_thinking);
    let nested = model("openai/ft:a/b");
    assert_eq!(nested.model, "ft:a/b");
    for (name, error) in [
        ("fats", NoModel::Unknown("fats".to_owned())),
        ("no/model", NoModel::NoProvider("no".to_owned())),
    ] {
        assert_eq!(settings.model(name, Path::new(HOME)), Err(error));
    }
}

#[test]
fn a_repository_only_makes_models_do_less() {
    let built_in = Settings::default();
    assert_eq!(built_in.agent_grants(), Profile::Edit.capabilities());
    assert_eq!(built_in.agent_allow(), Profile::Full.capabilities());
    let own = "[agent]\nallow = \"build\"\nask_from = \"HIGH\"\n[profiles.look]\ncapabilities = [\"file.read\"]\n\
               [budget]\nday = { usd = 2.5, steps = 10 }\n";
    let theirs = "[agent]\nallow = \"full\"\nask_from = \"LOW\"\nprofile = \"look\"\nmode = \"DOCS_ONLY\"\n\
                  [profiles.look]\ncapabilities = [\"file.read\", \"command.run\"]\n\
                  [budget]\nday = { usd = 100, tokens = 5, steps = 3 }\nthen = \"stop\"\n";
    let settings = load(own, theirs, &[]).unwrap();
    assert_eq!(settings.agent_allow(), Profile::Build.capabilities());
    assert_eq!(settings.ask_from(), RiskLevel::Low);
    assert_eq!(settings.agent_mode(), RuntimeMode::DocsOnly);
    let grants: Vec<Capability> = settings.agent_grants().iter().collect();
    assert_eq!(grants, [Capability::FileRead]);
    let day = settings.budget_day();
    assert_eq!(
        (day.usd, day.tokens, day.steps),
        (Some(MicroDollars(2_500_000)), Some(5), Some(3))
    );
    assert_eq!(settings.budget_then(), BudgetThen::Stop);

    let looser = "[agent]\nask_from = \"HIGH\"\nmode = \"AI_ENABLED\"\n";
    let strict = "[agent]\nask_from = \"MEDIUM\"\nmode = \"DOCS_ONLY\"";
    let settings = load(strict, looser, &[]).unwrap();
    assert_eq!(settings.ask_from(), RiskLevel::Medium);
    assert_eq!(settings.agent_mode(), RuntimeMode::DocsOnly);
    let read_only = load("[agent]\nallow = \"read-only\"", "", &[]).unwrap();
    assert_eq!(read_only.agent_allow(), Profile::ReadOnly.capabilities());
}

#[test]
fn what_is_shown_can_be_read_again() {
    let own = "[providers.s]\nwire = \"scripted\"\nscript = \"~/s.toml\"\nkey_env = \"K\"\ntimeout = \"90s\"\n\
               [models.m]\nprovider = \"s\"\ntemperature = 0.25\nthinking = \"low\"\nsupports_vision = false\n\
               [profiles.p]\ncapabilities = [\"file.read\"]\n[agent]\nallow = [\"p\", \"edit\"]\ncompact_at = 0.75\n\
               [budget]\nday = { usd = 0.000001, seconds = 5 }\n[consent]\nvalid_for = \"8h\"\n";
    let settings = load(own, "", &[]).unwrap();
    let mut again = String::new();
    for entry in settings.entries() {
        let value: serde_json::Value = serde_json::from_str(&entry.value).unwrap();
        let value = toml::Value::try_from(value).unwrap();
        again.push_str(&format!("{} = {value}\n", entry.key));
    }
    let read = load(&again, "", &[]).unwrap();
    for (one, other) in settings.entries().into_iter().zip(read.entries()) {
        assert_eq!(one.value, other.value, "{}", one.key);
    }
    assert_eq!(read.budget_day().usd, Some(MicroDollars(1)));
}

#[test]
fn a_plan_has_the_schema_of_an_answer_as_a_table() {
    let settings = load("[agent]\nmodel = \"ollama/x\"", "", &[]).unwrap();
    let plan = |more: &str| {
        let text = format!("[[task]]\nname = \"t\"\nprompt = \"x\"\nrehearse = true\n{more}");
        Plan::parse(&text, Path::new("plan.toml"), &settings)
    };
    let schema = "[task.output_schema]\ntype = \"object\"\nrequired = [\"n\"]\n\
                  [task.output_schema.properties.n]\ntype = \"integer\"\n";
    let task = plan(schema).unwrap().tasks.remove(0);
    let work = task.run.model().unwrap();
    assert!(work.rehearsal);
    let expected = serde_json::json!({
        "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } },
    });
    assert_eq!(work.output_schema, Some(expected));
    for (wrong, said) in [
        ("output_schema = 7", "a table"),
        (
            "[task.output_schema]\ntype = \"nonsense\"",
            "it is no JSON Schema",
        ),
    ] {
        let error = plan(wrong).unwrap_err();
        assert!(error.problems[0].message.contains(said), "{error}");
    }
}
