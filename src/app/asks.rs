//! Calls of tools that wait for a person, and the person's answers.

use super::awaits::awaits;
use super::control::{Word, apply};
use super::failure::Failure;
use super::inside;
use super::project::Project;
use crate::model::code::Code;
use crate::model::event::{Actor, Event};
use crate::model::ids::{ContentHash, EventId};
use crate::model::redact::Redactor;
use crate::model::run::{AskedCall, Stop};
use crate::model::tool::{Covers, Effect, Pattern, Rule};
use crate::sessions::{awaited, said_by_person};
use crate::store::{SessionRow, Tx};

/// So much of a fingerprint is told.
pub const TOLD: usize = 12;
/// So much of what is told has to come back, so that no other call is meant by chance.
pub const LEAST: usize = 6;

/// A call that waits.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Whose it is.
    pub session: SessionRow,
    /// The call.
    pub call: AskedCall,
}

/// For how many calls an answer is. One about a call says which was shown, by the start of its fingerprint in hex.
#[derive(Debug, Clone)]
pub enum Reach {
    /// The one that was shown.
    Once(String),
    /// Every call of the tool of the one that was shown, in this session.
    Session(String),
    /// Every call that the pattern has in this session.
    Pattern(Pattern),
}

/// The call that a session waits with.
///
/// # Errors
/// The store cannot be read.
pub fn ask_of(project: &Project, session: &SessionRow) -> Result<Option<Ask>, Failure> {
    let Some(Stop::AwaitsApproval { tool_call_id }) = awaits(&project.store, session)? else {
        return Ok(None);
    };
    let asked = project.store.asked_call(session.id)?;
    let call = asked.filter(|call| call.tool_call_id == tool_call_id);
    Ok(call.map(|call| Ask {
        session: session.clone(),
        call,
    }))
}

/// Every call that waits, the oldest session first.
///
/// # Errors
/// The store cannot be read.
pub fn asks(project: &Project) -> Result<Vec<Ask>, Failure> {
    let open = project.store.open_sessions()?;
    let asks = open.iter().map(|session| ask_of(project, session));
    asks.filter_map(Result::transpose).collect()
}

/// What a person is shown of a call: what it was called with, and what it would do.
///
/// # Errors
/// The artifact is damaged or gone.
pub fn preview(project: &Project, hash: &ContentHash) -> Result<serde_json::Value, Failure> {
    project.json_of(hash)
}

/// Records what becomes of calls, and lets the session go on if it waited for that. With a `reason` its model is
/// told that, too. What was recorded, and the session as it is then.
///
/// # Errors
/// The call that was shown waits no more, a session that is over or has no model; or when it is asked from inside of a
/// session.
pub fn answer(
    project: &mut Project,
    session: &SessionRow,
    (effect, reach): (Effect, Reach),
    reason: Option<&str>,
) -> Result<(Rule, SessionRow), Failure> {
    inside::refuse_session(
        "a session does not answer for a person, neither to itself nor to another",
    )?;
    refuse_unfit(session)?;
    let waiting = ask_of(project, session)?;
    let (covers, call) = match reach {
        Reach::Pattern(pattern) => (Covers::Matching(pattern), None),
        Reach::Once(shown) => {
            let call = meant(session, waiting.as_ref(), &shown)?;
            (Covers::Once(call.fingerprint.clone()), Some(call))
        }
        Reach::Session(shown) => {
            let call = meant(session, waiting.as_ref(), &shown)?;
            (Covers::Session(call.tool_id.clone()), Some(call))
        }
    };
    let rule = Rule { effect, covers };
    let words = reason.map(|text| {
        said_by_person(&project.cas, text, Vec::new(), &Redactor::patterns()).map(Box::new)
    });
    let words = words.transpose()?;
    project.store.write(|tx| {
        if let Some(call) = call {
            refuse_answered(tx, session, call)?;
        }
        let recorded = Box::new(rule.clone());
        let event = Event::ApprovalAnswered { rule: recorded };
        tx.append(Actor::Human, Some(session.id), event)?;
        if let Some(message) = words {
            let event = Event::SessionMessage { message };
            tx.append(Actor::Human, Some(session.id), event)?;
        }
        Ok::<_, Failure>(())
    })?;
    let id = session.id.to_string();
    let now = match waiting {
        Some(_) => apply(project, &id, Word::Resume)?,
        None => project.session(&id)?,
    };
    Ok((rule, now))
}

/// The call that waits, if it is the one that was shown.
fn meant<'a>(
    session: &SessionRow,
    waiting: Option<&'a Ask>,
    shown: &str,
) -> Result<&'a AskedCall, Failure> {
    let Some(Ask { call, .. }) = waiting else {
        let message = format!("no call of {} waits for an answer", session.name);
        let hint = "`treeyard approvals ls` lists those that do; `--pattern 'TOOL(ARG)'` answers beforehand";
        return Err(Failure::new(Code::SessionState, message).hint(hint));
    };
    let hex = call.fingerprint.hex();
    match shown.len() >= LEAST && hex.starts_with(shown) {
        true => Ok(call),
        false => {
            let name = &session.name;
            let message = format!(
                "the call {shown} of {name} waits no more; now it asks for {}: {}",
                &hex[..TOLD],
                call.summary
            );
            let hint = format!("treeyard approvals show {}", session.id.short());
            Err(Failure::new(Code::SessionState, message).hint(hint))
        }
    }
}

/// Somebody else may have answered since it was looked at, and then another call may wait already.
fn refuse_answered(tx: &Tx<'_>, session: &SessionRow, call: &AskedCall) -> Result<(), Failure> {
    let tool_call_id = call.tool_call_id.clone();
    let waits = awaited(tx, session.id)? == Some(Stop::AwaitsApproval { tool_call_id });
    let once = Covers::Once(call.fingerprint.clone());
    let mut rules = tx.rules(session.id)?.into_iter();
    if waits && !rules.any(|(_, rule)| rule.covers == once) {
        return Ok(());
    }
    let name = &session.name;
    let message = format!("somebody else has answered this call of {name}");
    let hint = format!("treeyard approvals show {}", session.id.short());
    Err(Failure::new(Code::SessionState, message).hint(hint))
}

/// Takes rules back: the one whose id begins so, or all of the session. Which.
///
/// # Errors
/// There is no such rule; or when it is asked from inside of a session.
pub fn revoke(
    project: &mut Project,
    session: &SessionRow,
    id: Option<&str>,
) -> Result<Vec<(EventId, Rule)>, Failure> {
    inside::refuse_session("a session does not take a person's word back")?;
    let mut rules = project.store.rules(session.id)?;
    if let Some(start) = id {
        rules.retain(|(event, _)| event.short().starts_with(start) || event.to_string() == start);
    }
    if rules.is_empty() {
        let message = format!("no such rule holds for {}", session.name);
        let hint = format!(
            "`treeyard approvals show {}` lists them",
            session.id.short()
        );
        return Err(Failure::new(Code::SessionState, message).hint(hint));
    }
    project.store.write(|tx| {
        rules.iter().try_for_each(|(granted, _)| {
            let event = Event::ApprovalSpent { granted: *granted };
            tx.append(Actor::Human, Some(session.id), event).map(drop)
        })
    })?;
    Ok(rules)
}

fn refuse_unfit(session: &SessionRow) -> Result<(), Failure> {
    let why = match session.spec()?.run.model() {
        None => "has no model: `treeyard approve` is for its commands",
        Some(_) if session.state.is_terminal() => "is over",
        Some(_) => return Ok(()),
    };
    let message = format!("{} {why}", session.name);
    Err(Failure::new(Code::SessionState, message))
}
