//! Threads that were taken back. Whoever goes on from an earlier message begins another branch of the thread, and may
//! come back to the one before: messages form a tree, and a thread is the way to its last message.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, params};

use super::error::StoreError;
use super::models::MessageRow;
use super::open::Store;
use super::query::records;
use super::tx::Tx;
use crate::model::event::Event;
use crate::model::ids::{MessageId, SessionId};

const SAID: &str = "SELECT seq, json_extract(record, '$.message_id') FROM messages \
     WHERE session_id = ?1 ORDER BY seq";
const TAKEN_BACK: &str = "SELECT * FROM events WHERE session_id = ?1 AND seq < ?2 \
     AND event_type = 'FR-EVT-CKPT-004' ORDER BY seq";
const SINCE_RUN: &str = "SELECT coalesce(max(seq) FILTER (WHERE event_type = 'FR-EVT-CKPT-004'), 0) \
     > coalesce(max(seq) FILTER (WHERE event_type = 'FR-EVT-MODEL-005'), 0) \
     FROM events WHERE session_id = ?1";

impl Store {
    /// A session's thread as it was when this message was its last one; empty without a message.
    pub fn messages_to(
        &self,
        session: SessionId,
        tail: Option<MessageId>,
    ) -> Result<Vec<MessageRow>, StoreError> {
        let way = way_to(&self.connection, (u64::MAX >> 1, session), tail)?.unwrap_or_default();
        let mut all = self.all_messages(session)?;
        all.retain(|row| way.contains(&row.seq));
        Ok(all)
    }
}

impl Tx<'_> {
    /// Whether a session's thread was taken back since its model worked last.
    pub fn is_taken_back(&self, session: SessionId) -> Result<bool, StoreError> {
        let mut statement = self.inner.prepare_cached(SINCE_RUN)?;
        Ok(statement.query_row([session.to_string()], |row| row.get(0))?)
    }
}

/// Without a message the whole thread is taken back. A message that is not there changes nothing.
pub(super) fn take_back(
    db: &Connection,
    (seq, session): (u64, SessionId),
    to: Option<MessageId>,
) -> Result<(), StoreError> {
    let Some(way) = way_to(db, (seq, session), to)? else {
        return Ok(());
    };
    let mut change = db.prepare_cached(
        "UPDATE messages SET taken_back = ?2 WHERE seq = ?1 AND taken_back <> ?2",
    )?;
    for (seq, _) in said(db, session)? {
        change.execute(params![seq as i64, !way.contains(&seq)])?;
    }
    Ok(())
}

/// The messages from the first one to `tail`, by their places in the log. `None` when there is no such message.
fn way_to(
    db: &Connection,
    (before, session): (u64, SessionId),
    tail: Option<MessageId>,
) -> Result<Option<BTreeSet<u64>>, StoreError> {
    let Some(tail) = tail else {
        return Ok(Some(BTreeSet::new()));
    };
    let mut statement = db.prepare_cached(TAKEN_BACK)?;
    let taken_back = records(statement.query(params![session.to_string(), before as i64])?)?;
    let mut taken_back = taken_back.into_iter().peekable();
    // For each message its place, and the one that it came after.
    let mut known: HashMap<MessageId, (u64, Option<MessageId>)> = HashMap::new();
    let mut last = None;
    for (seq, id) in said(db, session)? {
        while let Some(record) = taken_back.next_if(|record| record.seq < seq) {
            if let Event::ThreadTakenBack { to } = record.event {
                last = to;
            }
        }
        known.insert(id, (seq, last));
        last = Some(id);
    }
    let mut way = BTreeSet::new();
    let mut at = Some(tail);
    while let Some(id) = at {
        let Some((seq, before)) = known.get(&id) else {
            return Ok(None);
        };
        way.insert(*seq);
        at = *before;
    }
    Ok(Some(way))
}

fn said(db: &Connection, session: SessionId) -> Result<Vec<(u64, MessageId)>, StoreError> {
    let mut statement = db.prepare_cached(SAID)?;
    let rows = statement.query_and_then([session.to_string()], |row| {
        let id = row.get::<_, String>(1)?.parse()?;
        Ok((row.get::<_, i64>(0)? as u64, id))
    })?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Actor;
    use crate::model::ids::ContentHash;
    use crate::model::task::TaskSpec;
    use crate::model::thread::{MessageRecord, MessageRole};

    struct Thread {
        _folder: tempfile::TempDir,
        store: Store,
        session: SessionId,
    }

    impl Thread {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let mut store = Store::open(folder.path()).unwrap();
            let session = SessionId::new();
            let created = Event::SessionCreated {
                plan_id: crate::model::ids::PlanId::new(),
                spec: Box::new(TaskSpec::sample("t", "true")),
                after: vec![],
                branch: "refs/heads/ty/t-1".into(),
                target: "main".into(),
                auto_land: false,
            };
            let append =
                |tx: &mut Tx<'_>| tx.append(Actor::Human, Some(session), created).map(drop);
            store.write(append).unwrap();
            Self {
                _folder: folder,
                store,
                session,
            }
        }

        fn append(&mut self, event: Event) {
            let session = Some(self.session);
            let done = self
                .store
                .write(|tx| tx.append(Actor::Human, session, event).map(drop));
            done.unwrap();
        }

        fn say(&mut self, times: usize) -> Vec<MessageId> {
            let ids: Vec<_> = (0..times).map(|_| MessageId::new()).collect();
            for id in &ids {
                let message = Box::new(MessageRecord {
                    message_id: *id,
                    role: MessageRole::User,
                    content_hash: ContentHash::from_hex(&"0".repeat(64)).unwrap(),
                    size: 1,
                    token_count: None,
                    redacted: false,
                    redacted_calls: vec![],
                    incomplete: false,
                    tool_call_id: None,
                    attachments: vec![],
                    source: None,
                    answers: None,
                });
                self.append(Event::SessionMessage { message });
            }
            ids
        }

        fn back_to(&mut self, to: Option<MessageId>) {
            self.append(Event::ThreadTakenBack { to });
        }

        fn now(&self) -> Vec<MessageId> {
            ids(self.store.messages(self.session, 0).unwrap())
        }
    }

    fn ids(rows: Vec<MessageRow>) -> Vec<MessageId> {
        rows.into_iter().map(|row| row.record.message_id).collect()
    }

    #[test]
    fn whoever_comes_back_finds_the_branch_that_they_left() {
        let mut thread = Thread::new();
        let first = thread.say(4);
        thread.back_to(Some(first[1]));
        assert_eq!(thread.now(), first[..2]);
        let second = thread.say(2);
        let other: Vec<_> = first[..2].iter().chain(&second).copied().collect();
        assert_eq!(thread.now(), other);
        // The taking back is undone, and that once more.
        thread.back_to(Some(first[3]));
        assert_eq!(thread.now(), first);
        thread.back_to(Some(second[1]));
        assert_eq!(thread.now(), other);
        let tail = thread.store.last_message(thread.session).unwrap();
        assert_eq!(tail, Some(second[1]));
        thread.back_to(None);
        assert_eq!(thread.now(), []);
        let third = thread.say(1);
        assert_eq!(thread.now(), third);
        let at = |tail| ids(thread.store.messages_to(thread.session, tail).unwrap());
        assert_eq!(at(Some(second[0])), other[..3]);
        assert_eq!(at(Some(first[2])), first[..3]);
        assert_eq!(at(Some(third[0])), third);
        assert_eq!(at(None), []);
        assert_eq!(thread.store.all_messages(thread.session).unwrap().len(), 7);
    }

    #[test]
    fn a_message_of_another_session_takes_nothing_back() {
        let mut thread = Thread::new();
        let first = thread.say(2);
        thread.back_to(Some(MessageId::new()));
        assert_eq!(thread.now(), first);
    }
}
