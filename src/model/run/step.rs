//! A session's ledger: its steps, each with the key by which it is known, as they follow from its events.
//!
//! A step is one call of a model, one call of a tool or one command. What it is to do is on record before it begins, and what
//! came of it afterwards; so the ledger is a pure function of the log, and is the same for whoever runs a step, recovers it
//! or looks at it. A step that is begun again after a crash has the key that it had before: none is completed twice.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::json;

use super::{CallEnd, ToolEnd};
use crate::model::checkpoint::Cause;
use crate::model::event::Event;
use crate::model::ids::{CommitId, ContentHash, MessageId, SessionId};
use crate::model::job::{JobKind, Outcome};
use crate::model::thread::{MessageRecord, MessageRole, Spoken};
use crate::model::tool::CallId;

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Asks a model.
    ModelCall,
    /// Does what a model asks for.
    ToolCall,
    /// Runs a program.
    Command,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// It is known, and has not begun.
    Pending,
    /// It has begun.
    InProgress,
    /// It has done what it is for.
    Completed,
    /// It has not, and is over.
    Failed,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The id of the call, or of the command's job.
    pub step_id: String,
    /// What it does.
    pub kind: StepKind,
    /// The model, the tool or the command.
    pub what: String,
    /// What the tool was called with, without secrets.
    pub arguments: Option<serde_json::Value>,
    /// Its place among the session's steps, from 1. Further tries of a step have the same.
    pub index: u64,
    /// The tree of the worktree that it saw: of the last checkpoint when it began, or of what the session started from.
    pub tree: Option<CommitId>,
    /// BLAKE3 of session, index, kind, canonical request and tree; nothing before it has begun.
    pub idempotency_key: Option<ContentHash>,
    /// How far it is.
    pub status: StepStatus,
    /// What came of it.
    pub output_artifact_ref: Option<ContentHash>,
    /// Why it failed.
    pub error: Option<String>,
    /// The message with what came of it, or that asked for it.
    #[serde(skip)]
    pub message: Option<MessageId>,
    /// The hash of what it is to do.
    #[serde(skip)]
    request: ContentHash,
    /// Whether a message says what came of it.
    #[serde(skip)]
    has_result: bool,
}

impl Step {
    /// Whether it comes to nothing more.
    pub fn is_over(&self) -> bool {
        matches!(self.status, StepStatus::Completed | StepStatus::Failed)
    }
}

/// The steps of a session, from its events in their order.
#[derive(Debug)]
pub struct Steps {
    session: SessionId,
    tree: Option<CommitId>,
    trees: HashMap<u64, CommitId>,
    /// How many steps came to something.
    done: u64,
    steps: Vec<Step>,
}

impl Steps {
    /// Of a session that starts from a commit with this tree.
    pub fn new(session: SessionId, base_tree: Option<CommitId>) -> Self {
        Self {
            session,
            tree: base_tree,
            trees: HashMap::new(),
            done: 0,
            steps: Vec::new(),
        }
    }

    /// All of them, in the order in which they became known.
    pub fn into_vec(self) -> Vec<Step> {
        self.steps
    }

    /// Takes in the next event; of a message `said` is all of it, where that can be read.
    pub fn take_in(&mut self, event: &Event, said: Option<&Spoken>) {
        match event {
            Event::CheckpointTaken { checkpoint } => {
                if checkpoint.cause == Cause::Forked {
                    self.forget_given();
                }
                let tree = checkpoint.worktree_tree.clone();
                self.trees.insert(checkpoint.number, tree.clone());
                self.tree = Some(tree);
            }
            Event::CheckpointRestored { number, .. } => {
                self.tree = self.trees.get(number).cloned().or(self.tree.take());
            }
            Event::JobQueued {
                job_id,
                kind: JobKind::Setup | JobKind::Command,
                command,
                ..
            } => {
                let step = self.next(StepKind::Command, job_id.to_string(), command.to_string());
                self.steps.push(step);
            }
            Event::JobDispatched { job_id } => self.begin(&job_id.to_string()),
            Event::JobCancelled { job_id, reason } => {
                self.end(
                    &job_id.to_string(),
                    Err(format!("cancelled: {reason}")),
                    None,
                );
            }
            Event::CommandExecuted {
                job_id,
                outcome,
                output,
                ..
            } => {
                let end = match outcome.is_success() {
                    true => Ok(()),
                    false => Err(outcome.describe()),
                };
                // One that did not run, or of which nobody knows, is begun again in its place.
                let has_run = !matches!(
                    outcome,
                    Outcome::Lost { .. } | Outcome::Cancelled | Outcome::NotStarted { .. }
                );
                let is_step = self.end(&job_id.to_string(), end, output.clone());
                self.done += u64::from(is_step && has_run);
            }
            Event::ModelCallStarted { call } => {
                let id = call.call_id.to_string();
                let what = format!("{}/{}", call.provider, call.model_id);
                let step = Step {
                    request: call.request_hash.clone(),
                    ..self.next(StepKind::ModelCall, id.clone(), what)
                };
                self.steps.push(step);
                self.begin(&id);
            }
            Event::ModelCallEnded { call } => {
                self.end(&call.call_id.to_string(), end_of_call(&call.end), None);
            }
            Event::ToolCalled { call } => {
                let id = call.tool_call_id.to_string();
                // One that was not let through never began.
                self.begin(&id);
                self.end(&id, end_of_tool(&call.end), Some(call.result_hash.clone()));
            }
            Event::SessionMessage { message } => self.hear(message, said),
            _ => {}
        }
    }

    fn hear(&mut self, message: &MessageRecord, said: Option<&Spoken>) {
        let about = message.tool_call_id.as_ref().map(CallId::to_string);
        let about = about.unwrap_or_default();
        match message.role {
            MessageRole::Assistant => {
                self.answered(message.message_id, &message.content_hash);
                self.called(message.message_id, said);
            }
            MessageRole::ToolCall => self.begin(&about),
            MessageRole::ToolResult => {
                self.done += 1;
                if let Some(step) = self.open(&about) {
                    step.message = Some(message.message_id);
                    step.has_result = true;
                }
            }
            MessageRole::System | MessageRole::User => {}
        }
    }

    /// One that is to be done next, as far as is known.
    fn next(&self, kind: StepKind, step_id: String, what: String) -> Step {
        Step {
            request: ContentHash::of(what.as_bytes()),
            step_id,
            kind,
            what,
            arguments: None,
            index: self.done + 1,
            tree: None,
            idempotency_key: None,
            status: StepStatus::Pending,
            output_artifact_ref: None,
            error: None,
            message: None,
            has_result: false,
        }
    }

    /// What was said until here was said in the session that this one goes on from. Calls that have no result are to be
    /// made here.
    fn forget_given(&mut self) {
        let is_open = |step: &Step| step.kind == StepKind::ToolCall && !step.has_result;
        self.steps.retain(is_open);
        for (step, index) in self.steps.iter_mut().zip(1..) {
            step.index = index;
            step.status = StepStatus::Pending;
            (step.tree, step.idempotency_key) = (None, None);
        }
        self.done = 0;
    }

    fn answered(&mut self, message: MessageId, content: &ContentHash) {
        let mut calls = self.steps.iter_mut().rev();
        let call = calls.find(|step| step.kind == StepKind::ModelCall);
        if let Some(call) = call.filter(|step| step.status == StepStatus::Completed) {
            call.output_artifact_ref = Some(content.clone());
            call.message = Some(message);
        }
        self.done += 1;
    }

    /// The calls of tools in an answer run one after the other.
    fn called(&mut self, message: MessageId, said: Option<&Spoken>) {
        for (index, (id, call)) in (self.done + 1..).zip(said.into_iter().flat_map(Spoken::calls)) {
            let canonical = json!([call.name, call.arguments]).to_string();
            let step = Step {
                request: ContentHash::of(canonical.as_bytes()),
                arguments: Some(call.arguments.clone()),
                index,
                message: Some(message),
                ..self.next(StepKind::ToolCall, id.to_string(), call.name.clone())
            };
            self.steps.push(step);
        }
    }

    fn begin(&mut self, id: &str) {
        self.reopen(id);
        let (session, tree, done) = (self.session, self.tree.clone(), self.done);
        let step = self.open(id);
        if let Some(step) = step.filter(|step| step.status == StepStatus::Pending) {
            step.index = done + 1;
            step.idempotency_key = Some(key(session, step, tree.as_ref()));
            step.tree = tree;
            step.status = StepStatus::InProgress;
        }
    }

    /// A call that is made once more, since the session was put back to a point before it, is another step.
    fn reopen(&mut self, id: &str) {
        let over = self.open(id).filter(|step| step.is_over()).cloned();
        if let Some(over) = over {
            self.steps.push(Step {
                status: StepStatus::Pending,
                output_artifact_ref: None,
                error: None,
                has_result: false,
                ..over
            });
        }
    }

    /// Whether it was one of these.
    fn end(&mut self, id: &str, end: Result<(), String>, output: Option<ContentHash>) -> bool {
        let Some(step) = self.open(id).filter(|step| !step.is_over()) else {
            return false;
        };
        step.status = match end {
            Ok(()) => StepStatus::Completed,
            Err(_) => StepStatus::Failed,
        };
        step.error = end.err();
        step.output_artifact_ref = output;
        true
    }

    fn open(&mut self, id: &str) -> Option<&mut Step> {
        self.steps.iter_mut().rev().find(|step| step.step_id == id)
    }
}

/// An array of strings and a number has one form as JSON.
fn key(session: SessionId, step: &Step, tree: Option<&CommitId>) -> ContentHash {
    let parts = json!([session, step.index, step.kind, step.request, tree]);
    ContentHash::of(parts.to_string().as_bytes())
}

fn end_of_call(end: &CallEnd) -> Result<(), String> {
    match end {
        CallEnd::Answered { .. } => Ok(()),
        CallEnd::Failed { kind, message } => Err(format!("{kind}: {message}")),
        CallEnd::Lost => Err("lost: nobody knows whether it was answered".to_owned()),
    }
}

fn end_of_tool(end: &ToolEnd) -> Result<(), String> {
    match end {
        ToolEnd::Ok => Ok(()),
        ToolEnd::Failed { code, .. } => Err(code.clone()),
        ToolEnd::Denied { code, .. } => Err(format!("{code}: not let through")),
        ToolEnd::Ambiguous => Err("interrupted: nobody knows how far it came".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::JobId;
    use crate::model::task::Command;

    fn job(steps: &mut Steps, ends: Option<Outcome>) {
        let job_id = JobId::new();
        let queued = Event::JobQueued {
            job_id,
            kind: JobKind::Command,
            position: 0,
            attempt: 1,
            command: Command::Shell("make".to_owned()).into(),
            not_before_ms: 0,
        };
        steps.take_in(&queued, None);
        steps.take_in(&Event::JobDispatched { job_id }, None);
        if let Some(outcome) = ends {
            let (duration_ms, output) = (1, None);
            let event = Event::CommandExecuted {
                job_id,
                outcome,
                duration_ms,
                output,
            };
            steps.take_in(&event, None);
        }
    }

    #[test]
    fn a_command_that_was_lost_is_begun_again_by_its_key() {
        let mut steps = Steps::new(SessionId::new(), None);
        job(&mut steps, Some(Outcome::LOST));
        job(&mut steps, Some(Outcome::Exited { code: 0 }));
        job(&mut steps, None);
        let all = steps.into_vec();
        let indices: Vec<_> = all.iter().map(|step| step.index).collect();
        assert_eq!(indices, [1, 1, 2]);
        assert_eq!(all[0].idempotency_key, all[1].idempotency_key);
        assert_ne!(all[1].idempotency_key, all[2].idempotency_key);
        let status: Vec<_> = all.iter().map(|step| step.status).collect();
        let (failed, completed) = (StepStatus::Failed, StepStatus::Completed);
        assert_eq!(status, [failed, completed, StepStatus::InProgress]);
    }

    #[test]
    fn why_a_step_failed_is_what_was_told_first() {
        let mut steps = Steps::new(SessionId::new(), None);
        job(&mut steps, Some(Outcome::LOST));
        let job_id = steps.steps[0].step_id.parse().unwrap();
        let reason = "run again".to_owned();
        steps.take_in(&Event::JobCancelled { job_id, reason }, None);
        assert_eq!(steps.steps[0].error, Some(Outcome::LOST.describe()));
    }
}
