//! `treeyard thread`: what was said in a session.

use serde_json::{Value, json};

use crate::app::failure::Failure;
use crate::app::thread::{Told, thread, whole_thread};
use crate::cli::context::Context;
use crate::cli::export::{as_json, jsonl, markdown};
use crate::cli::format::{clean, clock, count};
use crate::cli::out::{bold, dim, write_all};
use crate::cli::selector::Selector;
use crate::cli::spoken::Calls;
use crate::cli::table::width;
use crate::model::code::Exit;
use crate::model::thread::MessageRole;

/// So many lines of what neither a person nor the model said.
const SHOWN: usize = 8;
const INDENT: &str = "  ";

/// Which session, and what of its thread.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard thread docs
  treeyard thread docs --last 5
  treeyard thread docs --search 'TODO'
  treeyard thread docs --export markdown > docs.md")]
pub struct Args {
    /// Which session.
    #[command(flatten)]
    pub selector: Selector,
    /// Only messages that hold this text, in upper or lower case
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// Only so many messages, the last ones
    #[arg(long, value_name = "N")]
    pub last: Option<usize>,
    /// Also what was taken back when the session was put back to a checkpoint
    #[arg(long)]
    pub all: bool,
    /// Print all of it in another form
    #[arg(long, value_name = "FORM", value_enum, conflicts_with_all = ["search", "json"])]
    pub export: Option<Form>,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// One message a line
    Jsonl,
    /// A document
    Markdown,
}

/// Prints it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let session = args.selector.find(&project)?;
    let mut told = match args.all {
        true => whole_thread(&project, &session)?,
        false => thread(&project, &session)?,
    };
    let calls = Calls::of(&told);
    let search = args.search.as_deref().filter(|text| !text.is_empty());
    if let Some(search) = search {
        told.retain(|one| holds(&calls, one, search));
    }
    let from = told.len().saturating_sub(args.last.unwrap_or(usize::MAX));
    let told = &told[from..];
    if let Some(form) = args.export {
        let text = match form {
            Form::Jsonl => jsonl(told),
            Form::Markdown => markdown(&session, told, &calls),
        };
        write_all(text.as_bytes())?;
        return Ok(Exit::Ok);
    }
    let messages: Vec<Value> = told.iter().map(as_json).collect();
    let body = json!({ "session_id": session.id, "name": session.name, "messages": messages });
    context.terminal.result("thread", body, || match told {
        [] if search.is_some() => "no message holds that".to_owned(),
        [] => format!("nothing was said in {}", clean(&session.name)),
        told => {
            // Calls are told in one line where the model wanted them.
            let is_call = |one: &&Told| one.row.record.role == MessageRole::ToolCall;
            let texts = told.iter().filter(|one| !is_call(one));
            let texts = texts.map(|one| message(one, &calls, search));
            texts.collect::<Vec<_>>().join("\n")
        }
    })?;
    Ok(Exit::Ok)
}

fn holds(calls: &Calls, told: &Told, search: &str) -> bool {
    let lines = calls.lines(told);
    lines.iter().any(|line| place(&line.text, search).is_some())
}

fn message(told: &Told, calls: &Calls, search: Option<&str>) -> String {
    let record = &told.row.record;
    let mut text = bold(&clean(&calls.who(told)));
    text.push_str(&dim(&format!("  {}", clock(told.row.at_ms))));
    if record.redacted {
        text.push_str(&dim("  without its secrets"));
    }
    if told.row.taken_back {
        text.push_str(&dim("  taken back"));
    }
    if record.incomplete {
        text.push_str(&dim("  cut off"));
    }
    text.push('\n');
    let mut lines = calls.lines(told);
    let all = lines.len();
    match search {
        Some(search) => lines.retain(|line| place(&line.text, search).is_some()),
        None => lines.truncate(most(record.role, record.source.is_some())),
    }
    for line in &lines {
        for line in line.wrapped(width().saturating_sub(INDENT.len())) {
            let line = search.map_or(line.clone(), |search| marked(&line, search));
            text.push_str(format!("{INDENT}{line}").trim_end());
            text.push('\n');
        }
    }
    let more = all - lines.len();
    if more > 0 {
        let (more, hash) = (
            count(more as u64, "more line"),
            &record.content_hash.hex()[..12],
        );
        let note = format!("{INDENT}  … {more}: treeyard artifacts cat {hash}");
        text.push_str(&dim(&note));
        text.push('\n');
    }
    text
}

/// What people and models say is shown whole.
fn most(role: MessageRole, is_data: bool) -> usize {
    match role {
        MessageRole::User if !is_data => usize::MAX,
        MessageRole::Assistant => usize::MAX,
        _ => SHOWN,
    }
}

/// Where a text stands in a line, in bytes; upper and lower case of ASCII are the same.
fn place(line: &str, search: &str) -> Option<(usize, usize)> {
    let (line, search) = (line.to_ascii_lowercase(), search.to_ascii_lowercase());
    line.find(&search).map(|at| (at, at + search.len()))
}

/// With brackets, which a pipe shows too.
fn marked(line: &str, search: &str) -> String {
    match place(line, search) {
        Some((from, to)) => {
            let found = bold(&format!("»{}«", &line[from..to]));
            format!("{}{found}{}", &line[..from], &line[to..])
        }
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_in_either_case() {
        assert_eq!(place("Grün TODO", "todo"), Some((6, 10)));
        assert_eq!(place("none", "todo"), None);
        let plain = anstream::adapter::strip_str(&marked("a TODO", "todo")).to_string();
        assert_eq!(plain, "a »TODO«");
    }
}
