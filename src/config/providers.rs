//! Providers of models: where they are, and which key they get. Only a person says that: whoever could change the
//! address would get the key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use toml::Spanned;
use toml::de::DeValue;

use super::reader::{Problems, Read, Section, quoted, unknown};
use super::sandbox::Place;
use super::settings::Settings;
use super::share::AtLeastOne;
use super::values::{EnvName, Setting, Timeout, Wait, named_values, show_tables, tables_over};
use crate::model::chat::Wire;
use crate::model::secret::{SecretName, SecretValue};

const EXAMPLE: &str = "{ wire = \"openai-compatible\", base_url = \"http://localhost:8080/v1\" }";

/// What a call of a model may take, in milliseconds.
const CALL_TIMEOUT: u64 = 120_000;
const MAX_CONCURRENT: u32 = 4;

/// How a provider is talked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// Over the network.
    Wire(Wire),
    /// It answers from a file.
    Scripted,
}

/// Where the key of a provider is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A variable of the environment.
    Env(String),
    /// A file.
    File(PathBuf),
}

/// A provider, with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSettings {
    /// What it is called here.
    pub name: String,
    /// How it is talked to.
    pub speaks: Speaks,
    /// Where it is; `None` for one that answers from a file, and for Ollama where nobody says.
    pub base_url: Option<String>,
    /// Its key; without, it needs none.
    pub key: Option<KeySource>,
    /// What a scripted one answers from.
    pub script: Option<PathBuf>,
    /// Where exchanges are recorded.
    pub record: Option<PathBuf>,
    /// Headers of every request.
    pub headers: BTreeMap<String, SecretValue>,
    /// The header by which it knows a request again.
    pub idempotency_header: Option<String>,
    /// Whether what is sent stays with the person; `None`: as its address says.
    pub local: Option<bool>,
    /// Whose prices its models have.
    pub prices: Option<String>,
    /// What one call may take, in milliseconds.
    pub call_timeout_ms: u64,
    /// How many calls it answers at once.
    pub max_concurrent: u32,
    /// How many calls a minute it gets.
    pub requests_per_minute: Option<u32>,
    /// How many tokens a minute it gets.
    pub tokens_per_minute: Option<u32>,
}

/// What a file says of a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ProviderTable {
    speaks: Option<Speaks>,
    base_url: Option<BaseUrl>,
    key_env: Option<EnvName>,
    key_file: Option<Place>,
    script: Option<Place>,
    record: Option<Place>,
    headers: Option<BTreeMap<String, SecretValue>>,
    idempotency_header: Option<String>,
    local: Option<bool>,
    prices: Option<String>,
    timeout: Option<Wait>,
    max_concurrent: Option<u32>,
    requests_per_minute: Option<u32>,
    tokens_per_minute: Option<u32>,
}

struct BuiltIn {
    name: &'static str,
    wire: Wire,
    base_url: Option<&'static str>,
    key_env: Option<&'static str>,
}

const BUILT_IN: [BuiltIn; 4] = [
    BuiltIn {
        name: "anthropic",
        wire: Wire::AnthropicMessages,
        base_url: Some("https://api.anthropic.com"),
        key_env: Some("ANTHROPIC_API_KEY"),
    },
    BuiltIn {
        name: "gemini",
        wire: Wire::Gemini,
        base_url: Some("https://generativelanguage.googleapis.com"),
        key_env: Some("GEMINI_API_KEY"),
    },
    BuiltIn {
        name: "ollama",
        wire: Wire::Ollama,
        base_url: None,
        key_env: None,
    },
    BuiltIn {
        name: "openai",
        wire: Wire::OpenAiResponses,
        base_url: Some("https://api.openai.com/v1"),
        key_env: Some("OPENAI_API_KEY"),
    },
];

impl Settings {
    /// The names of all providers, those that need no table among them.
    pub fn provider_names(&self) -> Vec<&str> {
        let own = self.providers.keys().map(String::as_str);
        let mut names: Vec<&str> = BUILT_IN.iter().map(|one| one.name).chain(own).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The provider of this name, for a person with this home directory.
    pub fn provider(&self, name: &str, home: &Path) -> Option<ProviderSettings> {
        let table = self.providers.get(name);
        let built_in = BUILT_IN.iter().find(|one| one.name == name);
        let of = table.cloned().unwrap_or_default();
        let speaks = of
            .speaks
            .or_else(|| built_in.map(|one| Speaks::Wire(one.wire)))?;
        let env = |name: &str| KeySource::Env(name.to_owned());
        let file = of.key_file.map(|place| KeySource::File(place.path(home)));
        let usual = built_in.and_then(|one| one.key_env).map(env);
        Some(ProviderSettings {
            name: name.to_owned(),
            speaks,
            base_url: of
                .base_url
                .map(|url| url.0)
                .or_else(|| built_in?.base_url.map(str::to_owned)),
            key: file
                .or_else(|| of.key_env.map(|name| env(&name.0)))
                .or(usual)
                .filter(|_| speaks != Speaks::Scripted),
            script: of.script.map(|place| place.path(home)),
            record: of.record.map(|place| place.path(home)),
            headers: of.headers.unwrap_or_default(),
            idempotency_header: of.idempotency_header,
            local: of.local,
            prices: of.prices,
            call_timeout_ms: of.timeout.map_or(CALL_TIMEOUT, |wait| wait.0),
            max_concurrent: of.max_concurrent.unwrap_or(MAX_CONCURRENT),
            requests_per_minute: of.requests_per_minute,
            tokens_per_minute: of.tokens_per_minute,
        })
    }
}

impl ProviderTable {
    /// What is missing when all files were read; a built-in one lacks nothing.
    fn lacks(&self, name: &str) -> Option<(&'static str, &'static str)> {
        let is_built_in = BUILT_IN.iter().any(|one| one.name == name);
        match self.speaks {
            None if !is_built_in => Some((
                "does not say what it speaks",
                "set `wire`, such as \"openai-compatible\", or \"scripted\"",
            )),
            Some(Speaks::Scripted) if self.script.is_none() => {
                Some(("has no script to answer from", "set `script` to a file"))
            }
            Some(Speaks::Wire(wire))
                if self.base_url.is_none() && !is_built_in && wire != Wire::Ollama =>
            {
                Some((
                    "does not say where it is",
                    "set `base_url`, such as \"http://localhost:8080/v1\"",
                ))
            }
            _ => None,
        }
    }
}

/// Tells of providers in `value`, a file's `[providers]`, that lack something now that this file was read, too.
pub(super) fn check_providers(
    value: &Spanned<DeValue<'_>>,
    settings: &Settings,
    problems: &Problems,
) {
    for key in value
        .get_ref()
        .as_table()
        .into_iter()
        .flat_map(|table| table.keys())
    {
        let name: &str = key.get_ref();
        let lack = settings
            .providers
            .get(name)
            .and_then(|table| table.lacks(name));
        if let Some((what, hint)) = lack {
            let message = format!("the provider {} {what}", quoted(name));
            problems.add(key.span().start, message, Some(hint.to_owned()));
        }
    }
}

fn is_name(name: &str, offset: usize, problems: &Problems) -> bool {
    let sound = name.parse::<SecretName>().is_ok();
    if !sound {
        let message = format!("{} cannot name a provider", quoted(name));
        let hint = "1 to 60 letters, digits, `_`, `-`; begins with a letter or `_`";
        problems.add(offset, message, Some(hint.to_owned()));
    }
    sound
}

impl Read for BTreeMap<String, ProviderTable> {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        named_values(value, &format!("{{ mine = {EXAMPLE} }}"), is_name, problems)
    }
}

impl Setting for BTreeMap<String, ProviderTable> {
    fn show(&self) -> Value {
        show_tables(self)
    }

    /// Key by key, so that a flag changes one of them.
    fn over(self, below: Self) -> Self {
        tables_over(self, below)
    }
}

impl Read for ProviderTable {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        let mut section = Section::of(value, Some(EXAMPLE), problems)?;
        if let (Some(_), Some(second)) = (section.get("key_env"), section.get("key_file")) {
            let message = "a provider has one of `key_env` and `key_file`";
            problems.add(second.span().start, message, None);
        }
        let read = Self {
            speaks: section.take("wire"),
            base_url: section.take("base_url"),
            key_env: section.take("key_env"),
            key_file: section.take("key_file"),
            script: section.take("script"),
            record: section.take("record"),
            headers: section.take::<Headers>("headers").map(|headers| headers.0),
            idempotency_header: section.take("idempotency_header"),
            local: section.take("local"),
            prices: section.take("prices"),
            timeout: section.take::<Timeout>("timeout").and_then(call_timeout),
            max_concurrent: section.take::<AtLeastOne>("max_concurrent").map(|n| n.0),
            requests_per_minute: section
                .take::<AtLeastOne>("requests_per_minute")
                .map(|n| n.0),
            tokens_per_minute: section.take::<AtLeastOne>("tokens_per_minute").map(|n| n.0),
        };
        section.finish();
        Some(read)
    }
}

/// No limit is as much as can be.
fn call_timeout(timeout: Timeout) -> Option<Wait> {
    Some(Wait(timeout.0.unwrap_or(366 * 86_400_000)))
}

impl Setting for ProviderTable {
    fn over(self, below: Self) -> Self {
        let own_key = self.key_env.is_some() || self.key_file.is_some();
        let (key_env, key_file) = match own_key {
            true => (self.key_env, self.key_file),
            false => (below.key_env, below.key_file),
        };
        Self {
            speaks: self.speaks.or(below.speaks),
            base_url: self.base_url.or(below.base_url),
            key_env,
            key_file,
            script: self.script.or(below.script),
            record: self.record.or(below.record),
            headers: self.headers.or(below.headers),
            idempotency_header: self.idempotency_header.or(below.idempotency_header),
            local: self.local.or(below.local),
            prices: self.prices.or(below.prices),
            timeout: self.timeout.or(below.timeout),
            max_concurrent: self.max_concurrent.or(below.max_concurrent),
            requests_per_minute: self.requests_per_minute.or(below.requests_per_minute),
            tokens_per_minute: self.tokens_per_minute.or(below.tokens_per_minute),
        }
    }

    /// The values of headers may be secrets, and are left out.
    fn show(&self) -> Value {
        let wire = self.speaks.map(|speaks| match speaks {
            Speaks::Wire(wire) => wire.name(),
            Speaks::Scripted => "scripted",
        });
        let place = |place: &Option<Place>| place.as_ref().map(|place| json!(place.text()));
        let headers = self.headers.as_ref().map(|headers| {
            let withheld = headers.keys().map(|name| (name.clone(), json!("…")));
            Value::Object(withheld.collect())
        });
        let timeout = self.timeout.map(|wait| Timeout(Some(wait.0)).show());
        let fields = [
            ("wire", wire.map(Value::from)),
            ("base_url", self.base_url.as_ref().map(|url| json!(url.0))),
            ("key_env", self.key_env.as_ref().map(|name| json!(name.0))),
            ("key_file", place(&self.key_file)),
            ("script", place(&self.script)),
            ("record", place(&self.record)),
            ("headers", headers),
            (
                "idempotency_header",
                self.idempotency_header.as_deref().map(Value::from),
            ),
            ("local", self.local.map(Value::from)),
            ("prices", self.prices.as_deref().map(Value::from)),
            ("timeout", timeout),
            ("max_concurrent", self.max_concurrent.map(Value::from)),
            (
                "requests_per_minute",
                self.requests_per_minute.map(Value::from),
            ),
            ("tokens_per_minute", self.tokens_per_minute.map(Value::from)),
        ];
        let given = fields
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Value::Object(given.collect::<Map<_, _>>())
    }
}

impl Read for Speaks {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        let text = String::read(value, problems)?;
        if text == "scripted" {
            return Some(Self::Scripted);
        }
        let wire = text.parse().ok();
        if wire.is_none() {
            let mut known: Vec<&str> = Wire::ALL.iter().map(|wire| wire.name()).collect();
            known.push("scripted");
            unknown(value.span().start, "interface", &text, &known, problems);
        }
        wire.map(Self::Wire)
    }
}

/// An address, as far as it can be seen to be none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct BaseUrl(String);

impl Read for BaseUrl {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        let text = String::read(value, problems)?;
        let rest = ["http://", "https://"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme));
        let plain = |c: char| !c.is_control() && !c.is_whitespace() && !"@?#".contains(c);
        if rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(plain)) {
            return Some(Self(text));
        }
        let hint = "http:// or https://, a host and perhaps a path; a key stands in `key_env` or `key_file`";
        let message = "this is no base URL of a provider";
        problems.add(value.span().start, message, Some(hint.to_owned()));
        None
    }
}

struct Headers(BTreeMap<String, SecretValue>);

impl Read for Headers {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        let any = |_: &str, _: usize, _: &Problems| true;
        let texts: BTreeMap<String, String> =
            named_values(value, "{ \"X-Team\" = \"value\" }", any, problems)?;
        let secret = |(name, text): (String, String)| (name, SecretValue::new(text.into_bytes()));
        Some(Self(texts.into_iter().map(secret).collect()))
    }
}
