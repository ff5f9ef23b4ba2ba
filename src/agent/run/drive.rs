//! The loop.

use std::collections::HashSet;

use super::act::act;
use super::again::clear_left;
use super::compact::{Compaction, weight};
use super::error::RunError;
use super::ledger::{Ledger, New};
use super::opening;
use super::request::Common;
use super::setup::{Cancel, Setup};
use super::spending::settle_lost;
use super::structure::{CORRECTIONS, correction, wrong_with};
use super::turn::{Ear, ask};
use crate::agent::TodoItem;
use crate::cas::Cas;
use crate::fault::{self, Point};
use crate::model::budget::{Means, Span};
use crate::model::checkpoint::Cause;
use crate::model::event::{Actor, Event};
use crate::model::ids::EventId;
use crate::model::lock::Lock;
use crate::model::run::Stop;
use crate::model::session::SessionState;
use crate::model::thread::{Next, Said};
use crate::model::work::Choice;
use crate::sessions::locks::new_pause;
use crate::sessions::stopped;
use crate::store::Store;

/// A model at work.
pub(super) struct Run<'s> {
    pub setup: &'s Setup,
    pub ledger: Ledger,
    /// Limits of which a person was told.
    pub told: HashSet<(Span, Means)>,
    pub compaction: Compaction,
    /// Tokens of the last call, sent and answered.
    pub sent: u64,
    pub trace: EventId,
    /// What all its requests have in common.
    pub common: Common,
    /// What it held when its tools were made.
    pub lock: Option<Lock>,
    /// How many messages its thread had when a checkpoint was recorded last.
    pub kept_at: usize,
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
    let lock = store.lock_of(setup.session.id)?;
    let mut run = Run {
        ledger: Ledger::open(store, cas, ids, setup.redactor.clone())?,
        setup,
        told: HashSet::new(),
        compaction,
        sent: 0,
        trace: EventId::new(),
        common: Common::of(setup),
        lock,
        kept_at: 0,
    };
    settle_lost(&mut run.ledger, setup)?;
    if let Some(items) = run.ledger.last_result_of(&TodoItem::WRITTEN_BY)? {
        setup.world.todo.recall(items);
    }
    let granted = setup.grants.effective();
    let told = opening::Told {
        granted: &granted,
        instructions: &setup.instructions,
        rehearsal: setup.work.rehearsal,
    };
    opening::open(&mut run.ledger, &setup.session, &setup.world, &told)?;
    run.common.keep(&mut run.ledger)?;
    clear_left(&run);
    run.checkpoint_at_start()?;
    let stop = run.go(heard, cancel).await?;
    let stop = run.hand_over(stop);
    run.checkpoint(Cause::Stopped)?;
    fault::at(Point::Stopping)?;
    run.close(&stop)?;
    fault::at(Point::Stopped)?;
    Ok(stop)
}

impl Run<'_> {
    async fn go(&mut self, heard: &mut Ear<'_>, cancel: &Cancel) -> Result<Stop, RunError> {
        let (mut steps, mut corrections) = (0, 0);
        loop {
            if let Some(stop) = self.interrupted(cancel)? {
                return Ok(stop);
            }
            if !self.follow_lock()? {
                return Ok(Stop::Held);
            }
            self.ledger.listen()?;
            let stop = match self.ledger.thread.next() {
                Next::Rest => match self.rest(corrections)? {
                    None => {
                        corrections += 1;
                        None
                    }
                    stop => stop,
                },
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
            self.checkpoint_if_much_was_said()?;
            match stop {
                None => {}
                // What was said lately may still be too long; what was said long ago can go.
                Some(Stop::ContextFull) if self.compact() => {}
                Some(stop) => return Ok(stop),
            }
        }
    }

    /// A model that has answered is done, unless its answer is not what was asked for: then it is told so.
    fn rest(&mut self, corrections: u32) -> Result<Option<Stop>, RunError> {
        let wrong = self.setup.work.output_schema.as_ref().and_then(|schema| {
            let answer = self.ledger.thread.last_words().unwrap_or_default();
            wrong_with(&answer, schema)
        });
        match wrong {
            None => Ok(Some(Stop::Finished)),
            Some(detail) if corrections == CORRECTIONS => Ok(Some(Stop::Unstructured { detail })),
            Some(detail) => {
                let said = Said::User(correction(&detail));
                self.ledger.say(New::of(Actor::System, said))?;
                Ok(None)
            }
        }
    }

    /// Its tools follow what it holds: more was granted, or a person took some of it away. Without a lock it
    /// waits for its turn again.
    fn follow_lock(&mut self) -> Result<bool, RunError> {
        let now = self.ledger.store.lock_of(self.setup.session.id)?;
        if now == self.lock {
            return Ok(true);
        }
        if now.is_some()
            && let Err(error) = self.setup.world.follow_scope()
        {
            tracing::warn!(%error, "its tools go by what it held before");
        }
        self.lock = now;
        Ok(self.lock.is_some())
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
    fn hand_over(&mut self, stop: Stop) -> Stop {
        let Some(larger) = self.setup.larger.as_ref().filter(|_| stop.is_incapable()) else {
            return stop;
        };
        let because = stop.describe();
        if !larger.needs_person {
            let choice = Choice {
                model: larger.model.clone(),
                reason: format!("{} {because}", self.setup.work.model),
                escalated: Some(larger.backend),
            };
            let event = Event::ModelChosen { choice };
            self.ledger.note(Actor::System, event);
        }
        Stop::HandedOver {
            to: larger.model.clone(),
            because,
            asks: larger.needs_person,
        }
    }

    fn close(&mut self, stop: &Stop) -> Result<(), RunError> {
        let setup = self.setup;
        let lease = new_pause(setup.paused_keep_ms).unwrap_or_else(|error| {
            tracing::warn!(%error, "its lock has no end");
            None
        });
        let at = (setup.session.id, setup.job);
        self.ledger
            .commit_with(|tx| stopped(tx, at, &setup.work, stop, lease))
    }
}
