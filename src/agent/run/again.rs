//! Calls that somebody was about to run when they died: what is known of them, and what a person says.

use super::drive::Run;
use crate::agent::Prepared;
use crate::agent::command::Left;
use crate::model::event::{Actor, Event};
use crate::model::thread::Pending;
use crate::model::tool::{Idempotency, OnFiles, Rule, Rules};
use crate::model::work::OnAmbiguous;
use crate::proc::boot_id;

/// What happens to a call that was cut short.
pub(super) enum Word {
    /// Nothing is to be decided: it did not begin, or it is known what became of it, or another time does no harm.
    None,
    /// A person decides, and has not.
    Awaited,
    /// It is made once more, because a person said so or its task's policy.
    Again(Option<Rule>),
    /// Its model is told, and looks how things stand.
    Adopted,
}

pub(super) fn word_on(run: &Run<'_>, pending: &Pending, call: &Prepared, rules: &Rules) -> Word {
    let again = call.card().idempotency == Idempotency::Idempotent;
    if !pending.begun || again || is_settled(run, pending, call) {
        return Word::None;
    }
    match run.setup.work.on_ambiguous {
        OnAmbiguous::Ask => said_of(call, rules),
        OnAmbiguous::Adopt => Word::Adopted,
        OnAmbiguous::Rerun => Word::Again(None),
    }
}

fn said_of(call: &Prepared, rules: &Rules) -> Word {
    let (tool, of, subjects) = (&call.card().tool_id, call.fingerprint(), call.subjects());
    match (
        rules.denying(tool, of, subjects),
        rules.allowing(tool, of, subjects, true),
    ) {
        // The gate says so.
        (Some(_), _) => Word::None,
        (None, Some(rule)) => Word::Again(Some(rule.clone())),
        (None, None) => Word::Awaited,
    }
}

/// Whether it is known what became of a call that somebody was about to run, or that nothing did.
fn is_settled(run: &Run<'_>, pending: &Pending, call: &Prepared) -> bool {
    match call.card().on_files() {
        OnFiles::Program => is_program_settled(run, pending),
        OnFiles::Named => run.undo_changes_of(call.subjects()),
        OnFiles::None => false,
    }
}

pub(super) fn note_reevaluated(run: &mut Run<'_>, pending: &Pending) {
    let event = Event::Recovered {
        action: "reevaluated".to_owned(),
        detail: format!("call {} of {}", pending.id, pending.call.name),
    };
    run.ledger.note(Actor::System, event);
}

/// Whoever recorded what a program came to may have died before its folder was removed.
pub(super) fn clear_left(run: &Run<'_>) {
    for call in run.ledger.thread.last_done() {
        run.setup.world.end_call(call.program(run.setup.session.id));
    }
}

/// Whether it is known of a program that somebody was about to run how it ended, or that it never began. After a restart of
/// the machine nobody knows of the latter: what had begun may not have reached the disk.
fn is_program_settled(run: &Run<'_>, pending: &Pending) -> bool {
    match run
        .setup
        .world
        .left_of(pending.id.program(run.setup.session.id))
    {
        Left::Found => true,
        Left::Lost => false,
        Left::Nothing => {
            let begun_in = run
                .ledger
                .store
                .boot_of_call(run.setup.session.id, &pending.id);
            let begun_in = begun_in.ok().flatten();
            begun_in.is_some() && begun_in == boot_id().ok().map(str::to_owned)
        }
    }
}
