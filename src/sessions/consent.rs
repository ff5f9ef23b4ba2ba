//! Agreements given, refused and taken back, and what becomes of sessions by it.

use super::control::{ControlError, move_session, take_out, waits};
use super::locks::lease_of_pause;
use super::thread::queue;
use crate::model::consent::{ConsentReceipt, ConsentScope, ProjectionPlan, SessionModel};
use crate::model::event::{Actor, Event};
use crate::model::ids::{ContentHash, EventId, SessionId};
use crate::model::job::JobKind;
use crate::model::lock::Lease;
use crate::model::price::MicroDollars;
use crate::model::session::SessionState;
use crate::model::work::Work;
use crate::store::{Consent, SessionRow, Store, StoreError, Tx};

/// What a person agrees to before a task's session is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Whether it is for each session by itself or for all that are submitted together.
    pub scope: ConsentScope,
    /// The provider, as settings name it.
    pub provider: String,
    /// Where it is.
    pub endpoint: String,
    /// The model, as its provider names it.
    pub model_id: String,
    /// How long it holds, in milliseconds.
    pub for_ms: u64,
}

/// Writes down agreements to what these sessions will send. Those of sessions that were submitted together are one
/// for each model.
///
/// # Errors
/// Those of the database.
pub(super) fn agree_beforehand(
    tx: &mut Tx<'_>,
    wanted: &[(SessionId, &Agreement)],
) -> Result<(), StoreError> {
    let mut groups: Vec<(&Agreement, Vec<SessionId>)> = Vec::new();
    for (session, agreement) in wanted {
        let shared = agreement.scope != ConsentScope::SessionScoped;
        let known = groups
            .iter_mut()
            .find(|(one, _)| shared && one == agreement);
        match known {
            Some((_, sessions)) => sessions.push(*session),
            None => groups.push((agreement, vec![*session])),
        }
    }
    let now_ms = jiff::Timestamp::now().as_millisecond();
    for (agreement, sessions) in groups {
        let of = |session_id| SessionModel {
            session_id,
            model_id: agreement.model_id.clone(),
        };
        let plan = ProjectionPlan {
            scope: agreement.scope,
            provider: agreement.provider.clone(),
            endpoint: agreement.endpoint.clone(),
            sessions: sessions.into_iter().map(of).collect(),
            // Nobody knows yet what it will be.
            content_hash: None,
            size: 0,
            attachments: 0,
            estimated_tokens: 0,
            estimated_cost: MicroDollars(0),
        };
        agree(tx, ConsentReceipt::of(plan, now_ms, agreement.for_ms)?)?;
    }
    Ok(())
}

/// Writes down that a person agreed; the first of its sessions is the one that asked.
///
/// # Errors
/// Those of the database.
pub fn agree(tx: &mut Tx<'_>, receipt: ConsentReceipt) -> Result<EventId, StoreError> {
    let session = receipt.plan.sessions.first().map(|one| one.session_id);
    let receipt = Box::new(receipt);
    let event = Event::ConsentGiven { receipt };
    Ok(tx.append(Actor::Human, session, event)?.event_id)
}

/// Writes down that a person did not, and pauses the session that asked.
///
/// # Errors
/// Those of the database.
pub fn refuse(
    tx: &mut Tx<'_>,
    session: &SessionRow,
    (plan_hash, reason): (ContentHash, &str),
    lease: Option<Lease>,
) -> Result<(), ControlError> {
    let reason = reason.to_owned();
    let why = format!("nothing is sent: {reason}");
    let event = Event::ConsentDenied { plan_hash, reason };
    tx.append(Actor::Human, Some(session.id), event)?;
    let now = tx.session(session.id)?;
    let Some(now) = now.filter(|row| row.state == SessionState::Blocked) else {
        return Ok(());
    };
    let (from, to) = (now.state, SessionState::Paused);
    move_session(tx, Actor::Human, now.id, from, to, &why)?;
    Ok(lease_of_pause(tx, now.id, lease)?)
}

/// Takes agreements back. Queued calls of models that they were for are taken out, and their sessions wait for a
/// person again. Which sessions.
///
/// # Errors
/// Those of the database.
pub fn revoke(
    store: &mut Store,
    consents: &[Consent],
    reason: &str,
) -> Result<Vec<SessionId>, StoreError> {
    store.write(|tx| {
        let mut held = Vec::new();
        for consent in consents {
            let event = Event::ConsentRevoked {
                receipt: consent.granted,
                reason: reason.to_owned(),
            };
            let sessions = &consent.receipt.plan.sessions;
            let first = sessions.first().map(|one| one.session_id);
            tx.append(Actor::Human, first, event)?;
            for one in sessions {
                if hold(tx, one.session_id, reason)? {
                    held.push(one.session_id);
                }
            }
        }
        Ok(held)
    })
}

/// One that waits for a message or for another word is left as it is: it has to ask before it sends anything.
fn hold(tx: &mut Tx<'_>, session: SessionId, reason: &str) -> Result<bool, StoreError> {
    let Some(row) = tx.session(session)? else {
        return Ok(false);
    };
    let Work::Model(work) = row.spec()?.run else {
        return Ok(false);
    };
    if !matches!(row.state, SessionState::Created | SessionState::Active) {
        return Ok(false);
    }
    let why = format!("the agreement to send was taken back: {reason}");
    let jobs = tx.jobs_of(session)?;
    // By which it goes on when a person says so, and then it asks anew. First: one with nothing queued is over.
    queue(tx, Actor::Human, session, &work)?;
    for job in jobs.iter().filter(|job| waits(job)) {
        if job.kind == JobKind::ModelRun {
            take_out(tx, Actor::Human, job, &why)?;
        }
    }
    let (from, to) = (row.state, SessionState::Blocked);
    move_session(tx, Actor::Human, session, from, to, &why)?;
    Ok(true)
}
