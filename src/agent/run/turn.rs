//! One call of the model: what is sent, and what becomes of the answer.

use std::time::{Duration, Instant};

use super::drive::Run;
use super::error::RunError;
use super::ledger::New;
use super::pace;
use super::setup::{Cancel, Heard};
use super::spending::{Cleared, NotNow, Wanted, clear};
use crate::model::chat::{
    Block, ChatRequest, ChatResponse, FinishReason, Piece, ToolChoice, Usage,
};
use crate::model::code::Code;
use crate::model::event::{Actor, Event};
use crate::model::ids::ContentHash;
use crate::model::run::{CallEnd, CallOutcome, Stop};
use crate::model::thread::Said;
use crate::provider::retry::{self, Retrying};
use crate::provider::{ErrorKind, ProviderError};

/// Hands on what is heard.
pub(super) type Ear<'a> = dyn FnMut(Heard<'_>) + Send + 'a;

/// Asks the model. A reason to stop, if there is one.
pub(super) async fn ask(
    run: &mut Run<'_>,
    heard: &mut Ear<'_>,
    cancel: &Cancel,
) -> Result<Option<Stop>, RunError> {
    let request = request(run);
    let bytes = serde_json::to_vec(&request)?;
    let wanted = Wanted {
        request: &request,
        hash: &ContentHash::of(&bytes),
        bytes: bytes.len() as u64,
    };
    let mut waited = false;
    let cleared = loop {
        match clear(&mut run.ledger, run.setup, &wanted, &mut run.told)? {
            Ok(cleared) => break cleared,
            Err(NotNow::Stop(stop)) => return Ok(Some(stop)),
            Err(NotNow::Until(next_ms)) => {
                let stop = pace::wait(run, (next_ms, !waited), heard, cancel).await?;
                if stop.is_some() {
                    return Ok(stop);
                }
                waited = true;
            }
        }
    };
    let started = Instant::now();
    let answer = call(run, &request, heard, cancel).await;
    let took = started.elapsed();
    heard(Heard::Answered);
    match answer {
        Ok(answer) => answered(run, &cleared, &wanted, answer, took),
        Err(error) => Ok(Some(failed(run, &cleared, &wanted, &error, took))),
    }
}

fn request(run: &Run<'_>) -> ChatRequest {
    let (setup, thread) = (run.setup, &run.ledger.thread);
    ChatRequest {
        model: setup.caller.model.clone(),
        system: thread.system(),
        messages: run.compaction.apply(thread.conversation()),
        tools: run.tools.clone(),
        tool_choice: ToolChoice::Auto,
        max_output_tokens: setup.caller.max_output_tokens,
        temperature: setup.caller.temperature,
        thinking: setup.work.thinking.or(setup.caller.thinking),
        output_schema: setup.work.output_schema.clone(),
        cache: true,
    }
}

async fn call(
    run: &Run<'_>,
    request: &ChatRequest,
    heard: &mut Ear<'_>,
    cancel: &Cancel,
) -> Result<ChatResponse, ProviderError> {
    let caller = &run.setup.caller;
    let (told, mut arriving) = tokio::sync::mpsc::unbounded_channel();
    let notes = told.clone();
    let retrying = Retrying {
        schedule: caller.schedule,
        chance: &mut chance,
        report: &mut |failed: retry::Failed<'_>| {
            if let Some(wait) = failed.wait {
                let (error, seconds) = (failed.error, wait.as_secs_f32());
                let note = format!("{error}; asked again in {seconds:.1} s");
                drop(notes.send(Arrived::Note(note)));
            }
        },
    };
    let mut watch = |piece: Piece| drop(told.send(Arrived::Piece(piece)));
    let asked = retry::chat(
        &caller.provider,
        request,
        retrying,
        &mut watch,
        cancel.clone().told(),
    );
    tokio::pin!(asked);
    let answer = loop {
        tokio::select! {
            biased;
            Some(arrived) = arriving.recv() => hand_on(&arrived, heard),
            answer = &mut asked => break answer,
        }
    };
    while let Ok(arrived) = arriving.try_recv() {
        hand_on(&arrived, heard);
    }
    answer
}

/// What happens while an answer is awaited.
enum Arrived {
    Piece(Piece),
    Note(String),
}

fn hand_on(arrived: &Arrived, heard: &mut Ear<'_>) {
    match arrived {
        Arrived::Piece(Piece::Text(text)) => heard(Heard::Text(text)),
        Arrived::Piece(Piece::Thinking(text)) => heard(Heard::Thinking(text)),
        Arrived::Piece(Piece::ToolCall { .. }) => {}
        Arrived::Note(note) => heard(Heard::Note(note)),
    }
}

/// From the random part of an id: nothing depends on it but that sessions do not come back together.
fn chance() -> f64 {
    let random = uuid::Uuid::now_v7().as_u128() as u32;
    f64::from(random) / (f64::from(u32::MAX) + 1.0)
}

fn answered(
    run: &mut Run<'_>,
    cleared: &Cleared,
    wanted: &Wanted<'_>,
    answer: ChatResponse,
    took: Duration,
) -> Result<Option<Stop>, RunError> {
    let usage = match answer.usage {
        // Nobody counted.
        usage if usage == Usage::default() => wanted.estimate(&answer.content),
        usage => usage,
    };
    let end = CallEnd::Answered {
        finish_reason: answer.finish_reason,
        response_id: answer.id.clone(),
    };
    ended(run, cleared, end, usage, took);
    run.sent = usage.sent() + usage.output;
    let stop = stop_of(&answer);
    let mut content = answer.content;
    // What was cut off may be half a call.
    if stop.is_some() {
        content.retain(|block| !matches!(block, Block::ToolCall(_)));
    }
    let new = New::of(Actor::Agent, Said::Assistant(content.clone()));
    run.say_answer(New {
        tokens: Some(usage.output),
        answers: run.ledger.thread.last(),
        ..new
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

fn failed(
    run: &mut Run<'_>,
    cleared: &Cleared,
    wanted: &Wanted<'_>,
    error: &ProviderError,
    took: Duration,
) -> Stop {
    // What was refused costs nothing; of what broke off, the sent part may have to be paid.
    let usage = match error.kind {
        ErrorKind::Network
        | ErrorKind::Timeout
        | ErrorKind::Protocol
        | ErrorKind::Cancelled
        | ErrorKind::Server => Usage {
            output: 0,
            ..wanted.usage()
        },
        _ => Usage::default(),
    };
    let (kind, message) = (error.kind.name().to_owned(), error.to_string());
    let end = CallEnd::Failed {
        kind: kind.clone(),
        message: message.clone(),
    };
    ended(run, cleared, end, usage, took);
    match error.kind {
        // The first call is the probe: a model that nobody reaches is not ready, and nothing is lost by waiting.
        ErrorKind::Network | ErrorKind::Timeout if run.sent == 0 => Stop::Unready {
            code: Code::NoReadyModel.id().to_owned(),
            message,
        },
        ErrorKind::Cancelled => Stop::Cancelled,
        ErrorKind::ContextLength => Stop::ContextFull,
        ErrorKind::ContentFilter => Stop::ContentFilter,
        _ => Stop::Provider { kind, message },
    }
}

fn ended(run: &mut Run<'_>, cleared: &Cleared, end: CallEnd, usage: Usage, took: Duration) {
    let answered = matches!(end, CallEnd::Answered { .. });
    let call = Box::new(CallOutcome {
        job_id: run.setup.job,
        call_id: cleared.call_id,
        end,
        usage,
        cost: (run.setup.caller.price)(usage),
        latency_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    });
    run.ledger
        .note(Actor::System, Event::ModelCallEnded { call });
    if let Some(receipt) = cleared.consent.filter(|_| answered) {
        let call_id = cleared.call_id;
        let event = Event::CloudCalled { receipt, call_id };
        run.ledger.note(Actor::System, event);
    }
}
