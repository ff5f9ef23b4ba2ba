//! Models behind their providers' interfaces: what is asked is translated, sent, and put together from what
//! comes back.
//!
//! An adapter (a file for each [`Wire`](crate::model::chat::Wire)) is pure: it writes a request and reads events. [`framing`] cuts the bytes of a
//! stream into these events, [`Client`] moves them, [`retry`] tries again. What the adapters have in common
//! stands in `check` (what a request must be like) and `names` (what tools and calls are named on the wire).

mod cancel;
mod check;
mod client;
mod endpoint;
mod error;
mod events;
pub mod framing;
mod names;
mod record;
pub mod retry;
mod script;
mod scripted;
mod source;
mod wire;

mod anthropic;
mod gemini;
mod ollama;
mod openai_chat;
mod openai_error;
mod openai_responses;

#[cfg(test)]
mod tests;

pub use client::Client;
pub use endpoint::{Endpoint, InvalidEndpoint, Limits, ProxySettings};
pub use error::{ErrorKind, ProviderError};
pub use record::Recorder;
pub use script::ScriptError;
pub use scripted::Scripted;
pub use source::Provider;
pub use wire::{Adapter, Decoder, Outgoing};
