//! One call of the model: what is sent, and what becomes of the answer.

use std::time::{Duration, Instant};

use super::arriving::Arriving;
use super::drive::Run;
use super::error::RunError;
use super::ledger::New;
use super::pace;
use super::request::{Shown, request};
use super::setup::{Cancel, Heard};
use super::spending::{BYTES_A_TOKEN, Cleared, NotNow, Wanted, clear, note_end};
use crate::fault::{self, Point};
use crate::model::chat::{Block, ChatRequest, ChatResponse, FinishReason, Piece, Usage};
use crate::model::code::Code;
use crate::model::event::Actor;
use crate::model::ids::ContentHash;
use crate::model::run::{CallEnd, CallOutcome, Frame, Stop};
use crate::model::thread::Said;
use crate::provider::{ErrorKind, ProviderError};

/// Hands on what is heard.
pub(super) type Ear<'a> = dyn FnMut(Heard<'_>) + Send + 'a;

/// Asks the model, and again where waiting helps. A reason to stop, if there is one. Every attempt is a call of its own,
/// with its own place in budgets and its own agreement: a person's word between two of them is heard.
pub(super) async fn ask(
    run: &mut Run<'_>,
    heard: &mut Ear<'_>,
    cancel: &Cancel,
) -> Result<Option<Stop>, RunError> {
    let shown = Shown {
        left_out: run.compaction.upto,
        names_pictures: !run.setup.caller.capabilities.supports_vision,
    };
    let request = request(&run.common.frame, &run.ledger.thread, shown);
    let bytes = serde_json::to_vec(&request)?;
    let wanted = Wanted {
        request: &request,
        hash: &ContentHash::of(&bytes),
        frame: run.common.kept.clone().map(|request| Frame {
            request,
            left_out: shown.left_out,
            names_pictures: shown.names_pictures,
        }),
        bytes: bytes.len() as u64,
    };
    let mut failures = 0;
    loop {
        let cleared = match cleared(run, &wanted, heard, cancel).await? {
            Ok(cleared) => cleared,
            Err(stop) => return Ok(Some(stop)),
        };
        fault::at(Point::CallBegun)?;
        let started = Instant::now();
        let (answer, arrived) = call(run, (&request, &cleared), heard, cancel).await;
        let made = Made {
            cleared,
            took: started.elapsed(),
            arrived,
        };
        let error = match answer {
            Ok(answer) => {
                fault::at(Point::CallAnswered)?;
                heard(Heard::Answered);
                return answered(run, &made, &wanted, answer);
            }
            Err(error) => clean(run, error),
        };
        failures += 1;
        note_failure(run, &made, &wanted, &error);
        // What was handed on would come twice.
        let wait = (run.setup.caller.schedule)
            .wait(failures, &error, chance())
            .filter(|_| arrived == 0);
        let Some(wait) = wait else {
            heard(Heard::Answered);
            return stop_by(run, error, arrived).map(Some);
        };
        let seconds = wait.as_secs_f32();
        heard(Heard::Note(&format!(
            "{error}; asked again in {seconds:.1} s"
        )));
        run.ledger.commit()?;
        let stop = pace::rest(run, Instant::now() + wait, cancel).await?;
        if stop.is_some() {
            return Ok(stop);
        }
    }
}

/// A call that was made.
struct Made {
    cleared: Cleared,
    took: Duration,
    /// Bytes that came of an answer.
    arrived: usize,
}

/// Waits until the call may be made; or a reason why it is not.
async fn cleared(
    run: &mut Run<'_>,
    wanted: &Wanted<'_>,
    heard: &mut Ear<'_>,
    cancel: &Cancel,
) -> Result<Result<Cleared, Stop>, RunError> {
    let mut waited = false;
    loop {
        match clear(&mut run.ledger, run.setup, wanted, &mut run.told)? {
            Ok(cleared) => return Ok(Ok(cleared)),
            Err(NotNow::Stop(stop)) => return Ok(Err(stop)),
            Err(NotNow::Until(next_ms)) => {
                let stop = pace::wait(run, (next_ms, !waited), heard, cancel).await?;
                if let Some(stop) = stop {
                    return Ok(Err(stop));
                }
                waited = true;
            }
        }
    }
}

/// One attempt: what came of it, and how many bytes of an answer were handed on.
async fn call(
    run: &mut Run<'_>,
    (request, cleared): (&ChatRequest, &Cleared),
    heard: &mut Ear<'_>,
    cancel: &Cancel,
) -> (Result<ChatResponse, ProviderError>, usize) {
    let (told, mut arriving) = tokio::sync::mpsc::unbounded_channel();
    let mut watch = |piece: Piece| drop(told.send(piece));
    let provider = &run.setup.caller.provider;
    let key = cleared.key.map(|key| key.to_string());
    let mut so_far = Arriving::of(&run.ledger, run.setup, cleared.call_id);
    let asked = provider.chat(request, key.as_deref(), &mut watch, cancel.clone().told());
    tokio::pin!(asked);
    let mut arrived = 0;
    let answer = loop {
        tokio::select! {
            biased;
            Some(piece) = arriving.recv() => {
                arrived += hand_on(&piece, heard);
                so_far.take(&mut run.ledger, &piece);
            }
            answer = &mut asked => break answer,
        }
    };
    while let Ok(piece) = arriving.try_recv() {
        arrived += hand_on(&piece, heard);
    }
    (answer, arrived)
}

/// How long it is, in bytes.
fn hand_on(piece: &Piece, heard: &mut Ear<'_>) -> usize {
    match piece {
        Piece::Text(text) => {
            heard(Heard::Text(text));
            text.len()
        }
        Piece::Thinking(text) => {
            heard(Heard::Thinking(text));
            text.len()
        }
        Piece::ToolCall { name } => name.len(),
    }
}

/// From the random part of an id: nothing depends on it but that sessions do not come back together.
fn chance() -> f64 {
    let random = uuid::Uuid::now_v7().as_u128() as u32;
    f64::from(random) / (f64::from(u32::MAX) + 1.0)
}

fn answered(
    run: &mut Run<'_>,
    made: &Made,
    wanted: &Wanted<'_>,
    answer: ChatResponse,
) -> Result<Option<Stop>, RunError> {
    let usage = match answer.usage.believed() {
        // Nobody counted.
        usage if usage == Usage::default() => wanted.estimate(&answer.content),
        usage => usage,
    };
    let end = CallEnd::Answered {
        finish_reason: answer.finish_reason,
        response_id: answer.id.clone(),
    };
    ended(run, made, end, usage);
    run.sent = usage.sent().saturating_add(usage.output);
    let stop = stop_of(&answer);
    let mut content = answer.content;
    // What was cut off may be half a call.
    if stop.is_some() {
        content.retain(|block| !matches!(block, Block::ToolCall(_)));
    }
    let answers = run.ledger.thread.last();
    run.ledger.say(New {
        tokens: Some(usage.output),
        answers,
        incomplete: stop.is_some(),
        ..New::of(Actor::Agent, Said::Assistant(content))
    })?;
    Ok(stop)
}

fn stop_of(answer: &ChatResponse) -> Option<Stop> {
    match answer.finish_reason {
        FinishReason::Stop | FinishReason::ToolUse => None,
        FinishReason::Length => Some(Stop::OutputLimit),
        FinishReason::ContentFilter => Some(Stop::ContentFilter),
        FinishReason::Error => Some(Stop::Provider {
            kind: "server".to_owned(),
            message: "it gave up in the middle of its answer".to_owned(),
        }),
    }
}

/// What a provider says may hold what it was sent, its key included.
fn clean(run: &Run<'_>, error: ProviderError) -> ProviderError {
    let message = run.setup.redactor.redact_text(&error.message).into_owned();
    ProviderError { message, ..error }
}

/// What was refused at once costs nothing. Of what broke off, all that was sent may have to be paid, and what arrived.
fn note_failure(run: &mut Run<'_>, made: &Made, wanted: &Wanted<'_>, error: &ProviderError) {
    let may_have_begun = matches!(
        error.kind,
        ErrorKind::Network
            | ErrorKind::Timeout
            | ErrorKind::Protocol
            | ErrorKind::Cancelled
            | ErrorKind::Server
    );
    let usage = match made.arrived > 0 || (may_have_begun && !error.unsent) {
        true => Usage {
            output: (made.arrived as u64).div_ceil(BYTES_A_TOKEN),
            ..wanted.usage()
        },
        false => Usage::default(),
    };
    let end = CallEnd::Failed {
        kind: error.kind.name().to_owned(),
        message: error.to_string(),
    };
    ended(run, made, end, usage);
}

fn stop_by(run: &Run<'_>, error: ProviderError, arrived: usize) -> Result<Stop, RunError> {
    let message = error.to_string();
    Ok(match error.kind {
        ErrorKind::Network | ErrorKind::Timeout if arrived == 0 && !has_answered(run)? => {
            Stop::Unready {
                code: Code::NoReadyModel.id().to_owned(),
                message,
            }
        }
        ErrorKind::Cancelled => Stop::Cancelled,
        ErrorKind::ContextLength => Stop::ContextFull,
        ErrorKind::ContentFilter => Stop::ContentFilter,
        kind => Stop::Provider {
            kind: kind.name().to_owned(),
            message,
        },
    })
}

/// The first call is the probe of a model elsewhere: one that nobody reaches is not ready, and nothing is lost by waiting.
fn has_answered(run: &Run<'_>) -> Result<bool, RunError> {
    let caller = &run.setup.caller;
    let which = (caller.provider_name.as_str(), caller.model.as_str());
    Ok(run.ledger.store.answered_since(which, (0, i64::MAX))?)
}

fn ended(run: &mut Run<'_>, made: &Made, end: CallEnd, usage: Usage) {
    let call = CallOutcome {
        job_id: run.setup.job,
        call_id: made.cleared.call_id,
        end,
        usage,
        cost: (run.setup.caller.price)(usage),
        latency_ms: u64::try_from(made.took.as_millis()).unwrap_or(u64::MAX),
    };
    note_end(&mut run.ledger, call, made.cleared.consent);
}
