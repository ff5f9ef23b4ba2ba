//! Moves a request to its provider and the pieces of the answer back.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{NoProxy, Proxy, Response, redirect};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::time::timeout;

use crate::model::chat::{ChatRequest, ChatResponse, Piece};

use super::cancel::unless;
use super::endpoint::Endpoint;
use super::error::{ErrorKind, ProviderError};
use super::framing::{Event, Framer};
use super::wire::{Adapter, Decoder, Outgoing, request_id};

/// As much as is read of the body of an error.
const LONGEST_ERROR: usize = 64 * 1024;

/// How long the end of a stream may take once the answer is complete. A connection whose stream was
/// read to its end is used again.
const FAREWELL: Duration = Duration::from_millis(50);

/// A provider that can be called. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    endpoint: Arc<Endpoint>,
}

impl Client {
    /// Opens nothing yet.
    pub fn new(endpoint: Endpoint) -> Result<Self, ProviderError> {
        Ok(Self {
            http: http_client(&endpoint)?,
            endpoint: Arc::new(endpoint),
        })
    }

    /// Where its provider is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Asks once, under this key where its provider takes one. Pieces go to `watch` as they come; the whole answer has all
    /// of them again. When `cancelled` is ready first, the connection is closed at once.
    pub async fn chat(
        &self,
        request: &ChatRequest,
        key: Option<&str>,
        watch: &mut (dyn FnMut(Piece) + Send),
        cancelled: impl Future<Output = ()>,
    ) -> Result<ChatResponse, ProviderError> {
        unless(cancelled, self.exchange(request, key, watch)).await
    }

    async fn exchange(
        &self,
        request: &ChatRequest,
        key: Option<&str>,
        watch: &mut (dyn FnMut(Piece) + Send),
    ) -> Result<ChatResponse, ProviderError> {
        let wire = self.endpoint.wire;
        let can = self.endpoint.capabilities_of(&request.model);
        let outgoing = wire.outgoing(request, can)?;
        let mut response = self.send(&outgoing, key).await?;
        let status = response.status();
        if !status.is_success() {
            let body = self.error_body(&mut response).await;
            let (status, headers) = (status.as_u16(), response.headers());
            return Err(wire.failure(status, headers, &body, Timestamp::now()));
        }
        let id = request_id(response.headers());
        let framer = Framer::new(outgoing.framing, self.endpoint.limits.event_bytes);
        let stream = Stream {
            response,
            framer,
            decoder: wire.decoder(request),
        };
        let limits = self.endpoint.limits;
        let read = timeout(limits.whole, stream.read(limits, watch));
        let read = read.await.unwrap_or_else(|_| Err(endless(limits.whole)));
        read.map_err(|e| {
            let request_id = e.request_id.or(id);
            ProviderError { request_id, ..e }
        })
    }

    async fn send(
        &self,
        outgoing: &Outgoing,
        key: Option<&str>,
    ) -> Result<Response, ProviderError> {
        let url = self.endpoint.url(&outgoing.path);
        let url = url.map_err(|e| ProviderError::invalid(e.to_string()))?;
        let mut request = self.http.post(url);
        for (name, value) in &outgoing.headers {
            request = request.header(*name, value);
        }
        if let Some((name, key)) = self.endpoint.idempotency_header.clone().zip(key) {
            request = request.header(name, key);
        }
        // Last, so that they replace those of the adapter.
        request = request
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .headers(self.endpoint.headers().clone())
            .body(outgoing.body.to_string());
        let limits = self.endpoint.limits;
        match timeout(limits.connect + limits.first_byte, request.send()).await {
            Ok(response) => response.map_err(network),
            Err(_) => Err(silent(limits.first_byte)),
        }
    }

    /// What the provider says about a failure; its beginning, or nothing, when that is too long, too
    /// slow or cut off: the status says the most.
    async fn error_body(&self, response: &mut Response) -> Vec<u8> {
        let mut body = Vec::new();
        let wait = self.endpoint.limits.between_chunks;
        while let Ok(Ok(Some(chunk))) = timeout(wait, response.chunk()).await {
            let room = LONGEST_ERROR - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == LONGEST_ERROR {
                break;
            }
        }
        body
    }
}

struct Stream {
    response: Response,
    framer: Framer,
    decoder: Box<dyn Decoder>,
}

impl Stream {
    async fn read(
        mut self,
        limits: super::Limits,
        watch: &mut (dyn FnMut(Piece) + Send),
    ) -> Result<ChatResponse, ProviderError> {
        let mut left = limits.answer_bytes;
        let mut wait = limits.first_byte;
        loop {
            let chunk = match timeout(wait, self.response.chunk()).await {
                Ok(chunk) => chunk.map_err(network)?,
                Err(_) => return Err(silent(wait)),
            };
            let Some(chunk) = chunk else { break };
            wait = limits.between_chunks;
            left = left.checked_sub(chunk.len() as u64).ok_or_else(|| {
                let most = limits.answer_bytes;
                ProviderError::protocol(format!("an answer of more than {most} bytes"))
            })?;
            for event in self.framer.push(&chunk)? {
                hand_on(self.decoder.as_mut(), &event, watch)?;
            }
            if self.decoder.is_complete() {
                let _ = timeout(FAREWELL, drain(&mut self.response)).await;
                return self.decoder.finish();
            }
        }
        if let Some(event) = self.framer.finish()? {
            hand_on(self.decoder.as_mut(), &event, watch)?;
        }
        self.decoder.finish()
    }
}

fn hand_on(
    decoder: &mut dyn Decoder,
    event: &Event,
    watch: &mut (dyn FnMut(Piece) + Send),
) -> Result<(), ProviderError> {
    let mut pieces = Vec::new();
    let outcome = decoder.event(event, &mut pieces);
    pieces.into_iter().for_each(watch);
    outcome
}

async fn drain(response: &mut Response) {
    while let Ok(Some(_)) = response.chunk().await {}
}

fn http_client(endpoint: &Endpoint) -> Result<reqwest::Client, ProviderError> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls(endpoint)?)
        .connect_timeout(endpoint.limits.connect)
        .redirect(redirect::Policy::none())
        .user_agent(concat!("treeyard/", env!("CARGO_PKG_VERSION")))
        // Those of the process are not asked.
        .no_proxy();
    if let Some(proxy) = endpoint.proxy() {
        let exceptions = endpoint.proxies.exceptions.as_deref();
        let proxy = Proxy::all(proxy)
            .map_err(|_| ProviderError::invalid("the address of the proxy cannot be read"))?;
        builder = builder.proxy(proxy.no_proxy(exceptions.and_then(NoProxy::from_string)));
    }
    builder.build().map_err(network)
}

/// TLS with ring and the system's certificates, chosen here and not for the whole process. A system may
/// have no certificates; that must not keep anybody from a model on the same machine, so they are only
/// looked at where TLS is spoken.
fn tls(endpoint: &Endpoint) -> Result<ClientConfig, ProviderError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let unusable =
        |e: rustls::Error| ProviderError::new(ErrorKind::Network, format!("no TLS: {e}"));
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    let plain = |url: &str| url.starts_with("http://");
    let builder = match plain(endpoint.base().as_str()) && endpoint.proxy().is_none_or(plain) {
        true => builder.with_root_certificates(RootCertStore::empty()),
        false => builder.with_platform_verifier().map_err(unusable)?,
    };
    Ok(builder.with_no_client_auth())
}

fn endless(after: Duration) -> ProviderError {
    let message = format!("the answer has no end after {} s", after.as_secs());
    ProviderError::new(ErrorKind::Timeout, message)
}

fn silent(after: Duration) -> ProviderError {
    let seconds = after.as_secs_f32();
    ProviderError::new(
        ErrorKind::Timeout,
        format!("nothing came from the provider for {seconds} s"),
    )
}

/// What went wrong on the way, down to its cause, without the address: that may hold what nobody
/// should read.
fn network(error: reqwest::Error) -> ProviderError {
    let kind = match error.is_timeout() {
        true => ErrorKind::Timeout,
        false => ErrorKind::Network,
    };
    let unsent = error.is_connect() || error.is_builder();
    let error = error.without_url();
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    ProviderError {
        unsent,
        ..ProviderError::new(kind, message)
    }
}
