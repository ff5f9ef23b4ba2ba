//! A session that begins from a checkpoint of another one.

use super::submit::{Submission, begin, give_work};
use crate::model::checkpoint::Checkpoint;
use crate::model::event::{Actor, Event};
use crate::model::ids::{PlanId, SessionId};
use crate::model::task::TaskSpec;
use crate::model::thread::{MessageRecord, MessageRole};
use crate::store::{ArtifactRow, Origin, Store, StoreError, Tx};

/// With what a session begins that goes on from another one.
#[derive(Debug, Clone)]
pub struct Fork {
    /// Its id.
    pub session: SessionId,
    /// From where it goes on.
    pub origin: Origin,
    /// The same point as its own first checkpoint.
    pub start: Checkpoint,
    /// What was said until then.
    pub thread: Vec<MessageRecord>,
    /// What that speaks of besides.
    pub artifacts: Vec<ArtifactRow>,
}

/// Records it with its task and queues its jobs, in one transaction.
///
/// # Errors
/// The store's refusal.
pub fn fork(
    store: &mut Store,
    task: &TaskSpec,
    submission: &Submission,
    fork: &Fork,
) -> Result<(), StoreError> {
    store.write(|tx| {
        begin(
            tx,
            (PlanId::new(), fork.session),
            task,
            Vec::new(),
            submission,
        )?;
        take_over(tx, fork)?;
        give_work(tx, fork.session, task, submission)
    })
}

/// The messages keep their ids, and so do the calls in them.
fn take_over(tx: &mut Tx<'_>, fork: &Fork) -> Result<(), StoreError> {
    let session = Some(fork.session);
    let Origin {
        from,
        number,
        commit,
        onto,
    } = fork.origin.clone();
    let forked = Event::SessionForked {
        from,
        number,
        commit,
        onto,
    };
    tx.append(Actor::Human, session, forked)?;
    for row in &fork.artifacts {
        let stored = Event::ArtifactStored {
            hash: row.hash.clone(),
            size: row.size,
            kind: row.kind.clone(),
            media_type: row.media_type.clone(),
            job_id: None,
        };
        tx.append(Actor::System, session, stored)?;
    }
    for message in &fork.thread {
        let actor = match (message.role, &message.source) {
            (MessageRole::User, None) => Actor::Human,
            (MessageRole::Assistant, _) => Actor::Agent,
            _ => Actor::System,
        };
        let message = Box::new(message.clone());
        tx.append(actor, session, Event::SessionMessage { message })?;
    }
    let checkpoint = Box::new(fork.start.clone());
    tx.append(
        Actor::System,
        session,
        Event::CheckpointTaken { checkpoint },
    )?;
    Ok(())
}
