//! `treeyard approve`: a person's word for one run of a command that sessions may not run.

use serde_json::json;

use crate::app::approvals::{Wish, approve, wishes};
use crate::app::failure::Failure;
use crate::cli::context::Context;
use crate::cli::format::{ago, clean, now_ms};
use crate::cli::table::{Cell, Table};
use crate::model::code::Exit;
use crate::model::denylist::quoted;

const UNCUT: usize = 10_000;

/// Which session, and which command.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard approve docs
  treeyard approve docs -- git reset --hard HEAD~1

Without a command it lists what the session asked for. A permission is for one run of exactly these
words; who gave it, and that it was used, stay in the log.")]
pub struct Args {
    /// A task's name or the start of an id
    #[arg(value_name = "S")]
    pub session: String,
    /// The command, after `--`
    #[arg(last = true, value_name = "COMMAND")]
    pub words: Vec<String>,
}

/// Allows it, or lists what was asked for.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let mut project = context.project()?;
    let session = project.session(&args.session)?;
    let name = clean(&session.name);
    if args.words.is_empty() {
        let wishes = wishes(&project, session.id)?;
        let asked: Vec<_> = wishes.iter().map(as_json).collect();
        let body = json!({ "session_id": session.id, "asked": asked });
        context
            .terminal
            .result("approvals", body, || list(&name, &wishes))?;
        return Ok(Exit::Ok);
    }
    approve(&mut project, session.id, &args.words)?;
    let body = json!({ "session_id": session.id, "words": args.words });
    context.terminal.result("approved", body, || {
        format!("{name} may run this once: {}", clean(&quoted(&args.words)))
    })?;
    Ok(Exit::Ok)
}

fn as_json(wish: &Wish) -> serde_json::Value {
    json!({
        "words": wish.words,
        "rule": wish.rule,
        "cwd": wish.cwd,
        "times": wish.times,
        "last_ms": wish.last_ms,
        "allowed": wish.allowed,
    })
}

fn list(name: &str, wishes: &[Wish]) -> String {
    if wishes.is_empty() {
        return format!("{name} was denied nothing");
    }
    let mut table = Table::new(&["ASKED", "TIMES", "ALLOWED", "COMMAND"]);
    for wish in wishes {
        table.row([
            Cell::from(ago(now_ms(), wish.last_ms)),
            Cell::from(wish.times.to_string()),
            Cell::from(wish.allowed.to_string()),
            Cell::from(quoted(&wish.words)),
        ]);
    }
    // A command that is cut short cannot be approved.
    table.render(UNCUT)
}
