//! What is on record of a model's run, as a replay needs it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use crate::app::failure::Failure;
use crate::app::project::Project;
use crate::app::thread::thread_of;
use crate::model::checkpoint::{Cause, Checkpoint};
use crate::model::event::{self, Event};
use crate::model::ids::{CommitId, MessageId, ModelCallId};
use crate::model::run::{CallEnd, CallIntent, ToolCallRecord};
use crate::model::scope::Scope;
use crate::model::thread::{MessageRecord, MessageRole, Thread};
use crate::model::tool::CallId;
use crate::store::{EventFilter, MessageRow, SessionRow};
use crate::workspace::snapshot::ignored_of;

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// What was said and not taken back.
    pub thread: Thread,
    /// How the files were before the first step.
    pub first: Option<CommitId>,
    /// The last message that was there before the first step: a session that goes on from another one has its thread.
    pub given: Option<MessageId>,
    /// What each call of a tool came to, by its place in the log: one that was taken back may have been made once more.
    tool_calls: HashMap<CallId, BTreeMap<u64, ToolCallRecord>>,
    /// Calls of the model that were answered, by the place of their end in the log.
    pub model_calls: BTreeMap<u64, CallIntent>,
    /// Places in the log of all answers, taken back ones as well.
    pub answers: BTreeSet<u64>,
    /// Places in the log of the thread's messages.
    places: HashMap<MessageId, u64>,
    order: BTreeSet<u64>,
    files: Vec<FilesThen>,
}

/// How the files were at some time.
#[derive(Debug, Clone)]
pub struct FilesThen {
    seq: u64,
    tail: Option<MessageId>,
    /// The number of the checkpoint.
    pub number: u64,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Whether they were so because a tool had run. If not, somebody else made them so.
    pub by_tool: bool,
    /// Whether they were as in the one before, so that it is a point in the conversation alone.
    pub only_said: bool,
}

/// That a record does not fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// An answer that no call was given.
    NoCall,
    /// A call that was answered, and its answer is not there.
    NoAnswer,
}

impl Record {
    /// Reads it.
    ///
    /// # Errors
    /// Something of it is damaged or gone.
    pub fn read(project: &Project, session: &SessionRow) -> Result<Self, Failure> {
        let all = project.store.all_messages(session.id)?;
        let is_answer = |row: &&MessageRow| row.record.role == MessageRole::Assistant;
        let answers = all.iter().filter(is_answer).map(|row| row.seq).collect();
        let rows: Vec<_> = all.into_iter().filter(|row| !row.taken_back).collect();
        let places = rows.iter().map(|row| (row.record.message_id, row.seq));
        let mut record = Self {
            places: places.collect(),
            order: rows.iter().map(|row| row.seq).collect(),
            thread: thread_of(project, rows)?,
            answers,
            ..Self::default()
        };
        let filter = EventFilter {
            session: Some(session.id),
            ..EventFilter::default()
        };
        record.take_in(project.store.events(&filter)?);
        let checkpoints = project.store.checkpoints(session.id)?;
        let kept: BTreeSet<_> = checkpoints
            .iter()
            .map(|row| row.checkpoint.number)
            .collect();
        record.files.retain(|files| kept.contains(&files.number));
        record.tell_what_was_only_said();
        if let Some(first) = checkpoints.into_iter().next() {
            record.first = Some(first.checkpoint.commit);
            record.given = first.checkpoint.message_thread_tail_id;
        }
        Ok(record)
    }

    fn take_in(&mut self, events: Vec<event::Record>) {
        let mut begun: HashMap<ModelCallId, CallIntent> = HashMap::new();
        for record in events {
            match record.event {
                Event::ModelCallStarted { call } => {
                    begun.insert(call.call_id, *call);
                }
                Event::ModelCallEnded { call } => {
                    let intent = begun.remove(&call.call_id);
                    if let (Some(intent), CallEnd::Answered { .. }) = (intent, &call.end) {
                        self.model_calls.insert(record.seq, intent);
                    }
                }
                Event::ToolCalled { call } => {
                    let made = self.tool_calls.entry(call.tool_call_id.clone());
                    made.or_default().insert(record.seq, *call);
                }
                Event::CheckpointTaken { checkpoint } => self.files.push(FilesThen {
                    seq: record.seq,
                    tail: checkpoint.message_thread_tail_id,
                    number: checkpoint.number,
                    by_tool: checkpoint.cause == Cause::ToolCall,
                    only_said: false,
                    checkpoint: *checkpoint,
                }),
                Event::CheckpointRestored { number, .. } => self.put_back(record.seq, number),
                _ => {}
            }
        }
    }

    /// Those that are there no more had other files, perhaps.
    fn tell_what_was_only_said(&mut self) {
        let mut before = None;
        for files in &mut self.files {
            files.only_said = files.checkpoint.only_said_since(before);
            files.by_tool |= files.only_said;
            before = Some(&files.checkpoint);
        }
    }

    fn put_back(&mut self, seq: u64, number: u64) {
        let of_number = |files: &&FilesThen| files.number == number;
        if let Some(then) = self.files.iter().find(of_number).cloned() {
            self.files.push(FilesThen {
                seq,
                by_tool: false,
                only_said: false,
                ..then
            });
        }
    }

    /// How the files were after a message and before the next one, in order.
    pub fn files_after(&self, message: MessageId) -> impl Iterator<Item = &FilesThen> {
        let place = self.places.get(&message).copied().unwrap_or(u64::MAX);
        let later = (Bound::Excluded(place), Bound::Unbounded);
        let until = self.order.range(later).next().copied();
        let until = until.unwrap_or(u64::MAX);
        let then = self.files.iter();
        then.filter(move |files| files.tail == Some(message) && files.seq < until)
    }

    /// Which of the ignored files the last checkpoint up to this number has.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn ignored_at(&self, project: &Project, number: u64) -> Result<Scope, Failure> {
        let mut until = self.files.iter().filter(|files| files.number <= number);
        let last = until.next_back().map(|files| &files.checkpoint.commit);
        match last.or(self.first.as_ref()) {
            Some(commit) => Ok(ignored_of(&project.repo, commit)?),
            None => Ok(Scope::nothing()),
        }
    }

    /// What was noted of the call of a tool that had this result: it is written down with it.
    pub fn tool_call_of(&self, result: &MessageRecord) -> Option<&ToolCallRecord> {
        let made = self.tool_calls.get(result.tool_call_id.as_ref()?)?;
        let place = self.places.get(&result.message_id)?;
        made.range(place..).next().map(|(_, call)| call)
    }

    /// The call that an answer was given to; nothing where calls are on no record any more.
    ///
    /// # Errors
    /// It has none, or an answer before it is missing.
    pub fn call_of(&self, answer: MessageId) -> Result<Option<&CallIntent>, Gap> {
        if self.model_calls.is_empty() {
            return Ok(None);
        }
        let place = self.places.get(&answer).copied().unwrap_or(0);
        let before = self
            .answers
            .range(..place)
            .next_back()
            .copied()
            .unwrap_or(0);
        let mut calls = self.model_calls.range(before..place);
        match (calls.next(), calls.next()) {
            (Some((_, call)), None) => Ok(Some(call)),
            (None, _) => Err(Gap::NoCall),
            (Some(_), Some(_)) => Err(Gap::NoAnswer),
        }
    }

    /// Whether the last call that was answered has its answer.
    pub fn ends_whole(&self) -> bool {
        match (self.model_calls.last_key_value(), self.answers.last()) {
            (Some((call, _)), Some(answer)) => call < answer,
            (Some(_), None) => false,
            (None, _) => true,
        }
    }

    /// The thread's last message, as it was read.
    pub fn tail(&self) -> Option<MessageId> {
        let last = self.places.iter().max_by_key(|(_, seq)| **seq);
        last.map(|(id, _)| *id)
    }
}
