//! What is sent of a thread: a pure function of the thread and of what all requests of a run have in common, so that what
//! was sent can be made again from the record.

use super::compact::leave_out;
use super::error::RunError;
use super::ledger::Ledger;
use super::setup::Setup;
use crate::model::chat::{Block, ChatRequest, Message, ToolChoice};
use crate::model::ids::ContentHash;
use crate::model::run::Frame;
use crate::model::thread::Thread;

/// How much of a thread is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shown {
    /// In how many messages, from the first one, what tools said is left out.
    pub left_out: usize,
    /// Whether pictures are only named.
    pub names_pictures: bool,
}

impl From<&Frame> for Shown {
    fn from(frame: &Frame) -> Self {
        Self {
            left_out: frame.left_out,
            names_pictures: frame.names_pictures,
        }
    }
}

impl Shown {
    /// A message as it is sent, which is the conversation's at this place.
    pub fn message(self, at: usize, mut message: Message) -> Message {
        if at < self.left_out {
            leave_out(&mut message);
        }
        if self.names_pictures {
            message.content.iter_mut().for_each(name_picture);
        }
        message
    }
}

/// What all requests of a run have in common.
pub(super) struct Common {
    /// A request without messages. Its system words come after those of the thread.
    pub frame: ChatRequest,
    /// The artifact of it. None of one that had a secret in it: what is kept is not what is sent.
    pub kept: Option<ContentHash>,
}

impl Common {
    pub fn of(setup: &Setup) -> Self {
        Self {
            frame: frame(setup),
            kept: None,
        }
    }

    /// Keeps it on record.
    pub fn keep(&mut self, ledger: &mut Ledger) -> Result<(), RunError> {
        let bytes = serde_json::to_vec(&self.frame)?;
        let kept = ledger.keep(&bytes, "request frame", "application/json")?;
        self.kept = Some(kept).filter(|kept| *kept == ContentHash::of(&bytes));
        Ok(())
    }
}

/// What is sent of a thread.
pub(super) fn request(frame: &ChatRequest, thread: &Thread, shown: Shown) -> ChatRequest {
    let messages = thread.conversation().into_iter().enumerate();
    let messages = messages.map(|(at, message)| shown.message(at, message));
    let messages = messages.collect();
    let mut system = thread.system();
    system.extend(frame.system.iter().cloned());
    ChatRequest {
        system,
        messages,
        ..frame.clone()
    }
}

fn frame(setup: &Setup) -> ChatRequest {
    let caller = &setup.caller;
    let tools = match caller.capabilities.supports_tool_calling {
        true => setup.registry.specs(&setup.grants.effective()),
        false => Vec::new(),
    };
    let mut system = Vec::new();
    let mut output_schema = setup.work.output_schema.clone();
    // Some providers hold every word to the schema, so that no tool could be called. Its last answer is checked anyway.
    if !tools.is_empty()
        && let Some(schema) = output_schema.take()
    {
        system.push(format!(
            "Your last answer, the one that calls no tool, has to be nothing but a JSON document that follows this \
             JSON Schema: {schema}"
        ));
    }
    ChatRequest {
        model: caller.model.clone(),
        system,
        messages: Vec::new(),
        tools,
        tool_choice: ToolChoice::Auto,
        max_output_tokens: caller.max_output_tokens,
        temperature: caller.temperature,
        thinking: setup.work.thinking.or(caller.thinking),
        output_schema,
        cache: true,
    }
}

/// A model that sees no pictures is told that there is one.
fn name_picture(block: &mut Block) {
    if matches!(block, Block::Image(_)) {
        *block = Block::text("[a picture, which you cannot see]");
    }
}
