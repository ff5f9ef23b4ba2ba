//! Where a provider is, and how it is reached.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::model::chat::ProviderCapabilities;
use crate::model::secret::SecretValue;

use crate::model::chat::Wire;

/// Where a provider is, and how it is reached. `Debug` shows neither its key nor the values of its headers.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// What it speaks.
    pub wire: Wire,
    base: Url,
    headers: HeaderMap,
    /// In which a request says by which key it is known again.
    pub(super) idempotency_header: Option<HeaderName>,
    /// How long to wait, and how much to take.
    pub limits: Limits,
    /// The proxies on the way.
    pub proxies: ProxySettings,
    /// What it can do.
    pub capabilities: ProviderCapabilities,
    /// What it can do with single models, by their names, where that is something else.
    pub models: BTreeMap<String, ProviderCapabilities>,
}

/// How long to wait for a provider, and how much to take from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For the connection, TLS included.
    pub connect: Duration,
    /// For the first byte of the answer, once the connection is there.
    pub first_byte: Duration,
    /// From one piece of the answer to the next.
    pub between_chunks: Duration,
    /// For all of the answer.
    pub whole: Duration,
    /// The longest event, in bytes.
    pub event_bytes: usize,
    /// The longest answer, in bytes.
    pub answer_bytes: u64,
}

impl Limits {
    /// With answers in which there is no longer silence than this. A model on a small machine may read a long
    /// conversation for minutes before it says a first word, and a long answer takes its time.
    pub fn with_silence(silence: Duration) -> Self {
        Self {
            first_byte: silence.saturating_mul(5),
            between_chunks: silence,
            whole: silence.saturating_mul(30),
            ..Self::default()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            first_byte: Duration::from_secs(600),
            between_chunks: Duration::from_secs(120),
            whole: Duration::from_secs(3600),
            event_bytes: 16 << 20,
            answer_bytes: 64 << 20,
        }
    }
}

/// The proxies of the environment, as its variables have them. They may hold passwords, so `Debug`
/// does not show them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProxySettings {
    /// For `http` addresses.
    pub http: Option<String>,
    /// For `https` addresses.
    pub https: Option<String>,
    /// What is reached without one: hosts, domains and networks, separated by commas.
    pub exceptions: Option<String>,
}

/// Why an endpoint is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// The base URL cannot be read.
    #[error("the base URL cannot be read: {0}")]
    Unreadable(String),
    /// It has parts that it cannot have, or lacks some.
    #[error(
        "a base URL is http:// or https:// with a host and perhaps a path, without user, query and fragment"
    )]
    Form,
    /// The key has characters that no header takes.
    #[error("the key has characters that cannot be in a header")]
    Key,
    /// A header that is none, or is not to be set.
    #[error("{0:?} cannot be a header of a provider, or its value cannot be one")]
    Header(String),
}

impl Endpoint {
    /// A provider at a base URL, such as `https://api.anthropic.com`, `https://api.openai.com/v1` or
    /// `http://localhost:11434`; the path that belongs to its interface comes after it.
    pub fn new(
        wire: Wire,
        base: &str,
        capabilities: ProviderCapabilities,
    ) -> Result<Self, InvalidEndpoint> {
        let base: Url = base
            .parse()
            .map_err(|e| InvalidEndpoint::Unreadable(format!("{e}")))?;
        let plain = base.username().is_empty()
            && base.password().is_none()
            && base.query().is_none()
            && base.fragment().is_none();
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() || !plain {
            return Err(InvalidEndpoint::Form);
        }
        Ok(Self {
            wire,
            base,
            headers: HeaderMap::new(),
            idempotency_header: None,
            limits: Limits::default(),
            proxies: ProxySettings::default(),
            capabilities,
            models: BTreeMap::new(),
        })
    }

    /// With this key, in the header where its interface wants it. White space around it, such as the
    /// last line end of a file, does not belong to it.
    pub fn with_key(mut self, key: &SecretValue) -> Result<Self, InvalidEndpoint> {
        let (name, before) = self.wire.key_header();
        let key = key.expose().trim_ascii();
        if key.is_empty() {
            return Err(InvalidEndpoint::Key);
        }
        let value = [before.as_bytes(), key].concat();
        let value = secret_header(&value).ok_or(InvalidEndpoint::Key)?;
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(self)
    }

    /// With one more header on every request. It may hold a secret.
    pub fn with_header(mut self, name: &str, value: &SecretValue) -> Result<Self, InvalidEndpoint> {
        let invalid = || InvalidEndpoint::Header(name.to_owned());
        let value = secret_header(value.expose()).ok_or_else(invalid)?;
        self.headers.insert(header_name(name)?, value);
        Ok(self)
    }

    /// Its provider knows a request again by a key in this header, and gives its answer again.
    pub fn with_idempotency_header(mut self, name: &str) -> Result<Self, InvalidEndpoint> {
        self.idempotency_header = Some(header_name(name)?);
        Ok(self)
    }

    /// Whether its provider knows a request again by a key.
    pub fn takes_keys(&self) -> bool {
        self.idempotency_header.is_some()
    }

    /// What can be done with a model here.
    pub fn capabilities_of(&self, model: &str) -> &ProviderCapabilities {
        self.models.get(model).unwrap_or(&self.capabilities)
    }

    /// The base URL: what is named to people, and what consent is for.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The headers of every request, the key's among them.
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Where a request goes.
    pub(super) fn url(&self, path: &str) -> Result<Url, InvalidEndpoint> {
        let base = self.base.as_str().trim_end_matches('/');
        let url: Result<Url, _> = format!("{base}{path}").parse();
        url.map_err(|e| InvalidEndpoint::Unreadable(e.to_string()))
    }

    /// The proxy on the way, if there is one. The machine itself is never behind a proxy.
    pub(super) fn proxy(&self) -> Option<&str> {
        if self.is_local() {
            return None;
        }
        match self.base.scheme() {
            "https" => self.proxies.https.as_deref(),
            _ => self.proxies.http.as_deref(),
        }
    }

    /// Whether it is on this machine.
    pub fn is_local(&self) -> bool {
        let host = self.base.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || address
                .parse()
                .is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
    }
}

fn header_name(name: &str) -> Result<HeaderName, InvalidEndpoint> {
    // These say where a message ends and for whom it is.
    const OURS: [&str; 4] = ["connection", "content-length", "host", "transfer-encoding"];
    let parsed = name.parse::<HeaderName>().ok();
    parsed
        .filter(|parsed| !OURS.contains(&parsed.as_str()))
        .ok_or_else(|| InvalidEndpoint::Header(name.to_owned()))
}

/// A header's value that is left out wherever headers are shown.
fn secret_header(value: &[u8]) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_bytes(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl ProxySettings {
    /// From variables, as curl reads them: small letters before capitals, and `http_proxy` in small
    /// letters only, because servers take the other one from a header of a request.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: &[&str]| {
            let mut values = names.iter().filter_map(|name| variable(name));
            values.find(|value| !value.is_empty())
        };
        Self {
            http: first(&["http_proxy", "all_proxy", "ALL_PROXY"]),
            https: first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            exceptions: first(&["no_proxy", "NO_PROXY"]),
        }
    }
}

impl fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxySettings")
            .field("http", &self.http.is_some())
            .field("https", &self.https.is_some())
            .field("exceptions", &self.exceptions)
            .finish()
    }
}
