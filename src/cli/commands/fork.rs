//! `treeyard fork`: another session that goes on from a checkpoint.

use serde_json::json;

use super::ls::session_json;
use crate::app::failure::Failure;
use crate::app::fork::{Forked, Wanted, fork};
use crate::app::project::Project;
use crate::cli::context::Context;
use crate::cli::format::{clean, count};
use crate::model::code::{Code, Exit};

/// From which session, and what is to be otherwise.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard fork docs --at 3
  treeyard fork docs --at 3 --prompt 'Try it without a cache' --model large
  treeyard fork docs --name docs-again -- make docs")]
pub struct Args {
    /// A task's name or the start of an id
    #[arg(value_name = "S")]
    pub session: String,
    /// The number of the checkpoint (default: the last one)
    #[arg(long, value_name = "N")]
    pub at: Option<u64>,
    /// Begins on top of what the target is now: what landed there meanwhile is in its files
    #[arg(long)]
    pub rebase: bool,
    /// Its name (default: the other's with `-fork`)
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// What its model is told there
    #[arg(long, value_name = "TEXT", conflicts_with = "cmd")]
    pub prompt: Option<String>,
    /// Its model (default: the other's)
    #[arg(long, value_name = "MODEL", conflicts_with = "cmd")]
    pub model: Option<String>,
    /// What is run there, after `--` (default: what the other one ran)
    #[arg(last = true, value_name = "COMMAND")]
    pub cmd: Vec<String>,
}

/// Queues it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let mut project = context.project()?;
    let origin = project.session(&args.session)?;
    let wanted = Wanted {
        number: args.at,
        name: args.name.clone(),
        prompt: args.prompt.clone(),
        model: args.model.clone(),
        argv: args.cmd.clone(),
        rebase: args.rebase,
    };
    let forked = fork(&mut project, &origin, &wanted)?;
    let number = forked.from.checkpoint.number;
    let body = json!({
        "session": session_json(&forked.session), "messages": forked.messages,
        "from": { "session_id": origin.id, "name": origin.name, "number": number },
        "onto": onto_json(&forked), "waits": forked.waits,
    });
    let (name, from) = (clean(&forked.session.name), clean(&origin.name));
    context.terminal.result("forked", body, || {
        let said = match forked.messages {
            0 => String::new(),
            messages => format!(", with {}", count(messages as u64, "message")),
        };
        let id = forked.session.id.short();
        format!(
            "{id}  {name}  from checkpoint {number} of {from}{said}{}",
            on_top(&forked)
        )
    })?;
    note_what_it_waits_for(context, &project, &forked, &origin.name);
    Ok(Exit::Ok)
}

/// Of what the target is now, where that was taken in.
pub(super) fn onto_json(forked: &Forked) -> serde_json::Value {
    let onto = forked.onto.as_ref();
    json!(onto.map(|onto| json!({ "tip": onto.tip, "changed": onto.changed })))
}

/// The same for people.
pub(super) fn on_top(forked: &Forked) -> String {
    let Some(onto) = &forked.onto else {
        return String::new();
    };
    let (target, tip) = (clean(&forked.session.target), onto.tip.short());
    let changed = count(onto.changed.len() as u64, "file");
    format!("\n  on top of {target} at {tip}: {changed} changed there")
}

/// A new session may wait for the one that it goes on from, and for a runner.
pub(super) fn note_what_it_waits_for(
    context: &Context,
    project: &Project,
    forked: &Forked,
    origin: &str,
) {
    let (name, from) = (clean(&forked.session.name), clean(origin));
    if forked.waits {
        let code = Code::ScopeConflict.id();
        let what = format!(
            "{code}: {from} holds its files; {name} begins when that has landed or gives them up"
        );
        context.terminal.note(&format!("note: {what}"));
    }
    context.note_without_runner(project);
}
