//! What a model was sent, made again from the record.

use std::collections::BTreeMap;

use crate::agent::{RunError, Shown};
use crate::app::failure::Failure;
use crate::app::project::Project;
use crate::cas::Hashing;
use crate::model::chat::{ChatRequest, ToolSpec};
use crate::model::ids::ContentHash;
use crate::model::run::{CallIntent, Frame};
use crate::model::thread::{Conversation, Thread};

/// The requests of a run, one after the other. Each begins with nearly all of the one before, so that is hashed once.
#[derive(Default)]
pub(super) struct Requests {
    frames: BTreeMap<ContentHash, ChatRequest>,
    conversation: Conversation,
    /// How many messages of the thread are in it.
    heard: usize,
    begun: Option<Begun>,
}

/// The start of requests, hashed.
struct Begun {
    frame: Frame,
    system: Vec<String>,
    hashing: Hashing,
    /// How many messages are in it.
    messages: usize,
    /// What comes after the messages.
    end: String,
}

impl Requests {
    /// The hash of what was sent of this thread, which goes on from the one before; nothing where too little is on record to
    /// make it again.
    pub fn hash_of(
        &mut self,
        project: &Project,
        call: &CallIntent,
        thread: &Thread,
    ) -> Result<Option<ContentHash>, Failure> {
        self.conversation.hear(&thread.messages()[self.heard..]);
        self.heard = thread.messages().len();
        let Some(frame) = &call.frame else {
            return Ok(None);
        };
        let mut system = thread.system();
        system.extend(self.read(project, &frame.request)?.system.iter().cloned());
        let mut begun = match self.begun.take() {
            Some(begun) if begun.frame == *frame && begun.system == system => begun,
            _ => begin(self.read(project, &frame.request)?, frame, system)?,
        };
        let hash = begun.go_on(&self.conversation);
        self.begun = Some(begun);
        Ok(Some(hash?))
    }

    fn read(&mut self, project: &Project, hash: &ContentHash) -> Result<&ChatRequest, Failure> {
        if !self.frames.contains_key(hash) {
            self.frames.insert(hash.clone(), project.json_of(hash)?);
        }
        Ok(&self.frames[hash])
    }

    /// Whether a tool was described to the model otherwise than it is now. Not where nothing is on record of that.
    pub fn is_told_otherwise(&self, tool: &str, now: Option<&ToolSpec>) -> bool {
        let described = self.frames.values().flat_map(|frame| &frame.tools);
        let mut then = described.filter(|spec| spec.name == tool);
        then.any(|then| now != Some(then))
    }
}

/// Where the messages of a request stand. Words cannot have it in them: their quotes are escaped.
const MESSAGES: &str = "\"messages\":[]";

fn begin(common: &ChatRequest, frame: &Frame, system: Vec<String>) -> Result<Begun, Failure> {
    let empty = ChatRequest {
        system,
        messages: Vec::new(),
        ..common.clone()
    };
    let text = serde_json::to_string(&empty).map_err(RunError::Json)?;
    let at = text.find(MESSAGES).map_or(0, |at| at + MESSAGES.len() - 1);
    let mut hashing = Hashing::default();
    hashing.add(&text.as_bytes()[..at]);
    Ok(Begun {
        frame: frame.clone(),
        system: empty.system,
        hashing,
        messages: 0,
        end: text[at..].to_owned(),
    })
}

impl Begun {
    fn go_on(&mut self, conversation: &Conversation) -> Result<ContentHash, Failure> {
        let messages = conversation.messages();
        let last = messages.len().saturating_sub(1);
        while self.messages < last {
            let mut hashing = std::mem::take(&mut self.hashing);
            self.add(&mut hashing, conversation, self.messages)?;
            self.hashing = hashing;
            self.messages += 1;
        }
        // It may still become longer.
        let mut whole = self.hashing.clone();
        if !messages.is_empty() {
            self.add(&mut whole, conversation, last)?;
        }
        whole.add(self.end.as_bytes());
        Ok(whole.hash())
    }

    fn add(
        &self,
        hashing: &mut Hashing,
        conversation: &Conversation,
        at: usize,
    ) -> Result<(), Failure> {
        let shown = Shown::from(&self.frame);
        let message = shown.message(at, conversation.messages()[at].clone());
        if at > 0 {
            hashing.add(b",");
        }
        hashing.add(&serde_json::to_vec(&message).map_err(RunError::Json)?);
        Ok(())
    }
}
