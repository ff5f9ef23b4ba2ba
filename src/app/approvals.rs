//! Commands that a session does not run without a person's word: allowing one run, and using that up.

use super::failure::Failure;
use super::inside;
use super::project::Project;
use crate::model::denylist::redacted;
use crate::model::event::{Actor, Event};
use crate::model::ids::SessionId;
use crate::store::{Store, StoreError};

const MINUTE_MS: i64 = 60_000;
/// How often in a minute the same words are written down, and any at all: a program that asks in a
/// loop must not fill the log.
const MOST_ALIKE: usize = 3;
const MOST: usize = 30;

/// What a session asked for with the same words.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// The stable word of the rule that it met.
    pub rule: String,
    /// Where it was to run, the last time.
    pub cwd: String,
    /// How often it is on record.
    pub times: u64,
    /// When it was asked last, in milliseconds since the epoch.
    pub last_ms: i64,
    /// How many runs of it are allowed and still to come.
    pub allowed: usize,
}

/// Allows one run of exactly these words.
///
/// # Errors
/// When it is asked from inside of a session.
pub fn approve(project: &mut Project, session: SessionId, words: &[String]) -> Result<(), Failure> {
    inside::refuse_word_of_session()?;
    let words = redacted(words);
    project.store.write(|tx| {
        let event = Event::CommandApproved { words };
        tx.append(Actor::Human, Some(session), event).map(drop)
    })?;
    Ok(())
}

/// What a session was denied, and may run by now; the last one first.
///
/// # Errors
/// When the store cannot be read.
pub fn wishes(project: &Project, session: SessionId) -> Result<Vec<Wish>, Failure> {
    let mut wishes: Vec<Wish> = Vec::new();
    for asked in project.store.asked(session)? {
        let times = match wishes.iter().position(|wish| wish.words == asked.words) {
            Some(known) => wishes.remove(known).times,
            None => 0,
        };
        wishes.insert(
            0,
            Wish {
                words: asked.words,
                rule: asked.rule,
                cwd: asked.cwd,
                times: times + 1,
                last_ms: asked.at_ms,
                allowed: 0,
            },
        );
    }
    for approval in project.store.approvals(session)? {
        let known = wishes.iter_mut().find(|wish| wish.words == approval.words);
        known.into_iter().for_each(|wish| wish.allowed += 1);
    }
    Ok(wishes)
}

/// Uses one permission for exactly these words up, if there is one; otherwise it is written down that
/// they were asked for.
///
/// # Errors
/// When it cannot be written down: then there is no permission.
pub(super) fn spend(
    store: &mut Store,
    session: SessionId,
    words: &[String],
    rule: &str,
    cwd: &str,
) -> Result<bool, StoreError> {
    let words = redacted(words);
    let since = jiff::Timestamp::now().as_millisecond() - MINUTE_MS;
    store.write(|tx| {
        let left = tx.approvals(session)?;
        if let Some(one) = left.into_iter().find(|one| one.words == words) {
            let granted = one.granted;
            let event = Event::CommandApprovalUsed { granted, words };
            tx.append(Actor::Agent, Some(session), event)?;
            return Ok(true);
        }
        let asked = tx.asked(session, since)?;
        let alike = asked.iter().filter(|one| one.words == words).count();
        if alike < MOST_ALIKE && asked.len() < MOST {
            let (rule, cwd) = (rule.to_owned(), cwd.to_owned());
            let event = Event::CommandDenied { words, rule, cwd };
            tx.append(Actor::Agent, Some(session), event)?;
        }
        Ok(false)
    })
}
