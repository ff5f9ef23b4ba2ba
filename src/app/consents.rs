//! What is to be sent to providers, and a person's agreement to it.

use std::collections::HashMap;

use super::asks::LEAST;
use super::awaits::awaits;
use super::control::{Word, apply, lease};
use super::failure::Failure;
use super::inside;
use super::models::find;
use super::project::Project;
use super::providers::reach;
use crate::config::Settings;
use crate::model::backend::Backend;
use crate::model::code::Code;
use crate::model::consent::{ConsentReceipt, ConsentScope, ProjectionPlan, SessionModel};
use crate::model::ids::{ContentHash, EventId, SessionId};
use crate::model::run::Stop;
use crate::model::task::{TaskName, TaskSpec};
use crate::proc::Wake;
use crate::sessions::{self, Agreement};
use crate::store::{Consent, SessionRow, Tx};

/// A session that waits, and what it would send.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Whose it is.
    pub session: SessionRow,
    /// What, and where.
    pub plan: ProjectionPlan,
}

/// What was agreed to.
#[derive(Debug, Clone)]
pub struct Agreed {
    /// By which it can be taken back.
    pub id: EventId,
    /// To what.
    pub receipt: ConsentReceipt,
    /// The sessions that go on by it.
    pub resumed: Vec<SessionRow>,
}

/// What a person agrees to before there are sessions that ask: for each task whose model is elsewhere, where that is.
///
/// # Errors
/// There is no such model or provider; or when it is asked from inside of a session.
pub(super) fn beforehand(
    settings: &Settings,
    tasks: &[TaskSpec],
    scope: ConsentScope,
) -> Result<HashMap<TaskName, Agreement>, Failure> {
    refuse_inside()?;
    let variable = |name: &str| std::env::var(name).ok();
    let mut agreements = HashMap::new();
    for task in tasks {
        let Some(work) = task.run.model() else {
            continue;
        };
        let model = find(settings, &work.model)?;
        let reach = reach(&model.provider, &variable)?;
        if reach.backend == Backend::Local {
            continue;
        }
        let agreement = Agreement {
            scope,
            provider: model.provider.name.clone(),
            endpoint: reach.endpoint,
            model_id: model.model,
            for_ms: settings.consent_valid_for_ms(),
        };
        agreements.insert(task.name.clone(), agreement);
    }
    Ok(agreements)
}

/// Every session that waits for an agreement, the oldest first.
///
/// # Errors
/// The store cannot be read.
pub fn wishes(project: &Project) -> Result<Vec<Wish>, Failure> {
    let open = project.store.open_sessions()?;
    let wishes = open.iter().map(|session| wish_of(project, session));
    wishes.filter_map(Result::transpose).collect()
}

/// What a session waits to send.
///
/// # Errors
/// The store cannot be read.
pub fn wish_of(project: &Project, session: &SessionRow) -> Result<Option<Wish>, Failure> {
    if awaits(&project.store, session)? != Some(Stop::AwaitsConsent) {
        return Ok(None);
    }
    let asked = project.store.asked_consent(session.id)?;
    Ok(asked.map(|plan| Wish {
        session: session.clone(),
        plan,
    }))
}

/// Agrees to what a session was shown to send (by the start of its plan's hash in hex), for so much (as it was asked
/// for, without) and so long (as the settings say, without; in milliseconds). All sessions that waited for that go on.
///
/// # Errors
/// It waits for no agreement or for another one; or when it is asked from inside of a session.
pub fn allow(
    project: &mut Project,
    session: &SessionRow,
    shown: &str,
    (scope, for_ms): (Option<ConsentScope>, Option<u64>),
) -> Result<Agreed, Failure> {
    refuse_inside()?;
    let (mut plan, asked) = waiting(project, session, shown)?;
    plan.scope = scope.unwrap_or(plan.scope);
    let model = project.store.model_of(session)?;
    let for_ms = for_ms.unwrap_or_else(|| project.settings.consent_valid_for_ms());
    let (id, receipt) = project.store.write(|tx| {
        refuse_answered(tx, session, &asked)?;
        let model = model.as_deref().unwrap_or_default();
        plan.sessions = covered(tx, session, model, &plan)?;
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let receipt = ConsentReceipt::of(plan, now_ms, for_ms).map_err(unwritten)?;
        let id = sessions::agree(tx, receipt.clone())?;
        Ok::<_, Failure>((id, receipt))
    })?;
    let mut resumed = Vec::new();
    for one in wishes(project)? {
        if agrees_to(&receipt.plan, &one) {
            let id = one.session.id.to_string();
            resumed.push(apply(project, &id, Word::Resume)?);
        }
    }
    Ok(Agreed {
        id,
        receipt,
        resumed,
    })
}

/// The sessions of a wider agreement are those that are there now: one that comes later asks for itself.
fn covered(
    tx: &Tx<'_>,
    session: &SessionRow,
    model: &str,
    plan: &ProjectionPlan,
) -> Result<Vec<SessionModel>, Failure> {
    let model_of = |one: &SessionModel| one.session_id == session.id;
    let own = plan.sessions.iter().find(|one| model_of(one));
    let model_id = own.map_or(model, |one| &one.model_id).to_owned();
    let others = match plan.scope {
        ConsentScope::SingleCall | ConsentScope::SessionScoped => Vec::new(),
        ConsentScope::WpScoped => tx.sessions_with_model(Some(session.plan_id), model)?,
        ConsentScope::BroadcastScoped => tx.sessions_with_model(None, model)?,
    };
    let others = others.into_iter().filter(|id| *id != session.id);
    let all = std::iter::once(session.id).chain(others);
    let of = |session_id: SessionId| SessionModel {
        session_id,
        model_id: model_id.clone(),
    };
    Ok(all.map(of).collect())
}

fn unwritten(error: serde_json::Error) -> Failure {
    Failure::new(Code::Io, error.to_string())
}

fn agrees_to(plan: &ProjectionPlan, wish: &Wish) -> bool {
    let session = wish.session.id;
    let same_call = plan.content_hash == wish.plan.content_hash;
    plan.provider == wish.plan.provider
        && plan.endpoint == wish.plan.endpoint
        && plan.sessions.iter().any(|one| one.session_id == session)
        && (!plan.scope.is_single() || same_call)
}

/// Says that what was shown (by the start of its plan's hash in hex) is not to be sent. The session is paused: it asks
/// again when it is resumed.
///
/// # Errors
/// It waits for no agreement or for another one; or when it is asked from inside of a session.
pub fn deny(
    project: &mut Project,
    session: &SessionRow,
    shown: &str,
    reason: &str,
) -> Result<SessionRow, Failure> {
    refuse_inside()?;
    let (_, hash) = waiting(project, session, shown)?;
    let lease = lease(&project.settings)?;
    project.store.write(|tx| {
        refuse_answered(tx, session, &hash)?;
        Ok::<_, Failure>(sessions::refuse(tx, session, (hash, reason), lease)?)
    })?;
    project.session(&session.id.to_string())
}

/// Takes an agreement back, by the start of its id, or all that hold for a session. Which, and the sessions that wait
/// again.
///
/// # Errors
/// There is none; or when it is asked from inside of a session.
pub fn revoke(
    project: &mut Project,
    which: &str,
    reason: &str,
) -> Result<(Vec<Consent>, Vec<SessionRow>), Failure> {
    refuse_inside()?;
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let mut live = project.store.consents(now_ms)?;
    let is_id =
        |one: &Consent| one.granted.short().starts_with(which) || one.granted.to_string() == which;
    if live.iter().any(is_id) {
        live.retain(is_id);
    } else {
        let session = project.session(which)?.id;
        let covers = |one: &Consent| {
            let mut sessions = one.receipt.plan.sessions.iter();
            sessions.any(|one| one.session_id == session)
        };
        live.retain(covers);
    }
    if live.is_empty() {
        let message = format!("no agreement holds for {which:?}");
        let hint = "`treeyard consent ls` lists those that hold";
        return Err(Failure::new(Code::SessionState, message).hint(hint));
    }
    let held = sessions::revoke(&mut project.store, &live, reason)?;
    Wake::notify(&project.repo.state_dir());
    let rows = held.iter().map(|id| project.session(&id.to_string()));
    let rows = rows.collect::<Result<_, _>>()?;
    Ok((live, rows))
}

fn refuse_inside() -> Result<(), Failure> {
    inside::refuse_session(
        "a session does not agree to what is sent, neither for itself nor for another",
    )
}

/// What waits, and its hash, if that is what was shown.
fn waiting(
    project: &Project,
    session: &SessionRow,
    shown: &str,
) -> Result<(ProjectionPlan, ContentHash), Failure> {
    let Some(Wish { plan, .. }) = wish_of(project, session)? else {
        let message = format!("{} waits for no agreement", session.name);
        let hint = "`treeyard consent ls` lists those that do";
        return Err(Failure::new(Code::SessionState, message).hint(hint));
    };
    let hash = plan.hash().map_err(unwritten)?;
    match shown.len() >= LEAST && hash.hex().starts_with(shown) {
        true => Ok((plan, hash)),
        false => Err(other(session)),
    }
}

/// Somebody else may have answered since it was looked at, and then something else may wait already.
fn refuse_answered(tx: &Tx<'_>, session: &SessionRow, hash: &ContentHash) -> Result<(), Failure> {
    let asked = tx.asked_consent(session.id)?;
    let asked = asked
        .map(|plan| plan.hash().map_err(unwritten))
        .transpose()?;
    let waits = sessions::awaited(tx, session.id)? == Some(Stop::AwaitsConsent);
    match waits && asked.as_ref() == Some(hash) {
        true => Ok(()),
        false => Err(other(session)),
    }
}

fn other(session: &SessionRow) -> Failure {
    let message = format!("what was shown of {} waits no more", session.name);
    let hint = format!("treeyard consent show {}", session.id.short());
    Failure::new(Code::SessionState, message).hint(hint)
}
