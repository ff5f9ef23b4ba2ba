//! One call of a tool: to the gate, through it, and back.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::again::{Word, note_reevaluated, word_on};
use super::drive::Run;
use super::error::RunError;
use super::guard::{ended_by, judge};
use super::ledger::New;
use super::setup::{Cancel, Heard};
use super::turn::Ear;
use crate::agent::{Admission, Call, Done, Gate, Permit, Prepared, Preview};
use crate::fault::{self, Point};
use crate::model::checkpoint::Cause;
use crate::model::code::Code;
use crate::model::event::{Actor, Event};
use crate::model::ids::{ContentHash, EventId};
use crate::model::run::{AskedCall, Stop, ToolCallRecord, ToolEnd};
use crate::model::thread::{Pending, Said};
use crate::model::tool::{
    Actor as Caller, ActorKind, Because, ErrorKind, Evidence, Grounds, OnFiles, Payload, Policy,
    Request, Resources, Response, Rule, Rules, Subject, Timing, ToolError,
};

/// What a call came to, before it is written down.
struct Came {
    outcome: Result<Done, ToolError>,
    end: ToolEnd,
    started_at: Timestamp,
    took_ms: u64,
}

/// Deals with a call of the model. A reason to stop, if there is one.
pub(super) async fn act(
    run: &mut Run<'_>,
    pending: Pending,
    heard: &mut Ear<'_>,
    cancel: &Cancel,
) -> Result<Option<Stop>, RunError> {
    let args = run.ledger.originals.remove(&pending.id);
    let hits = judge(run, &pending, args.as_ref())?;
    let prepared = match prepare(run, &pending, args.as_ref()) {
        Ok(prepared) => prepared,
        Err(came) => {
            let line = &pending.call.name;
            heard(Heard::Calling { line });
            finish(run, &pending, None, *came, heard)?;
            return Ok(ended_by(&hits));
        }
    };
    let given = run.ledger.store.rules(run.setup.session.id)?;
    let rules: Rules = given.iter().map(|(_, rule)| rule.clone()).collect();
    let word = word_on(run, &pending, &prepared, &rules);
    if pending.begun && !matches!(word, Word::Adopted) {
        note_reevaluated(run, &pending);
    }
    match &word {
        Word::None | Word::Again(None) => {}
        Word::Again(Some(rule)) => spend(run, &given, rule),
        Word::Awaited => {
            let line = told_line(run, &prepared);
            let why = (AMBIGUOUS.to_owned(), None);
            return ask(run, &pending, &prepared, why, &line).map(Some);
        }
        Word::Adopted => {
            let came = interrupted("it may have been done, in part or whole");
            let line = &pending.call.name;
            heard(Heard::Calling { line });
            finish(run, &pending, None, *came, heard)?;
            return Ok(ended_by(&hits));
        }
    }
    let gate = Gate {
        policy: Policy {
            grants: &run.setup.grants,
            ask_from: run.setup.ask_from,
            rules: &rules,
        },
        guardrails: &|_| hits.clone(),
    };
    let line = told_line(run, &prepared);
    let version = prepared.card().tool_version.to_string();
    match gate.admit(prepared, &run.setup.world) {
        Admission::Denied { evidence, error } => {
            if let Evidence::Rule(rule) = &evidence {
                spend(run, &given, rule);
            }
            let stop = stops(&evidence);
            let end = ToolEnd::Denied {
                code: error.code.id().to_owned(),
                evidence: serde_json::to_string(&evidence)?,
            };
            heard(Heard::Calling { line: &line });
            let came = Came::at_once(error, end);
            finish(run, &pending, Some(version), came, heard)?;
            Ok(stop)
        }
        Admission::Ask {
            call,
            because,
            preview,
        } => {
            // Nobody has what it wrote any more when a person has answered.
            if pending.redacted {
                heard(Heard::Calling { line: &line });
                finish(run, &pending, Some(version), *secret(), heard)?;
                return Ok(None);
            }
            ask(run, &pending, &call, (reason(&because), preview), &line).map(Some)
        }
        Admission::Permit(permit) => {
            if let Grounds::Rule(rule) = permit.grounds() {
                spend(run, &given, rule);
            }
            begin(run, &pending, &permit, args)?;
            fault::at(Point::ToolBegun)?;
            heard(Heard::Calling { line: &line });
            let on_files = permit.call().card().on_files();
            let program =
                (on_files == OnFiles::Program).then(|| pending.id.program(run.setup.session.id));
            if let Some(job) = program {
                run.setup
                    .world
                    .begin_call(job, matches!(word, Word::Again(_)));
            }
            let came = perform(run, permit, cancel).await?;
            // What is to happen next follows from the record, which has it begun and not ended.
            if fault::again(Point::ToolRan)? {
                return Ok(None);
            }
            finish(run, &pending, Some(version), came, heard)?;
            if on_files != OnFiles::None && !run.setup.work.rehearsal {
                run.checkpoint(Cause::ToolCall)?;
            }
            if let Some(job) = program {
                run.ledger.commit()?;
                fault::at(Point::ToolRecorded)?;
                run.setup.world.end_call(job);
            }
            Ok(cancel.is_told().then_some(Stop::Cancelled))
        }
    }
}

/// Reads the call.
fn prepare(run: &Run<'_>, pending: &Pending, args: Option<&Value>) -> Result<Prepared, Box<Came>> {
    let call = &pending.call;
    if pending.redacted && args.is_none() {
        return Err(interrupted("secrets were taken out of what was kept of it"));
    }
    let call = run.setup.registry.prepare(
        &call.name,
        &Call {
            version: None,
            args: args.unwrap_or(&call.arguments),
            dry_run: run.setup.work.rehearsal,
        },
        &run.setup.world,
    );
    call.map_err(|error| {
        let end = failed(&error);
        Box::new(Came::at_once(error, end))
    })
}

fn secret() -> Box<Came> {
    let message = "a person has to allow this call, and its arguments hold something that looks like a secret, which is \
         not kept until they answer. Call it without, such as by the file that a secret is in.";
    let error = ToolError::new(Code::ToolDenied, ErrorKind::Policy, message);
    let end = failed(&error);
    Box::new(Came::at_once(error, end))
}

fn interrupted(why: &str) -> Box<Came> {
    let message = format!(
        "this call was interrupted, and {why}. Look at how things stand, then call again if that is needed."
    );
    let error = ToolError::new(Code::Interrupted, ErrorKind::Tool, message).retryable();
    Box::new(Came::at_once(error, ToolEnd::Ambiguous))
}

fn stops(evidence: &Evidence) -> Option<Stop> {
    match evidence {
        Evidence::Guardrail {
            id,
            stops_session: true,
        } => Some(Stop::Guardrail { id: id.clone() }),
        _ => None,
    }
}

/// A person is asked, once for each call.
fn ask(
    run: &mut Run<'_>,
    pending: &Pending,
    call: &Prepared,
    (because, preview): (String, Option<Preview>),
    line: &str,
) -> Result<Stop, RunError> {
    let tool_call_id = pending.id.clone();
    let before = run.ledger.store.asked_call(run.setup.session.id)?;
    if before.is_none_or(|asked| asked.tool_call_id != tool_call_id) {
        let shown = match preview {
            Some(Ok(done)) => Some(json!({ "would": done.result, "files": done.files })),
            Some(Err(error)) => Some(json!({ "fails": error.message })),
            None => None,
        };
        let preview = match shown {
            Some(shown) => {
                let shown = json!({ "tool": call.card().tool_id, "args": pending.call.arguments, "preview": shown });
                let text = serde_json::to_vec_pretty(&shown)?;
                Some(run.ledger.keep(&text, "preview", "application/json")?)
            }
            None => None,
        };
        let asked = Box::new(AskedCall {
            job_id: run.setup.job,
            tool_call_id: tool_call_id.clone(),
            tool_id: call.card().tool_id.clone(),
            fingerprint: call.fingerprint().clone(),
            summary: line.to_owned(),
            because,
            preview,
        });
        run.ledger
            .note(Actor::System, Event::ApprovalAsked { asked });
    }
    Ok(Stop::AwaitsApproval { tool_call_id })
}

/// Why a person is asked about a call that was cut short.
const AMBIGUOUS: &str = "interrupted: it may have been done, in part or whole";

fn reason(because: &Because) -> String {
    match because {
        Because::Risk(risk) => format!("risk {risk:?}").to_lowercase(),
        Because::Guardrail(id) => format!("guardrail {id}"),
    }
}

/// A call in one line, without secrets.
fn told_line(run: &Run<'_>, call: &Prepared) -> String {
    let line = line(call);
    run.setup.redactor.redact_text(&line).into_owned()
}

/// What holds once is used up before the call runs, or is answered that it does not.
fn spend(run: &mut Run<'_>, given: &[(EventId, Rule)], used: &Rule) {
    if let Some((granted, _)) = given
        .iter()
        .find(|(_, rule)| rule == used && rule.is_once())
    {
        let granted = *granted;
        run.ledger
            .note(Actor::System, Event::ApprovalSpent { granted });
    }
}

/// The intent is durable before the effect.
fn begin(
    run: &mut Run<'_>,
    pending: &Pending,
    permit: &Permit,
    args: Option<Value>,
) -> Result<(), RunError> {
    let card = permit.call().card();
    let args = args.unwrap_or_else(|| pending.call.arguments.clone());
    let args = Payload::fit(args, |bytes| {
        run.ledger.keep(bytes, "tool_arguments", "application/json")
    })?;
    let request = Request {
        tool_call_id: pending.id.clone(),
        trace_id: run.trace,
        session_id: run.setup.session.id,
        actor: Caller {
            kind: ActorKind::Agent,
            agent_id: run.setup.work.role.clone(),
            model_id: Some(run.setup.caller.model.clone()),
        },
        tool_id: card.tool_id.clone(),
        tool_version: card.tool_version.clone(),
        args,
        idempotency_key: Some(pending.id.to_string()),
        dry_run: run.setup.work.rehearsal,
    };
    let said = Said::ToolCall(Box::new(request));
    let new = New::of(Actor::Agent, said).about(pending.id.clone());
    run.ledger.say(new)?;
    run.ledger.commit()
}

/// Runs the tool beside this thread, which goes on listening.
async fn perform(run: &Run<'_>, permit: Permit, cancel: &Cancel) -> Result<Came, RunError> {
    let world = Arc::clone(&run.setup.world);
    let (started_at, started) = (Timestamp::now(), Instant::now());
    let mut running = tokio::task::spawn_blocking(move || permit.run(&world));
    let joined = tokio::select! {
        joined = &mut running => joined,
        () = cancel.clone().told() => {
            run.setup.world.canceling().store(true, Ordering::Relaxed);
            running.await
        }
    };
    let outcome = joined.map_err(|error| RunError::Tool(error.to_string()))?;
    Ok(Came {
        end: match &outcome {
            Ok(_) => ToolEnd::Ok,
            Err(error) => failed(error),
        },
        outcome,
        started_at,
        took_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

/// Notes what it came to. It is durable before anything else happens.
fn finish(
    run: &mut Run<'_>,
    pending: &Pending,
    version: Option<String>,
    came: Came,
    heard: &mut Ear<'_>,
) -> Result<(), RunError> {
    heard(Heard::Called {
        line: &told(&came.outcome),
    });
    let mut resources = Resources::default();
    let outcome = match came.outcome {
        Ok(done) => {
            resources.files = done.files;
            for artifact in done.artifacts {
                resources.artifacts.push(artifact.hash.clone());
                run.ledger.keep_record(artifact);
            }
            Ok(Payload::fit(done.result, |bytes| {
                run.ledger.keep(bytes, "tool_result", "application/json")
            })?)
        }
        Err(error) => Err(error),
    };
    let response = Response {
        outcome,
        timing: Timing {
            started_at: came.started_at,
            ended_at: Timestamp::now(),
            duration_ms: came.took_ms,
        },
        resources,
    };
    let said = Said::ToolResult(Box::new(response));
    let new = New::of(Actor::System, said).about(pending.id.clone());
    let result_hash = run.ledger.say(new)?.record.content_hash;
    let call = Box::new(ToolCallRecord {
        job_id: run.setup.job,
        tool_call_id: pending.id.clone(),
        tool_id: pending.call.name.chars().take(80).collect(),
        tool_version: version,
        args_hash: ContentHash::of(pending.call.arguments.to_string().as_bytes()),
        result_hash,
        end: came.end,
        duration_ms: came.took_ms,
    });
    run.ledger.note(Actor::Agent, Event::ToolCalled { call });
    Ok(())
}

impl Came {
    fn at_once(error: ToolError, end: ToolEnd) -> Self {
        Self {
            outcome: Err(error),
            end,
            started_at: Timestamp::now(),
            took_ms: 0,
        }
    }
}

fn failed(error: &ToolError) -> ToolEnd {
    ToolEnd::Failed {
        code: error.code.id().to_owned(),
        kind: error.kind,
    }
}

/// A call in one line.
fn line(call: &Prepared) -> String {
    let mut line = call.card().tool_id.to_string();
    for subject in call.subjects().iter().take(3) {
        let (Subject::File(text) | Subject::Folder(text) | Subject::Command(text)) = subject;
        let text = if text.is_empty() { "." } else { text.as_str() };
        let _ = write!(line, " {text}");
    }
    line
}

fn told(outcome: &Result<Done, ToolError>) -> String {
    match outcome {
        Ok(_) => "ok".to_owned(),
        Err(error) => format!("{}: {}", error.code.id(), error.message),
    }
}
