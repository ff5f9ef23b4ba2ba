//! `treeyard steps`: what a session did, step by step.

use serde_json::{Value, json};

use crate::app::failure::Failure;
use crate::app::steps::{Told, steps};
use crate::cli::context::Context;
use crate::cli::format::clean;
use crate::cli::selector::Selector;
use crate::cli::table::{Table, width};
use crate::model::code::Exit;
use crate::model::run::StepStatus;
use crate::store::SessionRow;

/// The digits of a key that are printed.
const KEY: usize = 10;

/// Which session.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
FROM is what `treeyard replay S --live --from N` takes.

Examples:
  treeyard steps docs
  treeyard steps docs --json")]
pub struct Args {
    /// Which session.
    #[command(flatten)]
    pub selector: Selector,
}

/// Prints them.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let session = args.selector.find(&project)?;
    let all = steps(&project, &session)?;
    let rows: Vec<Value> = all.iter().map(|one| json!(one)).collect();
    let body = json!({ "session_id": session.id, "name": session.name, "steps": rows });
    context
        .terminal
        .result("steps", body, || text(&session, &all))?;
    Ok(Exit::Ok)
}

fn text(session: &SessionRow, all: &[Told]) -> String {
    if all.is_empty() {
        return format!("{} has no step yet", clean(&session.name));
    }
    let mut table = Table::new(&["STEP", "FROM", "STATUS", "SAW", "KEY", "WHAT"]);
    for one in all {
        let step = &one.step;
        let from = one.replay_from.map(|from| from.to_string());
        let tree = step.tree.as_ref().map(|tree| tree.short());
        let key = step.idempotency_key.as_ref().map(|key| &key.hex()[..KEY]);
        table.row([
            step.index.to_string().into(),
            from.as_deref().unwrap_or_default().into(),
            status(one).into(),
            tree.unwrap_or_default().into(),
            key.unwrap_or_default().into(),
            what(one).into(),
        ]);
    }
    table.render(width())
}

fn status(one: &Told) -> &'static str {
    match one.step.status {
        _ if one.taken_back => "taken back",
        StepStatus::Pending => "pending",
        // How it ended is settled when its session goes on, if it does.
        _ if one.is_cut_short => "cut short",
        StepStatus::InProgress => "in progress",
        StepStatus::Completed => "completed",
        StepStatus::Failed => "failed",
    }
}

/// With why it failed, or what it was called with.
fn what(one: &Told) -> String {
    let step = &one.step;
    let more = match (&step.error, &step.arguments) {
        (Some(error), _) => format!(": {error}"),
        (None, Some(arguments)) => format!(" {}", about(arguments)),
        (None, None) => String::new(),
    };
    clean(&format!("{}{more}", step.what))
}

/// What a call is about: the file or the command, where it names one.
fn about(arguments: &Value) -> String {
    let mut named = ["path", "command"].into_iter();
    let named = named.find_map(|name| arguments.get(name)?.as_str());
    named.map_or_else(|| arguments.to_string(), str::to_owned)
}
