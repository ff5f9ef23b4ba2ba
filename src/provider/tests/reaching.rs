//! Where a provider is, and the way to it.

use std::future::pending;

use crate::model::secret::SecretValue;

use super::super::client::Client;
use super::super::endpoint::{Endpoint, InvalidEndpoint, ProxySettings};
use super::fixtures;
use super::server::{Reply, Server};
use super::*;

fn secret(text: &str) -> SecretValue {
    SecretValue::new(text.as_bytes().to_vec())
}

#[test]
fn a_base_url_is_an_address_and_no_more() {
    let new = |base| Endpoint::new(Wire::AnthropicMessages, base, able());
    for good in [
        "https://api.anthropic.com",
        "https://api.openai.com/v1/",
        "http://localhost:11434",
        "http://[::1]:8000/v1",
    ] {
        assert!(new(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "api.anthropic.com",
        "ftp://models.example",
        "file:///etc/passwd",
        "https://user@models.example",
        "https://:word@models.example",
        "https://models.example/?key=1",
        "https://models.example/#x",
    ] {
        assert!(new(bad).is_err(), "{bad}");
    }
}

#[test]
fn keys_and_headers_are_sound_and_not_shown() {
    let new = || Endpoint::new(Wire::OpenAiChat, "https://models.example/v1", able()).unwrap();
    for bad in ["", " \n", "a\nb", "a\0b"] {
        assert_eq!(
            new().with_key(&secret(bad)).unwrap_err(),
            InvalidEndpoint::Key
        );
    }
    for bad in ["Host", "content-length", "Transfer-Encoding", "a b", ""] {
        assert!(new().with_header(bad, &secret("x")).is_err(), "{bad}");
    }
    let endpoint = new().with_key(&secret("sk-hidden")).unwrap();
    let mut endpoint = endpoint
        .with_header("api-key", &secret("also-hidden"))
        .unwrap();
    endpoint.proxies.https = Some("http://me:hidden@proxy.example".to_owned());
    assert!(!format!("{endpoint:?}").contains("hidden"));
}

#[test]
fn capabilities_are_those_of_the_model_or_of_all() {
    let mut endpoint = Endpoint::new(Wire::Ollama, "http://localhost:11434", able()).unwrap();
    let blind = ProviderCapabilities {
        supports_vision: false,
        ..able()
    };
    endpoint.models.insert("small".to_owned(), blind);
    assert!(!endpoint.capabilities_of("small").supports_vision);
    assert!(endpoint.capabilities_of("large").supports_vision);
}

#[test]
fn proxies_are_those_of_the_variables() {
    let from = |variables: &[(&str, &str)]| {
        ProxySettings::from_variables(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    };
    let https = |variables| from(variables).https;
    assert_eq!(
        https(&[("HTTPS_PROXY", "b"), ("https_proxy", "a")]).as_deref(),
        Some("a")
    );
    assert_eq!(
        https(&[("ALL_PROXY", "c"), ("https_proxy", "")]).as_deref(),
        Some("c")
    );
    assert_eq!(from(&[("HTTP_PROXY", "x")]), ProxySettings::default());
    assert_eq!(
        from(&[("NO_PROXY", "a,b")]).exceptions.as_deref(),
        Some("a,b")
    );
}

#[tokio::test]
async fn a_proxy_is_used_but_for_its_exceptions() {
    let fixture = &fixtures::all()[0];
    let reply = || Reply::new(200, &fixture.says("Hello."));
    let ask = async |base: &str, proxies: ProxySettings| {
        let mut endpoint = Endpoint::new(fixture.wire, base, able()).unwrap();
        endpoint.proxies = proxies;
        let client = Client::new(endpoint).unwrap();
        let request = plain(fixture.model);
        client.chat(&request, None, &mut |_| (), pending()).await
    };
    let proxy = Server::start(vec![reply()]);
    let settings = |exceptions: Option<&str>| ProxySettings {
        http: Some(proxy.url()),
        https: None,
        exceptions: exceptions.map(str::to_owned),
    };
    assert!(ask("http://models.invalid", settings(None)).await.is_ok());
    let line = proxy.request().line;
    assert_eq!(line, "POST http://models.invalid/v1/messages HTTP/1.1");
    assert!(
        ask("http://models.invalid", settings(Some(".invalid")))
            .await
            .is_err()
    );
    // The machine itself is never behind a proxy.
    let near = Server::start(vec![reply()]);
    assert!(ask(&near.url(), settings(None)).await.is_ok());
    assert!(proxy.requests.try_recv().is_err());
}

#[test]
fn tls_needs_nothing_of_the_process() {
    // Without certificates on the system this is an error, and no panic for want of a provider.
    let endpoint = Endpoint::new(Wire::OpenAiChat, "https://models.example/v1", able()).unwrap();
    let _ = Client::new(endpoint);
    let endpoint = Endpoint::new(Wire::Ollama, "http://localhost:11434", able()).unwrap();
    assert!(Client::new(endpoint).is_ok());
}
