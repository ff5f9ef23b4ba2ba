//! A provider that answers from a script: for tests, the demo and work without a network.

use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::{Instant, sleep_until};

use crate::model::chat::{Block, ChatRequest, ChatResponse, Piece, ProviderCapabilities, Role};

use super::cancel::unless;
use super::check::check;
use super::error::ProviderError;
use super::names::MadeIds;
use super::script::{Progress, Script, ScriptError, Step, choose, read_script};

/// A provider that answers from a script, step by step. Clones go through it together.
#[derive(Debug, Clone)]
pub struct Scripted {
    script: Arc<Script>,
    progress: Arc<Mutex<Option<Progress>>>,
    /// What it says that it can do: everything, unless that is changed.
    pub capabilities: ProviderCapabilities,
}

/// Everything, with room for long conversations.
const EVERYTHING: ProviderCapabilities = ProviderCapabilities {
    supports_streaming: true,
    supports_tool_calling: true,
    supports_structured_output: true,
    supports_multi_turn: true,
    supports_vision: true,
    supports_thinking: true,
    max_context_window: 1_000_000,
    max_output_tokens: 128_000,
    requires_tool_id_sanitization: false,
    requires_thinking_block_scrubbing: false,
};

impl Scripted {
    /// Reads a script.
    ///
    /// # Errors
    /// A file that cannot be read or is no script.
    pub fn open(file: &Path) -> Result<Self, ScriptError> {
        read_script(file).map(Self::new)
    }

    /// Takes a script that is in memory. `file` is for messages.
    ///
    /// # Errors
    /// What is no script, with its line.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ScriptError> {
        Script::parse(text, file).map(Self::new)
    }

    fn new(script: Script) -> Self {
        Self {
            progress: Arc::default(),
            script: Arc::new(script),
            capabilities: EVERYTHING,
        }
    }

    /// Answers as [`Client::chat`](super::Client::chat) does.
    ///
    /// # Errors
    /// Those of the script, and [`ErrorKind::InvalidRequest`](super::ErrorKind::InvalidRequest) where a request is not as the script
    /// expects it, with what was expected and what was found.
    pub async fn chat(
        &self,
        request: &ChatRequest,
        watch: &mut (dyn FnMut(Piece) + Send),
        cancelled: impl Future<Output = ()>,
    ) -> Result<ChatResponse, ProviderError> {
        unless(cancelled, self.answer(request, watch)).await
    }

    /// The steps that have not answered as often as they should, each with its file, line and name.
    pub fn unused(&self) -> Vec<String> {
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Progress::after(&self.script, 0);
        let left = progress.as_ref().unwrap_or(&begun).left(&self.script);
        left.map(|at| self.script.place(at)).collect()
    }

    async fn answer(
        &self,
        request: &ChatRequest,
        watch: &mut (dyn FnMut(Piece) + Send),
    ) -> Result<ChatResponse, ProviderError> {
        check(request, &self.capabilities)?;
        let step = self.take_step(request)?;
        // Each piece has its time, so that what is late does not make the next one later still.
        let mut due = Instant::now() + step.first;
        for piece in pieces(step) {
            // A timer is a millisecond late even when its time has come.
            if due > Instant::now() {
                sleep_until(due).await;
            }
            watch(piece);
            due += step.every;
        }
        match &step.error {
            Some(error) => Err(error.clone()),
            None => Ok(response(step, request)),
        }
    }

    fn take_step(&self, request: &ChatRequest) -> Result<&Step, ProviderError> {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let progress =
            progress.get_or_insert_with(|| Progress::after(&self.script, answers(request)));
        let at = choose(&self.script, progress, request).map_err(ProviderError::invalid)?;
        progress.used(at);
        Ok(&self.script.steps[at])
    }
}

/// How often the model has answered in this conversation.
fn answers(request: &ChatRequest) -> u32 {
    let answers = request
        .messages
        .iter()
        .filter(|message| message.role == Role::Assistant);
    u32::try_from(answers.count()).unwrap_or(u32::MAX)
}

fn response(step: &Step, request: &ChatRequest) -> ChatResponse {
    let mut ids = MadeIds::after(request);
    let mut content = step.content.clone();
    for block in &mut content {
        if let Block::ToolCall(call) = block {
            call.id = ids.or_made(Some(std::mem::take(&mut call.id)));
        }
    }
    ChatResponse {
        id: step.id.clone(),
        model: step.model.clone(),
        content,
        finish_reason: step.finish,
        usage: step.usage,
    }
}

fn pieces(step: &Step) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for block in &step.content {
        match block {
            Block::Text { text } => pieces.extend(cut(text, step.chars).map(Piece::Text)),
            Block::Thinking { text, .. } => {
                pieces.extend(cut(text, step.chars).map(Piece::Thinking));
            }
            Block::ToolCall(call) => pieces.push(Piece::ToolCall {
                name: call.name.clone(),
            }),
            Block::Image(_) | Block::ToolResult(_) => {}
        }
    }
    pieces
}

/// Parts of so many characters each.
fn cut(text: &str, chars: usize) -> impl Iterator<Item = String> + '_ {
    let mut rest = text.chars().peekable();
    std::iter::from_fn(move || {
        rest.peek()?;
        Some(rest.by_ref().take(chars).collect())
    })
}
