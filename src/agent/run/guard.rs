//! Guardrails at the gate: what a call and the thread before it show, and what follows.

use serde_json::Value;

use super::before::{failures, untrusted};
use super::drive::Run;
use super::error::RunError;
use crate::agent::look::{Looked, look};
use crate::model::event::{Actor, Event};
use crate::model::guardrail::{GuardrailHit, SAME_FAILURES, Signal, bundled};
use crate::model::run::Stop;
use crate::model::thread::Pending;
use crate::model::tool::{Hit, Outcome};

/// The guardrails that a call meets. Each is noted, whatever becomes of the call.
pub(super) fn judge(
    run: &mut Run<'_>,
    pending: &Pending,
    args: Option<&Value>,
) -> Result<Vec<Hit>, RunError> {
    let registry = bundled()?;
    let setup = run.setup;
    let tool = pending.call.name.as_str();
    let entry = setup.registry.get(tool).ok();
    let call = Looked {
        tool,
        effect: entry.map(|entry| entry.card.side_effect),
        args: args.unwrap_or(&pending.call.arguments),
    };
    let mut seen = look(call, &setup.world, &setup.redactor);
    if pending.redacted && args.is_none() {
        seen.insert(Signal::Secret);
    }
    if failures(&run.ledger.thread, pending) >= SAME_FAILURES {
        seen.insert(Signal::SameFailure);
    }
    // Only these calls are asked about it, and finding out takes a while.
    let sends = [Signal::ReachesNetwork, Signal::NetworkOpen];
    if sends.iter().all(|signal| seen.contains(signal))
        && untrusted(&run.ledger.thread, &setup.world)
    {
        seen.insert(Signal::Untrusted);
    }
    let found = registry.evaluate(&seen);
    let hits = found.iter().map(|one| one.hit()).collect();
    if was_asked(run, pending)? {
        return Ok(hits);
    }
    for one in found {
        let hit = Box::new(GuardrailHit {
            job_id: setup.job,
            tool_call_id: pending.id.clone(),
            tool_id: tool.chars().take(80).collect(),
            guardrail_id: one.guardrail.guardrail_id.clone(),
            registry_version: registry.version.to_string(),
            registry_digest: registry.digest(),
            outcome: one.guardrail.outcome,
            signals: one.signals,
        });
        run.ledger.note(Actor::System, Event::GuardrailHit { hit });
    }
    Ok(hits)
}

/// Whether a person was asked about this very call, so that what it meets is on record already.
fn was_asked(run: &Run<'_>, pending: &Pending) -> Result<bool, RunError> {
    let asked = run.ledger.store.asked_call(run.setup.session.id)?;
    Ok(asked.is_some_and(|asked| asked.tool_call_id == pending.id))
}

/// The reason to stop, if one of them is.
pub(super) fn ended_by(hits: &[Hit]) -> Option<Stop> {
    let mut hits = hits.iter();
    let stops = hits.find(|hit| hit.outcome == Outcome::ForceStop)?;
    Some(Stop::Guardrail {
        id: stops.guardrail.clone(),
    })
}
