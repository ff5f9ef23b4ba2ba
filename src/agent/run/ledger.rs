//! Writing down what a model does: the thread in memory, and the same in the log.

use std::collections::HashMap;

use serde_json::Value;

use super::error::RunError;
use crate::agent::Artifact;
use crate::cas::Cas;
use crate::model::chat::Image;
use crate::model::event::{Actor, Event};
use crate::model::ids::{ContentHash, JobId, MessageId, SessionId};
use crate::model::redact::Redactor;
use crate::model::thread::{MessageRecord, MessageRole, Said, Spoken, Thread};
use crate::model::tool::{CallId, Payload, ToolId};
use crate::store::{MessageRow, Store, StoreError, Tx};

/// The thread of a session, and what is still to be written of it. What is noted is durable when
/// [`Ledger::commit`] returns, and not before.
pub(super) struct Ledger {
    pub store: Store,
    pub cas: Cas,
    pub session: SessionId,
    pub job: JobId,
    pub thread: Thread,
    /// What the model wrote for arguments, where what is kept of them is not the same.
    pub originals: HashMap<CallId, Value>,
    redactor: Redactor,
    noted: Vec<(Actor, Event)>,
    /// What was said in what is noted, and is not stored yet.
    unstored: Vec<Vec<u8>>,
    /// Up to where the log was read.
    seq: u64,
}

/// A message that is to be said.
pub(super) struct New {
    pub said: Said,
    pub actor: Actor,
    pub about: Option<CallId>,
    pub tokens: Option<u64>,
    pub source: Option<String>,
    pub answers: Option<MessageId>,
    pub incomplete: bool,
}

impl New {
    pub fn of(actor: Actor, said: Said) -> Self {
        Self {
            said,
            actor,
            about: None,
            tokens: None,
            source: None,
            answers: None,
            incomplete: false,
        }
    }

    pub fn about(self, call: CallId) -> Self {
        let about = Some(call);
        Self { about, ..self }
    }
}

impl Ledger {
    /// With all that was said before.
    pub fn open(
        store: Store,
        cas: Cas,
        (session, job): (SessionId, JobId),
        redactor: Redactor,
    ) -> Result<Self, RunError> {
        let mut ledger = Self {
            store,
            cas,
            session,
            job,
            thread: Thread::default(),
            originals: HashMap::new(),
            redactor,
            noted: Vec::new(),
            unstored: Vec::new(),
            seq: 0,
        };
        ledger.listen()?;
        Ok(ledger)
    }

    /// Takes in what others said meanwhile.
    pub fn listen(&mut self) -> Result<(), RunError> {
        for row in self.store.messages(self.session, self.seq)? {
            if !self.thread.has(row.record.message_id) {
                let mut spoken = read_message(&self.cas, &row)?;
                // Whoever wrote it down may not have known the secrets of this session.
                if spoken.record.role == MessageRole::User {
                    spoken.said = spoken.said.redacted(&self.redactor).0;
                }
                self.thread.push(spoken);
            }
            self.seq = row.seq;
        }
        Ok(())
    }

    /// What a tool answered when it last did what it was called for.
    pub fn last_result_of(&self, tool: &ToolId) -> Result<Option<Value>, RunError> {
        match self.thread.last_result_of(tool) {
            None => Ok(None),
            Some(Payload::Inline(value)) => Ok(Some(value.clone())),
            Some(Payload::Reference(hash)) => {
                Ok(Some(serde_json::from_slice(&self.cas.bytes(hash)?)?))
            }
        }
    }

    /// Says something, without secrets: the message is noted.
    pub fn say(&mut self, new: New) -> Result<Spoken, RunError> {
        let message_id = MessageId::new();
        let (said, redacted) = new.said.clone().redacted(&self.redactor);
        let written = new.said.calls(message_id);
        let changed =
            written
                .zip(said.calls(message_id))
                .filter_map(|((id, written), (_, kept))| {
                    (written != kept).then(|| (id, written.arguments.clone()))
                });
        let changed: Vec<_> = changed.collect();
        let redacted_calls = changed.iter().map(|(id, _)| id.clone()).collect();
        self.originals.extend(changed);
        let bytes = said.to_bytes()?;
        let record = MessageRecord {
            message_id,
            role: said.role(),
            content_hash: ContentHash::of(&bytes),
            size: bytes.len() as u64,
            token_count: new.tokens,
            redacted,
            redacted_calls,
            incomplete: new.incomplete,
            tool_call_id: new.about,
            attachments: Vec::new(),
            source: new.source,
            answers: new.answers,
        };
        self.unstored.push(bytes);
        let message = Box::new(record.clone());
        self.note(new.actor, Event::SessionMessage { message });
        let spoken = Spoken {
            record,
            said,
            images: Vec::new(),
        };
        self.thread.push(spoken.clone());
        Ok(spoken)
    }

    /// Stores bytes without secrets, as what they are.
    pub fn keep(&mut self, bytes: &[u8], kind: &str, media: &str) -> Result<ContentHash, RunError> {
        let clean = self.redactor.redact(bytes);
        let stored = self.cas.put_bytes(&clean)?;
        let event = Event::ArtifactStored {
            hash: stored.hash.clone(),
            size: stored.size,
            kind: kind.to_owned(),
            media_type: media.to_owned(),
            job_id: Some(self.job),
        };
        self.note(Actor::System, event);
        Ok(stored.hash)
    }

    /// Something that a tool stored is this session's.
    pub fn keep_record(&mut self, artifact: Artifact) {
        if artifact.redacted.count > 0 {
            let event = Event::OutputRedacted {
                job_id: self.job,
                names: artifact.redacted.names.into_iter().collect(),
                count: artifact.redacted.count,
            };
            self.note(Actor::System, event);
        }
        let event = Event::ArtifactStored {
            hash: artifact.hash,
            size: artifact.size,
            kind: artifact.kind.to_owned(),
            media_type: artifact.media_type,
            job_id: Some(self.job),
        };
        self.note(Actor::System, event);
    }

    /// Is written with the next commit.
    pub fn note(&mut self, actor: Actor, event: Event) {
        self.noted.push((actor, event));
    }

    /// Writes down all that was noted.
    pub fn commit(&mut self) -> Result<(), RunError> {
        if self.noted.is_empty() {
            return Ok(());
        }
        self.commit_with(|_| Ok(()))
    }

    /// The same, with more in the same transaction, which sees what was noted.
    pub fn commit_with<T>(
        &mut self,
        more: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, RunError> {
        // What an event speaks of is there before it.
        self.cas.put_all(&self.unstored)?;
        self.unstored.clear();
        let (session, noted) = (self.session, &self.noted);
        let done = self.store.write(|tx| {
            for (actor, event) in noted {
                tx.append(*actor, Some(session), event.clone())?;
            }
            more(tx)
        })?;
        self.noted.clear();
        Ok(done)
    }
}

/// A message with what it says.
///
/// # Errors
/// What it says is damaged or gone.
pub fn read_message(cas: &Cas, row: &MessageRow) -> Result<Spoken, RunError> {
    let record = row.record.clone();
    let said = Said::read(record.role, &cas.bytes(&record.content_hash)?)?;
    let images = record
        .attachments
        .iter()
        .map(|hash| picture(&cas.bytes(hash)?))
        .collect::<Result<_, RunError>>()?;
    Ok(Spoken {
        record,
        said,
        images,
    })
}

/// A picture is kept as the provider gets it.
fn picture(bytes: &[u8]) -> Result<Image, RunError> {
    Ok(serde_json::from_slice(bytes)?)
}
