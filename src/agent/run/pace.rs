//! How often a provider is asked, and how much: two token buckets whose levels follow from the calls on record.

use std::time::{Duration, Instant};

use super::drive::Run;
use super::error::RunError;
use super::setup::{Cancel, Heard, Setup};
use super::turn::Ear;
use crate::model::bucket::Bucket;
use crate::model::event::{Actor, Event};
use crate::model::limit::Rate;
use crate::model::run::Stop;
use crate::store::{StoreError, Tx};

/// What a provider takes in a minute; `None` for no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    /// Calls.
    pub requests: Option<u32>,
    /// Tokens, sent and answered together.
    pub tokens: Option<u32>,
}

/// When a call that takes so many tokens may be made, in milliseconds since the epoch, if that is later than now.
pub(super) fn held_until(
    tx: &Tx<'_>,
    setup: &Setup,
    tokens: u64,
    now_ms: i64,
) -> Result<Option<i64>, StoreError> {
    let pace = setup.caller.pace;
    let requests = pace.requests.map(|most| (Rate::per_minute(most), 1, false));
    let tokens = pace
        .tokens
        .map(|most| (Rate::per_minute(most), tokens, true));
    let mut until = now_ms;
    for (rate, wanted, counts_tokens) in requests.into_iter().chain(tokens) {
        let pause_ms = Bucket::filled_after_ms(rate);
        let provider = &setup.caller.provider_name;
        let mut calls = tx.recent_calls(provider, now_ms, pause_ms, Bucket::LOOK_BACK)?;
        if !counts_tokens {
            calls.iter_mut().for_each(|(_, taken)| *taken = 1);
        }
        until = until.max(Bucket::after_takes(rate, &calls, now_ms).next_many_ms(wanted));
    }
    Ok((until > now_ms).then_some(until))
}

/// Waits until a call may be made, unless something comes between. It is said once of each call, whoever else goes first.
pub(super) async fn wait(
    run: &mut Run<'_>,
    (next_ms, is_new): (i64, bool),
    heard: &mut Ear<'_>,
    cancel: &Cancel,
) -> Result<Option<Stop>, RunError> {
    if is_new {
        let provider = run.setup.caller.provider_name.clone();
        heard(Heard::Note(&format!("waits for the rate of {provider}")));
        let event = Event::RateLimited {
            job_id: run.setup.job,
            group: None,
            provider: Some(provider),
            next_ms,
        };
        run.ledger.note(Actor::System, event);
        run.ledger.commit()?;
    }
    let wait_ms = next_ms.saturating_sub(jiff::Timestamp::now().as_millisecond());
    let wait_ms = wait_ms.clamp(1, LONGEST_WAIT_MS);
    let until = Instant::now() + Duration::from_millis(wait_ms.unsigned_abs());
    rest(run, until, cancel).await
}

/// After this long the calls on record are looked at again: a clock that was set back must not hold a model for years.
const LONGEST_WAIT_MS: i64 = 60_000;

/// How often a person's word is looked for while nothing else happens.
const BEAT: Duration = Duration::from_secs(1);

/// Lets time pass, unless a person or a signal says that it is over.
pub(super) async fn rest(
    run: &Run<'_>,
    until: Instant,
    cancel: &Cancel,
) -> Result<Option<Stop>, RunError> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        tokio::select! {
            () = tokio::time::sleep(left.min(BEAT)) => {}
            () = cancel.clone().told() => {}
        }
        let stop = run.interrupted(cancel)?;
        if stop.is_some() || left <= BEAT {
            return Ok(stop);
        }
    }
}
