//! What a thread says of a call that comes next: how often the very same one failed, and whether text from elsewhere
//! was read since the last word of a person.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::structure::is_own;
use crate::agent::World;
use crate::agent::look::{command_line, named_files};
use crate::model::chat::ToolCall;
use crate::model::guardrail::{Around, Signal, line_signals};
use crate::model::thread::{Pending, Said, Spoken, Thread};
use crate::model::tool::{CallId, Payload, Response};

/// How often in a row this very call failed before. A person's word begins another row.
pub(super) fn failures(thread: &Thread, pending: &Pending) -> usize {
    let results = results(thread);
    let since = since_a_person(thread);
    let calls: Vec<_> = since.iter().flat_map(Spoken::calls).collect();
    let before = calls.iter().rev().filter(|(id, _)| *id != pending.id);
    let done = before.filter_map(|(id, call)| Some((*call, *results.get(id)?)));
    let same = |call: &ToolCall| {
        call.name == pending.call.name && call.arguments == pending.call.arguments
    };
    done.take_while(|(call, response)| same(call) && has_failed(response))
        .count()
}

/// Whether since the last word of a person something was read that neither they, nor the session's base, nor the
/// session itself has written.
pub(super) fn untrusted(thread: &Thread, world: &World) -> bool {
    let results = results(thread);
    let written = written(thread, &results);
    since_a_person(thread).iter().any(|one| {
        let is_data = matches!(one.said, Said::User(_)) && one.record.source.is_some();
        let mut calls = one.calls();
        is_data
            || calls.any(|(id, call)| {
                let response = results.get(&id);
                response.is_some_and(|response| brings(call, response, &written, world))
            })
    })
}

/// All that was said since a person spoke last.
fn since_a_person(thread: &Thread) -> &[Spoken] {
    let all = thread.messages();
    let by_person = |one: &Spoken| match &one.said {
        Said::User(text) => one.record.source.is_none() && !is_own(text),
        _ => false,
    };
    let last = all.iter().rposition(by_person);
    &all[last.map_or(0, |at| at + 1)..]
}

fn results(thread: &Thread) -> HashMap<CallId, &Response> {
    let results = thread.messages().iter().filter_map(|one| match &one.said {
        Said::ToolResult(response) => Some((one.record.tool_call_id.clone()?, &**response)),
        _ => None,
    });
    results.collect()
}

/// A tool that could not, or a command that ended otherwise than well.
fn has_failed(response: &Response) -> bool {
    match &response.outcome {
        Err(_) => true,
        Ok(Payload::Inline(result)) => {
            let ended = result.get("ended").and_then(Value::as_str);
            let code = result.get("exit_code").and_then(Value::as_i64);
            code.is_some_and(|code| code != 0)
                || ended.is_some_and(|ended| !matches!(ended, "exited" | "not_run"))
        }
        Ok(Payload::Reference(_)) => false,
    }
}

/// Files that tools wrote here.
fn written(thread: &Thread, results: &HashMap<CallId, &Response>) -> HashSet<String> {
    let calls = thread.messages().iter().flat_map(Spoken::calls);
    let done = calls.filter(|(id, call)| {
        let writes = ["file.write", "file.edit", "file.move", "file.patch"];
        let ran = results.get(id).is_some_and(|one| one.outcome.is_ok());
        ran && writes.contains(&call.name.as_str())
    });
    done.flat_map(|(_, call)| named_files(&call.arguments))
        .collect()
}

/// Whether what a call answered comes from elsewhere.
fn brings(call: &ToolCall, response: &Response, written: &HashSet<String>, world: &World) -> bool {
    if response.outcome.is_err() {
        return false;
    }
    if let Some(line) = command_line(&call.name, &call.arguments) {
        let seen = line_signals(&line, None, &Around::default());
        return seen.contains(&Signal::ReachesNetwork);
    }
    let files = match (call.name.as_str(), &response.outcome) {
        ("file.read", _) => response.resources.files.clone(),
        ("file.search", Ok(Payload::Inline(result))) => found_in(result),
        // Too much to stand in the answer: nobody knows which files.
        ("file.search", _) => return true,
        _ => return false,
    };
    let is_own = |file: &String| written.contains(file) || is_of_the_base(file, world);
    !files.iter().all(is_own)
}

fn found_in(result: &Value) -> Vec<String> {
    let files = result.get("files").and_then(Value::as_array);
    let paths = files.into_iter().flatten();
    paths
        .filter_map(|file| file.get("path")?.as_str())
        .map(str::to_owned)
        .collect()
}

/// Whether the commit that the session began from has it.
fn is_of_the_base(file: &str, world: &World) -> bool {
    let Ok(session) = world.session() else {
        return false;
    };
    let base = session.base().ok();
    base.is_some_and(|base| session.repo.has_path(&base, file).unwrap_or(false))
}
