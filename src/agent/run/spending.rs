//! What has to be settled before anything is sent: that the budgets allow it, and that a person agreed. Both are
//! looked at and taken in one transaction, so that two sessions cannot both have what there is only once.

use std::collections::HashSet;

use super::arriving::left_of;
use super::error::RunError;
use super::key::key_of;
use super::ledger::Ledger;
use super::pace::held_until;
use super::setup::Setup;
use crate::model::backend::Backend;
use crate::model::budget::{Limit, Means, Span, Spent, Verdict, Warned, check};
use crate::model::chat::{Block, ChatRequest, FinishReason, Image, Usage};
use crate::model::consent::{ConsentScope, ProjectionPlan, Sending, SessionModel};
use crate::model::event::{Actor, Event};
use crate::model::ids::{ContentHash, EventId, ModelCallId};
use crate::model::price::MicroDollars;
use crate::model::run::{CallEnd, CallIntent, CallOutcome, Frame, Reserved, Stop};
use crate::store::{Spending, StoreError, Tx};

/// Bytes of a request that make a token; a call takes fewer tokens than that says, as a rule.
pub(super) const BYTES_A_TOKEN: u64 = 3;
/// What a picture takes, in tokens; the large providers scale larger ones down to about that.
const PICTURE_TOKENS: u64 = 2_000;

/// A call that may be made.
pub(super) struct Cleared {
    pub call_id: ModelCallId,
    /// Under which its provider knows it.
    pub key: Option<ModelCallId>,
    /// By which a person agreed to it.
    pub consent: Option<EventId>,
}

/// Why a call is not made now.
pub(super) enum NotNow {
    /// It is not to be made at all as things are.
    Stop(Stop),
    /// Its provider was asked enough until this time, in milliseconds since the epoch.
    Until(i64),
}

/// A request that is to be sent.
pub(super) struct Wanted<'a> {
    pub request: &'a ChatRequest,
    pub hash: &'a ContentHash,
    pub frame: Option<Frame>,
    pub bytes: u64,
}

impl Wanted<'_> {
    /// What it may take, at most by any likelihood.
    pub fn usage(&self) -> Usage {
        let pictures = || self.pictures().map(|picture| picture.data.len() as u64);
        let words = self.bytes.saturating_sub(pictures().sum());
        let seen = pictures().count() as u64 * PICTURE_TOKENS;
        Usage {
            input: words.div_ceil(BYTES_A_TOKEN) + seen,
            output: u64::from(self.request.max_output_tokens),
            ..Usage::default()
        }
    }

    /// What it took with this answer, where nobody counted.
    pub fn estimate(&self, answer: &[Block]) -> Usage {
        let bytes = serde_json::to_vec(answer).map_or(0, |bytes| bytes.len() as u64);
        Usage {
            output: bytes.div_ceil(BYTES_A_TOKEN),
            ..self.usage()
        }
    }

    fn pictures(&self) -> impl Iterator<Item = &Image> {
        let blocks = self.request.messages.iter().flat_map(|one| &one.content);
        blocks.filter_map(|block| match block {
            Block::Image(image) => Some(image),
            _ => None,
        })
    }
}

/// Takes what the call may come to out of the budgets and writes down that it is made; or says why it is not.
pub(super) fn clear(
    ledger: &mut Ledger,
    setup: &Setup,
    wanted: &Wanted<'_>,
    told: &mut HashSet<(Span, Means)>,
) -> Result<Result<Cleared, NotNow>, RunError> {
    let usage = wanted.usage();
    let reserved = Reserved {
        tokens: usage.input.saturating_add(usage.output),
        cost: dearest(setup, usage),
    };
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let day_ms = start_of_day().unwrap_or(now_ms);
    ledger.commit_with(|tx| {
        let warned = match fits(tx, setup, reserved, day_ms)? {
            Ok(warned) => warned,
            Err(stop) => return Ok(Err(NotNow::Stop(stop))),
        };
        let consent = match agreed(tx, setup, wanted, reserved, now_ms)? {
            Ok(consent) => consent,
            Err(stop) => return Ok(Err(NotNow::Stop(stop))),
        };
        if let Some(next_ms) = held_until(tx, setup, reserved.tokens, now_ms)? {
            return Ok(Err(NotNow::Until(next_ms)));
        }
        for warned in warned {
            if told.insert((warned.span, warned.means)) {
                let event = Event::BudgetWarned { warned };
                tx.append(Actor::System, Some(setup.session.id), event)?;
            }
        }
        let call_id = ModelCallId::new();
        let key = key_of(tx, setup, wanted, call_id)?;
        let call = CallIntent {
            job_id: setup.job,
            call_id,
            step: tx.steps_of(setup.session.id)? + 1,
            provider: setup.caller.provider_name.clone(),
            model_id: setup.caller.model.clone(),
            backend: setup.caller.backend,
            identity: Some(setup.identity.clone()),
            request_hash: wanted.hash.clone(),
            frame: wanted.frame.clone(),
            key,
            reserved,
            consent,
        };
        let call = Box::new(call);
        let event = Event::ModelCallStarted { call };
        tx.append(Actor::System, Some(setup.session.id), event)?;
        Ok(Ok(Cleared {
            call_id,
            key,
            consent,
        }))
    })
}

/// What goes into the provider's cache may cost more than what does not.
fn dearest(setup: &Setup, usage: Usage) -> MicroDollars {
    let cached = Usage {
        input: 0,
        cache_write: usage.input,
        ..usage
    };
    let price = &setup.caller.price;
    price(usage).max(price(cached))
}

/// What those calls took that somebody was making when they died is not known: it counts as what was reserved. What had
/// arrived of an answer is one that was cut off.
pub(super) fn settle_lost(ledger: &mut Ledger, setup: &Setup) -> Result<(), RunError> {
    for call in ledger.store.open_calls(setup.session.id)? {
        let (tokens, cost) = call.reserved;
        let left = left_of(ledger, &call)?;
        let end = match &left {
            Some(_) => CallEnd::Answered {
                finish_reason: FinishReason::Error,
                response_id: None,
            },
            None => CallEnd::Lost,
        };
        let ended = CallOutcome {
            job_id: setup.job,
            call_id: call.call_id,
            end,
            usage: Usage {
                input: tokens,
                ..Usage::default()
            },
            cost,
            latency_ms: 0,
        };
        note_end(ledger, ended, call.consent);
        if let Some(answer) = left {
            ledger.say(answer)?;
        }
    }
    Ok(())
}

/// How a call ended, and where it was answered what was sent by a person's agreement.
pub(super) fn note_end(ledger: &mut Ledger, call: CallOutcome, consent: Option<EventId>) {
    let answered = matches!(call.end, CallEnd::Answered { .. });
    let (call_id, call) = (call.call_id, Box::new(call));
    ledger.note(Actor::System, Event::ModelCallEnded { call });
    if let Some(receipt) = consent.filter(|_| answered) {
        let event = Event::CloudCalled { receipt, call_id };
        ledger.note(Actor::System, event);
    }
}

fn fits(
    tx: &Tx<'_>,
    setup: &Setup,
    reserved: Reserved,
    day_ms: i64,
) -> Result<Result<Vec<Warned>, Stop>, StoreError> {
    let mut limits = Vec::new();
    for (span, allowance) in &setup.budgets.limits {
        if allowance.is_open() {
            continue;
        }
        let spent = tx.spent(&Spending {
            span: *span,
            session: setup.session.id,
            plan: setup.session.plan_id,
            day_ms,
        })?;
        limits.push(Limit {
            span: *span,
            allowance: *allowance,
            spent,
        });
    }
    let call = Spent {
        tokens: reserved.tokens,
        cost: reserved.cost,
        millis: 0,
        steps: 1,
    };
    Ok(match check(&limits, call, setup.budgets.warn_percent) {
        Verdict::Fits(warned) => Ok(warned),
        Verdict::Over(over) => Err(Stop::Budget {
            detail: over.to_string(),
            ends: setup.budgets.ends,
        }),
    })
}

/// Nothing leaves this machine without a person's agreement.
fn agreed(
    tx: &mut Tx<'_>,
    setup: &Setup,
    wanted: &Wanted<'_>,
    reserved: Reserved,
    now_ms: i64,
) -> Result<Result<Option<EventId>, Stop>, StoreError> {
    if setup.caller.backend == Backend::Local {
        return Ok(Ok(None));
    }
    let sending = Sending {
        session: setup.session.id,
        provider: &setup.caller.provider_name,
        endpoint: &setup.caller.endpoint,
        model: &setup.caller.model,
        content: wanted.hash,
        now_ms,
    };
    let covering = tx
        .consents(now_ms)?
        .into_iter()
        .find(|one| one.receipt.covers(&sending));
    if let Some(covering) = covering {
        return Ok(Ok(Some(covering.granted)));
    }
    let plan = plan(tx, setup, wanted, reserved)?;
    let plan = Box::new(plan);
    tx.append(
        Actor::System,
        Some(setup.session.id),
        Event::ConsentRequested { plan },
    )?;
    Ok(Err(Stop::AwaitsConsent))
}

fn plan(
    tx: &Tx<'_>,
    setup: &Setup,
    wanted: &Wanted<'_>,
    reserved: Reserved,
) -> Result<ProjectionPlan, StoreError> {
    let model_id = &setup.caller.model;
    let of = |session_id| SessionModel {
        session_id,
        model_id: model_id.clone(),
    };
    let sessions = match setup.consent {
        ConsentScope::SingleCall | ConsentScope::SessionScoped => vec![setup.session.id],
        ConsentScope::WpScoped => {
            tx.sessions_with_model(Some(setup.session.plan_id), &setup.work.model)?
        }
        ConsentScope::BroadcastScoped => tx.sessions_with_model(None, &setup.work.model)?,
    };
    let others = sessions.into_iter().filter(|id| *id != setup.session.id);
    let sessions = std::iter::once(setup.session.id).chain(others);
    Ok(ProjectionPlan {
        scope: setup.consent,
        provider: setup.caller.provider_name.clone(),
        endpoint: setup.caller.endpoint.clone(),
        sessions: sessions.map(of).collect(),
        content_hash: Some(wanted.hash.clone()),
        size: wanted.bytes,
        attachments: u32::try_from(wanted.pictures().count()).unwrap_or(u32::MAX),
        estimated_tokens: reserved.tokens,
        estimated_cost: reserved.cost,
    })
}

/// Where this machine is.
fn start_of_day() -> Option<i64> {
    let now = jiff::Zoned::now();
    let start = now.start_of_day().ok()?;
    Some(start.timestamp().as_millisecond())
}
