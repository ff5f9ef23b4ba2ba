//! The thread in memory, and what is to happen next in it.

use std::collections::BTreeSet;

use super::message::{MessageRecord, MessageRole};
use super::said::Said;
use crate::model::chat::{Block, Image, ToolCall};
use crate::model::ids::MessageId;
use crate::model::tool::{CallId, Payload, Response, ToolId};

/// A message with what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Spoken {
    /// What the log has of it.
    pub record: MessageRecord,
    /// What it says.
    pub said: Said,
    /// Its pictures.
    pub images: Vec<Image>,
}

/// All that was said in a session, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thread(Vec<Spoken>);

/// What is to happen next in a thread.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Its model is to be asked.
    Ask,
    /// A tool that its model called is to run.
    Act(Pending),
    /// Nothing: its model has answered.
    Rest,
}

/// A call that has no result yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// What the model wrote.
    pub call: ToolCall,
    /// By which the session knows it. Providers use their ids again.
    pub id: CallId,
    /// Whether it was about to run when somebody died: nobody knows how far it came.
    pub begun: bool,
    /// Whether secrets were taken out of what the model wrote, so that it is not what it wrote.
    pub redacted: bool,
}

impl Thread {
    /// One more message. An answer comes right after what it answers: somebody may have said more
    /// while it was being given.
    pub fn push(&mut self, spoken: Spoken) {
        let answers = spoken.record.answers;
        let seen =
            answers.and_then(|id| self.0.iter().rposition(|one| one.record.message_id == id));
        match seen {
            Some(at) => self.0.insert(at + 1, spoken),
            None => self.0.push(spoken),
        }
    }

    /// Whether a message is in it.
    pub fn has(&self, id: MessageId) -> bool {
        self.0.iter().rev().any(|one| one.record.message_id == id)
    }

    /// The message that came last.
    pub fn last(&self) -> Option<MessageId> {
        self.0.last().map(|one| one.record.message_id)
    }

    /// Whether nothing but words of people came after this message.
    pub fn only_words_since(&self, id: MessageId) -> bool {
        let is_other =
            |one: &&Spoken| one.record.message_id == id || one.record.role != MessageRole::User;
        let last = self.0.iter().rev().find(is_other);
        last.is_some_and(|one| one.record.message_id == id)
    }

    /// All of them, in order.
    pub fn messages(&self) -> &[Spoken] {
        &self.0
    }

    /// Whether the runtime has not said yet how a model is to work here.
    pub fn has_no_system_message(&self) -> bool {
        let is_system = |one: &Spoken| one.record.role == MessageRole::System;
        !self.0.iter().any(is_system)
    }

    /// What is to happen next. What a person said last waits until tools that were called have run. Of an
    /// answer with calls, and of one that was cut off, its model has to be asked again.
    pub fn next(&self) -> Next {
        let is_user = |one: &Spoken| one.record.role == MessageRole::User;
        let (since, goes_on) = match self.last_answer() {
            None => (0, false),
            Some((at, answer)) => match self.pending(answer) {
                Some(pending) => return Next::Act(pending),
                None => {
                    let has_called = answer.calls().next().is_some();
                    (at + 1, has_called || answer.record.incomplete)
                }
            },
        };
        match goes_on || self.0[since..].iter().any(is_user) {
            true => Next::Ask,
            false => Next::Rest,
        }
    }

    /// The last thing that the model said, thoughts left out.
    pub fn last_words(&self) -> Option<String> {
        let (_, answer) = self.last_answer()?;
        let Said::Assistant(blocks) = &answer.said else {
            return None;
        };
        let words = blocks.iter().filter_map(|block| match block {
            Block::Text { text } => Some(text.as_str()),
            _ => None,
        });
        Some(words.collect())
    }

    /// What a tool answered when it last did what it was called for, and did not only say what it would do.
    pub fn last_result_of(&self, tool: &ToolId) -> Option<&Payload> {
        let calls = self.0.iter().rev().filter(|one| match &one.said {
            Said::ToolCall(request) => request.tool_id == *tool && !request.dry_run,
            _ => false,
        });
        let mut ids = calls.filter_map(|call| call.record.tool_call_id.as_ref());
        ids.find_map(|id| self.result_of(id)?.outcome.as_ref().ok())
    }

    /// What a call came to.
    fn result_of(&self, id: &CallId) -> Option<&Response> {
        self.0.iter().find_map(|one| match &one.said {
            Said::ToolResult(response) if one.record.tool_call_id.as_ref() == Some(id) => {
                Some(&**response)
            }
            _ => None,
        })
    }

    /// The calls of the last answer that have a result.
    pub fn last_done(&self) -> Vec<CallId> {
        let done = self.ids_of(MessageRole::ToolResult);
        let answer = self.last_answer().map(|(_, answer)| answer);
        let calls = answer.into_iter().flat_map(Spoken::calls);
        calls
            .map(|(id, _)| id)
            .filter(|id| done.contains(id))
            .collect()
    }

    fn last_answer(&self) -> Option<(usize, &Spoken)> {
        let mut answers = self.0.iter().enumerate();
        answers.rfind(|(_, one)| one.record.role == MessageRole::Assistant)
    }

    /// The first call of an answer that has no result.
    fn pending(&self, answer: &Spoken) -> Option<Pending> {
        let (begun, done) = (
            self.ids_of(MessageRole::ToolCall),
            self.ids_of(MessageRole::ToolResult),
        );
        let (id, call) = answer.calls().find(|(id, _)| !done.contains(id))?;
        Some(Pending {
            call: call.clone(),
            begun: begun.contains(&id),
            redacted: answer.record.redacted_calls.contains(&id),
            id,
        })
    }

    fn ids_of(&self, role: MessageRole) -> BTreeSet<&CallId> {
        let of_role = self.0.iter().filter(|one| one.record.role == role);
        of_role
            .filter_map(|one| one.record.tool_call_id.as_ref())
            .collect()
    }
}

impl Spoken {
    /// The calls in an answer of the model, with the ids by which the session knows them.
    pub fn calls(&self) -> impl Iterator<Item = (CallId, &ToolCall)> {
        self.said.calls(self.record.message_id)
    }
}
