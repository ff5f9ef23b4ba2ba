//! `treeyard replay`: a model's run once more, against its record.

use std::path::PathBuf;

use serde_json::json;

use super::fork::{note_what_it_waits_for, on_top, onto_json};
use super::ls::session_json;
use crate::app::bundle::import_once;
use crate::app::failure::Failure;
use crate::app::fork::{Forked, Wanted};
use crate::app::replay::{Report, go_on, replay};
use crate::cli::context::Context;
use crate::cli::format::{clean, count};
use crate::model::code::{Code, Exit};

/// Which session, and whether it goes on.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard replay docs
  treeyard replay docs --live --from 7 --prompt 'Leave the tests alone'

No model is called and no program runs: answers and what programs said come from the record. Tools that follow from the files alone run
for real, in a worktree of their own. Ends with exit code 1 (TY-REPLAY-DIVERGED) at the first difference.

With --live a new session goes on with the real model from where the replay ends.")]
pub struct Args {
    /// A task's name, the start of an id, or a file of `treeyard export`
    #[arg(value_name = "S")]
    pub session: String,
    /// Goes on from there with the real model, as another session
    #[arg(long)]
    pub live: bool,
    /// After which call of a tool it goes on (default: the last one)
    #[arg(long, value_name = "N", requires = "live")]
    pub from: Option<u32>,
    /// What its model is told there
    #[arg(long, value_name = "TEXT", requires = "live")]
    pub prompt: Option<String>,
    /// Its model (default: the session's)
    #[arg(long, value_name = "MODEL", requires = "live")]
    pub model: Option<String>,
    /// Goes on on top of what the target is now: what was mended there meanwhile is in its files
    #[arg(long, requires = "live")]
    pub rebase: bool,
    /// Its name (default: the session's with `-fork`)
    #[arg(long, value_name = "NAME", requires = "live")]
    pub name: Option<String>,
}

/// Runs it once more.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let mut project = context.project()?;
    let session = match bundle_of(&args.session, context) {
        Some(file) => {
            let (session, was_here) = import_once(&mut project, &file)?;
            if was_here {
                let name = clean(&session.name);
                let what = format!("{name} is here already; what is on record here is replayed");
                context.terminal.note(&format!("note: {what}"));
            }
            session
        }
        None => project.session(&args.session)?,
    };
    let (report, forked) = match args.live {
        false => (replay(&project, &session)?, None),
        true => {
            let wanted = Wanted {
                name: args.name.clone(),
                prompt: args.prompt.clone(),
                model: args.model.clone(),
                rebase: args.rebase,
                ..Wanted::default()
            };
            go_on(&mut project, &session, args.from, &wanted)?
        }
    };
    let session_body = forked.as_ref().map(|forked| session_json(&forked.session));
    let body = json!({
        "session_id": session.id, "name": session.name, "report": report, "session": session_body,
        "onto": forked.as_ref().map(onto_json),
    });
    context.terminal.result("replay", body, || {
        let said = text(&session.name, &report);
        match &forked {
            None => said,
            Some(forked) => format!("{said}\n{}", went_on(forked)),
        }
    })?;
    if let Some(forked) = &forked {
        note_what_it_waits_for(context, &project, forked, &session.name);
    }
    Ok(match report.divergence {
        None => Exit::Ok,
        Some(_) => Code::ReplayDiverged.exit(),
    })
}

/// A file may be given in place of a session: what it has is taken in first.
fn bundle_of(given: &str, context: &Context) -> Option<PathBuf> {
    let file = context.file(given.as_ref());
    let is_meant = given.ends_with(".treeyard") || given.contains('/');
    is_meant.then_some(file)
}

fn went_on(forked: &Forked) -> String {
    let name = clean(&forked.session.name);
    let id = forked.session.id.short();
    let said = count(forked.messages as u64, "message");
    format!(
        "{id}  {name}  goes on from there, with {said}{}",
        on_top(forked)
    )
}

fn text(name: &str, report: &Report) -> String {
    let counted = format!(
        "{} and {} from the record, {} run; {} and {} compared{}",
        count(report.answers.into(), "answer"),
        count(report.served.into(), "result"),
        count(report.ran.into(), "tool"),
        count(report.requests.into(), "request"),
        count(report.compared.into(), "checkpoint"),
        besides(report),
    );
    match &report.divergence {
        None => format!("{}: reproduced\n  {counted}", clean(name)),
        Some(found) => format!(
            "{}: at step {} a difference in {}\n  expected  {}\n  found     {}\n  {counted}",
            clean(name),
            found.step,
            clean(&found.what),
            clean(&found.expected),
            clean(&found.found),
        ),
    }
}

/// What a person should know besides.
fn besides(report: &Report) -> String {
    let mut lines = String::new();
    if !report.by_hand.is_empty() {
        let numbers: Vec<_> = report.by_hand.iter().map(u64::to_string).collect();
        let numbers = numbers.join(", ");
        lines += &format!("\n  files that no tool made so were taken from checkpoint {numbers}");
    }
    if !report.told_otherwise.is_empty() {
        let names: Vec<_> = report
            .told_otherwise
            .iter()
            .map(|name| clean(name))
            .collect();
        let names = names.join(", ");
        lines += &format!("\n  models are told otherwise now of {names}");
    }
    lines
}
