//! Whoever answers: a provider that is called, or a script; recorded or not.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::chat::{ChatRequest, ChatResponse, Piece, ProviderCapabilities};

use super::client::Client;
use super::endpoint::Limits;
use super::error::ProviderError;
use super::record::Recorder;
use super::scripted::Scripted;

/// Whoever answers. Clones share connections, scripts and recordings.
#[derive(Debug, Clone)]
pub struct Provider {
    source: Source,
    recorder: Option<Arc<Mutex<Recorder>>>,
}

#[derive(Debug, Clone)]
enum Source {
    Called(Client),
    Scripted(Scripted),
}

impl From<Client> for Provider {
    fn from(client: Client) -> Self {
        Self {
            source: Source::Called(client),
            recorder: None,
        }
    }
}

impl From<Scripted> for Provider {
    fn from(scripted: Scripted) -> Self {
        Self {
            source: Source::Scripted(scripted),
            recorder: None,
        }
    }
}

impl Provider {
    /// Writes all that is asked and answered into a script as well.
    pub fn recorded(self, recorder: Recorder) -> Self {
        Self {
            recorder: Some(Arc::new(Mutex::new(recorder))),
            ..self
        }
    }

    /// How long it is waited for; a script has no limits.
    pub fn limits(&self) -> Option<Limits> {
        match &self.source {
            Source::Called(client) => Some(client.endpoint().limits),
            Source::Scripted(_) => None,
        }
    }

    /// Whether it knows a request again by a key.
    pub fn takes_keys(&self) -> bool {
        match &self.source {
            Source::Called(client) => client.endpoint().takes_keys(),
            Source::Scripted(_) => false,
        }
    }

    /// What can be done with a model here.
    pub fn capabilities_of(&self, model: &str) -> &ProviderCapabilities {
        match &self.source {
            Source::Called(client) => client.endpoint().capabilities_of(model),
            Source::Scripted(scripted) => &scripted.capabilities,
        }
    }

    /// Asks once, as [`Client::chat`] does. That something could not be recorded is only logged: the answer
    /// is there, and may have cost money.
    ///
    /// # Errors
    /// Those of the provider or of the script.
    pub async fn chat(
        &self,
        request: &ChatRequest,
        key: Option<&str>,
        watch: &mut (dyn FnMut(Piece) + Send),
        cancelled: impl Future<Output = ()>,
    ) -> Result<ChatResponse, ProviderError> {
        let answer = match &self.source {
            Source::Called(client) => client.chat(request, key, watch, cancelled).await,
            Source::Scripted(scripted) => scripted.chat(request, watch, cancelled).await,
        };
        if let Some(recorder) = &self.recorder {
            let mut recorder = recorder.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = recorder.record(request, answer.as_ref()) {
                let path = recorder.path().display();
                tracing::warn!("an answer could not be recorded in {path}: {error}");
            }
        }
        answer
    }
}
