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
use crate::sessions::said_by_person;
use crate::store::SessionRow;

/// A call that waits.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Whose it is.
    pub session: SessionRow,
    /// The call.
    pub call: AskedCall,
}

/// For how many calls an answer is.
#[derive(Debug, Clone)]
pub enum Reach {
    /// The one that waits.
    Once,
    /// Every call of its tool in this session.
    Session,
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
    let mut bytes = Vec::new();
    project.cas.read_to(hash, &mut bytes)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Failure::new(Code::ArtifactDamaged, format!("{hash}: {error}")))
}

/// Records what becomes of calls, and lets the session go on if it waited for that. With a `reason` its model is
/// told that, too. What was recorded, and the session as it is then.
///
/// # Errors
/// No call waits and no pattern says which calls are meant, a session that is over or has no model; or when it is
/// asked from inside of a session.
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
    let covers = match (reach, &waiting) {
        (Reach::Pattern(pattern), _) => Covers::Matching(pattern),
        (Reach::Once, Some(ask)) => Covers::Once(ask.call.fingerprint.clone()),
        (Reach::Session, Some(ask)) => Covers::Session(ask.call.tool_id.clone()),
        (_, None) => {
            let message = format!("no call of {} waits for an answer", session.name);
            let hint = "`treeyard approvals ls` lists those that do; `--pattern 'TOOL(ARG)'` answers beforehand";
            return Err(Failure::new(Code::SessionState, message).hint(hint));
        }
    };
    let rule = Rule { effect, covers };
    let words = reason.map(|text| {
        said_by_person(&project.cas, text, Vec::new(), &Redactor::patterns()).map(Box::new)
    });
    let words = words.transpose()?;
    project.store.write(|tx| {
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
