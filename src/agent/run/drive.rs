//! The loop.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::act::act;
use super::compact::{Compaction, weight};
use super::error::RunError;
use super::ledger::{Ledger, New};
use super::opening;
use super::setup::{Cancel, Setup};
use super::spending::settle_lost;
use super::turn::{Ear, ask};
use crate::cas::Cas;
use crate::model::budget::{Means, Span};
use crate::model::event::{Actor, Event};
use crate::model::ids::EventId;
use crate::model::lock::Lease;
use crate::model::run::Stop;
use crate::model::session::SessionState;
use crate::model::thread::{Next, Said, Spoken};
use crate::model::tool::CallId;
use crate::model::work::Choice;
use crate::proc::moment;
use crate::sessions::stopped;
use crate::store::Store;

/// A model at work.
pub(super) struct Run<'s> {
    pub setup: &'s Setup,
    pub ledger: Ledger,
    /// What the model wrote for arguments, where what is kept of them is not the same.
    pub originals: HashMap<CallId, Value>,
    /// Limits of which a person was told.
    pub told: HashSet<(Span, Means)>,
    pub compaction: Compaction,
    /// Tokens of the last call, sent and answered.
    pub sent: u64,
    pub trace: EventId,
}

/// Goes on with a session's thread until there is a reason to stop, and records that reason and what
/// becomes of the session by it.
///
/// # Errors
/// When something of treeyard's own fails: nothing is lost then that was acknowledged, and the next job goes on from there.
pub async fn drive(
    (store, cas): (Store, Cas),
    setup: &Setup,
    heard: &mut Ear<'_>,
    cancel: &Cancel,
) -> Result<Stop, RunError> {
    let ids = (setup.session.id, setup.job);
    let compaction = Compaction {
        upto: store.compacted(setup.session.id)?,
    };
    let mut run = Run {
        ledger: Ledger::open(store, cas, ids, setup.redactor.clone())?,
        setup,
        originals: HashMap::new(),
        told: HashSet::new(),
        compaction,
        sent: 0,
        trace: EventId::new(),
    };
    settle_lost(&mut run.ledger, setup)?;
    let granted = setup.grants.effective();
    let about = (&granted, setup.instructions.as_slice());
    opening::open(&mut run.ledger, &setup.session, &setup.world, about)?;
    let stop = run.go(heard, cancel).await?;
    let stop = run.hand_over(stop)?;
    run.close(&stop)?;
    Ok(stop)
}

impl Run<'_> {
    async fn go(&mut self, heard: &mut Ear<'_>, cancel: &Cancel) -> Result<Stop, RunError> {
        let mut steps = 0;
        loop {
            if let Some(stop) = self.interrupted(cancel)? {
                return Ok(stop);
            }
            self.ledger.listen()?;
            let stop = match self.ledger.thread.next() {
                Next::Rest => return Ok(Stop::Finished),
                Next::Act(pending) => act(self, pending, heard, cancel).await?,
                Next::Ask if steps == self.setup.max_steps => {
                    return Ok(Stop::StepLimit { steps });
                }
                Next::Ask => {
                    steps += 1;
                    self.compact_if_long();
                    ask(self, heard, cancel).await?
                }
            };
            match stop {
                None => {}
                // What was said lately may still be too long; what was said long ago can go.
                Some(Stop::ContextFull) if self.compact() => {}
                Some(stop) => return Ok(stop),
            }
        }
    }

    /// A person's word is heard between any two steps.
    pub(super) fn interrupted(&self, cancel: &Cancel) -> Result<Option<Stop>, RunError> {
        if cancel.is_told() {
            return Ok(Some(Stop::Cancelled));
        }
        let now = self.ledger.store.session(self.setup.session.id)?;
        Ok(match now.map(|row| row.state) {
            Some(SessionState::Active) => None,
            Some(SessionState::Paused | SessionState::Blocked | SessionState::Created) => {
                Some(Stop::Held)
            }
            _ => Some(Stop::Cancelled),
        })
    }

    /// Says what the model answered, and keeps what is not kept as it was.
    pub(super) fn say_answer(&mut self, new: New) -> Result<(), RunError> {
        let Said::Assistant(content) = &new.said else {
            return self.ledger.say(new).map(drop);
        };
        let written = content.clone();
        let kept = self.ledger.say(new)?;
        if kept.record.redacted {
            let written = Spoken {
                said: Said::Assistant(written),
                ..kept
            };
            let calls = written.calls();
            self.originals
                .extend(calls.map(|(id, call)| (id, call.arguments.clone())));
        }
        Ok(())
    }

    fn compact_if_long(&mut self) {
        let most = u64::from(self.setup.caller.capabilities.max_context_window)
            * u64::from(self.setup.compact_percent)
            / 100;
        let answer = u64::from(self.setup.caller.max_output_tokens);
        if self.sent > 0 && self.sent + answer > most.max(answer) {
            self.compact();
        }
    }

    /// Whether there was something to leave out.
    fn compact(&mut self) -> bool {
        let conversation = self.ledger.thread.conversation();
        let shorter = Compaction::of(&conversation);
        if shorter.upto <= self.compaction.upto {
            return false;
        }
        let before = weight(&self.compaction.apply(conversation.clone()));
        let after = weight(&shorter.apply(conversation));
        if after >= before {
            return false;
        }
        self.compaction = shorter;
        let event = Event::ThreadCompacted {
            job_id: self.setup.job,
            upto: shorter.upto,
            bytes_before: before,
            bytes_after: after,
        };
        self.ledger.note(Actor::System, event);
        true
    }

    /// What this model could not do goes on with a larger one, where there is one that may.
    fn hand_over(&mut self, stop: Stop) -> Result<Stop, RunError> {
        let Some(larger) = self.setup.larger.as_ref().filter(|_| stop.is_incapable()) else {
            return Ok(stop);
        };
        let because = stop.describe();
        if stop == Stop::OutputLimit {
            let words = "Your last answer was cut off: it was longer than it may be. Go on.";
            let said = Said::User(words.to_owned());
            self.ledger.say(New::of(Actor::System, said))?;
        }
        if !larger.needs_person {
            let choice = Choice {
                model: larger.model.clone(),
                reason: format!("{} {because}", self.setup.work.model),
                escalated: Some(larger.backend),
            };
            let event = Event::ModelChosen { choice };
            self.ledger.note(Actor::System, event);
        }
        Ok(Stop::HandedOver {
            to: larger.model.clone(),
            because,
            asks: larger.needs_person,
        })
    }

    fn close(&mut self, stop: &Stop) -> Result<(), RunError> {
        let setup = self.setup;
        let lease = setup.paused_keep_ms.and_then(|for_ms| {
            let now = moment().ok()?;
            Some(Lease::new(&now, Some(for_ms), None))
        });
        let at = (setup.session.id, setup.job);
        self.ledger
            .commit_with(|tx| stopped(tx, at, &setup.work, stop, lease))
    }
}
